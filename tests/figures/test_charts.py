import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.base import FIGURES, draw
from vaekit.figures.curves import figure_bytes, training_curves
from vaekit.figures.words import in_sentence, plural, readable

COLUMNS = ("train_loss", "train_recon_nll", "train_kl", "valid_loss", "valid_recon_nll", "valid_kl", "valid_mse")


def history(epochs: int, value: float | None = None) -> pd.DataFrame:
    values = {name: np.linspace(5 + i, 1 + i, epochs) if value is None else value for i, name in enumerate(COLUMNS)}
    return pd.DataFrame({"epoch": np.arange(1, epochs + 1), "step": 1, **values})


def per_dim(dims: int, kl: float | None = None) -> pd.DataFrame:
    values = np.geomspace(1e-6, 8, dims) if kl is None else np.full(dims, kl)
    regime = np.where(values > 1, "active", np.where(values > 0.01, "mixed", "passive"))
    columns = {"mu_mean": 0.0, "mu_var": values, "sigma2_mean": 1.0, "regime": regime, "sensitivity": values}
    return pd.DataFrame({"dim": range(dims), "kl": values, "variance": 1.0, "kurtosis": 3.0, **columns})


def per_image(mse: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"image_id": [f"{i}.jpg" for i in range(len(mse))], "mse": mse})


@pytest.mark.parametrize(
    "table", [history(1), history(3), history(200), history(4, 2.0), history(3, np.nan), history(1)[["epoch"]]]
)
def test_training_curves_take_any_history(table):
    svg = figure_bytes(training_curves(table), "svg")
    assert svg == figure_bytes(training_curves(table), "svg")
    assert draw("training", {artifacts.HISTORY: table}).data == svg


def test_training_curves_say_what_is_not_finite():
    table = history(4)
    table.loc[2, "valid_loss"] = np.inf
    drawn = draw("training", {artifacts.HISTORY: table})
    assert b"1 not finite" in drawn.data
    assert "1 of 4 epochs has no finite valid loss" in drawn.caption


def test_training_caption_counts():
    table = history(3)
    table["valid_loss"] = [4.0, 2.0, 3.0]
    caption = draw("training", {artifacts.HISTORY: table}).caption
    assert "The valid loss falls from 4 to 3; the best, 2, is epoch 2." in caption and "last epoch" not in caption
    table["valid_loss"] = [4.0, 5.0, 3.0]
    assert (
        "The valid loss falls from 4 to 3; the last epoch is the best."
        in draw("training", {artifacts.HISTORY: table}).caption
    )


def test_a_valid_loss_under_the_train_loss_is_explained():
    table = history(3).assign(train_loss=3.0)
    for valid, side in ((4.0, "1 above the train loss."), (2.0, "1 below the train loss, which is the mean over an")):
        assert f"lies {side}" in draw("training", {artifacts.HISTORY: table.assign(valid_loss=valid)}).caption


def test_figures_carry_no_date_and_only_two_formats():
    svg = figure_bytes(training_curves(history(2)), "svg")
    assert not re.search(rb"<metadata|dc:date|Matplotlib", svg)
    assert figure_bytes(training_curves(history(2)), "png").startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="pdf"):
        figure_bytes(training_curves(history(2)), "pdf")


@pytest.mark.parametrize("dims", [1, 128, 512])
@pytest.mark.parametrize("kl", [None, 0.0, np.nan])
@pytest.mark.parametrize("name", ["kl_per_dim", "posterior", "sensitivity"])
def test_latent_figures_take_any_code(name, dims, kl):
    drawn = draw(name, {artifacts.PER_DIM: per_dim(dims, kl)})
    assert drawn.data.startswith(b"<?xml")
    assert re.search(r"\d|only", drawn.caption)
    assert drawn.alt


