"""A file of every format that a vaekit wrote, kept as it was written: read, or refused with what to do."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from vaekit import artifacts
from vaekit.api.reuse import evaluation_of
from vaekit.api.runs import ModelSource
from vaekit.checkpoint import FORMAT, load_checkpoint
from vaekit.data import open_prepared
from vaekit.data.prepared import FORMAT as PREPARED_FORMAT
from vaekit.errors import DataError
from vaekit.options import EvaluationOptions, ModelOptions

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("version", range(1, FORMAT + 1))
def test_checkpoints_of_every_format_are_read(version):
    checkpoint = load_checkpoint(FILES / f"checkpoint-{version}.pt")
    assert checkpoint.run == "old" and checkpoint.epoch == 1 and checkpoint.history[0]["valid_loss"] == 2.0
    for i, weights in enumerate(checkpoint.model.parameters(), 1):
        assert torch.allclose(weights, torch.full_like(weights, 0.01 * i))


def test_prepared_images_of_this_format_are_read_and_older_ones_are_made_again(tmp_path):
    folder = shutil.copytree(FILES / f"prepared-{PREPARED_FORMAT}", tmp_path / "prepared")
    prepared = open_prepared(folder)
    assert prepared.images.shape == (2, 28, 28, 1) and prepared.index["image_id"].tolist() == ["0", "1"]
    meta = json.loads((folder / artifacts.META).read_text())
    (folder / artifacts.META).write_text(json.dumps(meta | {"format": PREPARED_FORMAT - 1}))
    with pytest.raises(DataError, match="is not of this version of vaekit: delete it and prepare the data again"):
        open_prepared(folder)


@pytest.mark.parametrize("older", ["of another version", "without digests"])
def test_a_stage_of_an_older_vaekit_is_made_again(finished, tmp_path, monkeypatch, older):
    shutil.copytree(finished.folder / "reports", tmp_path / "reports")
    (summary,) = (tmp_path / "reports").rglob(artifacts.SUMMARY)
    checkpoint = finished.folder / "checkpoints/small/best.pt"
    source, options = ModelSource(checkpoint, ModelOptions()), EvaluationOptions()
    monkeypatch.setattr("vaekit.api.reuse.evaluate_anew", lambda *_: "anew")
    assert evaluation_of(source, options, tmp_path / "reports", lambda *_: None).folder == summary.parent
    if older == "without digests":
        summary.with_name(artifacts.DIGESTS).unlink()
    else:
        content = json.loads(summary.read_text())
        content["made_by"]["vaekit"] = "0.1.0"
        summary.write_text(json.dumps(content))
        artifacts.write_digests(summary.parent)
    assert evaluation_of(source, options, tmp_path / "reports", lambda *_: None) == "anew"
