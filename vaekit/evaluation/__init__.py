"""Evaluation: the contract of a metric in `base`, the one pass in `collect`, the whole stage in `evaluate`."""
