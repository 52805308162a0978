"""Train cut in two by image_id: the judge is made from the seen half, floors and memorisation use the unseen one."""

import hashlib

import numpy as np

from vaekit.data import Prepared


def seen_rows(prepared: Prepared) -> np.ndarray:
    """Return the rows of the train images that the judge is made from, about half of them, ascending int64.

    An image's half depends on its image_id alone: not on the seed, the order or which other images there are.
    """
    rows = _train(prepared)
    result: np.ndarray = rows[_is_seen(prepared, rows)]
    return result


def unseen_rows(prepared: Prepared) -> np.ndarray:
    """Return the rows of the other train images, ascending int64; a set of very few images may have none."""
    rows = _train(prepared)
    result: np.ndarray = rows[~_is_seen(prepared, rows)]
    return result


def _train(prepared: Prepared) -> np.ndarray:
    return np.flatnonzero(prepared.index["split"] == "train")


def _is_seen(prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    ids = prepared.index["image_id"].to_numpy(object)[rows]
    digests = (hashlib.blake2b(str(image_id).encode(), digest_size=1, key=b"judge").digest() for image_id in ids)
    return np.fromiter((digest[0] < 128 for digest in digests), bool, len(ids))
