"""vaekit data: draw faces, prepare images, fetch weights."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show
from vaekit.errors import VaekitError
from vaekit.progress import Progress

app = typer.Typer(help="Draw faces, and decode images once for training and evaluation.", no_args_is_help=True)


class Factors(StrEnum):
    """How the factors of drawn faces depend on one another."""

    CELEBA = "celeba"
    INDEPENDENT = "independent"


class OnBadFile(StrEnum):
    """What happens to a file that can not be decoded."""

    SKIP = "skip"
    BLACK = "black"
    ERROR = "error"


class Fetched(StrEnum):
    """What can be downloaded on request."""

    INCEPTION = "inception"
    CELEBA = "celeba"


@app.command("faces")
def faces(
    count: Annotated[int, typer.Option("--count", min=1, help="How many faces.")] = 4000,
    seed: options.Seed = 0,
    factors: Annotated[
        Factors, typer.Option("--factors", help="Correlated as in CelebA, or independent (disentanglement metrics).")
    ] = Factors.CELEBA,
    plant: Annotated[
        str | None,
        typer.Option("--plant", help="Plant a failure: occluder, texture or blur, at a rate, such as occluder:0.03."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder that receives the faces in CelebA's layout.")] = Path(
        "data/faces"
    ),
    json: options.Json = False,
) -> None:
    """Draw faces in CelebA's layout: pictures, attributes, splits, identities and the true factors."""
    from vaekit.faces import Plant, write_faces

    try:
        planted = Plant.parse(plant) if plant else None
    except VaekitError as error:
        raise typer.BadParameter(str(error)) from None
    with drawn_progress() as progress:
        folder = write_faces(out, count, seed=seed, factors=factors.value, plant=planted, progress=progress)
    show(f"{count:,} drawn faces in {folder}", json, {"folder": str(folder), "count": count, "seed": seed})


@app.command("prepare")
def prepare(
    data: options.Data = None,
    crop: options.Crop = None,
    image_size: options.ImageSize = None,
    limit: options.Limit = None,
    on_bad_file: Annotated[
        OnBadFile, typer.Option("--on-bad-file", help="What to do with a file that can not be decoded.")
    ] = OnBadFile.SKIP,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of subsets, and of the split where there is none.")] = 0,
    grey: Annotated[bool, typer.Option("--grey", help="One channel, the luminance, instead of three.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file again, also those that nobody touched since.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Decode images once into a memory-mapped array; train and evaluate do so on demand."""
    from vaekit.api.opening import prepare_data
    from vaekit.config import DataConfig
    from vaekit.data import SPLITS

    images = options.image_settings(crop=crop, image_size=image_size, limit=limit)
    own = {"source": data, "on_bad_file": on_bad_file.value, "seed": seed, "channels": 1 if grey else 3}
    settings = DataConfig.parse(own | images, "The options")
    with drawn_progress() as progress:
        prepared, _ = prepare_data(settings, progress, verify=verify)
    facts = {
        "folder": str(prepared.folder),
        "fingerprint": prepared.fingerprint,
        "counts": {split: prepared.count(split) for split in SPLITS},
        "skipped": len(prepared.skipped),
        "notes": list(prepared.notes),
    }
    show("\n".join([str(prepared), *prepared.notes]), json, facts)


@app.command("fetch")
def fetch(
    what: Annotated[
        Fetched | None,
        typer.Argument(
            help="inception: the weights that FID needs, 96 MB, checksum compared. celeba: 1.4 GB.", show_default=False
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="hub:owner/name, a data set of the Hugging Face hub, or hub:FOLDER in its format."),
    ] = None,
    limit: options.Limit = None,
    json: options.Json = False,
) -> None:
    """Download what vaekit never downloads unasked."""
    from vaekit.data.hub import PREFIX

    if (what is None) == (source is None):
        raise typer.BadParameter(
            "name one thing to fetch: inception, celeba, or a data set with --from hub:owner/name."
        )
    if source is not None and not source.startswith(PREFIX):
        raise typer.BadParameter(f"--from {source!r}: expected {PREFIX}owner/name.")
    if limit is not None and source is None:
        raise typer.BadParameter("--limit belongs to --from: the other downloads are whole.")
    with drawn_progress() as progress:
        path = _fetch(what, source, limit, progress)
    show(f"{source or what} is in {path}", json, {"file": str(path)})


def _fetch(what: Fetched | None, source: str | None, limit: str | None, progress: Progress) -> Path:
    root = Path("data")
    if source is not None:
        from vaekit.data.hub import PREFIX, fetch_hub, hub_folder

        name = source.removeprefix(PREFIX)
        return fetch_hub(
            name, hub_folder(root, name), limit=options.image_settings(limit=limit).get("limit"), progress=progress
        )
    if what is Fetched.CELEBA:
        from vaekit.data.download import fetch_celeba

        return fetch_celeba(root)
    from vaekit.judge.inception import fetch_inception

    return fetch_inception(progress)
