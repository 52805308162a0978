"""The lowest rooms: errors, registry, seeding, artifacts, configuration."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from vaekit import artifacts
from vaekit.config import RunConfig, load_config, recipe_lines, recipe_names
from vaekit.errors import ConfigError, DataError, OutputError, did_you_mean
from vaekit.models.base import MODELS
from vaekit.registry import Registry
from vaekit.seeding import keyed_normal, numpy_generator, torch_generator

# errors and registry


def test_did_you_mean_names_the_near_match_and_every_option():
    assert did_you_mean("bta", ["beta", "sigma"]) == " Did you mean 'beta'? Known: beta, sigma."
    assert did_you_mean("zzz", ["beta", "sigma"]) == " Known: beta, sigma."


def test_registry_finds_files_and_other_packages_by_entry_point():
    assert {"conv", "dense", "residual", "linear_gaussian"} <= set(MODELS.names())
    with pytest.raises(ConfigError, match=r"no model called 'convv'. Did you mean 'conv'\? Known: .*residual"):
        MODELS.get("convv")


def test_registry_refuses_a_name_twice():
    things = Registry("thing", "vaekit.models")
    things.register("a")(1)
    with pytest.raises(ValueError, match="registered twice"):
        things.register("a")(2)


def test_help_answers_before_torch_or_pandas_are_imported():
    code = "import sys; sys.argv = ['vaekit', '--help']\nfrom vaekit.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'pandas', 'numpy', 'scipy', 'matplotlib'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, stdout=subprocess.DEVNULL)


# seeding


def test_streams_are_named_repeatable_and_independent():
    draw = lambda *names, seed=0: numpy_generator(seed, *names).normal(size=2000)  # noqa: E731
    assert (draw("a") == draw("a")).all() and (draw("a") != draw("b")).all() and (draw("a") != draw("a", seed=1)).all()
    assert abs(np.corrcoef(draw("a"), draw("b"))[0, 1]) < 4 / np.sqrt(2000)
    first, again, other = (torch.randn(9, generator=torch_generator(0, name)) for name in ("a", "a", "b"))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_names_do_not_run_together():
    assert numpy_generator(1, "1/a").integers(1 << 60) == numpy_generator(1, "1", "a").integers(1 << 60)  # one path
    assert numpy_generator(11, "a").integers(1 << 60) != numpy_generator(1, "1a").integers(1 << 60)


def test_keyed_noise_belongs_to_the_image():
    whole = keyed_normal(3, "posterior", ["a", "b", "c"], 4)
    assert (keyed_normal(3, "posterior", ["c", "a"], 4) == whole[[2, 0]]).all() and whole.dtype == np.float32
    many = keyed_normal(0, "posterior", [str(i) for i in range(2000)], 5)
    assert stats.kstest(many.ravel(), "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(many.T) - np.eye(5)).max() < 4 / np.sqrt(2000)
    assert keyed_normal(0, "posterior", [], 4).shape == (0, 4)


# artifacts


def test_what_is_written_comes_back(tmp_path):
    table = pd.DataFrame({"image_id": ["000001", "NA", "1e5"], "mse": [1 / 3, np.nan, -np.inf]})
    artifacts.write_table(tmp_path / "t.csv", table)
    pd.testing.assert_frame_equal(artifacts.read_table(tmp_path / "t.csv"), table, check_dtype=False, rtol=1e-15)
    artifacts.write_arrays(tmp_path / "a.npz", x=np.arange(3), y=np.array(["ä"]))
    assert artifacts.read_arrays(tmp_path / "a.npz")["y"].tolist() == ["ä"]
    artifacts.write_json(tmp_path / "j.json", {"v": 0.1 + 0.2, "n": None})
    assert artifacts.read_json(tmp_path / "j.json") == {"v": 0.1 + 0.2, "n": None}
    with artifacts.array_writer(tmp_path / "w.npy", (3, 2), np.uint8) as append:
        append(np.array([[1, 2]], np.uint8))
        append(np.array([[3, 4], [5, 6]], np.uint8))
    assert artifacts.read_array(tmp_path / "w.npy").tolist() == [[1, 2], [3, 4], [5, 6]]


def test_same_arrays_same_bytes_whatever_the_time(tmp_path):
    artifacts.write_arrays(tmp_path / "a.npz", x=np.arange(3))
    time.sleep(2.1)  # zip files keep times to two seconds
    artifacts.write_arrays(tmp_path / "b.npz", x=np.arange(3))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifacts.write_json(tmp_path / "j.json", {"v": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "a.txt"
    artifacts.write_text(target, "old")
    with pytest.raises(RuntimeError), artifacts.atomic(target) as file:
        file.write(b"new, but")
        raise RuntimeError
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
    says = r"Can not write .*a.txt: No space left.*What stood there before is untouched"
    with pytest.raises(OutputError, match=says), artifacts.atomic(target):
        raise OSError(28, "No space left on device")
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_readers_say_what_to_do(tmp_path):
    with pytest.raises(DataError, match="is missing: run the stage that writes it again"):
        artifacts.read_json(tmp_path / "none.json")
    for name, reader in (
        ("a.json", artifacts.read_json),
        ("a.npz", artifacts.read_arrays),
        ("a.npy", artifacts.read_array),
    ):
        (tmp_path / name).write_bytes(b"PK\x03\x04 broken")
        with pytest.raises(DataError, match=r"can not be read .* delete it and run the stage that writes it"):
            reader(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Can not write"):
        artifacts.write_text(tmp_path / "a", "")


# configuration


def test_every_recipe_loads_says_what_it_is_and_survives_toml(tmp_path):
    assert {"default", "demo", "plain64", "dense64", "beta64", "residual64", "deep128", "tanh128"} <= set(
        recipe_names()
    )
    for name, line in recipe_lines().items():
        config = load_config(name)
        assert 10 < len(line) < 120 and not line.startswith("#"), name
        (tmp_path / "again.toml").write_text(config.to_toml())
        assert load_config(str(tmp_path / "again.toml")) == config
        assert RunConfig.parse(json.loads(json.dumps(config.model_dump(mode="json"))), name) == config


@pytest.mark.parametrize(("given", "kept"), [(100, 100), ([218, 178], (218, 178)), ([28, 28], 28)])
def test_any_image_size_and_grey_survive_toml_and_json(given, kept, tmp_path):
    config = load_config("default", {"data.image_size": given, "data.channels": 1})
    assert (config.data.image_size, config.data.channels) == (kept, 1)
    (tmp_path / "again.toml").write_text(config.to_toml())
    assert load_config(str(tmp_path / "again.toml")) == config
    assert RunConfig.parse(json.loads(json.dumps(config.model_dump(mode="json"))), "again") == config


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"training.epoch": 3}, r"has no setting 'training.epoch'. Did you mean 'epochs'\? Known: epochs, batch_size"),
        ({"trainig.epochs": 3}, r"has no setting 'trainig'. Did you mean 'training'\?"),
        ({"likelihood.sigma": "optimall"}, r"likelihood.sigma = 'optimall' does not fit; .*Did you mean 'optimal'\?"),
        ({"likelihood.sigma": -1.0}, r"likelihood.sigma = -1.0 does not fit; it should be .* greater than 0"),
        ({"likelihood.sigma": float("inf")}, r"likelihood.sigma = inf does not fit; it should be .* a finite number"),
        ({"likelihood.name": "gausian"}, r"Did you mean 'gaussian'\?"),
        ({"data.limit": {"trian": 5}}, r"data.limit = 'trian' does not fit; .*Did you mean 'train'\?"),
        ({"training.epochs": "many"}, r"training.epochs = 'many' does not fit; it should be a valid integer"),
        ({"training.epochs": 2.5}, r"training.epochs = 2.5 does not fit; it should be a valid integer"),
        ({"data.image_size": 27}, r"data.image_size = 27 does not fit; it should be a whole number of pixels from 28"),
        ({"data.image_size": [64, 20]}, r"data.image_size = \[64, 20\] does not .* from 28 up, or \[height, width\]"),
        ({"data.channels": 4}, r"data.channels = 4 does not fit; it should be 1 or 3"),
        ({"data.image_size.side": 3}, r"'data.image_size.side' is no setting: 'image_size' holds a value, not a group"),
    ],
)
def test_wrong_settings_name_the_key_and_the_near_match(overrides, says):
    with pytest.raises(ConfigError, match=says):
        load_config("default", overrides)


def test_recipe_files_that_are_none(tmp_path):
    with pytest.raises(ConfigError, match=r"recipe file .*none.toml can not be read: No such file"):
        load_config(str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_text("a = = 3")
    with pytest.raises(ConfigError, match=r"bad.toml is not valid TOML"):
        load_config(str(tmp_path / "bad.toml"))
