"""Every option that more than one command takes, declared once: the same words everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vaekit.errors import VaekitError


class CropChoice(StrEnum):
    """Crops by side in pixels of the 178 x 218 original."""

    C178 = "178"
    C148 = "148"
    C140 = "140"
    NONE = "none"


def crop_value(crop: CropChoice | None) -> int | str | None:
    """Return the crop as settings spell it: a number, "none", or None where it was not given."""
    return crop if crop is None or crop is CropChoice.NONE else int(crop.value)


def parse_limit(text: str | None) -> dict[str, int] | None:
    """Return {"train": 20000, ...} from "train=20000,valid=2000"; a usage error says what does not fit."""
    if text is None:
        return None
    from vaekit.data.selection import parse_limit as parse

    try:
        return parse(text)
    except VaekitError as error:
        raise typer.BadParameter(str(error)) from None


def parse_range(option: str, text: str, example: str) -> tuple[float, float]:
    """Return (-3.0, 3.0) from "-3:3"; a usage error where `text` is no two numbers."""
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r} is no range: write two numbers as {example}.") from None
    return low, high


Data = Annotated[
    str | None,
    typer.Option("--data", help="Dataset name (celeba, faces) or a folder. Default: data/celeba, else drawn faces."),
]
Crop = Annotated[
    CropChoice | None,
    typer.Option(
        "--crop", help="Centre crop in pixels; part of every result. Default: the recipe's, or the model's own."
    ),
]
ImageSize = Annotated[
    int | None,
    typer.Option(
        "--image-size", help="Side of the network's images: 64 or 128. Default: the recipe's, or the model's own."
    ),
]
Limit = Annotated[
    str | None, typer.Option("--limit", help="Seeded subset per split, such as train=20000,valid=2000,test=2000.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
BatchSize = Annotated[int, typer.Option("--batch-size", min=1, help="Images at a time; results do not depend on it.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines instead of words.")]
Checkpoint = Annotated[
    str | None,
    typer.Argument(
        help="A .pt file, or the folder or name of a run. Default: the best checkpoint of the newest run.",
        show_default=False,
    ),
]
OneCheckpoint = Annotated[str, typer.Argument(help="A .pt file, or the folder or name of a run.", show_default=False)]
Reports = Annotated[
    Path, typer.Option("--out", help="Folder that receives <run>/<protocol>/evaluation/summary.json and the rest.")
]
Pictures = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Folder that receives the pictures. Default: <reports>/<run>/pictures.", show_default=False
    ),
]
ReportsOf = Annotated[
    Path, typer.Option("--reports", help="Folder of the evaluations: what `vaekit evaluate` calls --out.")
]
Steps = Annotated[int, typer.Option("--steps", min=2, help="Pictures per row.")]
