"""Folders that say themselves what network they hold: those of diffusers and of pythae. No code of theirs is run."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import nn

from vaekit.artifacts import read_json
from vaekit.errors import CheckpointError, ConfigError

DIFFUSERS, PYTHAE = "config.json", "model_config.json"
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".pkl", ".tar")


def family_folder(path: Path) -> tuple[Literal["diffusers", "pythae"], Path] | None:
    """Return the family's name and its folder, `path` or one below it named vae/, or None for any other."""
    for folder in (path, path / "vae"):
        if "_class_name" in config_of(folder / DIFFUSERS):
            return "diffusers", folder
        if "name" in config_of(folder / PYTHAE):
            return "pythae", folder
    return None


def config_of(path: Path) -> dict[str, Any]:
    """Return the settings in a JSON file; none where it is not there."""
    if not path.is_file():
        return {}
    content = read_json(path)
    return content if isinstance(content, dict) else {}


def weight_files(folder: Path) -> list[Path]:
    """Return the files of weights in a folder; of two forms of the same name the safetensors one."""
    own_code = {"encoder.pkl", "decoder.pkl"} if (folder / PYTHAE).is_file() else set()
    found = sorted(f for f in folder.iterdir() if f.suffix in WEIGHT_SUFFIXES and f.name not in own_code)
    safe = {f.stem for f in found if f.suffix == ".safetensors"}
    twins = {"pytorch_model": "model", "diffusion_pytorch_model": "diffusion_pytorch_model"}
    return [f for f in found if f.suffix == ".safetensors" or twins.get(f.stem, f.stem) not in safe]


def build_diffusers(folder: Path) -> nn.Module:
    """Return the untrained AutoencoderKL of a folder's config.json; the scaling factor is a diffusion model's alone.

    Raises:
        CheckpointError: another class of diffusers, which has no Gaussian posterior.
        ConfigError: diffusers is not installed.
    """
    config = config_of(folder / DIFFUSERS)
    name = str(config["_class_name"])
    if name.startswith("VQ"):
        raise CheckpointError(f"{folder} holds a {name}: its latents are discrete codes, with no Gaussian posterior.")
    if name != "AutoencoderKL":
        raise CheckpointError(f"{folder} holds a {name} of diffusers: vaekit reads AutoencoderKL.")
    try:
        autoencoder = importlib.import_module("diffusers").AutoencoderKL
    except ImportError as error:
        raise ConfigError(f"{folder} needs the package diffusers ({error}): pip install diffusers.") from None
    return _quietly(autoencoder.from_config, config)


def build_pythae(folder: Path) -> nn.Module:
    """Return the untrained network of a folder's model_config.json, encoder and decoder being pythae's own.

    Raises:
        CheckpointError: an encoder or decoder of the user's own, which lies in a pickle, or a model without q(z|x).
        ConfigError: pythae is not installed.
    """
    config = config_of(folder / PYTHAE)
    name = str(config["name"]).removesuffix("Config")
    own = [part for part in ("encoder", "decoder") if not config.get(f"uses_default_{part}", True)]
    if own:
        raise CheckpointError(
            f"{folder} was saved with a custom {' and '.join(own)}, whose code lies in a pickle that vaekit does not "
            "run: name both classes with --encoder FILE.py:Class --decoder FILE.py:Class."
        )
    if name.startswith("VQ"):
        raise CheckpointError(f"{folder} holds a {name}: its latents are discrete codes, with no Gaussian posterior.")
    try:
        models = importlib.import_module("pythae.models")
    except ImportError as error:
        raise ConfigError(f"{folder} needs the package pythae ({error}): pip install pythae.") from None
    network, settings = getattr(models, name, None), getattr(models, f"{name}Config", None)
    if network is None or settings is None:
        raise CheckpointError(f"{folder} holds a {name}, which the installed pythae does not have: upgrade it.")
    return _quietly(lambda: network(settings.from_dict(dict(config))))


def _quietly(make: Any, *arguments: Mapping[str, Any]) -> nn.Module:
    from vaekit.foreign.quarantine import quarantine

    with quarantine():
        module = make(*arguments)
    assert isinstance(module, nn.Module)
    return module.eval()
