"""ARCHITECTURE.md's table "One place to add a thing": each row does what it says, in one file beside vaekit's own."""

import importlib
import inspect
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydantic import Field, create_model

from tests.evaluation.conftest import make_batch
from vaekit import config, options
from vaekit.cli import options as flags
from vaekit.data import open_source
from vaekit.data.base import DATASETS
from vaekit.evaluation.base import METRICS, metric_rows
from vaekit.evaluation.metrics.borrowed import metrics_of
from vaekit.evaluation.samples.base import SET_METRICS, compare, reals_of
from vaekit.evaluation.samples.tables import summary_rows
from vaekit.evaluation.stages import run_stages
from vaekit.failure_analysis.split import base as split
from vaekit.figures.base import FIGURES, draw
from vaekit.models.base import MODELS, build_model
from vaekit.reporting.citations import explained_on
from vaekit.reporting.document import SECTIONS, Metrics, Section
from vaekit.reporting.material import Material
from vaekit.reporting.page import write_sections
from vaekit.reporting.tables import metrics_of as rows_of

PAGE = (Path(__file__).parent.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
TABLE = re.search(r"## One place to add a thing\n\n(.*?)\n\n", PAGE, re.S)[1]


@pytest.fixture
def add(monkeypatch, tmp_path):
    """Return a function (registry, source) that adds a module to the registry's package, for this test alone."""

    def add(registry, source):
        known = dict(registry.items())
        (tmp_path / "of_mine.py").write_text(source, encoding="utf-8")
        package = importlib.import_module(registry.package)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        monkeypatch.setattr(registry, "_things", dict(known))
        monkeypatch.setattr(registry, "_loaded", False)
        monkeypatch.delitem(sys.modules, f"{registry.package}.of_mine", raising=False)
        assert set(registry.names()) - set(known) == {"mine"}
        del sys.modules[f"{registry.package}.of_mine"]

    return add


def a_metric_of_an_image(add, **_):
    add(
        METRICS,
        """
from vaekit.evaluation.base import metric

@metric("mine", label="Worst", unit="px", higher_is_better=False, definition="max |x - x_hat|", group="Reconstruction")
def mine(batch):
    return (batch.x - batch.x_hat).abs().flatten(1).amax(1)
""",
    )
    table = pd.DataFrame({"image_id": list("abcdef"), "mine": metrics_of()["mine"](make_batch()).numpy()})
    (row,) = rows_of(metric_rows(table, {}, {"mine": METRICS.get("mine")}, seed=0))
    assert (row.arrow, row.unit, row.quantity.group) == ("↓", "px", "Reconstruction") and row.quantity.n == 6
    (term,) = [t for t in explained_on([Section("s", "S", "", (Metrics("m", (row,)),))]) if t.covers]
    assert term.text == "max |x - x_hat|."


def a_metric_of_sets(add, **_):
    add(
        SET_METRICS,
        """
import numpy as np
from vaekit.evaluation.samples.base import Column, set_metric
from vaekit.statistics.bootstrap import Estimate

@set_metric(Column("mine", "Apart", "1", False, "distance of the means of the {features}"))
def mine(generated, real, paired):
    far = float(np.linalg.norm(generated.features.mean(0) - real.features.mean(0)))
    return (Estimate(far, far, far, len(generated.features)),)
""",
    )
    features = np.random.default_rng(0).normal(size=(1, 8, 3)).astype(np.float32)
    found = compare(features, reals_of(features, 0), "attributes").estimates
    row = summary_rows({"prior": found}, {}, "attributes", 3)["mine"]
    assert row.value == 0 and row.definition.endswith("distance of the means of the features of the attributes judge")


def a_test_of_the_whole_split(add, monkeypatch, **_):
    split.SPLIT_TESTS.names()  # all of vaekit's own are loaded, and with them their words
    monkeypatch.setattr(split, "WORDINGS", dict(split.WORDINGS))
    add(
        split.SPLIT_TESTS,
        """
from vaekit.failure_analysis.split.base import Measured, SplitResult, Words, split_test, worded

@split_test("mine", place=1)
def mine(context):
    return Measured((SplitResult("mine", "mine", bool(context.values.mean() > 1)),))

@worded("mine")
def words(result, training):
    return Words("Mine", f"It is {result.found}.")
""",
    )
    # vaekit's own would want real images
    monkeypatch.setattr(split.SPLIT_TESTS, "_things", {"mine": split.SPLIT_TESTS.get("mine")})
    (result,) = split.run_split_tests(SimpleNamespace(values=np.array([1.0, 3.0]), columns={})).results
    assert split.words(result).sentence == "It is True."


def a_section_of_the_report(add, monkeypatch, **_):
    add(
        SECTIONS,
        """
from vaekit.reporting.document import Prose, section

@section("mine", "Mine", part="Results", place=25)
def mine(material):
    yield Prose(material.need("mine.txt"))
""",
    )
    monkeypatch.setattr(SECTIONS, "_things", {"mine": SECTIONS.get("mine")})
    written = write_sections(Material(files={"mine.txt": "So it is."}, missing={}), SECTIONS)["mine"]
    assert (written.title, written.part, written.blocks[0].text) == ("Mine", "Results", "So it is.")
    assert "missing" in write_sections(Material(files={}, missing={}), SECTIONS)["mine"].blocks[0].reason


def a_figure(add, **_):
    add(
        FIGURES,
        """
from vaekit.figures.base import Drawn, figure

@figure("mine", needs=("mine.txt",))
def mine(artifacts):
    return Drawn("Mine", artifacts["mine.txt"], "alt", b"<svg/>", "svg")
""",
    )
    assert draw("mine", {"mine.txt": "So it is."}).caption == "So it is."


def a_network(add, **_):
    add(
        MODELS,
        """
from vaekit.models.base import model
from vaekit.models.dense import DenseOptions, DenseVAE

class Mine(DenseOptions):
    scale: float = 1.0

@model("mine")
class MineVAE(DenseVAE):
    Options = Mine
""",
    )
    chosen = config.ModelConfig(name="mine", latent_dim=3, hidden=(4,), scale=2.0)
    assert build_model(chosen, config.LikelihoodConfig(), 28, seed=0).latent_dim == 3


def a_dataset(add, tmp_path, **_):
    add(
        DATASETS,
        """
import pandas as pd
from vaekit.data.base import Source, dataset

@dataset("mine")
def mine(root, seed):
    index = pd.DataFrame({"image_id": ["a"], "file": ["a.png"], "split": ["test"]})
    return Source("mine", root, index, (), ())
""",
    )
    assert open_source("mine", root=tmp_path, seed=3).root == tmp_path / "mine"


def a_recipe(monkeypatch, tmp_path, **_):
    (tmp_path / "mine.toml").write_text("# mine: a short one\n[training]\nepochs = 2\n", encoding="utf-8")
    monkeypatch.setattr(config, "files", lambda package: tmp_path)
    assert config.load_config("mine").training.epochs == 2 and config.recipe_lines() == {"mine": "a short one"}


def an_option_of_every_command(monkeypatch, **_):
    mine = create_model("Mine", __base__=options.EvaluationOptions, mine=(float, Field(0.5, description="Of mine.")))
    for module in (options, flags):
        monkeypatch.setattr(module, "EvaluationOptions", mine)
    monkeypatch.setitem(flags._PANELS, "Images and work", mine)
    seen = []

    def command(*, options: mine):
        seen.append(options)

    command = flags.takes_options(command)
    flag = inspect.signature(command).parameters["mine"].annotation.__metadata__[0]
    assert flag.help == "Of mine. Default: 0.5." and "--mine" in [flag.default, *flag.param_decls]
    command(**dict.fromkeys(mine.model_fields) | {"mine": 2.0})
    assert seen[0].mine == options.read_options(command, {"mine": 2.0}).mine == 2.0


def a_stage_of_the_evaluation(**_):
    from vaekit.evaluation.evaluate import STAGES
    from vaekit.evaluation.stages import Result, stage

    @stage("mine", needs=("codes",))
    def mine(task, codes):
        return Result(len(codes))

    codes = stage("codes")(lambda task: Result("abc"))
    task = SimpleNamespace(folder=Path("/nowhere"), quick=False)
    assert run_stages((codes, mine), task)["mine"].value == 3 and all(step.name != "mine" for step in STAGES)


ROWS = [name.strip() for name in re.findall(r"^\| (an? [^|]*)\|", TABLE, re.M)]


def test_every_row_of_the_table_is_tried():
    assert len(ROWS) == 10 and all(name.replace(" ", "_") in globals() for name in ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_one_file_is_enough(row, add, monkeypatch, tmp_path):
    globals()[row.replace(" ", "_")](add=add, monkeypatch=monkeypatch, tmp_path=tmp_path)
