"""An adapter says what a network does not show, or what was found out of one that does."""

import pytest
import torch

from tests.foreign.conftest import CROP
from tests.foreign.live import pictures
from tests.foreign.styles import SIZE, STYLES, write
from vaekit.errors import ConfigError
from vaekit.foreign.adapter import write_adapter
from vaekit.foreign.measuring import open_foreign
from vaekit.options import EvaluationOptions


@pytest.mark.parametrize("name", ["interleaved", "two modules", "tanh"])
def test_the_adapter_that_is_written_gives_the_same_numbers(name, trained, images, tmp_path):
    path, said = write(tmp_path / "theirs", STYLES[name], trained(STYLES[name].output))
    options = EvaluationOptions(crop=CROP, image_size=SIZE, **said.model_dump(exclude_none=True))
    first = open_foreign(path, options, images, "cpu").model
    file = write_adapter(tmp_path / "adapter.py", first.adapter_text)
    second = open_foreign(path, EvaluationOptions(adapter=str(file)), images, "cpu").model
    x = pictures()
    with torch.no_grad():
        for a, b in ((first.encode(x).mu, second.encode(x).mu), (first.encode(x).logvar, second.encode(x).logvar)):
            assert torch.equal(a, b)
        assert torch.equal(first.reconstruct(x), second.reconstruct(x))
    assert second.convention == first.convention
    with pytest.raises(ConfigError, match="there already"):
        write_adapter(file, "")


BY_HAND = """
import torch
from vaekit import Adapter


class Mine(Adapter):
    image_size = 32
    crop = 148

    def load(self, path):
        content = torch.load(path, weights_only=True)
        self.network = torch.nn.Linear(3 * 32 * 32, 8)
        self.network.load_state_dict(content)

    def encode(self, x):
        mu = self.network(x.flatten(1))
        return mu, torch.full_like(mu, -2.0)

    def decode(self, z):
        return torch.sigmoid((z @ self.network.weight).view(-1, 3, 32, 32))
"""


def test_an_adapter_by_hand_is_taken_at_its_word(images, tmp_path):
    (tmp_path / "mine.py").write_text(BY_HAND)
    layer = torch.nn.Linear(3 * 32 * 32, 8)
    torch.save(layer.state_dict(), tmp_path / "theirs.pth")
    options = EvaluationOptions(adapter=str(tmp_path / "mine.py"))
    checkpoint = open_foreign(tmp_path / "theirs.pth", options, images, "cpu")
    x = pictures()
    with torch.no_grad():
        posterior = checkpoint.model.encode(x)
        torch.testing.assert_close(posterior.mu, layer(x.flatten(1)))
        assert (posterior.logvar == -2).all()
    assert checkpoint.config.data.crop == 148
    assert checkpoint.config.objective is None and checkpoint.config.likelihood is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from vaekit import Adapter\n", "defines 0 subclasses"),
        (BY_HAND.replace("    image_size = 32\n", ""), "has no image_size"),
        (BY_HAND.replace("self.network.load_state_dict(content)", "content['x']"), "load of Mine .* failed: KeyError"),
        (BY_HAND.replace("torch.full_like(mu, -2.0)", "mu[:, :2]"), r"logvar \(3, 2\)"),
    ],
)
def test_what_is_wrong_with_an_adapter_is_one_sentence(text, said, images, tmp_path):
    (tmp_path / "mine.py").write_text(text)
    torch.save(torch.nn.Linear(3 * 32 * 32, 8).state_dict(), tmp_path / "theirs.pth")
    with pytest.raises(ConfigError, match=said):
        open_foreign(tmp_path / "theirs.pth", EvaluationOptions(adapter=str(tmp_path / "mine.py")), images, "cpu")
