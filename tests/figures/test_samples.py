import re

import numpy as np
import pandas as pd
import pytest

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.base import draw

SOURCES = {
    "train": "Real train images",
    "blurred": "Test images, blurred",
    "reconstructions": "Reconstructions",
    "interpolations": "Interpolations",
    "aggregate": "Samples from the aggregate posterior",
    "prior": "Samples from the prior",
}
METRICS = ("fid", "fd_attributes", "fd_attributes_inf", "kid_attributes", "precision", "recall", "density", "coverage")


def gap(values: dict[str, float] | None = None, n: int = 400) -> pd.DataFrame:
    """A table in which every metric of a source is its one value; fid is not computed."""
    values = values or dict(zip(SOURCES, (0.5, 0.6, 0.7, 0.75, 0.8, 0.9), strict=True))
    rows = []
    for source, label in SOURCES.items():
        row = {"source": source, "label": label, "n": n, "reason": np.nan}
        for metric in METRICS:
            value = np.nan if metric == "fid" else values[source]
            row |= {metric: value, f"{metric}_low": value - 0.05, f"{metric}_high": value + 0.05}
        rows.append(row)
    return pd.DataFrame(rows)


def files(table: pd.DataFrame) -> dict:
    metrics = {m: {"label": f"The {m}", "higher_is_better": False} for m in METRICS}
    return {
        artifacts.SAMPLING_GAP: table,
        artifacts.SAMPLES: {"metrics": metrics, "memorisation": {"sentence": "Fine."}},
    }


def rates(attributes: int = 3, finding: str = "dropped", sources=("prior", "aggregate")) -> pd.DataFrame:
    rows = [
        {
            "source": source,
            "attribute": f"Hat_{i}",
            "real": 0.3,
            "blurred": 0.25,
            "rate": 0.01 * i / attributes,
            "rate_low": 0.0,
            "rate_high": 0.05,
            "minus_blurred": -0.25 + 0.01 * i,
            "finding": finding if i == 0 else np.nan,
        }
        for source in sources
        for i in range(attributes)
    ]
    return pd.DataFrame(rows)


def pictures(n: int = 48, side: int = 16) -> dict[str, np.ndarray]:
    images = np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    near = {"samples": images[:5], "train": images[5:10], "distance": np.linspace(1.5, 2, 5)}
    near["image_id"] = np.array([f"{i}.jpg" for i in range(5)])
    return {"prior": images, "aggregate": images} | {f"neighbour_{name}": value for name, value in near.items()}


def test_the_gap_is_told_in_times_the_floor():
    drawn = draw("sampling_gap", files(gap()))
    assert drawn.data == draw("sampling_gap", files(gap())).data and drawn.data.startswith(b"<?xml")
    assert drawn.caption.startswith("Samples from the prior are 1.8 times as far from the test images as real train")
    assert "reconstructions 1.4, samples from the fitted aggregate 1.6 times" in drawn.caption
    assert "n = 400" in drawn.caption and "dashed line" in drawn.caption
    assert b"The kid_attributes" in drawn.data and b"The fid" not in drawn.data and b"_inf" not in drawn.data


def test_a_source_without_numbers_leaves_a_gap():
    table = gap()
    table.loc[table["source"].isin(["prior", "train"]), list(METRICS)] = np.nan
    assert b"not computed" in draw("sampling_gap", files(table)).data
    assert "Prior samples have no distance" in draw("sampling_gap", files(table)).caption
    assert "4 of 6 sources" in draw("precision_recall", files(table)).caption
    table[list(METRICS)] = np.nan
    with pytest.raises(DataError, match="No source"):
        draw("sampling_gap", files(table))
    assert b"needs more images" in draw("precision_recall", files(table)).data


def test_what_was_never_compared_says_why():
    with pytest.raises(DataError, match="There is one image"):
        draw("sampling_gap", {artifacts.SAMPLING_GAP: gap(), artifacts.SAMPLES: {"reason": "There is one image."}})


