"""Datasets: what lies on disk, decoded once into a mapped array. Batches of tensors: `vaekit.data.loaders`."""

from vaekit.data.base import DATASETS, SPLITS, Limits, Protocol, Source, dataset
from vaekit.data.crop import load_image
from vaekit.data.prepare import find_prepared, prepare
from vaekit.data.prepared import Prepared, open_prepared
from vaekit.data.selection import parse_limit
from vaekit.data.sources import open_source

__all__ = [
    "DATASETS",
    "SPLITS",
    "Limits",
    "Prepared",
    "Protocol",
    "Source",
    "dataset",
    "find_prepared",
    "load_image",
    "open_prepared",
    "open_source",
    "parse_limit",
    "prepare",
]
