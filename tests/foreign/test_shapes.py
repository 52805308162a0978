"""The images that a network takes are found by trying: square or not, grey or colour, vectors, spatial codes."""

import pytest
import torch

from tests.foreign.live import classes_of, pictures
from tests.foreign.styles import HEADER
from vaekit.errors import CheckpointError
from vaekit.foreign.shapes import routes_by_shape

FORWARD = """
    def forward(self, x):
        {flatten}
        mu, logvar = self.encode(x)
        return self.decode(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)), mu, logvar

    def encode(self, x):
        return self.enc(x).chunk(2, 1)

    def decode(self, z):
        return self.dec(z)
"""
LAYERS = {
    "spatial code": (
        "nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 4, 2, 1))",
        "nn.Sequential(nn.ConvTranspose2d(4, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1))",
    ),
    "a code of (z, 1, 1)": (
        "nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.ReLU(), nn.Conv2d(8, 12, 4))",
        "nn.Sequential(nn.ConvTranspose2d(6, 8, 4), nn.ReLU(), nn.ConvTranspose2d(8, 3, 8, 8))",
    ),
    "128 x 112": (
        "nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.Flatten(), nn.Linear(8 * 16 * 14, 10))",
        "nn.Sequential(nn.Linear(5, 8 * 16 * 14), nn.Unflatten(1, (8, 16, 14)), nn.ConvTranspose2d(8, 3, 8, 8))",
    ),
    "grey vectors": (
        "nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 8))",
        "nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 784), nn.Sigmoid())",
    ),
}


def source_of(name: str, *, said: str = "pass", flatten: str = "") -> str:
    encoder, decoder = LAYERS[name]
    body = f"        super().__init__()\n        self.enc = {encoder}\n        self.dec = {decoder}\n        {said}\n"
    forward = FORWARD.format(flatten=flatten or "pass")
    return f"{HEADER}\n\nclass Net(nn.Module):\n    def __init__(self):\n{body}{forward}"


def made(name: str, **options: str) -> torch.nn.Module:
    return classes_of(source_of(name, **options))["Net"]().eval()


@pytest.mark.parametrize(
    ("name", "said", "shape", "latent"),
    [
        ("spatial code", "self.image_size = 32", (3, 32, 32), (4, 8, 8)),
        ("a code of (z, 1, 1)", "self.img_size = (32, 32)", (3, 32, 32), (6, 1, 1)),
        ("128 x 112", "pass", (3, 128, 112), (5,)),
        ("grey vectors", "pass", (1, 28, 28), (4,)),
    ],
)
@pytest.mark.parametrize("flatten", ["", "x = x.view(x.shape[0], -1) if self.enc[0].weight.dim() == 2 else x"])
def test_the_shape_is_found_and_the_numbers_are_the_networks(name, said, shape, latent, flatten):
    module = made(name, said=said, flatten=flatten)
    (route,) = routes_by_shape(module, None, None)
    assert (route.image_shape, route.latent_shape) == (shape, latent)
    x = pictures(4, *shape)
    with torch.no_grad():
        want = module.encode(x.flatten(1) if shape[0] == 1 else x)
        mu, logvar = route.encode(x)
        torch.testing.assert_close(mu, want[0], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(logvar, want[1], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(route.decode(mu), route.own(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "size"), [*zip(LAYERS, ("32", "32", "128x112", "28"), strict=True)])
def test_every_shape_goes_the_whole_way(name, size, forty, workplace):
    (workplace.folder / "model.py").write_text(source_of(name), encoding="utf-8")
    torch.save(made(name).state_dict(), workplace.folder / "net.pth")
    said = ("--data", forty, "--crop", 178, "--range", "0,1", "--image-size", size, "--device", "cpu")
    drawn = name in ("spatial code", "grey vectors")  # the figures of every shape would take their time
    for command in ("evaluate", "failures", *(["report"] if drawn else [])):
        workplace.vaekit(command, "net.pth", "--model", "model.py:Net", *said)
    if not drawn:
        return
    text = next(workplace.folder.glob("reports/*/report.md")).read_text(encoding="utf-8")
    assert ("Of 4 channels of the code" in text) == ("Of 64 positions of the code" in text) == (name == "spatial code")
    assert "is missing: run" not in text and ("grey pixels" in text) == (name == "grey vectors")


def test_a_network_of_any_size_is_tried_at_all_and_one_size_may_be_asked_for():
    found = {route.image_shape[1:] for route in routes_by_shape(made("spatial code"), None, None)}
    assert {(28, 28), (64, 64), (128, 128), (128, 112)} <= found
    (route,) = routes_by_shape(made("spatial code"), None, (48, 40))
    assert (route.image_shape, route.latent_shape) == ((3, 48, 40), (4, 12, 10))


def test_arguments_that_name_the_size_are_believed_where_they_work():
    (route,) = routes_by_shape(made("spatial code"), {"img_dim": 7, "image_size": 96}, None)
    assert route.image_shape == (3, 96, 96)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("self.codebook = type('VectorQuantizer', (nn.Module,), {})()", "discrete"),
        ("self.flow = type('PlanarFlow', (nn.Module,), {})()", "normalising flow"),
        ("self.forward = lambda x, labels: x", "takes labels beside the image: a conditional model"),
    ],
)
def test_other_kinds_of_model_are_named_in_one_sentence(change, said):
    with pytest.raises(CheckpointError, match=said):
        routes_by_shape(made("spatial code", said=change), None, None)


def test_a_size_that_does_not_fit_is_said():
    with pytest.raises(CheckpointError, match="images of 64 pixels"):
        routes_by_shape(made("128 x 112"), None, 64)
