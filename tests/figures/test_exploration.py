import numpy as np
import pandas as pd
import pytest

from tests.figures.pasted import pasted
from vaekit.artifacts import EDITS, EXPLORATION_SUMMARY, INTERPOLATIONS, LATENT_MAP, TRAVERSALS
from vaekit.errors import DataError
from vaekit.figures.base import draw
from vaekit.figures.exploration import edit_sheet, interpolation_sheet, traversal_sheet
from vaekit.figures.strips import BLANK, strips

NAMES = ("traversals", "interpolations", "edits", "edit_effects", "latent_map")


def faces(*shape: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, size, size, 3), dtype=np.uint8)


def explored(dims=8, pairs=3, attributes=6, probes=30, n=1000, size=64) -> dict:
    """Artifacts of an exploration with made-up numbers."""
    names = [f"Attribute_{i}" for i in range(probes)]
    rows = [
        {"attribute": name, "value": 1 - 0.1 * i, "low": 0.5, "high": 1.5, "n": 64, "sentence": f"{name} moved."}
        for i, name in enumerate(names[:attributes])
    ]
    effect = np.full((attributes, probes), 0.01)
    effect[np.arange(attributes), np.arange(attributes)] = 1
    effect[1, 0] = -0.7
    place = np.random.default_rng(0).standard_normal((n, 2))
    summary = {
        "traversals": {
            "base": "the mean code",
            "n": n,
            "percentiles": [1.0, 99.0],
            "dims": list(range(dims)),
            "kl": [3.0] * (dims - 1) + [1e-7],
            "low": [-1.0] * dims,
            "high": [1.0] * dims,
            "change": [9.0] * dims,
            "sentences": ["Dim 3 changes most."],
        },
        "interpolations": {
            "pairs": [["000001", "000002"]] * pairs,
            "middle_norm": {"linear": [0.7], "spherical": [1.0]},
            "sentences": ["Half-way."],
        },
        "edits": {"image_ids": ["000003", "000004"], "n": 64, "attributes": rows, "strengths": [-3, 0, 3]},
        "latent_map": {
            "n": n,
            "method": "t-SNE",
            "neighbours": 10,
            "sentences": ["Kept."],
            "attributes": [{"attribute": name, "rate": 0.2, "near": 0.5} for name in names[:4]],
        },
        "absent": {},
    }
    return {
        EXPLORATION_SUMMARY: summary,
        TRAVERSALS: {"pictures": faces(dims, 7, size=size)},
        INTERPOLATIONS: {
            "linear": faces(pairs, 7, size=size),
            "spherical": faces(pairs, 7, size=size),
            "ends": faces(pairs, 2, size=size),
        },
        EDITS: {
            "attributes": np.array(names[:attributes]),
            "probes": np.array(names),
            "effect": effect,
            "pictures": faces(attributes, 2, 3, size=size),
            "strengths": np.array([-3.0, 0, 3]),
        },
        LATENT_MAP: pd.DataFrame(
            {"image_id": [f"{i}" for i in range(n)], "x": place[:, 0], "y": place[:, 1]}
            | {name: np.arange(n) % 5 == 0 for name in names[:4]}
        ),
    }


def test_strips_hold_every_pixel_at_its_place():
    pictures = faces(2, 3, size=8)
    page = np.asarray(strips(pictures, ["", ""]))
    assert page.shape == (16 * 2 + 2, 10 + 3 * 8 + 2 * 2, 3)  # a row is as high as its line of text
    for i in range(2):
        for j in range(3):
            assert (page[i * 18 : i * 18 + 8, 10 + j * 10 : 18 + j * 10] == pictures[i, j]).all()


def test_strips_make_room_for_words_and_groups():
    plain = strips(faces(2, 2), ["a", "b"])
    assert strips(faces(2, 2), ["a", "b"], rows_apart=(1,)).height == plain.height + 12
    assert strips(faces(2, 2), ["a", "b"], columns_apart=(1,)).width == plain.width + 12
    assert strips(faces(2, 2), ["a", "b"], heads=["x", ""]).height > plain.height
    assert strips(faces(2, 2), ["a", "b"], notes=["x", "yy\nz"]).width > plain.width
    assert strips(faces(2, 2), ["a longer label", "b"]).width > plain.width
    assert strips(faces(2, 2), ["x" * 500, "b\x00\u2028c"]).width < 400  # cut, and nothing hidden is drawn
    scaled = strips(faces(2, 2), ["a", "b"], scale=2)
    assert scaled.height == 2 * 128 + 2
    assert strips(faces(2, 2, size=128), ["a", "b"]).width > scaled.width  # larger pictures, larger words


