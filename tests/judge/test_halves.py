"""Train in two halves by image_id: disjoint, complete, and nobody's order or neighbours matter."""

from dataclasses import replace

import numpy as np

from vaekit.judge import seen_rows, unseen_rows


def test_halves_are_disjoint_and_make_up_train(seen_plates):
    seen, unseen = seen_rows(seen_plates), unseen_rows(seen_plates)
    assert np.array_equal(np.sort(np.concatenate([seen, unseen])), seen_plates.rows("train"))
    # Fair coins: within four standard deviations of one half.
    assert abs(len(seen) - len(unseen)) < 4 * np.sqrt(len(seen) + len(unseen))


def test_an_image_keeps_its_half_in_any_order_and_company(seen_plates):
    ids = set(seen_plates.index["image_id"].iloc[seen_rows(seen_plates)])
    order = np.random.default_rng(0).permutation(len(seen_plates.images))[:300]
    other = replace(seen_plates, index=seen_plates.index.iloc[order].reset_index(drop=True))
    found = set(other.index["image_id"].iloc[seen_rows(other)])
    assert found == ids & set(other.index["image_id"])
    assert not found & set(other.index["image_id"].iloc[unseen_rows(other)])
