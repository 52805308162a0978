"""Groups without a name: planted ones are found and asked about, nothing is where errors are shuffled."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vaekit.failure_analysis.not_found import silent_groups
from vaekit.failure_analysis.slices.confirmation import Scale
from vaekit.failure_analysis.slices.counterfactuals import CHANGES, undone
from vaekit.failure_analysis.slices.embeddings import embeddings
from vaekit.failure_analysis.slices.nameless import STABLE, Group, branches, nameless_groups, overlap
from vaekit.failure_analysis.slices.nameless_findings import Found, NamelessFound, _sentence
from vaekit.failure_analysis.slices.wording import Measure
from vaekit.statistics.differences import mean_difference

N, PLANTED = 800, 40


def planted(seed, ratio=1.35):
    """Looks of 24 numbers, a group in which stands apart and has `ratio` times the error: (looks, error, who)."""
    rng = np.random.default_rng(seed)
    who = np.arange(N) < PLANTED
    looks = rng.standard_normal((N, 24))
    looks[who] += 1.3 * rng.standard_normal(24)
    return {"looks": looks}, 0.01 * rng.lognormal(0, 0.25, N) * np.where(who, ratio, 1.0), who


def test_a_group_that_stands_apart_and_fails_is_found_and_nothing_where_errors_are_shuffled():
    held, silent = 0, 0
    for seed in range(3):
        looks, error, who = planted(seed)
        found = nameless_groups(error, looks, seed=seed)
        held += any(
            (g.mask & who).sum() > 0.5 * max(g.mask.sum(), who.sum()) and g.q < 0.05 and g.came_up >= STABLE
            for g in found.groups
        )
        shuffled = np.random.default_rng(100 + seed).permutation(error)
        silent += not nameless_groups(shuffled, looks, seed=seed).groups
    assert held == silent == 3


def test_a_group_is_found_by_the_first_error_that_shows_it():
    looks, error, who = planted(1)
    even = 0.01 * np.random.default_rng(9).lognormal(0, 0.25, N)
    for errors, by in (([error, even], 0), ([even, error], 1), ([error, error], 0)):
        (group,) = nameless_groups(np.stack(errors), looks).groups
        inside = np.asarray(errors[by])[group.mask].mean() / np.asarray(errors[by])[~group.mask].mean()
        assert group.by == by and group.difference.ratio == pytest.approx(inside) and (group.mask & who).sum() > 20
    assert not nameless_groups(np.stack([even, even[::-1]]), looks).groups


def test_the_medoid_is_of_the_group_and_the_order_of_the_images_changes_no_test():
    looks, error, who = planted(1)
    first = nameless_groups(error, looks).groups[0]
    assert who[np.argmax(np.where(first.mask, first.centrality, -np.inf))]
    d = first.difference
    assert d.ratio == pytest.approx(error[first.mask].mean() / error[~first.mask].mean())


def test_a_group_of_the_least_ratio_is_found_four_times_in_five():
    rng, n, of, formed = np.random.default_rng(0), 1000, 40, 1300
    ratio = NamelessFound((), formed, spread=0.254).least_ratio(of)
    found = 0
    for _ in range(200):
        error = rng.lognormal(0, 0.25, n) * np.where(np.arange(n) < of, ratio, 1.0)
        found += mean_difference(error, np.arange(n) < of).p <= 0.05 / (2 * formed)
    assert 0.65 < found / 200 < 0.95, (found, ratio)
    assert NamelessFound((), formed, spread=2.0).least_ratio(of) == np.inf


def test_few_images_and_images_that_are_all_the_same_form_no_group():
    assert nameless_groups(np.ones(20), {"looks": np.zeros((20, 3))}).formed == 0
    assert nameless_groups(np.ones(200), {"looks": np.zeros((200, 0))}).groups == ()
    assert nameless_groups(np.ones(200), {}).formed == 0


@pytest.mark.parametrize("shape", [(70, 64, 64, 3), (70, 44, 30, 1)])
def test_embeddings_are_finite_of_any_size_and_colour(shape):
    rng = np.random.default_rng(0)
    x, x_hat = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
    x_hat[0] = x[0]
    single = embeddings(SimpleNamespace(x=x, x_hat=x_hat, features=None, mu=np.full((70, 4), 1e30, np.float32)))
    assert set(single) == {"code", "picture", "grain", "shift", "spread"} and all(
        np.isfinite(v).all() for v in single.values()
    )
    assert single["picture"].shape == (70, 24) and np.allclose(single["picture"].std(0), 1)


def test_what_only_the_grain_tells_forms_a_group():
    x = upright(300, 3)
    x[:15] = np.stack([np.asarray(Image.fromarray(p).filter(ImageFilter.GaussianBlur(1))) for p in x[:15]])
    single = embeddings(SimpleNamespace(x=x, x_hat=np.roll(x, 20, 0), features=None, mu=None))
    groups = branches(single["grain"], 8)
    assert max(overlap(np.arange(300) < 15, group) for group in groups) > 0.8


def test_a_busy_group_says_what_is_left_at_equal_complexity_and_another_does_not():
    mask = np.arange(200) < 40
    values = np.where(mask, 1.5, 1.0) * np.random.default_rng(0).lognormal(0, 0.1, 200)
    measure = Measure("Mean squared error", "squared pixel value", Scale(False, 0.0))

    def said(by, at_equal):
        group = Group(mask, mean_difference(values, mask, ratio=True), 0.001, 0.1, by, 20, values)
        return _sentence(Found(mask, group, at_equal, None), measure, 200)

    busy, other = said(1, "0.99 [0.9, 1.1]"), said(0, "")
    assert busy.endswith(" At equal contrast, fine detail and brightness they have 0.99 [0.9, 1.1] times.")
    assert "times the mean squared error of the others; q" in busy
    assert "of the others at equal contrast, fine detail and brightness; q" in other and "they have" not in other


def upright(n, seed):
    """Pictures that are bright on top and red on the left, each a little different."""
    rng = np.random.default_rng(seed)
    down, right = np.mgrid[:32, :32] / 31
    picture = 255 * np.stack([0.8 - 0.4 * down - 0.3 * right, 0.7 - 0.5 * down, 0.6 - 0.5 * down], axis=-1)
    return np.clip(picture + rng.normal(0, 12, (n, 32, 32, 3)), 0, 255).astype(np.uint8)


def knows_upright_only(images):
    return np.broadcast_to(upright(64, 9).mean(0).astype(np.uint8), images.shape)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda p: p[:, ::-1], "they are upside down"),
        (lambda p: p[:, :, ::-1], "they are mirrored"),
        (lambda p: p[..., ::-1], "their red and blue are exchanged"),
        (lambda p: 255 - p, "they are negatives"),
    ],
)
def test_the_change_that_makes_a_group_easier_says_what_it_is(change, state):
    found = undone(change(upright(24, 0)), upright(24, 1), knows_upright_only)
    assert found.change.state == state and found.high < 0.95 and found.others > 0.98


def test_no_change_is_named_where_none_helps_or_all_are_helped():
    assert undone(upright(24, 0), upright(24, 1), knows_upright_only) is None
    turned = upright(24, 0)[:, ::-1], upright(24, 1)[:, ::-1]
    assert undone(*turned, knows_upright_only) is None
    grey = upright(24, 0)[..., :1]
    assert undone(grey[:, ::-1], grey, lambda images: images // 2 * 2) is None


def test_every_change_keeps_shape_and_type():
    for picture in (upright(1, 0)[0], upright(1, 0)[0, :20, :, :1]):
        for change in CHANGES:
            made = change.apply(picture)
            assert made.shape == picture.shape and made.dtype == np.uint8, change.done


def test_a_worse_group_that_changes_with_the_images_is_no_finding_and_is_counted():
    rng = np.random.default_rng(0)
    looks, error = rng.standard_normal((N, 24)), 0.01 * rng.lognormal(0, 0.25, N)
    error[rng.permutation(N)[:40]] *= 2  # images that have nothing in common
    found = nameless_groups(error, {"looks": looks})
    assert all(group.came_up >= STABLE for group in found.groups)
    (one,) = silent_groups(NamelessFound((), 9, unstable=1))
    assert one["sentence"].startswith("Of 9 groups of images alike 1 is reconstructed worse")
    assert one["sentence"].endswith("but is no finding: fewer than 14 of 20 halves of the images form it anew.")
    (none,) = silent_groups(NamelessFound((), 9))
    assert "none is reconstructed worse" in none["sentence"] and "halves" not in none["sentence"]
