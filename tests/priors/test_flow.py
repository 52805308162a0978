"""The flow against the change of variables itself, and against codes whose density is known."""

import numpy as np
import pytest
import torch

from vaekit.errors import VaekitError
from vaekit.priors import Posteriors
from vaekit.priors.flow import fit_flow, flow_of


def ring(n: int, seed: int) -> Posteriors:
    """Codes on a ring in two of four dims: no Gaussian has its hole."""
    generator = np.random.default_rng(seed)
    angle, radius = generator.uniform(0, 2 * np.pi, n), 5 + 0.3 * generator.normal(size=n)
    mu = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), generator.normal(size=(n, 2))])
    mu = mu.astype(np.float32)
    return Posteriors(mu, np.full_like(mu, 0.05), mu)


@pytest.fixture(scope="module")
def flow():
    return fit_flow(ring(20_000, 0), ring(1000, 1), seed=0)


def test_density_is_the_change_of_variables(flow):
    z, density = ring(6, 2).z.astype(np.float64), flow.log_prob(ring(6, 2).z)

    def noise_of(code: torch.Tensor) -> torch.Tensor:
        x = torch.linalg.solve_triangular(
            torch.from_numpy(flow.root), (code - torch.from_numpy(flow.centre))[:, None], upper=False
        )[:, 0][None]
        for layer in flow.layers:
            x, _ = layer(x)
        return x[0]

    flow.layers.double()
    try:
        for code, found in zip(torch.from_numpy(z), density, strict=True):
            jacobian = torch.autograd.functional.jacobian(noise_of, code)
            expected = torch.linalg.slogdet(jacobian)[1] - 0.5 * (noise_of(code).square().sum() + 4 * np.log(2 * np.pi))
            assert found == pytest.approx(float(expected.detach()), abs=1e-3)
    finally:
        flow.layers.float()


def test_learns_a_hole_that_no_gaussian_has(flow):
    held_out = ring(2000, 3).z
    gauss = -0.5 * (np.linalg.slogdet(2 * np.pi * np.e * np.cov(held_out.T))[1])
    assert flow.log_prob(held_out).mean() > gauss + 0.5
    radius = np.linalg.norm(flow.sample(2000, seed=1)[:, :2], axis=1)
    assert np.median(radius) == pytest.approx(5, abs=0.5)


def test_draws_are_what_the_density_says_and_survive_a_file(flow):
    drawn = flow.sample(4000, seed=2)
    again = flow_of({name: array.copy() for name, array in flow.arrays().items()})
    assert np.allclose(again.sample(5, seed=2), drawn[:5], atol=1e-5)
    assert again.log_prob(drawn) == pytest.approx(flow.log_prob(drawn), abs=1e-4)
    # E[1 / p] over draws inside a box is its volume.
    box = (np.abs(drawn) < [8, 8, 1, 1]).all(1) & (np.linalg.norm(drawn[:, :2] - [5, 0], axis=1) < 0.5)
    volume = (np.exp(-flow.log_prob(drawn)) * box).mean()
    assert volume == pytest.approx(np.pi * 0.25 * 4, rel=0.35)


def test_what_can_not_be_fitted_says_why():
    few = ring(100, 0)
    with pytest.raises(VaekitError, match="256 train images or more, and there are 100"):
        fit_flow(few, few, seed=0)
    many = ring(300, 0)
    with pytest.raises(VaekitError, match="one dim"):
        fit_flow(*(Posteriors(p[:, :1], p[:, :1], p[:, :1]) for p in (many.mu, many.mu)), seed=0)
