"""The version of vaekit, where every room may read it without importing the package above it."""

__version__ = "0.3.0"
