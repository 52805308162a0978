"""The figures of the diagnosis: drawn from any numbers, the same each time, with captions that say what they show."""

import numpy as np
import pytest

from vaekit.artifacts import DIAGNOSIS_ARRAYS, FINDINGS
from vaekit.errors import DataError
from vaekit.figures.base import draw

NAMES = ("error_map", "spectrum", "preserved", "explained", "fairness")


def arrays(slices=1, half=(7.27, 7.2, 7.35), size=64):
    generator = np.random.default_rng(0)
    face = np.hypot(*np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]) < 0.6
    absolute = np.where(face, 0.02, 0.04)
    absolute[2, 3] = 0.1
    frequency = np.arange(1, size + 1) / 2
    transfer = 1 / (1 + (frequency / 7) ** 2)
    return {
        "regions_absolute": absolute,
        "regions_signed": generator.normal(0, 0.01, face.shape),
        "regions_face": face,
        "regions_slices": np.array([f"Wearing_Hat$ & {k}" for k in range(slices)], dtype=str),
        "regions_slice_maps": np.tile(absolute, (slices, 1, 1)),
        "spectrum_frequency": frequency,
        "spectrum_transfer": transfer,
        "spectrum_transfer_low": transfer - 0.01,
        "spectrum_transfer_high": transfer + 0.01,
        "spectrum_power_ratio": transfer**2 + 3 * (frequency > size / 2 - 2),
        "spectrum_coherence": transfer,
        "spectrum_size": np.array(size),
        "spectrum_half": np.array(half),
        "spectrum_fine": np.array([0.048, 0.0533]),
    }


def share(key, value):
    return {key: value, f"{key}_low": value - 0.1, f"{key}_high": value + 0.1}


def kept(name, n=50, lost=True, reason=None):
    seen = share("kept", 0.2) | share("control", 0.7)
    return {
        "attribute": name,
        "n": n,
        **(seen if n >= 20 else dict.fromkeys(seen)),
        "lost": lost,
        "n_without": 900,
        **share("appears", 0.3),
        **share("appears_control", 0.1),
        "added": 0.2,
        "made_up": lost,
        "reason": reason,
    }


GAP = {
    "group": "Pale_Skin",
    "n_with": 52,
    "n_without": 954,
    "difference": 0.001,
    "low": 0.0005,
    "high": 0.002,
    "found": True,
    "ratio": 1.16,
    "ratio_low": 1.03,
    "ratio_high": 1.36,
    "adjusted": 0.96,
    "adjusted_low": 0.86,
    "adjusted_high": 1.06,
    "face": 1.31,
    "face_low": 1.16,
    "face_high": 1.5,
}
NO_GAP = GAP | {
    "group": "Male",
    "ratio": 1.0,
    "ratio_low": 0.9,
    "ratio_high": 1.1,
    "found": False,
    "adjusted": None,
    "adjusted_low": None,
    "adjusted_high": None,
    "face": None,
    "face_low": None,
    "face_high": None,
}


def findings(**changes):
    r2 = {
        name: {"value": value, "low": value - 0.02, "high": value + 0.02}
        for name, value in (("properties", 0.5), ("attributes", 0.1), ("both", 0.55))
    }
    importance = [
        {"feature": "fine_detail", "label": "fine detail", "kind": "property", "value": 0.4, "low": 0.35, "high": 0.45},
        {"feature": "A$b", "label": "A$b", "kind": "attribute", "value": -0.01, "low": -0.02, "high": 0.0},
    ]
    rows = [
        kept("Eyeglasses"),
        kept("Young", lost=False),
        kept("Bald", n=9, lost=False),
        kept("Oval_Face", reason="unsure"),
    ]
    return {
        "label": "Mean squared error",
        "unit": "squared pixel value",
        "preserved": rows,
        "fairness": [GAP, NO_GAP],
        "explained": {"target": "the log mse", "n": 1006, "r2": r2, "importance": importance},
    } | changes


def drawn(name, **files):
    return draw(name, {DIAGNOSIS_ARRAYS: arrays(), FINDINGS: findings()} | files)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_the_same_each_time_and_has_words(name):
    one, two = drawn(name), drawn(name)
    assert one == two and one.title and one.caption and one.alt
    assert one.data.startswith(b"\x89PNG" if one.suffix == "png" else b"<?xml")


