"""The posterior and the decoder of other people's networks, found without a name being trusted."""

import copy

import pytest
import torch

from tests.foreign.live import classes_of, module_of, pictures
from tests.foreign.styles import HEADER, STYLES, network
from vaekit.errors import CheckpointError
from vaekit.foreign.measuring import check_decoding
from vaekit.foreign.model import ForeignVAE
from vaekit.foreign.pixels import Convention
from vaekit.foreign.posterior import NoRoute, routes


@pytest.mark.parametrize("name", STYLES)
def test_each_style_gives_the_numbers_of_the_same_weights(name):
    net = network(STYLES[name].output)
    module, x = module_of(name, net), pictures()
    as_theirs = 2 * x - 1 if STYLES[name].output == "tanh" else x
    route = routes(module, as_theirs)[0]
    with torch.no_grad():
        want = net.encode(x)
        mu, logvar = route.encode(as_theirs)
        y = route.decode(mu)
        torch.testing.assert_close(mu, want.mu, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(logvar, want.logvar, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(y, route.own(as_theirs), rtol=1e-6, atol=1e-6)
        pixels = (y + 1) / 2 if STYLES[name].output == "tanh" else y
        torch.testing.assert_close(pixels, net.decode(want.mu).mean, rtol=1e-6, atol=1e-6)


BODY = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(*conv_layers(), nn.Linear(1024, 16))
        self.dec = nn.Sequential(*deconv_layers(8, 8))
        self.skip = nn.Conv2d(3, 3, 1)
        self.second = nn.Linear(8, 8)

    def forward(self, x):
        a, b = self.enc(x).chunk(2, 1)
        {body}
"""


def made(body: str) -> torch.nn.Module:
    return classes_of(HEADER + BODY.format(body="\n        ".join(body.splitlines())))["Net"]().eval()


@pytest.mark.parametrize(
    ("spread", "logvar"),
    [
        ("(b / 2).exp()", lambda b: b),
        ("b.exp()", lambda b: 2 * b),
        ("F.softplus(b) + 1e-4", lambda b: 2 * (torch.nn.functional.softplus(b) + 1e-4).log()),
        ("b", lambda b: 2 * b.abs().log()),
        ("b.clamp(-0.1, 0.1).exp().sqrt()", lambda b: b.clamp(-0.1, 0.1)),
    ],
)
def test_whatever_the_second_part_is_called_its_spread_is_measured(spread, logvar):
    module = made(f"sigma = {spread}\nreturn self.dec(a + sigma * torch.randn_like(a)), a, b")
    x = pictures()
    with torch.no_grad():
        a, b = module.enc(x).chunk(2, 1)
        mu, measured = routes(module, x)[0].encode(x)
    torch.testing.assert_close(mu, a, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(measured, logvar(b), rtol=1e-5, atol=2e-6)


def test_a_sigma_far_below_mu_keeps_its_digits():
    module = made("return self.dec(a + 5 + 1e-5 * (b / 2).exp() * torch.randn_like(a)), a")
    x = pictures()
    with torch.no_grad():
        b = module.enc(x).chunk(2, 1)[1]
        logvar = routes(module, x)[0].encode(x)[1]
    torch.testing.assert_close(logvar, b + 2 * torch.tensor(1e-5).log(), rtol=1e-6, atol=1e-6)


def test_sampling_that_only_happens_in_training_mode_is_found_with_batchnorm_at_rest():
    module = made("z = a + (b / 2).exp() * torch.randn_like(a) if self.training else a\nreturn self.dec(z), a, b")
    x = pictures()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    with torch.no_grad():
        a, b = module.enc(x).chunk(2, 1)
        mu, logvar = routes(module, x)[0].encode(x)
    torch.testing.assert_close(mu, a, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(logvar, b, rtol=1e-6, atol=1e-6)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("z = (a + torch.randn_like(a) * (b / 2).exp()) ** 3\nreturn self.dec(z)", "not affine in the noise"),
        (
            "z = a + torch.randn_like(a)\nz2 = self.second(z) + torch.randn_like(a)\nreturn self.dec(z2), z",
            "hierarchical",
        ),
        ("z = a + torch.randn_like(a)\nreturn F.linear(z, torch.ones(3072, 8))", "written in functions"),
    ],
)
def test_what_has_no_gaussian_posterior_is_refused_with_the_reason(body, said):
    with pytest.raises(NoRoute, match=said):
        routes(made(body), pictures())


def test_a_decoder_that_goes_by_more_than_z_decodes_only_what_was_just_encoded():
    module = made("z = a + (b / 2).exp() * torch.randn_like(a)\nreturn self.dec(z) + self.skip(x)")
    x = pictures(8)
    route = routes(module, x)[0]
    check_decoding(route, x)
    assert route.keeps_state
    with torch.no_grad():
        torch.testing.assert_close(route.decode(route.encode(x)[0]), module.dec(module.enc(x)[:, :8]) + module.skip(x))
        mu, logvar = route.encode(x)
        route.decode(mu + 3 * (logvar / 2).exp())
        for other in (mu + 40, mu[:2]):
            with pytest.raises(CheckpointError, match="no samples"):
                route.decode(other)


def test_a_decoder_that_goes_by_z_alone_is_not_suspected():
    module = made("z = a + (b / 2).exp() * torch.randn_like(a)\nreturn torch.sigmoid(self.dec(z)), a, b")
    x = pictures(8)
    route = routes(module, x)[0]
    check_decoding(route, x)
    assert not route.keeps_state


@pytest.mark.parametrize(("mean", "spread"), [("h[:, :8]", slice(8, None)), ("h[:, 1::2]", slice(None, None, 2))])
def test_where_nothing_is_drawn_the_part_that_is_decoded_is_the_mean(mean, spread):
    module = made(f"h = self.enc(x)\nreturn self.dec({mean})")
    x = pictures()
    found = routes(module, x)
    assert len(found) == 1
    with torch.no_grad():
        h = module.enc(x)
        mu, logvar = found[0].encode(x)
    assert torch.equal(mu, eval(mean))
    assert torch.equal(logvar, h[:, spread])


VIEWS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(3 * 32 * 32, 8)
        self.dec = nn.Linear(4, 3 * 32 * 32)

    def forward(self, x):
        mu, logvar = self.enc(x.view(x.size(0), -1)).chunk(2, 1)
        z = mu + torch.randn_like(mu) * (logvar / 2).exp()
        return torch.sigmoid(self.dec(z.view(z.size(0), -1))).view(x.size()), mu, logvar
"""


def test_a_network_that_views_its_input_takes_batches_of_any_layout_and_can_be_copied():
    route = routes(classes_of(HEADER + VIEWS)["Net"]().eval(), pictures())[0]
    model = ForeignVAE(route, Convention("0,1", "as they are"), None).eval()
    x = pictures().permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    twin = copy.deepcopy(model)
    twin.network.enc.reset_parameters()
    with torch.no_grad():
        assert torch.equal(model.encode(x).mu, model.encode(pictures()).mu)
        assert model.reconstruct(x).shape == x.shape
        assert not torch.allclose(twin.encode(x).mu, model.encode(x).mu)
