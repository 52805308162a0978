"""What is known of the training, and when a loss counts as still falling."""

import numpy as np
import pandas as pd
import pytest

from vaekit import artifacts
from vaekit.failure_analysis.advice import UNKNOWN, Training, still_falling


@pytest.mark.parametrize(
    ("loss", "falling"),
    [
        ([10, 5, 4], True),
        ([10, 5, 4.99], False),
        ([10, 4, 5], False),
        ([10, 9], None),
        ([10, np.nan, 5, 4], True),
        ([5, 5, 5], False),
    ],
)
def test_a_loss_falls_while_its_last_epoch_takes_a_hundredth_of_the_whole_fall(loss, falling):
    assert still_falling(np.array(loss, float)) is falling


def test_an_evaluation_tells_whether_loss_fell_and_which_dims_are_free(tmp_path):
    assert Training.of(tmp_path) == UNKNOWN
    artifacts.write_table(tmp_path / artifacts.HISTORY, pd.DataFrame({"valid_loss": [3.0, 2.0, 1.0]}))
    artifacts.write_table(tmp_path / artifacts.PER_DIM, pd.DataFrame({"regime": ["active", "passive", "mixed"]}))
    assert Training.of(tmp_path) == Training(falling=True, free_dims=1, dims=3)
