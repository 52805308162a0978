"""Figures of the probes, from known numbers: what they say, for any number of attributes and dims."""

import numpy as np
import pandas as pd
import pytest

from vaekit.artifacts import DIRECTIONS, PER_DIM, PROBES, PROBES_SUMMARY
from vaekit.errors import DataError
from vaekit.figures.base import draw

KINDS = ("latent", "sampled", "pixels", "random", "shuffled", "majority")
NAMES = ("probes", "dims_by_attribute", "direction_cosines")


def material(count: int = 6, dims: int = 5, names: list[str] | None = None) -> dict:
    """Return artifacts of `count` attributes whose probes rise from 0.6 to 0.9, pixels 0.01 behind them."""
    r = np.random.default_rng(0)
    names = names or [f"Attribute_{k}" for k in range(count)]
    latent = np.linspace(0.6, 0.9, count)
    offsets = {"latent": 0, "sampled": -0.02, "pixels": -0.01, "random": -0.1}
    table = pd.DataFrame(
        [
            {
                "attribute": names[k],
                "kind": kind,
                "n": 500,
                "auroc": latent[k] + offsets.get(kind, 0.5 - latent[k]),
                "auroc_low": latent[k] - 0.05,
                "auroc_high": latent[k] + 0.05,
            }
            for k in range(count)
            for kind in KINDS
        ]
    )
    means = table.groupby("kind")["auroc"].mean()
    rows = {"probe_auroc" if kind == "latent" else f"probe_auroc_{kind}": {"value": means[kind]} for kind in KINDS[:-1]}
    rows["probe_lead"] = {"value": 0.01, "low": 0.004, "high": 0.016}
    single = r.uniform(0.4, 0.6, (count, dims))
    single[-1, 0] = 0.2
    unit = r.normal(size=(count, dims))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return {
        PROBES: table,
        PROBES_SUMMARY: {"reason": None, "rows": rows, "skipped": [{}, {}]},
        DIRECTIONS: {
            "attributes": np.array(names),
            "single_dim_auroc": single,
            "cosine": unit @ unit.T,
            "auroc": latent,
        },
        PER_DIM: pd.DataFrame({"dim": range(dims), "kl": np.arange(dims, dtype=float)}),
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("count", "dims"), [(1, 1), (2, 3), (3, 64), (40, 128)])
def test_any_number_of_attributes_and_dims(name, count, dims):
    drawn = draw(name, material(count, dims))
    assert drawn.suffix == "svg" and drawn.data.startswith(b"<?xml")
    assert drawn.data == draw(name, material(count, dims)).data
    assert drawn.caption.endswith(".") and drawn.alt.endswith(".")
    assert f"Attribute {count - 1}".encode() in drawn.data


def test_probes_stand_sorted_with_their_controls():
    drawn = draw("probes", material())
    assert drawn.caption == (
        "Of 6 attributes Attribute 5 is told best (0.90), Attribute 0 worst (0.60). On average the AUROC on μ "
        "minus that on as many principal components of the pixels is +0.0100 [0.0040, 0.0160]. Fitted on train, "
        "C chosen on valid, scored once on 500 test images. 2 rarer attributes are left out."
    )
    text = drawn.data.decode()
    places = [text.index(f"Attribute {k}") for k in range(6)]
    assert places == sorted(places, reverse=True), "the best is drawn first"
    for words in (
        "μ, 95 % interval, mean 0.750",
        "pixel components, mean 0.740",
        "sampled z, mean 0.730",
        "untrained encoder, mean 0.650",
        "shuffled labels, mean 0.500",
    ):
        assert words in text


def test_the_strongest_single_dim_is_named():
    caption = draw("dims_by_attribute", material()).caption
    assert caption.startswith(
        "The strongest single dim is 0 for Attribute 5: AUROC 0.80 alone, where the probe on all dims reaches 0.90. "
        "For 1 of 6 attributes one dim alone reaches 0.75. The 5 of 5 dims"
    )


def test_shared_and_opposed_directions_are_named():
    artifacts = material(4)
    artifacts[DIRECTIONS]["cosine"] = np.array(
        [[1, 0.1, 0.8, 0], [0.1, 1, 0, -0.7], [0.8, 0, 1, 0.2], [0, -0.7, 0.2, 1]]
    )
    caption = draw("direction_cosines", artifacts).caption
    assert caption.startswith(
        "Attribute 0 and Attribute 2 share most of a direction (cosine 0.80); Attribute 1 and Attribute 3 are the most "
        "opposed (−0.70)."
    )
    labels = draw("direction_cosines", artifacts).data.decode()
    assert abs(labels.index("Attribute 0") - labels.index("Attribute 2")) < abs(
        labels.index("Attribute 0") - labels.index("Attribute 3")
    ), "like stands by like"


@pytest.mark.parametrize("name", NAMES)
def test_without_attributes_the_reason_is_given(name):
    artifacts = material()
    artifacts[PROBES_SUMMARY] = {"reason": "these images have no attributes"}
    with pytest.raises(DataError, match=r"^Not drawn: these images have no attributes\.$"):
        draw(name, artifacts)


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_stay_text(name):
    names = ["$x_1$", "<b>&amp;", "a" * 60, "\u202eright", "Ünïcödé", "plain"]
    text = draw(name, material(names=names)).data.decode()
    assert "<b>" not in text and "a" * 25 not in text and "\u202e" not in text and "$x 1$" in text
