"""Through the command line every style gives the numbers of the same weights in vaekit's own network."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import Workplace
from tests.foreign.conftest import CROP
from tests.foreign.styles import SIZE, STYLES, write
from vaekit.data import Protocol
from vaekit.foreign.pixels import to_floats


def flags(path, options) -> list[str]:
    """Return how a user names the model."""
    said = options.model_dump(exclude_none=True, exclude_defaults=True)
    words = [(f"--{k.replace('_', '-')}", json.dumps(v) if isinstance(v, dict) else v) for k, v in said.items()]
    return [str(path), *(word for pair in words for word in pair)]


@pytest.fixture(scope="module")
def pictures(images, tmp_path_factory):
    """Four pictures, and how they look at the crop and size of the styles."""
    folder = tmp_path_factory.mktemp("pictures")
    whole = images.under(Protocol("none", (218, 178)))[:4]
    files = [folder / f"{i}.png" for i in range(len(whole))]
    for file, picture in zip(files, whole, strict=True):
        Image.fromarray(picture).save(file)
    return files, to_floats(images.under(Protocol(CROP, SIZE))[:4])


@pytest.mark.parametrize("name", STYLES)
def test_reconstructions_have_the_error_and_the_kl_of_our_own_network(name, trained, pictures, faces, tmp_path):
    files, x = pictures
    net = trained(STYLES[name].output)
    path, options = write(tmp_path / "theirs", STYLES[name], net)
    place = Workplace(tmp_path)
    pixel_range = "-1,1" if STYLES[name].output == "tanh" else "0,1"
    said = ("--data", faces, "--crop", CROP, "--range", pixel_range, "--image-size", SIZE, "--device", "cpu")
    found = place.json("reconstruct", *flags(path, options)[:1], *files, *flags(path, options)[1:], *said)
    with torch.no_grad():
        posterior = net.encode(x)
        mse = (net.decode(posterior.mu).mean - x).square().flatten(1).mean(1)
    rows = found["table"]
    np.testing.assert_allclose([row["mse"] for row in rows], mse, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose([row["kl"] for row in rows], posterior.kl(), rtol=1e-6, atol=1e-6)


def test_the_doctor_says_what_it_found_and_writes_it_down(trained, faces, tmp_path):
    path, options = write(tmp_path / "theirs", STYLES["tanh"], trained("tanh"))
    place = Workplace(tmp_path)
    said = ("--data", faces, "--crop", CROP, "--device", "cpu")
    found = place.json("doctor", *flags(path, options), *said, "--range", "-1,1", "--write", "adapter.py")
    assert found["mistakes"] == 0 and {"Posterior", "Reconstruction", "Limits"} <= {
        f["question"] for f in found["findings"]
    }
    again = place.json("doctor", path, "--adapter", "adapter.py", "--data", faces, "--device", "cpu")
    ratio = [next(f["answer"] for f in d["findings"] if f["question"] == "Reconstruction") for d in (found, again)]
    assert ratio[0] == ratio[1]
    wrong = place.vaekit("doctor", *flags(path, options), *said, "--range", "0,1")
    assert "MISTAKE  Range: [0,1] was given" in wrong.stdout