@pytest.mark.parametrize(
    ("pictures", "labels", "options"),
    [
        (faces(2, 2), ["a"], {}),
        (faces(2, 2), ["a", "b"], {"heads": ["x"]}),
        (faces(2, 2), ["a", "b"], {"notes": ["x"]}),
        (faces(2, 2)[0], ["a", "b"], {}),
        (faces(2, 2) / 255, ["a", "b"], {}),
        (faces(0, 2), [], {}),
    ],
)
def test_strips_refuse_what_does_not_fit(pictures, labels, options):
    with pytest.raises(ValueError, match=r"fit|uint8"):
        strips(pictures, labels, **options)


def test_interpolations_have_the_originals_at_both_ends_once():
    ends, pictures = faces(1, 2), {"linear": faces(1, 3), "spherical": faces(1, 3)}
    page = np.asarray(interpolation_sheet([("a", "b")], ends, pictures))
    left = page.shape[1] - (5 * 64 + 4 * 2 + 2 * 12)
    top = page.shape[0] - (2 * 64 + 2)
    assert (page[top : top + 64, left : left + 64] == ends[0, 0]).all()
    assert (page[top : top + 64, -64:] == ends[0, 1]).all()
    assert (page[top + 66 :, left : left + 64] == BLANK).all() and (page[top + 66 :, -64:] == BLANK).all()
    assert (page[top + 66 :, left + 78 : left + 142] == pictures["spherical"][0, 0]).all()


def test_sheets_of_one_row_are_enlarged_and_of_several_runs_are_grouped():
    assert edit_sheet(faces()[:], faces(3), np.array([-1.0, 0, 1]), "Smiling").height > 128
    rows = [{"run": run, "dim": 0, "kl": 1.0, "low": 0.0, "high": 1.0, "change": 2.0} for run in "abab"]
    plain, grouped = (traversal_sheet(faces(4, 3), rows, (1, 99), by_run=by_run) for by_run in (False, True))
    assert grouped.height == plain.height + 12


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "sizes", [{}, {"dims": 1, "pairs": 1, "attributes": 2, "probes": 2, "n": 12}, {"size": 128, "n": 10}]
)
def test_figures_take_any_size_and_are_the_same_to_the_byte(name, sizes):
    artifacts = explored(**sizes)
    drawn = draw(name, artifacts)
    assert sizes or drawn.data == draw(name, artifacts).data
    assert drawn.title and drawn.caption.endswith(".") and drawn.alt.endswith(".")
    assert "None" not in drawn.caption + drawn.alt and "nan" not in drawn.caption + drawn.alt


def test_pictures_of_any_size_stay_within_bounds():
    for name in ("traversals", "interpolations", "edits"):
        for size in (64, 128):
            shown = pasted(draw(name, explored(size=size)))
            assert shown.width * shown.height < 1.7 * 96 * 64 * 64, (name, size)


def test_captions_count_what_is_shown():
    small, large = (draw("traversals", explored(size=size)).caption for size in (64, 128))
    assert small.startswith("The 8 dims") and large.startswith("The 3 dims")
    caption = draw("edits", explored()).caption
    assert "follows Attribute 0 best, with +1.00 per step, Attribute 5 least, with +0.50" in caption
    assert "Test images 000003 and 000004" in caption and "64 test images" in caption


def test_the_strongest_side_effect_is_named():
    drawn = draw("edit_effects", explored())
    assert "The strongest side effect: Attribute 1 moves Attribute 0 by −0.70." in drawn.caption
    assert "the 18 of 30 probes" in drawn.caption and "−0.70" in drawn.data.decode()


def test_a_map_of_many_points_is_a_picture_inside_its_chart():
    few, many = (draw("latent_map", explored(n=n)).data for n in (700, 1000))
    assert b"<image" not in few and b"<image" in many


def test_a_map_without_colours():
    artifacts = explored()
    artifacts[EXPLORATION_SUMMARY]["latent_map"]["attributes"] = []
    drawn = draw("latent_map", artifacts)
    assert "Orange" not in drawn.caption and "coloured by nothing" in drawn.alt


@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_made_says_why(name):
    artifacts = explored()
    part = "edits" if name == "edit_effects" else name
    del artifacts[EXPLORATION_SUMMARY][part]
    artifacts[EXPLORATION_SUMMARY]["absent"] = {part: "The reason."}
    with pytest.raises(DataError, match=r"The reason\."):
        draw(name, artifacts)
    with pytest.raises(DataError, match="is missing"):
        draw(name, {})


def test_hostile_names_show_as_they_are():
    artifacts, name = explored(), "$x^{$ <b>\u202e"
    summary = artifacts[EXPLORATION_SUMMARY]
    summary["edits"]["attributes"][0]["attribute"] = summary["latent_map"]["attributes"][0]["attribute"] = name
    summary["interpolations"]["pairs"] = [["a\nb" * 50, "\x00"]] * 3
    artifacts[EDITS]["attributes"] = np.array([name, *artifacts[EDITS]["attributes"][1:]])
    artifacts[LATENT_MAP][name] = 1
    for figure in NAMES:
        assert draw(figure, artifacts).data
