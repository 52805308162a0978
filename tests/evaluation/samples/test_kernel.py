import numpy as np
import pytest
import torch

from vaekit.evaluation.samples import kernel
from vaekit.evaluation.samples.kernel import kernel_of, kid


def draws(n: int, m: int, seed: int, shift: float = 0.0, dims: int = 8) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, dims)), generator.normal(size=(m, dims)) + shift


def reference(a: np.ndarray, b: np.ndarray, paired: bool = False) -> float:
    """Pair by pair, as the paper writes it."""

    def k(x, y):
        return (x @ y / a.shape[1] + 1) ** 3

    n, m = len(a), len(b)
    own = [
        sum(k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j) / (len(s) * (len(s) - 1))
        for s in (a, b)
    ]
    crossed = [k(a[i], b[j]) for i in range(n) for j in range(m) if not (paired and i == j)]
    return sum(own) - 2 * np.mean(crossed)


@pytest.mark.parametrize("block", [4, 1024])
def test_equals_the_definition_and_torchmetrics(block, monkeypatch):
    from torchmetrics.image.kid import poly_mmd

    monkeypatch.setattr(kernel, "BLOCK", block)
    a, b = draws(13, 13, 1, shift=0.3)
    found = kid(kernel_of(a), kernel_of(b))
    assert found.value == pytest.approx(reference(a, b), rel=1e-12)
    assert found.value == pytest.approx(float(poly_mmd(torch.from_numpy(a), torch.from_numpy(b))), rel=1e-9)
    assert kid(kernel_of(a), kernel_of(b), paired=True).value == pytest.approx(reference(a, b, paired=True), rel=1e-12)
    a, b = draws(9, 17, 2)
    assert kid(kernel_of(a), kernel_of(b)).value == pytest.approx(reference(a, b), rel=1e-12)


def test_unbiased_over_200_draws_of_equal_sets():
    values = np.array([kid(*map(kernel_of, draws(30, 40, 100 + i))).value for i in range(200)])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(200)
    assert 40 < (values < 0).sum() < 180  # negative as often as an unbiased estimate of 0 must be


def test_unbiased_over_paired_draws():
    """An image with its own noisy copy, both of one distribution: 0 on average too."""
    values = []
    for i in range(200):
        a, noise = draws(30, 30, 400 + i)
        values.append(kid(kernel_of(a), kernel_of(0.8 * a + 0.6 * noise), paired=True).value)
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)


def test_intervals_cover():
    found = [kid(*map(kernel_of, draws(80, 80, 700 + i, shift=0.3))) for i in range(120)]
    truth = kid(*map(kernel_of, draws(3000, 3000, 5, shift=0.3))).value
    assert np.mean([f.low <= truth <= f.high for f in found]) > 0.89


def test_order_does_not_matter_and_damage_raises_it():
    a, b = draws(50, 50, 6)
    order = np.random.default_rng(0).permutation(50)
    assert kid(kernel_of(a[order]), kernel_of(b)).value == pytest.approx(
        kid(kernel_of(a), kernel_of(b)).value, rel=1e-9
    )
    values = [kid(kernel_of(a), kernel_of(b + shift)).value for shift in (0, 0.5, 1.0)]
    assert values == sorted(values)


def test_bad_sets_are_refused():
    a, b = draws(5, 5, 7)
    with pytest.raises(ValueError, match="two images"):
        kernel_of(a[:1])
    with pytest.raises(ValueError, match="can not be compared"):
        kid(kernel_of(a), kernel_of(b[:, :3]))
    with pytest.raises(ValueError, match="can not be compared"):
        kid(kernel_of(a), kernel_of(b[:4]), paired=True)