def test_precision_and_recall_are_not_swapped():
    table = gap()
    for name, value in (("precision", 0.97), ("recall", 0.11)):
        table.loc[table["source"] == "prior", name] = value
    caption = draw("precision_recall", files(table)).caption
    assert "come near 11 % of the test images (recall)" in caption and "Of the samples 97 %" in caption
    assert "A density above" in caption  # 0.9 - 0.05 lies over 0.5 + 0.05
    assert "A density above" not in draw("precision_recall", files(gap(dict.fromkeys(SOURCES, 0.5)))).caption


@pytest.mark.parametrize("count", [1, 3, 40])
def test_rates_name_what_is_dropped(count):
    drawn = draw("attribute_rates", {artifacts.ATTRIBUTE_RATES: rates(count)})
    assert drawn.data.startswith(b"<?xml")
    assert "most of all Hat 0: 0 % against 30 % and 25 %" in drawn.caption
    assert drawn.caption.startswith(
        {1: "The 1 attribute by", 40: "The 24 of 40 attributes"}.get(count, f"The {count} attributes")
    )
    assert re.search(rb"font-weight: 700[^>]*>Hat 0<", drawn.data)


def test_rates_of_one_source_and_of_none():
    table = rates(finding="", sources=("aggregate",))
    drawn = draw("attribute_rates", {artifacts.ATTRIBUTE_RATES: table})
    assert "None is drawn less than half as often" in drawn.caption and "aggregate posterior" in drawn.caption
    with pytest.raises(DataError, match="no samples"):
        draw("attribute_rates", {artifacts.ATTRIBUTE_RATES: table[:0]})


SIDES = ("prior", "aggregate")


@pytest.mark.parametrize("side", [16, 64, 128])
def test_prior_stands_beside_aggregate(side):
    drawn = draw("samples_aggregate", files(gap()) | {artifacts.SAMPLE_PICTURES: pictures(side=side)})
    assert drawn.data.startswith(b"<svg") and b">from N(0, I)</text>" in drawn.data
    assert f"{9 if side == 128 else 36} unselected samples each" in drawn.caption
    assert "Neither side is clearly nearer" in drawn.caption
    few = draw("samples_aggregate", {artifacts.SAMPLE_PICTURES: {name: pictures()[name][:4] for name in SIDES}})
    assert few.caption.startswith("4 unselected samples each")
    apart = gap()
    apart.loc[apart["source"] == "prior", ["fd_attributes", "fd_attributes_low", "fd_attributes_high"]] = (9, 8, 10)
    shown = draw("samples_aggregate", files(apart) | {artifacts.SAMPLE_PICTURES: pictures()}).caption
    assert "The right ones are nearer to the test images: the fd_attributes 9.0 on the left, 0.800 on" in shown


def test_a_learned_prior_stands_beside_the_normal():
    learned = gap()
    more = learned[learned["source"] == "prior"].assign(
        source="standard", fd_attributes=9, fd_attributes_low=8, fd_attributes_high=10
    )
    kept = pictures() | {"standard": pictures()["prior"]}
    drawn = draw("samples_aggregate", files(pd.concat([learned, more])) | {artifacts.SAMPLE_PICTURES: kept})
    assert b">from the learned prior</text>" in drawn.data and "a Gaussian mixture" not in drawn.caption
    assert "The right ones are nearer to the test images: the fd_attributes 9.0 on the left" in drawn.caption


def test_pictures_do_without_the_table_and_say_what_is_missing():
    assert "nearer" not in draw("samples_aggregate", {artifacts.SAMPLE_PICTURES: pictures()}).caption
    with pytest.raises(DataError, match="lacks 'prior'"):
        draw("samples_aggregate", {artifacts.SAMPLE_PICTURES: {"aggregate": pictures()["aggregate"]}})
    with pytest.raises(DataError, match="Fine"):
        draw("neighbours", files(gap()) | {artifacts.SAMPLE_PICTURES: {}})


def test_neighbours_are_pairs_with_their_verdict():
    drawn = draw("neighbours", files(gap()) | {artifacts.SAMPLE_PICTURES: pictures()})
    assert drawn.caption.startswith("The 5 train images (below)") and drawn.caption.endswith(
        "(distances 1.5 to 2). Fine."
    )