def test_captions_say_the_numbers():
    assert "0.02 in the face (outlined), 0.04" in drawn("error_map").caption.replace("0.04002", "0.04")
    assert "The largest, 0.1, is at the top, left" in drawn("error_map").caption
    caption = drawn("spectrum").caption
    assert (
        "lost from 7.27 cycles per image on, 95 % interval [7.2, 7.35]: detail is resolved down to 4.4 pixels"
        in caption
    )
    assert "Of structure under 2 pixels 4.8 % is kept" in caption and "The power ratio reaches" in caption
    assert (
        "1 is lost beyond blur, first Eyeglasses: still seen in 20 %, where equal blur keeps it in 70 %"
        in drawn("preserved").caption
    )
    assert "Shuffling fine detail costs most, 0.40 of R2" in drawn("explained").caption
    assert "properties predict 50 % [48, 52] of the variance of the log mse" in drawn("explained").caption
    fairness = drawn("fairness").caption
    assert "1 of 2 groups has a gap (q < .05). The largest difference is that of Pale Skin: mean squared" in fairness


@pytest.mark.parametrize("slices", [0, 2, 3, 9])
def test_error_maps_of_any_number_of_slices(slices):
    assert f"{2 + min(slices, 4)} error maps" in drawn("error_map", **{DIAGNOSIS_ARRAYS: arrays(slices)}).alt


def test_a_perfect_model_has_maps_and_no_half_frequency():
    perfect = arrays(0, (np.inf, np.inf, np.inf)) | {
        "regions_absolute": np.zeros((64, 64)),
        "regions_signed": np.zeros((64, 64)),
    }
    assert "More than half" in drawn("spectrum", **{DIAGNOSIS_ARRAYS: perfect}).caption
    assert "0 % of the absolute error" in drawn("error_map", **{DIAGNOSIS_ARRAYS: perfect}).caption


def test_where_the_coarsest_structure_is_lost_no_detail_is_resolved():
    coarsest = float(arrays()["spectrum_frequency"][0])
    for half, lost in ((coarsest, True), (2 * coarsest, False)):
        caption = drawn("spectrum", **{DIAGNOSIS_ARRAYS: arrays(half=(half, half, half))}).caption
        assert ("is lost at every frequency" in caption) is lost and ("detail is resolved" in caption) is not lost


def test_an_interval_that_is_not_known_is_not_drawn():
    one = arrays(half=(7.0, np.nan, np.nan), size=128)
    one["spectrum_transfer_low"] = one["spectrum_transfer_high"] = np.full(128, np.nan)
    assert "interval" not in drawn("spectrum", **{DIAGNOSIS_ARRAYS: one}).caption


def test_attributes_that_could_not_be_followed_are_not_drawn():
    image = drawn("preserved").data
    assert b"Bald (9)" in image and b"Oval Face" not in image
    calm = drawn("preserved", **{FINDINGS: findings(preserved=[kept("Young", lost=False)])}).caption
    assert "None is lost beyond blur. None is made up." in calm


@pytest.mark.parametrize(
    ("name", "empty", "why"),
    [
        ("preserved", {"preserved": []}, "no attribute could be followed"),
        ("preserved", {"preserved": [kept("Bald", reason="few")]}, "no attribute could be followed"),
        ("explained", {"explained": {}}, "too few images"),
        ("explained", {"explained": {"importance": []}}, "too few images"),
        ("fairness", {"fairness": []}, "no group of people"),
    ],
)
def test_what_has_nothing_to_draw_says_why(name, empty, why):
    with pytest.raises(DataError, match=why):
        drawn(name, **{FINDINGS: findings(**empty)})


def test_gaps_of_a_metric_without_a_zero_are_differences():
    rows = [
        row | dict.fromkeys(("ratio", "ratio_low", "ratio_high", "face", "face_low", "face_high"))
        for row in findings()["fairness"]
    ]
    figure = drawn("fairness", **{FINDINGS: findings(fairness=rows, label="PSNR", unit="dB")})
    assert "PSNR +0.001 dB from that of the others" in figure.caption and b"in the face alone" not in figure.data


def test_names_are_no_formulas():
    assert b"A$b" in drawn("explained").data


def test_a_missing_array_is_named():
    lacking = {key: value for key, value in arrays().items() if key != "spectrum_half"}
    with pytest.raises(DataError, match="lacks 'spectrum_half'"):
        drawn("spectrum", **{DIAGNOSIS_ARRAYS: lacking})
