"""A stage that can not run leaves its reason: in its row, for its files, and for the stages that need it."""

from types import SimpleNamespace

import pytest

from vaekit.errors import VaekitError
from vaekit.evaluation.stages import Result, Stage, run_stages


def step(name: str, *needs: str, fails: bool = False, vital: bool = False) -> Stage:
    def run(task, *values):
        if fails:
            raise VaekitError(f"No {name} today.")
        return Result(name)

    return Stage(name, needs, (f"{name}.csv",), vital, run)


def test_the_reason_of_a_stage_that_failed_reaches_its_files_and_those_that_need_it(tmp_path):
    (tmp_path / "b.csv").write_text("of an earlier evaluation")
    found = run_stages([step("a"), step("b", "a", fails=True), step("c", "b")], SimpleNamespace(folder=tmp_path))
    assert found["a"].value == "a" and not found["a"].absent
    assert found["b"].absent == {"b.csv": "No b today."} and not (tmp_path / "b.csv").exists()
    assert found["c"].absent == {"c.csv": "It needs b: No b today."}
    assert found["c"].rows["c"].reason == "It needs b: No b today."


def test_without_a_vital_stage_there_is_no_evaluation(tmp_path):
    with pytest.raises(VaekitError, match="No a today"):
        run_stages([step("a", fails=True, vital=True), step("b")], SimpleNamespace(folder=tmp_path))
