"""One set of options through Python and command line: none is dropped, none is written down twice."""

import inspect
import typing

import pytest
import typer

import vaekit
from vaekit.cli import app
from vaekit.errors import ConfigError
from vaekit.options import EvaluationOptions, Options, PageOptions, ReportOptions, read_options

VERBS = ("load", "evaluate", "failures", "report", "compare", "check", "sample", "reconstruct", "traverse")
FLAGGED = ("evaluate", "failures", "report", "compare", "check", "sample", "reconstruct", "traverse", "interpolate")


def test_the_words_for_editors_are_those_of_the_fields():
    assert Options.__annotations__.keys() == EvaluationOptions.model_fields.keys()
    assert ReportOptions.__annotations__.keys() - Options.__annotations__.keys() == PageOptions.model_fields.keys()
    for name in (*VERBS, "interpolate", "edit"):
        words = ReportOptions if name == "report" else Options
        assert getattr(vaekit, name).__annotations__["options"] == typing.Unpack[words], name


@pytest.mark.parametrize("command", [*FLAGGED, "edit"])
def test_every_command_has_a_flag_for_every_option_with_its_description(command):
    flags = {
        name: parameter.help
        for parameter in typer.main.get_command(app).commands[command].params
        for name in parameter.opts
    }
    for name, field in EvaluationOptions.model_fields.items():
        assert field.description in flags[f"--{name.replace('_', '-')}"]


@pytest.mark.parametrize("verb", [*VERBS, "interpolate", "edit"])
def test_an_unknown_option_is_an_error_that_names_the_near_match(verb):
    required = {"load": ("x",), "compare": (["a", "b"],), "reconstruct": ("x", ["p.png"]), "edit": ("x", "p.png")}
    more = {"attribute": "Smiling"} if verb == "edit" else {}
    with pytest.raises(ConfigError, match=rf"vaekit\.{verb} has no option 'croop'\. Did you mean 'crop'\?"):
        if verb == "check":
            more = {"most": {"mse": 1}}
        getattr(vaekit, verb)(*required.get(verb, ()), croop=148, **more)


def test_an_option_of_the_function_itself_is_a_near_match_too():
    with pytest.raises(ConfigError, match="Did you mean 'title'"):
        vaekit.report(titel="x")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"crop": "148"}, {"crop": 148}),
        ({"crop": "none"}, {"crop": "none"}),
        ({"image_size": "64"}, {"image_size": 64}),
        ({"image_size": "128x112"}, {"image_size": (128, 112)}),
        ({"limit": "train=20000, test = 5 ,"}, {"limit": {"train": 20000, "test": 5}}),
        ({"limit": {"test": 5}}, {"limit": {"test": 5}}),
        ({"model_args": '{"z_dim": 128}'}, {"model_args": {"z_dim": 128}}),
        ({"seed": None}, {}),
    ],
)
def test_texts_are_read_as_the_command_line_spells_them(given, read):
    assert read_options(vaekit.evaluate, given).given() == read


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"crop": 150}, "crop = 150 does not fit; it should be 178, 148, 140 or 'none'"),
        ({"limit": "trian=5"}, "Did you mean 'train'"),
        ({"limit": "train"}, "such as train=20000,test=2000"),
        ({"limit": "train=5,train=6"}, "each once"),
        ({"limit": {"test": -1}}, "greater than or equal to 0"),
        ({"model_args": "z_dim=3"}, "a JSON object"),
        ({"image_size": "64xx"}, "image_size"),
        ({"range": "0-255"}, "'0,1', '-1,1' or 'imagenet'"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_what_does_not_fit_is_an_error(given, says):
    with pytest.raises(ConfigError) as error:
        read_options(vaekit.evaluate, given)
    assert says in str(error.value)


def test_options_that_decide_numbers_are_part_of_what_an_evaluation_was_made_with(tmp_path):
    """Every option either belongs to the images, decides `made_with`, or is declared to change rounding only."""
    from vaekit.api.reuse import made_with
    from vaekit.api.runs import ModelSource

    file = tmp_path / "model.pt"
    file.write_bytes(b"weights")
    (tmp_path / "net.py").write_text("class Net: ...")
    weights = tmp_path / "inception.pth"
    weights.write_bytes(b"inception")
    values = {
        "model": f"{tmp_path / 'net.py'}:Net",
        "model_args": {"z": 3},
        "encoder": "a.py:A",
        "decoder": "a.py:B",
        "adapter": "a.py",
        "range": "-1,1",
        "trust_pickle": True,
        "objective": "mse",
        "reduction": "mean",
        "beta": 2.0,
        "metric": "torchmetrics:spectral_angle_mapper",
        "inception_weights": weights,
        "quick": True,
        "seed": 3,
    }
    assert EvaluationOptions.model_fields.keys() - values.keys() == {
        *("data", "crop", "image_size", "limit"),  # compared as the protocol's settings
        *("device", "batch_size"),  # rounding only
    }
    plain = made_with(ModelSource(file, EvaluationOptions().model_options), EvaluationOptions())
    for name, value in values.items():
        options = EvaluationOptions(**{name: value})
        assert made_with(ModelSource(file, options.model_options), options) != plain, name


def test_verbs_keep_their_options_out_of_their_own_signature():
    own = {name for verb in VERBS for name in inspect.signature(getattr(vaekit, verb)).parameters}
    assert not own & EvaluationOptions.model_fields.keys()
