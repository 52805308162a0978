"""A stage that can not run leaves its reason: in its row, for its files, and for the stages that need it."""

from types import SimpleNamespace

import pytest

from vaekit.errors import VaekitError
from vaekit.evaluation.stages import LEFT_OUT, Result, Stage, run_stages, stage


def step(name: str, *needs: str, fails: bool = False, vital: bool = False, quick: bool = False) -> Stage:
    def run(task, *values):
        if fails:
            raise VaekitError(f"No {name} today.")
        return Result(name)

    return stage(name, needs=needs, writes=(f"{name}.csv",), vital=vital, quick=quick)(run)


def test_the_reason_of_a_stage_that_failed_reaches_its_files_and_those_that_need_it(tmp_path):
    (tmp_path / "b.csv").write_text("of an earlier evaluation")
    found = run_stages(
        [step("a"), step("b", "a", fails=True), step("c", "b")], SimpleNamespace(folder=tmp_path, quick=False)
    )
    assert found["a"].value == "a" and not found["a"].absent
    assert found["b"].absent == {"b.csv": "No b today."} and not (tmp_path / "b.csv").exists()
    assert found["c"].absent == {"c.csv": "It needs b: No b today."}
    assert found["c"].rows["c"].reason == "It needs b: No b today."


def test_without_a_vital_stage_there_is_no_evaluation(tmp_path):
    with pytest.raises(VaekitError, match="No a today"):
        run_stages([step("a", fails=True, vital=True), step("b")], SimpleNamespace(folder=tmp_path, quick=False))


def test_a_quick_evaluation_runs_what_is_quick_or_vital_and_says_of_the_rest_that_it_was_left_out(tmp_path):
    steps = [step("a", vital=True), step("b", quick=True), step("c"), step("d", "c", quick=True)]
    found = run_stages(steps, SimpleNamespace(folder=tmp_path, quick=True))
    assert found["a"].value == "a" and found["b"].value == "b"
    assert found["c"].absent == {"c.csv": LEFT_OUT}
    assert found["d"].absent == {"d.csv": f"It needs c: {LEFT_OUT}"}
