"""What an evaluation keeps of train and valid images, for others to hold test images against."""

import numpy as np

from vaekit import artifacts
from vaekit.data.prepared import open_prepared
from vaekit.judge import unseen_rows


def test_codes_and_features_of_train_images_that_the_judge_never_saw_and_of_valid_ones(finished):
    (folder,) = (finished.folder / "reports/small").glob("*-test/evaluation")
    kept = artifacts.read_arrays(folder / artifacts.REFERENCE)
    fingerprint = artifacts.read_json(folder / artifacts.SUMMARY)["made_by"]["data_fingerprint"]
    data = next(p.parent for p in finished.folder.parent.rglob("meta.json") if fingerprint in p.read_text())
    prepared = open_prepared(data)
    assert set(kept["rows_train"]) == set(unseen_rows(prepared)) and set(kept["rows_valid"]) == set(
        prepared.rows("valid")
    )
    for split in ("train", "valid"):
        assert len(kept[f"mu_{split}"]) == len(kept[f"features_{split}"]) == len(kept[f"rows_{split}"]) > 0
        assert np.isfinite(kept[f"features_{split}"]).all()
