"""The coherent transfer and the grid test, on filters, noise and patterns whose answer is known."""

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

from vaekit.failure_analysis.split import detail as module
from vaekit.failure_analysis.split.base import words
from vaekit.failure_analysis.split.detail import LUMINANCE, RadialSums, half_frequency, radial_sums, spectrum

SIZE, N = 32, 60


def natural(n=N, size=SIZE, seed=0, spread=40.0):
    """Grey noise whose power falls with frequency, as that of photographs does; uint8 (n, size, size, 3)."""
    generator = np.random.default_rng(seed)
    field = sum(gaussian_filter(generator.normal(size=(n, size, size)), (0, s, s)) * s for s in (0.5, 1, 2, 4))
    return as_images(128 + spread * field / field.std())


def as_images(grey):
    return np.rint(np.clip(grey, 0, 255)).astype(np.uint8)[..., None].repeat(3, axis=3)


def blurred(x, sigma):
    return np.rint(gaussian_filter(x.astype(np.float64), (0, sigma, sigma, 0))).astype(np.uint8)


def of(x, x_hat, **options):
    return spectrum(radial_sums(x, x_hat), **options)


def outcome(result, id):
    return next(o for o in result.results if o.id == id)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_a_gaussian_blur_has_its_own_transfer_and_half_frequency(sigma):
    x = natural()
    result = of(x, blurred(x, sigma))
    f = result.arrays["spectrum_frequency"]
    known = np.exp(-2 * (np.pi * sigma * f / SIZE) ** 2)
    strong = known > 0.02  # below it the rounding to 8 bits shows
    np.testing.assert_allclose(result.arrays["spectrum_transfer"][strong], known[strong], atol=0.012)
    half = SIZE * np.sqrt(2 * np.log(2)) / (2 * np.pi * sigma)
    assert result.facts["half_frequency"].value == pytest.approx(half, rel=0.02)
    assert result.facts["detail_px"].value == pytest.approx(SIZE / (2 * half), rel=0.02)


