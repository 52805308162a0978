"""Each planted mistake is named with its margin; a healthy model of every style raises nothing."""

import re

import pytest
import torch

from tests.foreign.conftest import CROP
from tests.foreign.live import classes_of, module_of
from tests.foreign.styles import HEADER, SIZE, STYLES, Z, network
from vaekit.data import Protocol
from vaekit.errors import CheckpointError
from vaekit.foreign import measuring
from vaekit.foreign.opening import Opened
from vaekit.foreign.pixels import Images, to_floats
from vaekit.options import EvaluationOptions


def opened(module, images, **options):
    said = {"crop": CROP, "image_size": SIZE, **options}
    return measuring.open_foreign(module, EvaluationOptions(**said), images, "cpu")


def mistakes(checkpoint) -> dict[str, dict]:
    return {finding["question"]: finding for finding in checkpoint.findings if finding["is_mistake"]}


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_model_of_every_style_raises_nothing(seed, trained, images):
    for name in STYLES:
        output = STYLES[name].output
        checkpoint = opened(module_of(name, trained(output, seed)), images)
        assert mistakes(checkpoint) == {}
        assert checkpoint.model.convention.range == ("-1,1" if output == "tanh" else "0,1")


def test_swapped_mean_and_spread(trained, images):
    module = module_of("interleaved", trained())
    with torch.no_grad():
        for tensor in (module.enc[-1].weight, module.enc[-1].bias):
            tensor.copy_(tensor.unflatten(0, (-1, 2)).flip(1).flatten(0, 1))
    found = mistakes(opened(module, images, range="0,1"))["Mean and spread"]
    assert "swapped" in found["answer"]
    better, worse = map(float, re.findall(r"\d\.\d+", found["margin"])[:2])
    assert better < worse


def test_a_wrong_range(trained, images):
    found = mistakes(opened(module_of("tanh", trained("tanh")), images, range="0,1"))["Range"]
    assert found["answer"].startswith("[0,1] was given") and "-1,1 in and -1,1 out" in found["answer"]
    better, worse = map(float, re.findall(r"\d\.\d+", found["margin"]))
    assert better < worse


def test_of_an_untrained_network_no_range_is_called_better(images):
    found = mistakes(opened(module_of("tanh", network("tanh")), images, range="-1,1"))
    assert "Range" not in found and "Reconstruction" in found


VARIANTS = {  # how decode ends -> the question, the answer, and what its margin says
    "a sigmoid twice": ("return self.dec(z).sigmoid().sigmoid()", "Output", "Never below .5", "lowest value 0.5"),
    "dropout active": ("return torch.sigmoid(self.dec(F.dropout(z, 0.5)))", "Randomness", "dropout", ""),
    "noise in the decoder": (
        "y = self.dec(z)\n        return torch.sigmoid(y + 0.1 * torch.randn_like(y))",
        "Randomness",
        "2 times in one run and only one draw is the posterior's",
        "",
    ),
    "a decoder that looks back": (
        "return torch.sigmoid(self.dec(z) + self.last)",
        "Decoder",
        "last encode left",
        "change by up to 0.",
    ),
}
VARIANT = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(*conv_layers(), nn.Linear(1024, 16))
        self.dec = nn.Sequential(*deconv_layers(8, 8))

    def encode(self, x):
        self.last = x - 0.5
        return self.enc(x).chunk(2, 1)

    def decode(self, z):
        {body}

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(mu + torch.randn_like(mu) * torch.exp(logvar / 2)), mu, logvar
"""


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_wrong_with_a_decoder(name, trained, images):
    body, question, answer, margin = VARIANTS[name]
    module = classes_of(HEADER + VARIANT.format(body=body))["Net"]().eval()
    weights = module_of("tanh", trained()).state_dict()
    module.load_state_dict(dict(zip(module.state_dict(), weights.values(), strict=True)))
    found = mistakes(opened(module, images, range="0,1"))
    assert answer in found[question]["answer"] and margin in found[question]["margin"]


def test_the_kl_is_the_measured_one_and_says_what_it_is_summed_over(trained, images):
    checkpoint = opened(module_of("interleaved", trained()), images, range="0,1")
    (said,) = (finding["answer"] for finding in checkpoint.findings if finding["question"] == "KL")
    total, mean = map(float, re.fullmatch(r"(\S+) nats on 32 valid images: .* shows (\S+)\.", said).groups())
    x = to_floats(images.under(Protocol(CROP, SIZE))[:32])
    assert total == pytest.approx(trained().encode(x).kl().mean().item(), rel=1e-2)
    assert mean == pytest.approx(total / Z, rel=1e-2) and "summed over the 8 latent dims" in said


def test_where_nothing_is_drawn_a_tie_is_the_mean_first_and_a_win_has_its_margin(trained, images):
    for net, is_trained in ((network(), False), (trained(), True)):
        checkpoint = opened(module_of("two modules", net), images, range="0,1")
        (found,) = (finding for finding in checkpoint.findings if finding["question"] == "Posterior")
        assert "are parts 1 and 2 of what encode returns" in found["answer"]
        assert ("more" in found["margin"]) and (not is_trained or float(found["margin"].split()[-4]) > 0.1)


def test_batchnorm_statistics_that_were_never_trained(trained, images):
    module = module_of("two modules", trained())
    module.encoder.main[1].reset_running_stats()
    found = mistakes(opened(module, images, range="0,1"))["BatchNorm"]
    assert "1 of 3 layers" in found["answer"] and "encoder.main.1" in found["answer"]


def test_an_encode_that_draws_is_said_and_is_no_mistake(trained, images):
    findings = opened(module_of("sampled only", trained()), images, range="0,1").findings
    assert [f["is_mistake"] for f in findings if f["question"] == "Encode"] == [False]


def test_weights_that_are_no_numbers_are_named(trained, images):
    module = module_of("tanh", trained())
    module.latent.bias.data[3] = torch.nan
    with pytest.raises(CheckpointError, match=r"1 of the .* such as latent.bias"):
        opened(module, images)


def test_test_images_among_the_training_images(trained, images, monkeypatch):
    module = module_of("interleaved", trained())
    told = Opened(module, "live", trained_on=("000003.png", "000008.png"))
    monkeypatch.setattr(measuring, "open_module", lambda *_: told)
    found = mistakes(opened(module, Images(images.under, ("000007", "000008")), range="0,1"))["Test images"]
    assert "1 of the 2 images" in found["answer"] and "000008" in found["answer"]


def test_what_can_not_be_seen_is_said(trained, images):
    assert opened(module_of("tanh", trained("tanh")), images, range="-1,1").findings[-1]["question"] == "Limits"
