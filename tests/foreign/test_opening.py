"""The one door: each style of file opens with every weight in its place, and nothing of the process is changed."""

import pytest
import torch

from tests.foreign.styles import SIZE, STYLES, Z, network, weights_of, write
from vaekit.foreign.importing import import_file
from vaekit.foreign.opening import open_module
from vaekit.foreign.quarantine import on_device
from vaekit.foreign.shapes import routes_by_shape


@pytest.fixture(params=STYLES)
def opened(request, tmp_path):
    style = STYLES[request.param]
    net = network(style.output)
    return style, net, open_module(*write(tmp_path, style, net))


def test_every_style_opens_with_the_weights_of_its_file(opened):
    style, net, found = opened
    state = found.module.state_dict()
    for tensor, expected in zip(state.values(), weights_of(net, style), strict=True):
        torch.testing.assert_close(tensor, expected, rtol=0, atol=0)
    assert not found.module.training
    assert found.family == ("two modules" if style.two else "class")
    assert [f.name for f in found.code] == ["model.py"]


def test_the_same_code_gives_the_same_picture_as_vaekits_own_network(opened):
    style, net, found = opened
    z = torch.randn(2, Z)
    with torch.no_grad():
        expected = net.decode(z).mean
        module = found.module
        names = ("decode", "decoder", "generator")
        decode = next(getattr(module, name) for name in names if hasattr(module, name))
        with on_device(torch.device("cpu")):
            picture = decode(z)
    if style.output == "tanh":
        picture = (picture + 1) / 2
    if style is STYLES["latents first"]:
        picture = picture.sigmoid()
    torch.testing.assert_close(picture, expected, rtol=0, atol=1e-6)


def test_paths_are_the_users_own_from_within_another_file_of_theirs(tmp_path, monkeypatch):
    path, options = write(tmp_path / "theirs", STYLES["latents first"], network())
    monkeypatch.chdir(tmp_path)
    relative = options.model_copy(update={"model": "theirs/model.py:Net"})
    with import_file(tmp_path / "theirs" / "model.py").entered():
        opened = open_module(path.relative_to(tmp_path), relative)
    assert opened.code == open_module(path.relative_to(tmp_path), relative).code
    assert all(file.is_absolute() for file in opened.code)


def test_noise_that_is_drawn_on_a_gpu_is_measured_where_there_is_none(tmp_path):
    net = network()
    path, options = write(tmp_path, STYLES["arguments at import"], net)
    (route,) = routes_by_shape(open_module(path, options).module, None, SIZE)
    x = torch.rand(3, 3, SIZE, SIZE)
    with torch.no_grad():
        mu, logvar = route.encode(x)
        expected = net.encode(x)
        torch.testing.assert_close(mu, expected.mu, rtol=0, atol=1e-6)
        torch.testing.assert_close(logvar, expected.logvar, rtol=0, atol=1e-5)
        torch.testing.assert_close(route.decode(mu), net.reconstruct(x), rtol=0, atol=1e-6)
