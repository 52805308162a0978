"""Every normal draw of torch becomes the constant, whoever makes it."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal

from vaekit.foreign.noise import FAR, ConstantNoise

MU, SIGMA = torch.linspace(-2, 2, 6).view(2, 3), torch.linspace(0.1, 1, 6).view(2, 3)
DRAWS = {
    "randn": lambda: MU + SIGMA * torch.randn(2, 3),
    "randn of a generator": lambda: MU + SIGMA * torch.randn(2, 3, generator=torch.Generator()),
    "randn_like": lambda: MU + SIGMA * torch.randn_like(SIGMA),
    "normal of tensors": lambda: torch.normal(MU, SIGMA),
    "normal of numbers": lambda: MU + SIGMA * torch.normal(0.0, 1.0, (2, 3)),
    "normal, one tensor": lambda: MU + torch.normal(0.0, SIGMA),
    "normal, the other": lambda: SIGMA * torch.normal(torch.zeros(2, 3), 1.0) + MU,
    "normal_": lambda: MU + SIGMA * SIGMA.new(SIGMA.size()).normal_(),
    "normal_ by name": lambda: MU + SIGMA * torch.empty(2, 3).normal_(mean=0, std=1),
    "init.normal_": lambda: MU + SIGMA * nn.init.normal_(torch.empty(2, 3)),
    "Normal.rsample": lambda: Normal(MU, SIGMA).rsample(),
    "Normal.sample": lambda: Normal(MU, SIGMA).sample(),
    "Independent": lambda: Independent(Normal(MU, SIGMA), 1).rsample(),
    "MultivariateNormal": lambda: MultivariateNormal(MU, torch.diag_embed(SIGMA**2)).rsample(),
}


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("name", DRAWS)
def test_mu_and_sigma_of_every_normal_draw(name, mode):
    drawn = []
    for value in (0.0, 1.0, FAR):
        with mode(), ConstantNoise(value) as noise:
            drawn.append(DRAWS[name]())
        assert len(noise.draws) == 1
        assert not noise.others
    torch.testing.assert_close(drawn[0], MU)
    torch.testing.assert_close(drawn[1], MU + SIGMA)
    torch.testing.assert_close((drawn[2] - drawn[0]) / FAR, SIGMA, rtol=1e-6, atol=0)


def test_one_draw_of_several_is_held():
    with ConstantNoise(3.0, only=1) as noise:
        first, second = torch.randn(2), torch.randn(4)
    assert (first == 0).all()
    assert (second == 3).all()
    assert noise.draws == [(2,), (4,)]


def test_dropout_is_the_identity_and_is_noted():
    x = torch.rand(4, 3, 8, 8)
    for mode in (torch.no_grad, torch.inference_mode, torch.enable_grad):
        with mode(), ConstantNoise(0.0) as noise:
            out = F.dropout2d(F.dropout(x, 0.5, training=True), 0.3, training=True)
        torch.testing.assert_close(out, x)
        assert len(noise.others) == 2


def test_the_callers_random_stream_stays_where_it_is():
    torch.manual_seed(1)
    want = torch.randn(3)
    torch.manual_seed(1)
    with ConstantNoise(0.0):
        torch.randn(100)
    assert torch.equal(torch.randn(3), want)


@pytest.mark.parametrize(("dropout", "random"), [(0.0, False), (0.5, True)])
def test_attention_is_random_only_with_dropout(dropout, random):
    q = torch.rand(1, 2, 5, 8)
    with ConstantNoise(1.0) as noise:
        out = torch.nn.functional.scaled_dot_product_attention(q, q, q, dropout_p=dropout)
    assert bool(noise.others) is random
    if not random:
        torch.testing.assert_close(out, torch.nn.functional.scaled_dot_product_attention(q, q, q))
