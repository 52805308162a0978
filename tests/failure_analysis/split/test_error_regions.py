"""Error maps and regions, on errors that were put where they are."""

import numpy as np
import pytest
from scipy import stats

from tests.failure_analysis.split.test_detail import natural
from vaekit.failure_analysis.face_area import covered, face_mask
from vaekit.failure_analysis.split import error_regions as module
from vaekit.failure_analysis.split.base import words
from vaekit.failure_analysis.split.error_regions import regions

SIZE, N = 32, 60
FACE = face_mask(SIZE)


def pairs(face_error, around_error, n=N, seed=0):
    """Pairs whose absolute error is about `face_error` grey levels in the face and `around_error` around it."""
    generator = np.random.default_rng(seed)
    x = generator.integers(90, 160, (n, SIZE, SIZE, 3))
    sign = np.where(generator.random(x.shape) < 0.5, -1, 1)
    size = np.where(FACE[:, :, None], face_error, around_error) * generator.uniform(0.8, 1.2, (n, 1, 1, 1))
    return x.astype(np.uint8), np.rint(x + sign * size).astype(np.uint8)


def of(x, x_hat, **options):
    return regions(x, x_hat, x.mean(0) / 255 if len(x) else np.zeros((SIZE, SIZE, 3)), sides=(178, 178), **options)


def outcome(result, id):
    return next(o for o in result.results if o.id == id)


@pytest.mark.parametrize("crop", [178, 148, 140, "none"])
def test_the_ellipse_holds_the_features_and_not_the_corners(crop):
    mask = face_mask(178, covered(crop, 178, 178))
    sides = (178, 218) if crop == "none" else (crop, crop)
    for column, row, inside in (
        (69, 111, True),
        (109, 111, True),
        (89, 152, True),
        (89, 60, True),
        (89, 50, False),
        (30, 120, False),
        (150, 120, False),
    ):
        x, y = ((v - (w - s) / 2) / s for v, w, s in zip((column, row), (178, 218), sides, strict=True))
        assert mask[int(y * 178), int(x * 178)] == inside, (column, row)
    assert 178 * 218 * face_mask(400, (178, 218)).mean() == pytest.approx(np.pi * 46 * 64, rel=0.01)


