"""Range and crop are measured against the mean image; a tie is asked about; a stated loss is read in our terms."""

import math

import numpy as np
import pytest
import torch

from tests.foreign.conftest import CROP
from tests.foreign.live import module_of
from tests.foreign.styles import SIZE, network
from vaekit.data import Protocol
from vaekit.errors import ConfigError
from vaekit.foreign.measuring import open_foreign
from vaekit.foreign.opening import TwoModules
from vaekit.foreign.pixels import Candidate, Convention
from vaekit.options import EvaluationOptions


@pytest.mark.parametrize(("style", "output", "said"), [("interleaved", "sigmoid", "0,1"), ("tanh", "tanh", "-1,1")])
def test_range_and_crop_of_a_trained_network_are_found(style, output, said, trained, images):
    options = EvaluationOptions(image_size=SIZE)
    checkpoint = open_foreign(module_of(style, trained(output)), options, images, "cpu")
    assert checkpoint.model.convention == Convention(said, "as they are" if said == "0,1" else "-1,1")
    assert checkpoint.config.data.crop == CROP
    margins = {f["question"]: f["margin"] for f in checkpoint.findings}
    assert "more" in margins["--range"] and "more" in margins["--crop"]


def test_logits_are_read_through_a_sigmoid(trained, images):
    whole = module_of("two modules", trained())
    module = TwoModules(whole.encoder, whole.decoder.main)  # the sigmoid stands in the training script
    checkpoint = open_foreign(module, EvaluationOptions(image_size=SIZE, crop=CROP), images, "cpu")
    assert checkpoint.model.convention == Convention("0,1", "sigmoid")
    assert not any(f["is_mistake"] for f in checkpoint.findings)


def test_what_the_images_leave_open_is_asked_by_the_names_of_the_flags(images):
    untrained = module_of("interleaved", network())
    with pytest.raises(ConfigError, match=r"None beats the mean image.*Give .*--crop"):
        open_foreign(untrained, EvaluationOptions(image_size=SIZE), images, "cpu")
    options = EvaluationOptions(image_size=SIZE, crop=178, range="0,1")
    checkpoint = open_foreign(untrained, options, images, "cpu")
    assert (checkpoint.config.data.crop, checkpoint.model.convention.range) == (178, "0,1")


def candidate(error: np.ndarray, baseline: np.ndarray) -> Candidate:
    return Candidate(None, Protocol(178, 64), Convention("0,1", "as they are"), error, baseline, 0.0, 1.0)


def test_the_interval_of_a_lead_holds_the_difference_of_the_ratios_as_often_as_it_says():
    generator = np.random.default_rng(0)
    n, inside = 60, 0
    for _ in range(400):
        baseline = generator.gamma(4, 1, n)
        a, b = (candidate(baseline * generator.gamma(9, r / 9, n), baseline) for r in (0.30, 0.34))
        lead, half = a.lead(b)
        inside += abs(lead - 0.04) <= half
    assert 0.90 <= inside / 400 <= 0.99


def test_the_stated_loss_of_a_network_on_minus_one_to_one_has_half_the_sigma(trained, images):
    said = {"crop": CROP, "image_size": SIZE, "objective": "mse", "beta": 2.5e-4}
    small = open_foreign(module_of("tanh", trained("tanh")), EvaluationOptions(**said, range="-1,1"), images, "cpu")
    whole = open_foreign(module_of("interleaved", trained()), EvaluationOptions(**said, range="0,1"), images, "cpu")
    assert small.config.objective.pixels == "mean"
    assert small.config.objective.beta == 2.5e-4
    assert small.config.likelihood.sigma == pytest.approx(whole.config.likelihood.sigma / 2)
    assert whole.config.likelihood.sigma == pytest.approx(math.sqrt(0.5))
    x = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        sigma = whole.model.decode(whole.model.encode(x).mu).sigma
    assert float(sigma) == pytest.approx(math.sqrt(0.5))
