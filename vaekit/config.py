"""What a training run is told: frozen, checked settings, read from TOML and written back to it."""

import difflib
import re
import reprlib
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from vaekit.errors import ConfigError, did_you_mean

Crop = Literal[178, 148, 140, "none"]
ImageSize = int | tuple[int, int]  # square, or height and width
SMALLEST = 28  # pixels
MOST_SEED = 2**32 - 1  # what scikit-learn takes
Channels = Literal[1, 3]
Split = Literal["train", "valid", "test"]
OnBadFile = Literal["skip", "black", "error"]


class Config(BaseModel):
    """Base of every group of settings: immutable, no unknown keys, errors in the user's words."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: str) -> Self:
        """Return the settings in `values`; ConfigError names the wrong key, its near match and `where` it stands."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError(" ".join(_sentences(cls, error, where))) from None

    def given(self) -> dict[str, Any]:
        """Return what was said, by name: what a public function takes."""
        return self.model_dump(exclude_unset=True)


def _sentences(config: type[BaseModel], error: ValidationError, where: str) -> list[str]:
    """Return one sentence per wrong setting; what a setting may be is joined where it may be several things."""
    wrong: dict[str, list[Any]] = {}
    for e in error.errors():
        group: type[BaseModel] | None = config
        path: list[str] = []
        for part in map(str, e["loc"]):
            if group is None:
                break  # inside a value: a union's branch, a dictionary's key, an item
            path.append(part)
            group = _group(group, part)
        wrong.setdefault(".".join(path), []).append(e)
    return [_sentence(config, path, errors, where) for path, errors in wrong.items()]


