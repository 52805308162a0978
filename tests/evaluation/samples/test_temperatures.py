"""The grid of temperatures grows until the nearest samples lie inside it, and the sentence says where they are."""

import pytest

from vaekit.evaluation.samples.temperatures import _further, temperature_sentence


def grid(n: int = 500, **far: float) -> list[dict]:
    return [
        {
            "temperature": float(t[1:].replace("_", ".")),
            "n": n,
            "fd_attributes": {"value": d, "low": d - 1, "high": d + 1},
        }
        for t, d in far.items()
    ]


@pytest.mark.parametrize(
    ("rows", "next_one"),
    [
        (grid(t0_5=50, t1=40, t1_5=45), None),
        (grid(t0_5=50, t1=40, t1_5=35), 2.25),
        (grid(t0_5=30, t1=40, t1_5=45), 0.25),
        ([{"temperature": 1.0, "reason": "diverged"}], None),
    ],
)
def test_the_grid_grows_beyond_the_end_where_samples_are_nearest(rows, next_one):
    assert _further(rows, "fd_attributes") == next_one


def test_the_sentence_says_whether_the_best_is_inside_the_grid():
    inside = temperature_sentence(grid(t0_5=50, t1=40, t1_5=45), "attributes")
    assert inside.endswith("samples at t = 1 are nearest.")
    at_end = temperature_sentence(grid(t0_5=50, t1=40, t1_5=35), "attributes")
    assert at_end.endswith("samples at t = 1.5, the end of the grid, are nearest.")
    assert temperature_sentence(grid(t1=40), "attributes") is None
    assert temperature_sentence(grid(n=19, t0_5=50, t1=40, t1_5=45), "attributes") is None
