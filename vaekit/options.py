"""What every command and function is told in the same words: which model, which images, how the work is done.

A new option is a field here and a key of `Options`, for editors; the flag of every command is made from the field.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from vaekit.config import MOST_SEED, Config, Crop, DataConfig, Split
from vaekit.errors import ConfigError, did_you_mean

PixelRange = Literal["0,1", "-1,1", "imagenet"]


def _number(value: object) -> object:
    """Read "178" as the command line spells it; words stay words."""
    return int(value) if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal() else value


def _size(value: object) -> object:
    """Read "64", or "128x112" for height x width."""
    if isinstance(value, str) and "x" in value:
        return tuple(_number(side) for side in value.split("x"))
    return _number(value)


def _limit(value: object) -> object:
    """Read "train=20000,test=2000" as {"train": 20000, "test": 2000}."""
    if not isinstance(value, str):
        return value
    pairs = [part.split("=") for part in value.split(",") if part.strip()]
    names = [pair[0].strip() for pair in pairs]
    if len(set(names)) < len(names) or not all(len(pair) == 2 and pair[1].strip().isdecimal() for pair in pairs):
        raise PydanticCustomError("limit", "splits, each once, with whole numbers, such as train=20000,test=2000")
    return {name: int(pair[1]) for name, pair in zip(names, pairs, strict=True)}


def _names(value: object) -> object:
    """Read names from "a,b"."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


def _arguments(value: object) -> object:
    """Read a JSON object."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise PydanticCustomError("json", 'a JSON object, such as {{"z_dim": 128}}') from None


def _page_name(value: object) -> object:
    """Read the name of a page's file."""
    if isinstance(value, str) and Path(value).name == value and Path(value).suffix == ".html" and value != ".html":
        return value
    raise PydanticCustomError("page_name", "a file name without a folder that ends in .html, such as short.html")


class ModelOptions(Config):
    """How to read a checkpoint that vaekit did not write; all unset for one that it did."""

    model: str | None = Field(None, description="The model's class as FILE.py:Class or package.module:Class.")
    model_args: Annotated[dict[str, Any] | None, BeforeValidator(_arguments)] = Field(
        None, description="Arguments of the class by name, as a JSON object."
    )
    encoder: str | None = Field(None, description="FILE.py:Class of the encoder, where the model is two modules.")
    decoder: str | None = Field(None, description="FILE.py:Class of the decoder, where the model is two modules.")
    adapter: str | None = Field(None, description="FILE.py with a subclass of vaekit.Adapter: encode and decode.")
    range: PixelRange | None = Field(None, description="Pixel values the network takes: 0,1 or -1,1 or imagenet.")
    trust_pickle: bool = Field(False, description="Unpickle the file although that runs whatever code it holds.")
    objective: Literal["sse", "mse", "bce", "gaussian"] | None = Field(
        None, description="Reconstruction term of the training loss, which no file says: sse, mse, bce or gaussian."
    )
    reduction: Literal["sum", "mean"] | None = Field(
        None, description="How that term was reduced over pixels: sum or mean."
    )
    beta: float | None = Field(None, ge=0, description="Weight of the KL term beside it.")

    @property
    def is_foreign(self) -> bool:
        """Whether the user says that another program wrote the checkpoint."""
        return any((self.model, self.encoder, self.decoder, self.adapter))


class EvaluationOptions(ModelOptions):
    """Everything an evaluation is made with; each of the commands that need one takes all of it."""

    data: str | None = Field(None, description="A dataset's name or a folder. Default: what the model was trained on.")
    crop: Annotated[Crop | None, BeforeValidator(_number)] = Field(
        None, description="Centre crop in pixels, or none; part of every result. Default: the model's own."
    )
    image_size: Annotated[int | tuple[int, int] | None, BeforeValidator(_size)] = Field(
        None, description="Side of the network's images, or HEIGHTxWIDTH. Default: the model's own."
    )
    limit: Annotated[dict[Split, Annotated[int, Field(ge=0)]] | None, BeforeValidator(_limit)] = Field(
        None, description="Seeded subset per split, such as train=20000,valid=2000,test=2000."
    )
    inception_weights: Path | None = Field(
        None,
        description="Weights file of FID's InceptionV3. Default: $VAEKIT_INCEPTION_WEIGHTS, else torch's cache, else "
        "no FID.",
    )
    metric: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = Field(
        None, description="Further metrics of each image, such as torchmetrics:visual_information_fidelity."
    )
    quick: bool = Field(False, description="Reconstruction, rate and code alone: no judge, samples, probes, bounds.")
    seed: int = Field(0, ge=0, le=MOST_SEED, description="Of posterior noise, samples, pictures and bootstrap.")
    device: str = Field("auto", description="auto, cpu, cuda or mps.")
    batch_size: int = Field(256, ge=1, description="Images at a time; results depend on it only by rounding.")

    @property
    def model_options(self) -> ModelOptions:
        """The part that says how to read the checkpoint."""
        return ModelOptions(**self.model_dump(include=set(ModelOptions.model_fields)))

    @property
    def images(self) -> dict[str, Any]:
        """What was said of the images, as settings of `DataConfig`."""
        given = {"source": self.data, "crop": self.crop, "image_size": self.image_size, "limit": self.limit}
        return {name: value for name, value in given.items() if value is not None}

    def over(self, settings: DataConfig) -> DataConfig:
        """Return the settings of images with what was said of them laid over."""
        return DataConfig.parse(settings.model_dump() | self.images, "The data options")