@pytest.mark.parametrize("dims", [1, 3, 200])
@pytest.mark.parametrize("kl", [None, 0.0])
def test_figures_of_the_aggregate_posterior_take_any_code(dims, kl):
    table = per_dim(dims, kl)
    shown = np.unique(np.linspace(0, dims - 1, 8).astype(int))
    at = np.linspace(-5, 5, 11)
    arrays = {
        "correlation": np.eye(dims),
        "histogram_dims": shown,
        "histogram_bins": at,
        "density_at": at,
        "histogram_counts": np.zeros((len(shown), 10)),
        "density": np.zeros((len(shown), 11)),
    }
    rows = {"active_units": {"value": 0}}
    thresholds = [1e-4, 1e-2, 1.0]
    sweep = {"thresholds": thresholds, "counts": [int((table["mu_var"] > t).sum()) for t in thresholds]}
    over = pd.concat([table[["dim", "kl"]].assign(epoch=e) for e in (1, 2)])
    files = {
        artifacts.PER_DIM: table,
        artifacts.LATENT_ARRAYS: arrays,
        artifacts.KL_PER_DIM: over,
        artifacts.LATENT: {"active_units": sweep, "rows": rows},
    }
    for name in ("correlation", "aggregate", "active_units", "kl_over_training"):
        drawn = draw(name, files)
        assert drawn.data.startswith(b"<?xml") and re.search(r"\d", drawn.caption) and re.search(r"\d", drawn.alt)


def test_the_largest_correlation_is_named_by_its_dims():
    matrix = np.eye(4)
    matrix[1, 3] = matrix[3, 1] = -0.75
    table = per_dim(4)
    files = {artifacts.PER_DIM: table, artifacts.LATENT_ARRAYS: {"correlation": matrix}}
    assert "is 0.75 (dims 1 and 3)" in draw("correlation", files).caption


def test_kl_caption_counts_the_dims_that_carry_half():
    table = per_dim(4)
    table["kl"] = [1.0, 6.0, 2.0, 0.001]
    caption = draw("kl_per_dim", {artifacts.PER_DIM: table}).caption
    assert caption.startswith(
        "Half of the 9.001 nats per image lies in 1 of 4 dims; the largest has 6, and 1 of 4 dims has less than 0.01"
    )


@pytest.mark.parametrize(
    "mse", [[0.1], [0.1] * 5, [0.0, 0.0], [np.nan], [0.1, np.nan, np.inf], list(np.linspace(0.01, 0.9, 500))]
)
def test_error_distribution_takes_any_errors(mse):
    drawn = draw("error_distribution", {artifacts.PER_IMAGE: per_image(mse)})
    lost = sum(not np.isfinite(value) for value in mse)
    assert (f"{lost} of {plural(len(mse), 'image')} ha" in drawn.caption) == (lost > 0)


def test_a_missing_file_gives_its_reason_and_a_missing_column_its_name():
    with pytest.raises(DataError, match="never trained"):
        draw("training", {}, {artifacts.HISTORY: "It was never trained."})
    with pytest.raises(DataError, match=r"per_dim\.csv lacks 'kl'"):
        draw("kl_per_dim", {artifacts.PER_DIM: pd.DataFrame({"dim": [1]})})


def test_attribute_names_are_no_formulas():
    row = {
        "n_with": 5,
        "n_without": 9,
        "mean_with": 2.0,
        "mean_without": 1.0,
        "difference": 1.0,
        "low": 0.5,
        "high": 1.5,
    }
    table = pd.DataFrame([{"attribute": "a$b$c\\frac{", **row}, {"attribute": "Hat", **row, "difference": np.nan}])
    ranked = {"label": "Error $x$", "unit": "$", "ranked_by": "mse"}
    drawn = draw("attributes", {artifacts.SLICES: table, artifacts.FAILURES_SUMMARY: ranked})
    assert b"a$b$c\\frac{" in drawn.data
    assert "1 largest of 2" in drawn.caption
    empty = draw("attributes", {artifacts.SLICES: table[1:], artifacts.FAILURES_SUMMARY: ranked})
    assert "None of 1 attribute " in empty.caption
    nothing = draw("attributes", {artifacts.SLICES: table[:0].astype(object), artifacts.FAILURES_SUMMARY: ranked})
    assert "None of 0 attributes " in nothing.caption  # as it is read back where there was one test image


def test_labels_keep_their_abbreviations():
    assert in_sentence("Mean squared error") == "mean squared error"
    assert in_sentence("SSIM") == "SSIM"
    assert readable("Wearing_Hat\u202e") == "Wearing Hat⟨U+202E⟩"


def test_figures_load_neither_torch_nor_pyplot_state():
    code = (
        "import sys; from vaekit.figures.base import FIGURES; FIGURES.names(); import matplotlib._pylab_helpers as p; "
        "assert 'torch' not in sys.modules; assert not p.Gcf.figs"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {"training", "kl_per_dim", "samples", "gallery_worst"} <= set(FIGURES.names())
