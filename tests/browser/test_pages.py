"""What holds of every page: quiet, offline, readable in the dark, on a phone, on paper and with a screen reader."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
