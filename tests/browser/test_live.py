"""The decoder in the page draws what torch draws."""

import base64
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.exploration.test_live import wrapped
from vaekit import artifacts
from vaekit.config import load_config
from vaekit.data.pixels import to_uint8
from vaekit.exploration.live import traced
from vaekit.figures.grids import png_bytes
from vaekit.models.base import build_model
from vaekit.reporting.document import Page, Section, Strip
from vaekit.reporting.html import render_html
from vaekit.reporting.sections.live import live_block

PIXELS = """() => new Promise((done) => {
  const canvas = document.querySelector(".decoder canvas");
  const read = () => done([...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]);
  const wait = () => (document.querySelector(".stand output").textContent ? read() : setTimeout(wait, 20));
  wait();
})"""


NARROW = {
    "default": {},
    "residual64": {"model.channels": [8, 16, 32, 64]},
    "dense64": {"model.hidden": [64, 32]},
    "tanh128": {"model.channels": [8, 16, 32, 64], "model.bottleneck": 8},
}


def recipe(name):
    config = load_config(name, {"model.latent_dim": 4, **NARROW[name]})
    return build_model(config.model, config.likelihood, config.data.image_size, seed=0).eval()


def odd():
    """Layers that our own networks do not have, as others' decoders do."""
    return wrapped(
        nn.Conv2d(3, 6, 3, padding=2, dilation=2),
        nn.LeakyReLU(0.2),
        nn.GroupNorm(2, 6),
        nn.ConvTranspose2d(6, 6, 3, 2, 1, output_padding=1, groups=3),
        nn.ELU(),
        nn.SELU(),
        nn.Conv2d(6, 4, (3, 5), (2, 1), (1, 2), groups=2),
        nn.Upsample(scale_factor=(1, 0.5), mode="bilinear"),
        nn.GELU(),
        nn.Upsample(size=(20, 30), mode="bilinear", align_corners=True),
        nn.BatchNorm2d(4),
        nn.Softplus(),
        nn.Upsample(size=(14, 14), mode="nearest"),
        nn.Conv2d(4, 16, 1),
        nn.PixelShuffle(2),
        nn.Conv2d(4, 3, 1, bias=False),
        nn.Hardtanh(-0.5, 0.5),
    )


def grey():
    return wrapped(nn.Conv2d(3, 1, 1), nn.ReLU())


MODELS = {name: (lambda name=name: recipe(name)) for name in NARROW}
MODELS |= {"odd": odd, "grey": grey}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_picture_in_the_page_is_that_of_torch(make, look, tmp_path):
    model = make()
    codes = np.random.default_rng(1).normal(size=(1, 4))
    program = traced(model, codes)
    start = Strip("<b>1", "", (), 1, png_bytes(Image.new("RGB", (28, 28))), 28, 28)
    facts = {
        "program": program.steps,
        "shape": program.shape,
        "off": program.off,
        "sliders": ["Dim </script>"],
        "prior": "p",
    }
    block = live_block(facts, program.weights, codes, np.ones((1, 4)), np.zeros((2, 1, 4)), (start,))
    page = Page("t", "", (), (), (Section("live", "Live", "P", (block,)),), {})
    (tmp_path / "page.html").write_text(render_html(page), encoding="utf-8")
    watched = look(tmp_path / "page.html")
    pixels = np.array(watched.page.evaluate(PIXELS)).reshape(*program.shape[1:], 4)[..., :3]
    with torch.no_grad():
        (expected,) = to_uint8(model.decode(torch.tensor(codes, dtype=torch.float32)).mean)
    assert np.abs(pixels - expected.astype(int)).max() <= 2
    assert watched.complaints == [] and len([url for url in watched.requests if not url.startswith("blob:")]) == 1


def test_draws_are_those_of_the_prior_between_its_temperatures(look, tmp_path):
    model, codes = recipe("dense64"), np.zeros((1, 4))
    draws = np.random.default_rng(2).normal(size=(2, 1, 4)).round(2)
    program = traced(model, codes)
    start = Strip("b", "", (), 1, png_bytes(Image.new("RGB", (28, 28))), 28, 28)
    facts = {
        "program": program.steps,
        "shape": program.shape,
        "off": 0.0,
        "sliders": ["Dim 1"],
        "prior": "one Gaussian",
    }
    block = live_block(facts, program.weights, codes, np.ones((1, 4)), draws, (start,))
    assert "The prior is one Gaussian; 1 draw of it is in the page." in block.caption
    (tmp_path / "page.html").write_text(
        render_html(Page("t", "", (), (), (Section("live", "Live", "P", (block,)),), {})), encoding="utf-8"
    )
    page = look(tmp_path / "page.html").page
    page.locator(".temperature").fill("0.5")
    page.get_by_role("button", name="Draw from the prior").click()
    page.wait_for_timeout(300)
    pixels = np.array(page.evaluate(PIXELS)).reshape(*program.shape[1:], 4)[..., :3]
    with torch.no_grad():
        (expected,) = to_uint8(model.decode(torch.tensor(draws.mean(0), dtype=torch.float32)).mean)
    assert np.abs(pixels - expected.astype(int)).max() <= 2


def test_sliders_draws_and_faces_change_the_picture(look, pages):
    page = look(pages["report"]).page

    def seen() -> bytes:
        page.wait_for_timeout(150)
        return base64.b64encode(json.dumps(page.evaluate(PIXELS)).encode())

    pictures = [seen()]
    page.locator(".starts button").nth(1).click()
    pictures.append(seen())
    page.locator(".sliders input").first.fill("3")
    pictures.append(seen())
    page.get_by_role("button", name="Reset").click()
    assert seen() == pictures[1]
    page.get_by_role("button", name="Draw from the prior").click()
    pictures.append(seen())
    page.get_by_label("Across").fill("0.5")
    pictures.append(seen())
    assert len(set(pictures)) == len(pictures)


def test_a_report_says_how_far_its_decoder_is_off(finished):
    (facts,) = finished.folder.glob("reports/small/*/exploration/exploration.json")
    assert 0 <= artifacts.read_json(facts)["live"]["off"] < 2
