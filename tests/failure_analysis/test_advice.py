"""What an evaluation tells of the training, and advice that follows from it."""

import pandas as pd
import pytest

from vaekit import artifacts
from vaekit.evaluation.latent.wording import TRAIN_ON
from vaekit.failure_analysis.advice import DETAIL, UNKNOWN, Training, against_a_grid, for_detail


@pytest.mark.parametrize("early", [True, False])
def test_an_evaluation_tells_whether_training_ended_early_and_which_dims_are_free(tmp_path, early):
    assert Training.of(tmp_path) == UNKNOWN
    verdict = {"remedies": [TRAIN_ON] if early else ["Set objective.beta = 1."], "kl_weight": 0.9}
    artifacts.write_json(tmp_path / artifacts.LATENT, {"verdict": verdict})
    artifacts.write_table(tmp_path / artifacts.PER_DIM, pd.DataFrame({"regime": ["active", "passive", "mixed"]}))
    layers = pd.DataFrame({"part": ["encoder", "decoder"], "kind": ["ConvTranspose2d", "Conv2d"]})
    artifacts.write_table(tmp_path / artifacts.LAYERS, layers)
    assert Training.of(tmp_path) == Training(early, 1, 3, 0.9, transposed=False)


@pytest.mark.parametrize(
    ("transposed", "said"), [(True, "Replace strided"), (False, "has no transposed"), (None, "Look at how")]
)
def test_a_transposed_convolution_is_replaced_where_there_is_one(transposed, said):
    assert against_a_grid(Training(transposed=transposed)).count(said) == 1


@pytest.mark.parametrize(
    ("part", "kind", "known"),
    [
        ("decoder", "ConvTranspose2d", True),
        ("decoder", "Conv2d", False),
        ("network", "ConvTranspose2d", True),
        ("network", "Upsample", None),
    ],
)
def test_of_another_programs_layers_only_what_is_there_is_known(part, kind, known, tmp_path):
    artifacts.write_table(tmp_path / artifacts.LAYERS, pd.DataFrame({"part": [part], "kind": [kind]}))
    assert Training.of(tmp_path).transposed is known


def test_a_sharper_loss_is_no_advice_for_a_code_that_carries_nothing():
    assert DETAIL not in for_detail(Training(free_dims=8, dims=8))
    assert all(for_detail(known).endswith(DETAIL) for known in (UNKNOWN, Training(free_dims=3, dims=8)))