def _group(config: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Return the group of settings that stands at `name` in `config`; None where a value does."""
    field = config.model_fields.get(name)
    kinds = () if field is None else get_args(field.annotation) or (field.annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _sentence(config: Any, path: str, errors: list[Any], where: str) -> str:
    *parents, key = path.split(".")
    if errors[0]["type"] == "extra_forbidden":
        for name in parents:
            config = _group(config, name)
        return f"{where} has no setting {path!r}.{did_you_mean(key, config.model_fields)}"
    if errors[0]["type"] == "missing":
        return f"{where} lacks the setting {path!r}."
    expected = " or ".join(
        e["msg"].removeprefix("Input should be ").removeprefix("a valid dictionary or ") for e in errors
    )
    came = errors[0]["input"]
    options = re.findall(r"'([^']+)'", expected)
    near = difflib.get_close_matches(came, options, n=1) if isinstance(came, str) else []
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = reprlib.repr(came) if isinstance(came, list | dict) else f"{came!r}"  # of a list in itself there is no end
    return f"{where}: {path} = {shown} does not fit; it should be {expected}.{hint}"


class DataConfig(Config):
    """Which images, at which crop and size."""

    source: str | None = Field(None, description="A dataset's name or a folder; none: data/celeba, else drawn faces.")
    crop: Crop = Field(178, description="Side of the centre crop in pixels, or 'none' for the whole image squeezed.")
    image_size: ImageSize = Field(
        64, description="Side of the images the network sees in pixels, from 28, or [height, width]."
    )
    channels: Channels = Field(3, description="3 for colour, 1 for grey (luminance).")
    limit: dict[Split, int] = Field(default_factory=dict, description="At most so many images of each split.")
    seed: int = Field(0, ge=0, le=MOST_SEED, description="Of random subsets, and of the split where the data has none.")
    on_bad_file: OnBadFile = Field("skip", description="What to do with a file that can not be decoded.")

    @field_validator("image_size", mode="before")
    @classmethod
    def _one_spelling(cls, size: object) -> ImageSize:
        sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
        if len(sides) != 2 or not all(type(side) is int and side >= SMALLEST for side in sides):
            raise PydanticCustomError(
                "image_size", f"a whole number of pixels from {SMALLEST} up, or [height, width] of such numbers"
            )
        return sides[0] if sides[0] == sides[1] else sides


class ModelConfig(Config):
    """Which network; every further key is an option of that network, checked by it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = "conv"

    @property
    def options(self) -> dict[str, Any]:
        """The network's own options."""
        return dict(self.model_extra or {})

    @property
    def network(self) -> str:
        """The network's name; of one that another program wrote, that of its class."""
        return str(self.options.get("network", self.name))


class LikelihoodConfig(Config):
    """The observation model p(x|z) around the decoder's mean, over pixel values in [0, 1]."""

    name: Literal["gaussian", "bernoulli", "discretised_logistic"] = Field("gaussian", description="Its kind.")
    sigma: Literal["optimal", "learned"] | Annotated[float, Field(gt=0)] = Field(
        "optimal",
        description="Standard deviation of a pixel: a number, 'learned' with the weights, or 'optimal', kept at its "
        "maximum-likelihood value. sqrt(1/2) makes the loss sse + beta * kl.",
    )


class ObjectiveConfig(Config):
    """The negative ELBO and its weights."""

    beta: float = Field(1.0, ge=0, description="Weight of the KL term.")
    pixels: Literal["sum", "mean"] = Field(
        "sum", description="Whether the reconstruction term sums or averages pixels."
    )
    kl_warmup_epochs: float = Field(0.0, ge=0, description="Epochs over which beta grows linearly from 0.")
    free_bits: float = Field(0.0, ge=0, description="Nats per latent dim below which the KL costs nothing.")
    perceptual: float = Field(
        0.0, ge=0, description="Weight of the squared distance in VGG16's features; 0 does without."
    )
    vgg_weights: str | None = Field(None, description="File with VGG16's weights; none: torch's cache.")


class TrainingConfig(Config):
    """The optimisation."""

    epochs: int = Field(8, ge=1, description="Passes over the train split.")
    batch_size: int = Field(128, ge=1, description="Images of a step.")
    learning_rate: float = Field(1e-3, gt=0, description="Of Adam, at the start.")
    schedule: Literal["constant", "cosine"] = Field("constant", description="Learning rate over the whole of training.")
    clip_grad_norm: float = Field(0.0, ge=0, description="The gradient's norm is clipped here; 0 never clips.")
    ema: float = Field(
        0.0, ge=0, lt=1, description="Decay of the averaged weights that are kept; 0 keeps the last ones."
    )
    patience: int = Field(0, ge=0, description="Stop after so many epochs without a better validation loss; 0 never.")
    prior: Literal["standard", "mixture", "flow", "auto"] = Field(
        "standard",
        description="What samples are drawn from: N(0, I), or a density fitted to the codes of train after the last "
        "epoch; 'auto' keeps the one that describes valid codes best.",
    )
    bfloat16: bool = Field(False, description="Autocast to bfloat16 where the device has it.")
    seed: int = Field(0, ge=0, le=MOST_SEED, description="Of weights, order, noise and dropout.")


class RunConfig(Config):
    """Everything that defines a training run.

    `likelihood` and `objective` are None exactly where the training objective is unknown: of a checkpoint that another
    program wrote, when nobody said. `training` is None for all of those. TOML has no word for that, so that such a
    config is no recipe.
    """

    note: str = Field("", description="A sentence that every report of this run repeats, such as what a profile trims.")
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    likelihood: LikelihoodConfig | None = LikelihoodConfig()
    objective: ObjectiveConfig | None = ObjectiveConfig()
    training: TrainingConfig | None = TrainingConfig()

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.likelihood is None) != (self.objective is None):
            raise ValueError("likelihood and objective are known together or not at all")
        return self

    def to_toml(self) -> str:
        """Return the settings as TOML that `load_config` reads back to an equal object."""
        return tomli_w.dumps(self.model_dump(exclude_none=True))


def recipe_names() -> list[str]:
    """Return the names of the recipes that vaekit carries."""
    return sorted(f.name.removesuffix(".toml") for f in files("vaekit.recipes").iterdir() if f.name.endswith(".toml"))


def recipe_lines() -> dict[str, str]:
    """Return the first line of every recipe, by name: what it is."""
    texts = {
        name: files("vaekit.recipes").joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in recipe_names()
    }
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
        except UnicodeDecodeError:
            raise ConfigError(f"The recipe file {recipe} is not UTF-8 text: save it as UTF-8.") from None
    elif recipe in recipe_names():
        text = files("vaekit.recipes").joinpath(f"{recipe}.toml").read_text(encoding="utf-8")
    else:
        hint = did_you_mean(recipe, recipe_names())
        raise ConfigError(f"There is no recipe called {recipe!r}.{hint} A path must end in .toml.")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and numbers of thousands of digits
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