class PageOptions(Config):
    """How the pages of one model are put together."""

    edition: Literal["full", "paper"] = Field(
        "full", description="full, or paper: at most eight printed pages, to be handed in."
    )
    name: Annotated[str, BeforeValidator(_page_name)] | None = Field(
        None, description="File name of the page, such as short.html; .md and the rest follow it."
    )
    title: str | None = Field(None, description="Headline of the report. Default: one made from the run.")
    author: str | None = Field(None, description="Who hands it in; stands below the headline.")
    course: str | None = Field(None, description="For which course; stands below the headline.")
    sections: Path | None = Field(
        None, description='TOML file that chooses and orders sections: sections = ["verdict", ...].'
    )
    notes: Path | None = Field(
        None, description="Your own Markdown, merged in below headings such as '## after: samples'."
    )
    full: bool = Field(False, description="Every picture at its own size, above 8 MB if need be.")
    pdf: bool = Field(False, description="Print it to a PDF too, through an installed Chromium.")
    latex: bool = Field(False, description="Write it as LaTeX too: a folder that pdflatex compiles.")


class Options(TypedDict, total=False):
    """`EvaluationOptions` by name, so that editors know what `**options` of a public function may hold.

    model: class of a model that vaekit did not train, "FILE.py:Class"; model_args, encoder, decoder, adapter, range,
        trust_pickle: how it is read; objective, reduction, beta: the loss that trained it, where that is known.
    data, crop, image_size, limit: the images; None takes what the model was trained with.
    inception_weights: file of the network behind FID; None looks where other tools keep it, and does without.
    metric: further metrics of each image by name, such as "torchmetrics:visual_information_fidelity".
    quick: reconstruction, rate and code alone, in a folder of its own.
    seed: of posterior noise, samples, pictures and bootstrap.
    device: auto, cpu, cuda or mps.
    batch_size: images at a time; results depend on it only by float32 rounding.
    """

    model: str | None
    model_args: dict[str, Any] | str | None
    encoder: str | None
    decoder: str | None
    adapter: str | None
    range: PixelRange | None
    trust_pickle: bool
    objective: Literal["sse", "mse", "bce", "gaussian"] | None
    reduction: Literal["sum", "mean"] | None
    beta: float | None
    data: str | None
    crop: Crop | None
    image_size: int | tuple[int, int] | str | None
    limit: Mapping[str, int] | str | None
    inception_weights: str | Path | None
    metric: Sequence[str] | str | None
    quick: bool
    seed: int
    device: str
    batch_size: int


class ReportOptions(Options, total=False):
    """`PageOptions` and `Options` by name: what `vaekit.report` takes."""

    edition: Literal["full", "paper"]
    name: str | None
    title: str | None
    author: str | None
    course: str | None
    sections: str | Path | None
    notes: str | Path | None
    full: bool
    pdf: bool
    latex: bool


def read_options(verb: Callable[..., Any], options: Mapping[str, Any], also: Iterable[str] = ()) -> EvaluationOptions:
    """Return the options that a public function was called with; `also` are names of others that it takes.

    Raises:
        ConfigError: an option that it does not have (with its near match), or a value that does not fit.
    """
    for name in options.keys() - EvaluationOptions.model_fields:
        own = [p.name for p in inspect.signature(verb).parameters.values() if p.kind is p.KEYWORD_ONLY]
        known = [*own, *also, *EvaluationOptions.model_fields]
        raise ConfigError(f"vaekit.{verb.__name__} has no option {name!r}.{did_you_mean(name, known)}")
    return EvaluationOptions.parse(_said(options), f"vaekit.{verb.__name__}")


def read_page_options(verb: Callable[..., Any], options: Mapping[str, Any]) -> tuple[PageOptions, EvaluationOptions]:
    """Return the options of pages and of the evaluation that a public function was called with; errors likewise."""
    names = PageOptions.model_fields
    page = PageOptions.parse(_said({k: v for k, v in options.items() if k in names}), f"vaekit.{verb.__name__}")
    return page, read_options(verb, {k: v for k, v in options.items() if k not in names}, names)


def _said(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