def test_means_are_those_of_the_pixels():
    x, x_hat = pairs(6, 12)
    result = of(x, x_hat, slices={"first": np.arange(10), "odd": np.arange(N) % 2 == 1})
    error = x_hat.astype(float) - x
    np.testing.assert_allclose(result.arrays["regions_absolute"], np.abs(error).mean((0, 3)) / 255, rtol=1e-6)
    np.testing.assert_allclose(result.arrays["regions_signed"], error.mean((0, 3)) / 255, atol=1e-9)
    first, odd = result.arrays["regions_slice_maps"]
    np.testing.assert_allclose(first, np.abs(error[:10]).mean((0, 3)) / 255, rtol=1e-6)
    np.testing.assert_allclose(odd, np.abs(error[1::2]).mean((0, 3)) / 255, rtol=1e-6)
    assert result.arrays["regions_slices"].tolist() == ["first", "odd"]
    squares = (error / 255) ** 2
    np.testing.assert_allclose(result.columns["face_mse"], squares[:, FACE].mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(result.columns["surroundings_mse"], squares[:, ~FACE].mean((1, 2)), rtol=1e-6)
    area = FACE.mean()
    whole = area * result.columns["face_mse"] + (1 - area) * result.columns["surroundings_mse"]
    np.testing.assert_allclose(whole, squares.mean((1, 2, 3)), rtol=1e-9)
    r2 = 1 - squares[:, FACE].sum() / ((x / 255 - x.mean(0) / 255) ** 2)[:, FACE].sum()
    assert result.facts["face_r2"].value == pytest.approx(r2, rel=1e-5)


@pytest.mark.parametrize(("face", "around", "where"), [(6, 12, "What surrounds the face"), (12, 6, "The face")])
def test_the_worse_region_is_named_with_its_share(face, around, where):
    x, x_hat = pairs(face, around)
    found = outcome(of(x, x_hat), "region")
    area = FACE.mean()
    shares = np.array([area * face**2, (1 - area) * around**2]) / (area * face**2 + (1 - area) * around**2)
    assert found.found and words(found).sentence.startswith(where)
    assert found.share == pytest.approx(shares[int(around > face)], abs=0.02)
    assert found.effect.ratio == pytest.approx((around / face) ** 2, rel=0.03) and found.p < 1e-6


def test_an_even_error_is_no_finding_and_says_from_where_on_it_would_be():
    result = of(*pairs(8, 8))
    assert not any(o.found for o in result.results)
    assert "from 1.25 times on" in words(outcome(result, "region")).sentence


def test_a_difference_that_is_certain_and_small_is_no_finding():
    region = outcome(of(*pairs(20, 21)), "region")
    assert region.effect.low > 1.05 and region.p < 1e-6 and region.effect.value < 1.25 and not region.found


@pytest.mark.parametrize(("shift", "word"), [(6, "bright"), (-6, "dark")])
def test_a_shift_of_the_face_is_found_with_its_size(shift, word):
    x, _ = pairs(0, 0)
    x_hat = (x.astype(int) + np.where(FACE[:, :, None], shift, 0)).astype(np.uint8)
    x_hat = (x_hat + np.random.default_rng(0).integers(-1, 2, x.shape)).astype(np.uint8)
    result = of(x, x_hat)
    assert outcome(result, "shift-face").found and not outcome(result, "shift-surroundings").found
    assert f"too {word} on average" in words(outcome(result, "shift-face")).sentence
    assert result.facts["face_shift"].value == pytest.approx(shift / 255, abs=0.001)
    assert outcome(result, "shift-face").share > 0.9


def test_the_interval_of_the_ratio_covers_it():
    generator, covered, runs = np.random.default_rng(1), 0, 200
    for run in range(runs):
        face, around = generator.gamma(2, 1, 100), generator.gamma(2, 1.5, 100)
        columns = np.column_stack([face, around, face, around, face, around])
        row = module._facts(columns, 0.3, run)["surroundings_ratio"]
        covered += row.low <= 1.5 <= row.high
    assert stats.binomtest(covered, runs, 0.945).pvalue > 1e-3, covered


def test_order_and_chunks_change_nothing(monkeypatch):
    x, x_hat = pairs(6, 12, 20)
    whole = of(x, x_hat)
    monkeypatch.setattr(module, "CHUNK", 7)
    order = np.random.default_rng(0).permutation(20)
    parts = of(x[order], x_hat[order])
    for name, column in whole.columns.items():
        np.testing.assert_allclose(parts.columns[name], column[order], rtol=1e-12)
    np.testing.assert_allclose(parts.arrays["regions_absolute"], whole.arrays["regions_absolute"], rtol=1e-12)
    for name, row in whole.facts.items():
        assert parts.facts[name].value == pytest.approx(row.value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("n", [0, 1, 10])
def test_few_images_say_what_can_not_be_said(n):
    x, x_hat = pairs(6, 12, 12)
    result = of(x[:n], x_hat[:n])
    assert not any(o.found for o in result.results) and all("too few" in words(o).sentence for o in result.results)
    row = result.facts["surroundings_ratio"]
    assert (row.value is None) == (n == 0)
    assert all(row.low is None and row.high is None and row.reason for row in result.facts.values())


def test_a_perfect_model_has_no_error_to_share_out():
    x = natural(30)
    result = of(x, x)
    assert not any(o.found for o in result.results)
    assert result.facts["surroundings_share"].reason == "there is no error"
    assert result.facts["face_r2"].value == 1


@pytest.mark.parametrize(
    ("crop", "height", "width", "sides"),
    [
        (178, 64, 64, (178, 178)),
        ("none", 64, 64, (178, 218)),
        ("none", 218, 178, (178, 178)),
        (178, 218, 178, (178, 178)),
    ],
)
def test_the_central_square_of_a_picture_is_where_it_is_in_the_aligned_image(crop, height, width, sides):
    assert covered(crop, height, width) == pytest.approx(sides)
