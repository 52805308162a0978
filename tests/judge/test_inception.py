"""FID's features: equal to torch-fidelity's own on the same file, and one sentence for every kind of wrong weights."""

import hashlib

import numpy as np
import pytest
import torch
from torch import nn
from torch_fidelity import feature_extractor_inceptionv3 as peer

from vaekit.errors import ConfigError, DataError
from vaekit.inception_file import CACHED, VARIABLE, NotAvailable, inception_weights
from vaekit.judge import inception
from vaekit.judge.inception import fetch_inception, inception_features


class _Bare(peer.FeatureExtractorInceptionV3):
    def load_state_dict(self, state):
        """Keep the random weights."""


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A file of the right shapes: He-initialised, with BatchNorm statistics that matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peer, "load_state_dict_from_url", lambda *a, **k: {})
        network = _Bare("inception", ["2048"])
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty torch cache, and no named weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path / "torch/hub/checkpoints"


def test_equals_torch_fidelity_on_the_same_file_whatever_the_batches(weights, images):
    own = peer.FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=str(weights)).eval()
    with torch.inference_mode():
        expected = own(torch.from_numpy(images).permute(0, 3, 1, 2))[0].numpy()
    assert np.abs(expected).mean() > 0.01
    for batch_size in (3, 2):
        found = inception_features(images, weights, batch_size=batch_size)
        assert found.shape == (3, 2048) and found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_weights_are_looked_for_in_the_option_then_the_variable_then_the_cache(tmp_path, monkeypatch, cache):
    cached = cache / CACHED[1]
    cached.parent.mkdir(parents=True)
    option, variable = tmp_path / "option.pth", tmp_path / "variable.pth"
    for path in (cached, option, variable):
        path.write_bytes(b"")
    assert inception_weights() == cached
    monkeypatch.setenv(VARIABLE, str(variable))
    assert inception_weights() == variable
    assert inception_weights(option) == option


def test_without_weights_the_reason_says_how_to_get_them(images):
    with pytest.raises(NotAvailable, match=r"^fid is not computed: .* `vaekit data fetch inception`"):
        inception_features(images)


def test_a_named_file_that_is_not_there_is_an_error(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"--inception-weights .*no\.pth: there is no such file"):
        inception_weights(tmp_path / "no.pth")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "no.pth"))
    with pytest.raises(ConfigError, match=rf"{VARIABLE} .*no.pth: there is no such file"):
        inception_weights()


def _wrong_shape(state):
    return state | {"Conv2d_1a_3x3.conv.weight": torch.zeros(5, 3, 3, 3)}


WRONG = {
    "shape": (_wrong_shape, "size mismatch for Conv2d_1a_3x3.conv.weight"),
    "missing": (lambda state: dict(list(state.items())[1:]), "Missing key"),
    "a list": (lambda state: [1, 2], "it holds list data"),
    "no tensors": (lambda state: {"a": 1}, "it holds dict data"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_other_weights_are_one_sentence(weights, images, tmp_path, kind):
    change, says = WRONG[kind]
    path = tmp_path / "wrong.pth"
    torch.save(change(torch.load(weights, weights_only=True)), path)
    with pytest.raises(DataError, match=says) as error:
        inception_features(images, path)
    assert "\n" not in str(error.value) and "does not hold the weights of FID's InceptionV3" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not weights at all", "truncated"])
def test_a_broken_file_is_one_sentence(weights, images, tmp_path, content):
    path = tmp_path / "broken.pth"
    path.write_bytes(weights.read_bytes()[:50_000] if content == "truncated" else content)
    with pytest.raises(DataError, match="does not hold the weights of FID's InceptionV3") as error:
        inception_features(images, path)
    assert "\n" not in str(error.value)


def test_a_file_that_would_run_code_is_refused(images, tmp_path):
    path = tmp_path / "code.pth"
    torch.save({"a": nn.Linear(1, 1)}, path)
    with pytest.raises(DataError, match="does not hold the weights"):
        inception_features(images, path)


def test_only_the_published_bytes_count_as_fid(weights):
    assert not inception.are_published(weights)


def test_bad_images_are_one_sentence(weights, images):
    with pytest.raises(DataError, match="at least 2"):
        inception_features(images[:1], weights)
    with pytest.raises(DataError, match="uint8 images and got float64"):
        inception_features(images / 255, weights)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A file in the place of the published weights."""
    path = tmp_path / "published.pth"
    path.write_bytes(b"weights" * 1000)
    monkeypatch.setattr(inception, "URL", path.as_uri())
    monkeypatch.setattr(inception, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_fetch_keeps_the_file_in_torch_cache_once(source, cache, workplace, monkeypatch):
    found = workplace.json("data", "fetch", "inception")
    assert found["file"] == str(cache / CACHED[0]) == str(inception_weights())
    assert (cache / CACHED[0]).read_bytes() == source.read_bytes()
    source.unlink()  # a second call needs no network
    assert fetch_inception() == cache / CACHED[0]


def test_fetch_of_other_bytes_keeps_nothing(source, cache):
    source.write_bytes(b"another page")
    with pytest.raises(DataError, match=r"has the SHA-256 \w+, not \w+: nothing was kept"):
        fetch_inception()
    assert not list(cache.iterdir())


def test_fetch_without_a_network_is_one_sentence(source, cache, workplace):
    source.unlink()
    done = workplace.vaekit("data", "fetch", "inception", check=1)
    assert "Can not download file:" in done.stderr and "Traceback" not in done.stderr
    assert not list(cache.iterdir())
