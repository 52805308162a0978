"""Sentences of the pages: each situation in which one would be false is built, and the page read."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from tests.reporting import test_compare as comparison
from tests.reporting.conftest import make_artifacts
from vaekit import artifacts
from vaekit.figures.base import draw
from vaekit.quantity import Quantity
from vaekit.reporting.build import build_report
from vaekit.reporting.collect import Folders, collect
from vaekit.reporting.document import Verdict
from vaekit.reporting.edition import Edition
from vaekit.reporting.material import Material
from vaekit.reporting.page import make_page
from vaekit.reporting.sections.exploration import directions
from vaekit.reporting.sections.pictures import learning
from vaekit.reporting.sections.sampling import _gap
from vaekit.reporting.sections.scale import scale
from vaekit.reporting.sections.setting import limits, model, reading
from vaekit.reporting.sections.theory import theory
from vaekit.reporting.sections.verdict import _in_short, verdict
from vaekit.reporting.tables import metrics_of
from vaekit.statistics.differences import paired_differences, with_q

NO_COLLAPSE = "No collapse: all dims are active."
HOLE = "Draws come back with many times the error: they fall where the decoder was never trained."


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return make_artifacts(tmp_path_factory.mktemp("run"), n=1200, dims=4, top=3)


def material(folders, **latent):
    """Return the material of a page whose latent.json says what is given."""
    found = collect(Folders(*folders))
    return Material(found.files | {artifacts.LATENT: latent_of(**latent)}, found.missing)


def latent_of(*, hole=1.0, name="none", sentence=NO_COLLAPSE, passive=0, remedies=()):
    rows = {"prior_hole": hole, "passive_dims": passive, "active_units": 4 - passive, "permuted_ratio": 20.0}
    return {
        "rows": {key: Quantity(value=value, n=30, label=key, definition=key).record() for key, value in rows.items()},
        "verdict": {
            "name": name,
            "sentence": sentence,
            "good": [sentence] if name == "none" else [],
            "wrong": [sentence] if name not in ("none", "not judged") else [],
            "hole": [HOLE] if hole > 3 else [],
            "evidence": [],
            "grounds": [{"name": "hole", "sentence": f"Draws have {hole} times the error."}],
            "causes": [],
            "remedies": remedies,
            "kl_weight": 1.0,
            "thresholds": {"hole": {"value": 3.0, "meaning": "a hole"}},
        },
    }


def box(found) -> Verdict:
    return next(iter(verdict(found)))


def text(blocks) -> str:
    return "\n".join(getattr(block, "text", "") for block in blocks)


def facts_of(blocks) -> dict[str, str]:
    return {name: value for block in blocks if block.kind == "facts" for name, value in block.pairs}


def test_no_collapse_is_never_what_is_wrong_whatever_the_prior_does(folders):
    for hole in (1.0, 6.0):
        said = box(material(folders, hole=hole))
        assert NO_COLLAPSE in said.good and NO_COLLAPSE not in said.wrong
        assert (HOLE in said.wrong) == (hole > 3) and HOLE not in said.good


def test_what_a_model_draws_from_stands_with_its_objective_where_it_was_learned(folders):
    found = material(folders)
    assert "Prior" not in facts_of(model(found))
    found.summary["model"] |= {"prior": "flow", "draws_from": "a normalising flow of 6 coupling layers"}
    said = facts_of(model(found))["Prior"]
    assert said.startswith("N(0, I) in training; samples are drawn from a normalising flow of 6 coupling layers")


def test_a_hole_in_the_normal_is_not_wrong_with_a_model_that_does_not_draw_from_it(folders):
    found = material(folders, hole=6.0)
    assert HOLE in box(found).wrong and any("vaekit prior" in advice for advice in box(found).attempt)
    found.summary["model"]["prior"] = "mixture"
    assert HOLE not in box(found).wrong and not any("vaekit prior" in advice for advice in box(found).attempt)


@pytest.mark.parametrize(("r2", "good"), [(0.9, True), (-0.041, False)])
def test_a_model_that_the_mean_face_beats_explains_nothing(folders, r2, good):
    found = material(folders)
    row = Quantity(value=r2, n=30, label="R2", definition="").record()
    found.files[artifacts.SUMMARY]["estimates"]["r2"] = row
    said = box(found)
    assert any("explains 90 %" in sentence for sentence in said.good) is good
    worse = "Reconstructions are no better than the mean face for every image: they have 1.04 times its squared error."
    assert (worse in said.wrong) is not good and not any("−" in sentence for sentence in said.good)


def test_a_group_without_a_name_is_told_at_equal_pictures(folders):
    effect = {"ratio": 1.3, "ratio_low": 1.1, "ratio_high": 1.6}
    finding = {"title": "G", "sentence": "", "share": 0.01, "effect": effect}
    assert "others at equal contrast, fine detail and brightness; 1 %" in _in_short(finding | {"kind": "cluster"})
    assert "error of the others; 1 %" in _in_short(finding | {"kind": "slice"})


def test_a_collapse_is_what_is_wrong(folders):
    said = box(material(folders, hole=1.0, name="full collapse", sentence="Full collapse.", passive=4))
    assert "Full collapse." in said.wrong and "Full collapse." not in said.good


def test_the_size_of_a_code_that_says_nothing_makes_no_difference(folders):
    none, some = (text(theory(material(folders, passive=passive))) for passive in (4, 3))
    assert "makes no difference how many there are" in none and "Of the rate" not in none and "about 0" not in none
    assert "makes no difference" not in some and "Of the rate" in some and "a code of about 1 dim would" in some


def test_directions_are_compared_where_there_are_any(folders):
    def shown(exploration):
        found = collect(Folders(*folders, exploration))
        return {block.kind for block in directions(Material(found.files, found.missing))}

    assert shown(None) == {"gap"}  # no edits, so nothing of how their directions lie


def test_the_model_stands_on_the_scale_with_the_digits_of_its_tile(folders):
    found = material(folders)
    found.summary["references"] = {"mean face": {"mse": 0.05, "ssim": 0.3}, "pca": {"mse": 0.01, "ssim": 0.6, "n": 40}}
    (grid, *_) = scale(found)
    first, *_, own = grid.table.rows
    assert first[1] == "0.05000" and own[1] == metrics_of(found.rows, ["mse"])[0].value


def test_an_estimate_of_a_distance_is_never_said_to_be_negative():
    table = pd.DataFrame({"source": ["train"], "label": ["Real"], "n": [30], "reason": [None]})
    kinds = {"fd_a": {"label": "d", "higher_is_better": False, "definition": ""}}
    for value, shown in ((-0.088, "about 0"), (1.5, "1.50")):
        ends = {"fd_a": value, "fd_a_low": value, "fd_a_high": value}
        _, grid, *_ = _gap(table.assign(**ends), {"metrics": kinds})
        assert grid.table.rows[0][1] == shown


def test_theory_never_argues_against_the_verdict(folders):
    said = text(theory(material(folders, hole=1.0, name="full collapse", sentence="Full collapse.", passive=4)))
    assert "Full collapse." in said and NO_COLLAPSE not in said
    assert "For collapse" not in said and "Against collapse" not in said


def test_draws_that_are_near_enough_are_not_said_to_lie_where_the_decoder_was_trained(folders):
    near, far = (text(theory(material(folders, hole=hole))) for hole in (2.0, 6.0))
    assert "Draws have 2.0 times the error. A prior hole is called from 3 times on." in near and HOLE not in near
    assert HOLE in far and "is called from" not in far


def test_what_is_not_judged_is_neither_good_nor_wrong(folders):
    said = box(material(folders, name="not judged", sentence="No verdict."))
    assert "No verdict." in said.remarks and "No verdict." not in (*said.good, *said.wrong)


def test_what_several_findings_call_for_is_said_once(folders):
    found = material(folders, remedies=["Train on: longer."])
    finding = found.files[artifacts.FINDINGS]["findings"][0]
    several = [finding | {"remedy": f"{own}Train on: longer."} for own in ("", "Few have it. ", "")]
    content = found.files[artifacts.FINDINGS] | {"findings": several}
    said = box(replace(found, files=found.files | {artifacts.FINDINGS: content}))
    assert said.attempt.count("Few have it.") == said.attempt.count("Train on: longer.") == 1


def test_an_interval_is_announced_where_one_is(folders):
    found = material(folders)
    assert "with 95 % intervals" in box(found).tiled
    bare = {name: row | {"low": None, "high": None} for name, row in found.summary["metrics"].items()}
    summary = found.summary | {"metrics": bare, "estimates": {}}
    assert "interval" not in box(replace(found, files=found.files | {artifacts.SUMMARY: summary})).tiled


def test_samples_are_said_to_be_unscored_only_where_they_are(folders):
    found = material(folders)
    for content, unscored in ((None, True), ({"reason": "Ten images are too few."}, True), ({"verdict": {}}, False)):
        files = {name: file for name, file in found.files.items() if name != artifacts.SAMPLES}
        files |= {} if content is None else {artifacts.SAMPLES: content}
        (said,) = limits(replace(found, files=files))
        assert any("shown, not scored" in sentence for sentence in said.items) is unscored


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ({"beta": 1.0}, "the negative ELBO"),
        ({"beta": 1.0, "perceptual": 0.5}, "plus 0.5 × a perceptual term: not the negative ELBO of this likelihood"),
        ({"beta": 1.0, "pixels": "mean"}, "not the negative ELBO of this likelihood"),
        ({"beta": 4.0}, "looser than the ELBO"),
        ({"beta": 4.0, "perceptual": 0.5}, "not the negative ELBO of this likelihood"),
    ],
)
def test_a_loss_is_called_the_elbo_where_it_is(folders, objective, said):
    found = material(folders)
    config = found.summary["config"] | {"objective": objective, "likelihood": {"sigma": "optimal"}}
    own = replace(found, files=found.files | {artifacts.SUMMARY: found.summary | {"config": config}})
    (facts, *_) = model(own)
    assert dict(facts.pairs)["Objective"].endswith(said)
    is_elbo = said == "the negative ELBO"
    assert ("the loss is the negative ELBO itself" in text(theory(own))) is is_elbo


def test_few_images_are_said_to_have_no_interval(folders):
    found = material(folders)
    for n, few in ((2, True), (1200, False)):
        protocol = found.summary["protocol"] | {"n": n}
        files = found.files | {artifacts.SUMMARY: found.summary | {"protocol": protocol}}
        (said,) = limits(replace(found, files=files))
        assert ("no number has an interval" in said.items[0]) is few and ("bootstraps" in said.items[0]) is not few


def test_one_more_finding_stands(folders):
    found = material(folders, hole=1.0)
    content = found.files[artifacts.FINDINGS]
    four = content | {"findings": (content["findings"] * 4)[:4]}
    said = box(replace(found, files=found.files | {artifacts.FINDINGS: four}))
    assert any(sentence.startswith("1 more finding stands") for sentence in said.wrong)


def test_what_has_no_interval_never_leads_a_table(folders, tmp_path):
    evaluation, failures = folders
    table = artifacts.read_table(failures / artifacts.SLICES)
    first = table.iloc[[0]].assign(attribute="Tiny", n_with=1, low=float("nan"), high=float("nan"))
    artifacts.write_table(tmp_path / artifacts.SLICES, pd.concat([first, table]))
    for file in failures.iterdir():
        if file.is_file() and file.name != artifacts.SLICES:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    page = artifacts.read_json(build_report(evaluation, tmp_path, tmp_path / "out").data)
    (grid,) = [
        inner
        for section in page["sections"]
        if section["id"] == "failures"
        for block in section["blocks"]
        for inner in block.get("blocks", ())
        if inner.get("label") == "Error by attribute"
    ]
    names = [row[0] for row in grid["table"]["rows"]]
    assert names[-1] == "Tiny" and len(names) == len(table) + 1


def test_what_was_found_out_about_a_network_stands_on_its_page_mistakes_first(folders):
    found = material(folders, hole=1.0)
    assert list(reading(found)) == []  # vaekit's own checkpoints need no reading
    asked = [
        {"question": "range", "answer": "Pixels are taken from -1 to 1.", "margin": "9 times", "is_mistake": False},
        {"question": "noise", "answer": "Log variances are read as variances.", "margin": "", "is_mistake": True},
    ]
    summary = found.summary | {"reading": asked}
    _, mistakes, grid = reading(replace(found, files=found.files | {artifacts.SUMMARY: summary}))
    assert mistakes.items == ("Log variances are read as variances.",)
    assert [row[0] for row in grid.table.rows] == ["noise", "range"] and grid.table.rows[0][2] == "–"


def test_what_nobody_knows_about_training_is_not_told(folders):
    found = material(folders, hole=1.0)
    config = found.summary["config"] | {"objective": None, "likelihood": None, "training": None}
    made_by = found.summary["made_by"] | {"read_with": {"model": "theirs.py:Net"}}
    run = found.summary["run"] | {"epoch": 0}
    summary = found.summary | {"config": config, "run": run, "made_by": made_by}
    unknown = replace(found, files=found.files | {artifacts.SUMMARY: summary})
    (facts, *_) = model(unknown)
    assert dict(facts.pairs)["Training"] == "unknown: the checkpoint does not say"
    assert "epoch" not in make_page(unknown, Edition()).subtitle


@pytest.mark.parametrize(("epochs", "side"), [(1, 64), (3, 64), (40, 64), (12, 128)])
def test_a_run_is_shown_as_it_learned_in_few_epochs_and_bytes(tmp_path, epochs, side):
    stored = make_artifacts(tmp_path, n=40, dims=4, top=1, epochs=epochs, size=side)
    found = collect(Folders(*stored))
    drawn = draw("learning", found.files)
    (strips,) = learning(Material(found.files, found.missing, figures={"learning": drawn}))
    made, samples = strips.strips
    assert samples.steps[0] == "epoch 1" and samples.steps[-1] == f"epoch {epochs}" and len(samples.steps) <= 9
    assert made.steps == (*samples.steps, "the original") and made.rows == samples.rows == (2 if side == 128 else 6)
    assert sum(len(strip.png) for strip in strips.strips) < 1_500_000
    assert ("falls from" in drawn.caption) is (epochs > 1)  # each epoch of the fixture is less blurred


def test_a_run_whose_epochs_were_not_kept_is_silent_about_them(folders):
    found = material(folders)
    files = {name: content for name, content in found.files.items() if name != artifacts.LEARNED}
    assert list(learning(replace(found, files=files))) == []


def test_faces_come_first(folders, tmp_path):
    page = artifacts.read_json(build_report(*folders, tmp_path).data)
    first = page["sections"][0]
    assert first["id"] == "faces" and first["blocks"][0]["kind"] == "picture"


def compared(tmp_path, *, worse=0.01, judges=None, settings=None):
    """Return what a comparison of two models says at a glance, and its lines of metrics."""
    models = {
        "a": comparison.write_model(tmp_path / "a", run="a"),
        "b": comparison.write_model(tmp_path / "b", run="b", worse=worse),
    }
    for (name, folder), own in zip(models.items(), settings or ({}, {}), strict=True):
        path = folder / artifacts.EVALUATION / artifacts.SUMMARY
        content = artifacts.read_json(path)
        content["config"] = {"objective": {"beta": 1.0}} | own
        for metric, of_distance in (("precision", True), ("fd_attributes", False)):
            value = 0.9 if name == "a" else 0.2
            content["estimates"][metric] = comparison.row(metric, value, value - 0.05, value + 0.05) | {
                "higher_is_better": of_distance,
                "group": "Samples",
            }
        artifacts.write_json(path, content)
        if judges:
            artifacts.write_json(
                folder / artifacts.EVALUATION / artifacts.SAMPLES,
                {"judge": {"name": "attributes", "identity": judges[name]}, "verdict": None, "metrics": {}},
            )
    differences = with_q(paired_differences(comparison.tables_of(models), list(comparison.FACTS), 0))
    _, data = comparison.build(models, tmp_path / "out", differences=differences)
    return json.dumps(comparison.section(data, "overview"), ensure_ascii=False), comparison.lines_of(data, "metrics")


def test_what_differs_between_models_stands_first(tmp_path):
    settings = ({"objective": {"beta": 8.0}, "training": {"epochs": 4}}, {"training": {"epochs": 30}})
    said, _ = compared(tmp_path, settings=settings)
    first = json.loads(said)[0]["text"]
    assert "`objective.beta` (8 and 1)" in first and "`training.epochs` (4 and 30)" in first
    assert "can not be told from these runs alone" in first


def test_models_of_the_same_settings_are_said_to_be_so(tmp_path):
    said, _ = compared(tmp_path)
    assert json.loads(said)[0]["text"] == "a and b were trained with the same settings."


def test_one_squared_error_is_not_counted_metric_by_metric(tmp_path):
    said, _ = compared(tmp_path)
    assert "clearly best in all" not in said and "counts once" in said


def test_two_models_are_nearer_and_never_both_nearest(tmp_path):
    said, _ = compared(tmp_path)
    assert "b is nearer to the test images by `fd_attributes`" in said and "nearest" not in said


def test_precision_has_no_best(tmp_path):
    _, lines = compared(tmp_path)
    assert set(comparison.marks(lines["precision"]).values()) == {""} and "crowd" in lines["precision"]["remark"]
    assert comparison.marks(lines["fd_attributes"]) == {"a": "", "b": "best"}


def test_numbers_of_different_judges_are_not_ranked(tmp_path):
    said, lines = compared(tmp_path, judges={"a": "1f", "b": "2e"})
    assert set(comparison.marks(lines["fd_attributes"]).values()) == {""}
    assert "different networks" in lines["fd_attributes"]["remark"] and "nearer" not in said


def test_a_number_in_the_theory_has_the_digits_of_its_row(folders):
    found = material(folders)
    for name, value in (("fd_attributes", 73.21), ("fd_attributes_aggregate", 73.09)):
        row = Quantity(value=value, low=52.0, high=94.0, n=30, label=name, definition="").record()
        found.files[artifacts.SUMMARY]["estimates"][name] = row
    said = text(theory(found))
    assert "distance of 73 from the test images, samples of a mixture fitted to the codes 73." in said
