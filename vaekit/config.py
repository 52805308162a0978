"""What a training run is told: frozen, checked settings, read from TOML and written back to it."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vaekit.errors import ConfigError, did_you_mean

Crop = Literal[178, 148, 140, "none"]
ImageSize = Literal[64, 128]
Split = Literal["train", "valid", "test"]
OnBadFile = Literal["skip", "black", "error"]


class Config(BaseModel):
    """Base of every group of settings: immutable, no unknown keys, errors in the user's words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: str) -> Self:
        """Return the settings in `values`; ConfigError names the wrong key, its near match and `where` it stands."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError(" ".join(_sentence(cls, e, where) for e in error.errors())) from None


def _sentence(config: type[BaseModel], error: Any, where: str) -> str:
    *parents, key = [str(part) for part in error["loc"]] or [""]
    full = ".".join([*parents, key])
    if error["type"] == "extra_forbidden":
        group: Any = config
        for name in parents:
            group = group.model_fields[name].annotation
        return f"{where} has no setting {full!r}.{did_you_mean(key, group.model_fields)}"
    if error["type"] == "missing":
        return f"{where} lacks the setting {full!r}."
    return f"{where}: {full} = {error['input']!r} does not fit: {error['msg'].lower()}."


class DataConfig(Config):
    """Which images, at which crop and size."""

    source: str | None = Field(None, description="A dataset's name or a folder; none: data/celeba, else drawn faces.")
    crop: Crop = Field(178, description="Side of the centre crop in pixels, or 'none' for the whole image squeezed.")
    image_size: ImageSize = Field(64, description="Side of the images the network sees, in pixels.")
    limit: dict[Split, int] = Field(default_factory=dict, description="At most so many images of each split.")
    seed: int = Field(0, ge=0, description="Of random subsets, and of the split where the data has none.")
    on_bad_file: OnBadFile = Field("skip", description="What to do with a file that can not be decoded.")


class ModelConfig(Config):
    """Which network; every further key is an option of that network, checked by it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = "conv"

    @property
    def options(self) -> dict[str, Any]:
        """The network's own options."""
        return dict(self.model_extra or {})


class LikelihoodConfig(Config):
    """The observation model p(x|z) around the decoder's mean."""

    name: Literal["gaussian"] = "gaussian"
    sigma: Literal["optimal"] | float = Field(
        "optimal",
        description="Standard deviation of a pixel in [0, 1]; 'optimal': the maximum-likelihood value throughout. "
        "sqrt(1/2) makes the loss sse + beta * kl.",
    )


class ObjectiveConfig(Config):
    """The negative ELBO and its weights."""

    beta: float = Field(1.0, ge=0, description="Weight of the KL term.")


class TrainingConfig(Config):
    """The optimisation."""

    epochs: int = Field(8, ge=1)
    batch_size: int = Field(128, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    clip_grad_norm: float = Field(200.0, gt=0, description="The gradient's norm is clipped here; 'inf' never clips.")
    seed: int = Field(0, ge=0)


class RunConfig(Config):
    """Everything that defines a training run."""

    note: str = Field("", description="A sentence that every report of this run repeats, such as what a profile trims.")
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    likelihood: LikelihoodConfig = LikelihoodConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    training: TrainingConfig = TrainingConfig()

    def to_toml(self) -> str:
        """Return the settings as TOML that `load_config` reads back to an equal object."""
        return tomli_w.dumps(self.model_dump(exclude_none=True))


def recipe_names() -> list[str]:
    """Return the names of the recipes that vaekit carries."""
    return sorted(f.name.removesuffix(".toml") for f in files("vaekit.recipes").iterdir() if f.name.endswith(".toml"))


def recipe_lines() -> dict[str, str]:
    """Return the first line of every recipe, by name: what it is."""
    texts = {name: files("vaekit.recipes").joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in recipe_names()}
    return {name: text.splitlines()[0].removeprefix(f"# {name}:").strip() for name, text in texts.items()}


def load_config(recipe: str, overrides: Mapping[str, Any] | None = None) -> RunConfig:
    """Return the settings of a recipe (a name, or the path of a TOML file) with dotted `overrides` laid over it.

    Raises:
        ConfigError: no such recipe, a broken file, an unknown key (with its near match) or a value out of range.
    """
    if recipe.endswith(".toml"):
        try:
            text = Path(recipe).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"The recipe file {recipe} can not be read: {error.strerror}.") from None
    elif recipe in recipe_names():
        text = files("vaekit.recipes").joinpath(f"{recipe}.toml").read_text(encoding="utf-8")
    else:
        hint = did_you_mean(recipe, recipe_names())
        raise ConfigError(f"There is no recipe called {recipe!r}.{hint} A path must end in .toml.")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The recipe {recipe} is not valid TOML: {error}.") from None
    for key, value in (overrides or {}).items():
        *parents, last = key.split(".")
        group = values
        for name in parents:
            group = group.setdefault(name, {})
            if not isinstance(group, dict):
                raise ConfigError(f"{key!r} is no setting: {name!r} holds a value, not a group.")
        group[last] = value
    return RunConfig.parse(values, f"The recipe {recipe}" + (" with your options" if overrides else ""))