def test_a_gain_is_the_transfer_at_every_frequency():
    x = 2 * (natural() // 2)
    x_hat = (64 + x // 2).astype(np.uint8)
    np.testing.assert_allclose(of(x, x_hat).arrays["spectrum_transfer"], 0.5, rtol=1e-5)
    np.testing.assert_allclose(of(x, x_hat).arrays["spectrum_power_ratio"], 0.25, rtol=1e-5)
    np.testing.assert_allclose(of(x, x_hat).arrays["spectrum_coherence"], 1, rtol=1e-5)


def test_the_rings_hold_all_of_an_images_squares_but_its_mean():
    x = natural(5)
    grey = x @ np.array(LUMINANCE) / 255
    about = np.square(grey - grey.mean((1, 2), keepdims=True)).sum((1, 2))
    np.testing.assert_allclose(radial_sums(x, x).power[:, 1:].sum(1), about, rtol=1e-5)


def test_white_noise_takes_nothing_away():
    x = natural()
    noise = np.random.default_rng(1).normal(0, 15, x.shape[:3])
    result = of(x, as_images(x[..., 0] + noise))
    detail = result.facts["fine_transfer"]
    assert detail.low < 1.02 and detail.high > 0.98
    assert result.facts["half_frequency"].value is None and "more than half" in result.facts["detail_px"].reason
    assert not any(o.found for o in result.results)
    assert result.arrays["spectrum_power_ratio"][-5:].min() > 1.5  # what a power ratio would call detail
    assert result.arrays["spectrum_coherence"][-5:].max() < 0.7


def test_a_planted_texture_that_is_lost_is_found():
    base = blurred(natural(), 3.0)[..., 0].astype(np.float64)
    texture = 12 * np.where(np.random.default_rng(2).random((N, SIZE, SIZE)) < 0.5, -1, 1)
    result = of(as_images(base + texture), as_images(base))
    detail = outcome(result, "detail")
    assert detail.found and detail.effect.high < 0.05 and detail.share > 0.85
    assert words(detail).sentence.startswith("Fine detail is lost: of structure under 2 px the reconstructions keep")


def test_fine_detail_that_is_kept_is_no_finding():
    x = natural()
    detail = outcome(of(x, blurred(x, 0.3)), "detail")
    assert not detail.found and "called lost under 50 %" in words(detail).sentence and not words(detail).remedy


@pytest.mark.parametrize(("period", "other"), [(2, 4), (4, 2)])
def test_a_checkerboard_is_found_and_leaves_the_transfer_alone(period, other):
    x = natural()
    at = np.arange(SIZE) % period < period // 2
    board = 9 * np.where(at[:, None] ^ at[None, :], 1, -1)
    result = of(x, as_images(x[..., 0] + board))
    assert outcome(result, f"grid-{period}").found
    assert "The decoder leaves a grid" in words(outcome(result, f"grid-{period}")).sentence
    assert not outcome(result, f"grid-{other}").found
    assert not outcome(result, "detail").found


@pytest.mark.parametrize("sigma", [0.7, 1.5])
def test_blur_makes_no_grid(sigma):
    x = natural()
    assert not [o.id for o in of(x, blurred(x, sigma)).results if o.found and o.id.startswith("grid")]


def test_a_checkerboard_too_faint_to_see_is_no_finding():
    x = blurred(natural(), 2.0)
    board = np.where((np.arange(SIZE)[:, None] + np.arange(SIZE)) % 2, 1, 0)  # half a grey level about its mean
    some = (np.arange(N) % 10 == 0)[:, None, None]  # in a tenth of the images: 0.16 over all
    grid = outcome(of(x, as_images(x[..., 0] + some * board)), "grid-2")
    assert grid.effect.low > 1.5 and not grid.found


def test_chunks_and_order_change_nothing(monkeypatch):
    x, x_hat = natural(20), blurred(natural(20), 1.5)
    whole = radial_sums(x, x_hat)
    monkeypatch.setattr(module, "CHUNK", 7)
    order = np.random.default_rng(0).permutation(20)
    parts = radial_sums(x[order], x_hat[order])
    np.testing.assert_allclose(parts.cross, whole.cross[order], rtol=1e-9, atol=1e-9)
    a, b = spectrum(whole), spectrum(parts)
    for name in a.arrays:
        np.testing.assert_allclose(a.arrays[name], b.arrays[name], atol=0.02)
    assert a.facts["half_frequency"].value == pytest.approx(b.facts["half_frequency"].value, rel=1e-9)
    assert spectrum(whole, seed=3).facts == spectrum(whole, seed=3).facts


def test_the_interval_covers_the_known_transfer():
    generator, covered, runs = np.random.default_rng(5), 0, 200
    frequency = np.arange(0, 17) / 1.0
    for run in range(runs):
        power = generator.gamma(2.0, 1.0, (80, 17)) / (1 + frequency)
        own = np.clip(0.3 + 0.15 * generator.normal(size=(80, 1)), 0, 1) * np.ones(17)
        # Images with more fine structure keep less of it: the ratio of sums is not the mean of ratios.
        kept = own * (1 - 0.1 * power / (1 + power))
        sums = RadialSums(32, frequency, power * kept, power, power, *[np.ones((0, 2, 2))] * 3)
        row = spectrum(sums, seed=run).facts["fine_transfer"]
        covered += row.low <= TRUE_FINE <= row.high
    assert stats.binomtest(covered, runs, 0.945).pvalue > 1e-3, covered


def _true_fine():
    generator = np.random.default_rng(6)
    frequency = np.arange(8, 17)
    power = generator.gamma(2.0, 1.0, (400_000, 9)) / (1 + frequency)
    own = np.clip(0.3 + 0.15 * generator.normal(size=(400_000, 1)), 0, 1)
    return (power * own * (1 - 0.1 * power / (1 + power))).sum() / power.sum()


TRUE_FINE = _true_fine()


def test_half_frequency_lies_on_the_line_between_two_rings():
    f = np.array([0, 1.0, 2.0, 3.0])
    assert half_frequency(np.array([1, 0.9, 0.6, 0.4]), f) == pytest.approx(2.5)
    assert half_frequency(np.array([1, 0.4, 0.3, 0.2]), f) == 1
    assert half_frequency(np.array([1, 0.9, 0.8, 0.5]), f) == np.inf
    both = half_frequency(np.array([[1, 0.9, 0.6, 0.4], [1, 1, 1, 1]]), f)
    assert both.tolist() == [2.5, np.inf]


@pytest.mark.parametrize("n", [0, 1, 10])
def test_few_images_say_what_can_not_be_said(n):
    x = natural(12)[:n]
    result = of(x, x)
    assert not any(o.found for o in result.results)
    assert all("too few (20 are the least)" in words(o).sentence for o in result.results)
    assert result.facts["fine_transfer"].n == n and (result.facts["fine_transfer"].value is None) == (n == 0)
    assert all(fact.low is None and fact.high is None and fact.reason for fact in result.facts.values())


def test_images_without_structure_are_said_to_have_none():
    flat = np.full((30, SIZE, SIZE, 3), 90, np.uint8)
    result = of(flat, flat)
    assert "the images have none" in words(outcome(result, "detail")).sentence or not outcome(result, "detail").found
    assert not any(o.found for o in result.results)


def test_a_model_that_ignores_the_image_keeps_nothing():
    x = natural()
    result = of(x, natural(seed=9))
    assert "even of the coarsest structure" in words(outcome(result, "detail")).sentence


def test_pictures_begin_with_the_image_that_loses_most():
    x = natural()
    strong = as_images(128 + 2.0 * (natural(seed=4)[..., 0].astype(float) - 128))
    x[7] = strong[7]
    result = of(x, blurred(x, 1.5))
    assert outcome(result, "detail").found and outcome(result, "detail").rows[0] == 7


def test_a_grid_of_one_colour_is_found():
    x = natural()
    x_hat = x.astype(int)
    x_hat[..., 0] += 3 * np.where((np.arange(SIZE)[:, None] + np.arange(SIZE)) % 2, 1, -1)
    x_hat[..., 1] -= 2 * np.where((np.arange(SIZE)[:, None] + np.arange(SIZE)) % 2, 1, -1)
    assert outcome(of(blurred(x, 1.0), np.clip(x_hat - x + blurred(x, 1.0), 0, 255).astype(np.uint8)), "grid-2").found


def test_grids_of_two_periods_are_one_finding():
    x = natural()
    boards = []
    for period, strength in ((2, 5), (4, 9)):
        at = np.arange(SIZE) % period < period // 2
        boards.append(strength * np.where(at[:, None] ^ at[None, :], 1, -1))
    result = of(x, as_images(x[..., 0] + sum(boards)))
    (found,) = [r for r in result.results if r.kind == "grid"]
    assert found.found and found.id == "grid-4" and "A grid of 2 pixels is part of it" in words(found).evidence[0]
