"""The verbs that show what a model does with its code: sample, reconstruct, traverse, interpolate, edit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vaekit import artifacts
from vaekit.api.runs import find_checkpoint, run_name
from vaekit.api.verbs import evaluation_of, prepare_data
from vaekit.errors import ConfigError, DataError, did_you_mean
from vaekit.progress import Progress, silent
from vaekit.version import __version__

if TYPE_CHECKING:
    from vaekit.exploration.edit import Edit
    from vaekit.exploration.interpolate import Interpolation
    from vaekit.exploration.reconstruct import Reconstructions
    from vaekit.exploration.sampling import Samples
    from vaekit.exploration.space import Space
    from vaekit.exploration.traverse import Traversal

SOURCES = ("prior", "aggregate")


def sample(
    checkpoint: str | Path | None = None,
    *,
    n: int = 64,
    temperature: float = 1.0,
    source: Literal["prior", "aggregate"] = "prior",
    seed: int = 0,
    device: str = "auto",
    reports: str | Path = "reports",
    progress: Progress = silent,
    **evaluation: Any,
) -> "Samples":
    """Return decoded draws from the prior, or from the mixture that the evaluation fitted to the aggregate posterior.

    Args:
        checkpoint: as for `evaluate`.
        n: how many.
        temperature: standard deviation of z under the prior; scales the spread of each Gaussian of the mixture.
        source: "prior" or "aggregate"; the second takes the evaluation under `reports`, or makes one.
        seed: of the draws and the evaluation.
        device: auto, cpu, cuda or mps.
        reports: the folder of the evaluations.
        progress: told how far an evaluation is.
        evaluation: data, crop, limit, batch_size, as for `evaluate`.

    Raises:
        ConfigError: n, temperature or source that can not be.
        VaekitError: as for `evaluate`.
    """
    from vaekit.exploration.sampling import sample as draw

    if source not in SOURCES:
        raise ConfigError(f"--from {source} is no source of samples.{did_you_mean(source, SOURCES)}")
    path, mixture = find_checkpoint(checkpoint), None
    if source == "aggregate":
        options = {"out": reports, "seed": seed, "device": device, "progress": progress, **evaluation}
        mixture = artifacts.read_arrays(evaluation_of(path, **options).folder / artifacts.MIXTURE)
    model = _load(path, device)[0]
    return draw(run_name(path), model, n, temperature=temperature, mixture=mixture, seed=seed, made_by=_made_by(path))


def reconstruct(
    checkpoint: str | Path, pictures: Sequence[str | Path], *, crop: int | str | None = None, device: str = "auto"
) -> "Reconstructions":
    """Return one's own pictures and their reconstructions, with mse and kl of each.

    Args:
        checkpoint: as for `evaluate`.
        pictures: files of any size and mode. Those that can not be read are listed in `.unreadable`.
        crop: 178, 148, 140 or "none", measured on a picture 178 pixels wide; None takes the model's own.
        device: auto, cpu, cuda or mps.

    Raises:
        DataError: none of the files can be read.
        VaekitError: of the kind that fits: checkpoint or settings.
    """
    from vaekit.config import DataConfig
    from vaekit.data import Protocol
    from vaekit.exploration.reconstruct import reconstruct as run

    path = find_checkpoint(checkpoint)
    model, settings = _load(path, device)
    if not pictures:
        raise ConfigError("No picture is named: give the files to reconstruct after the checkpoint.")
    if crop is not None:
        settings = DataConfig.parse(settings.model_dump() | {"crop": crop}, "--crop")
    protocol = Protocol(settings.crop, settings.image_size, settings.channels)
    return run(run_name(path), model, [Path(file) for file in pictures], protocol, made_by=_made_by(path))


def traverse(
    checkpoints: str | Path | Sequence[str | Path] | None = None,
    *,
    dims: Sequence[int] | None = None,
    top: int | None = None,
    image: str = "mean",
    steps: int = 9,
    percentiles: tuple[float, float] = (1, 99),
    seed: int = 0,
    device: str = "auto",
    reports: str | Path = "reports",
    progress: Progress = silent,
    **evaluation: Any,
) -> "Traversal":
    """Return what single latent dims do to a face; with several checkpoints one row per model below one another.

    Args:
        checkpoints: one or several, each as for `evaluate`.
        dims: which dims; None takes the `top` dims by KL of each model.
        top: how many dims; None takes 8, or 3 of each of several models.
        image: id of the image to start from, or "mean" for the mean code of the test images.
        steps: pictures per row.
        percentiles: of mu over the test images, between which a dim is moved.
        seed, device, reports, progress, evaluation: as for `sample`.

    Raises:
        ConfigError: dims, percentiles or steps that can not be.
        DataError: no such image.
        VaekitError: as for `evaluate`.
    """
    from vaekit.exploration.traverse import traverse as run

    several = checkpoints if isinstance(checkpoints, (list, tuple)) else [checkpoints]
    options = {"seed": seed, "device": device, "reports": reports, "progress": progress, **evaluation}
    spaces = [_space(checkpoint, **options) for checkpoint in several or [None]]
    count = top if top is not None else 8 if len(spaces) == 1 else 3
    return run(spaces, dims=dims, top=count, image=image, steps=steps, percentiles=percentiles)


def interpolate(
    checkpoint: str | Path | None = None,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    count: int = 3,
    steps: int = 9,
    seed: int = 0,
    device: str = "auto",
    reports: str | Path = "reports",
    progress: Progress = silent,
    **evaluation: Any,
) -> "Interpolation":
    """Return the pictures between pairs of images, on the straight line and on the great circle between their codes.

    Args:
        checkpoint: as for `evaluate`.
        pairs: ids of the images at the ends; None draws `count` pairs of test images by the seed.
        count: how many pairs.
        steps: codes per row, both ends included.
        seed, device, reports, progress, evaluation: as for `sample`.

    Raises:
        ConfigError: no pair, or fewer than 2 steps.
        DataError: no such image.
        VaekitError: as for `evaluate`.
    """
    from vaekit.exploration.interpolate import interpolate as run

    options = {"seed": seed, "device": device, "reports": reports, "progress": progress, **evaluation}
    return run(_space(checkpoint, **options), pairs, count=count, steps=steps, seed=seed)


def edit(
    checkpoint: str | Path,
    image: str | Path,
    *,
    attribute: str,
    strengths: tuple[float, float] = (-3.0, 3.0),
    steps: int = 7,
    direction: Literal["means", "probe"] = "means",
    seed: int = 0,
    device: str = "auto",
    reports: str | Path = "reports",
    progress: Progress = silent,
    **evaluation: Any,
) -> "Edit":
    """Return an image moved along the direction of an attribute, and what every other probe says of it then.

    Args:
        checkpoint: as for `evaluate`.
        image: a picture file, cropped as by `reconstruct`, or the id of an image of the data.
        attribute: such as "Smiling".
        strengths: first and last, in standard deviations of the test codes along the direction.
        steps: pictures, evenly apart.
        direction: "means" (from the mean code without the attribute to that with it) or "probe" (the probe's normal).
        seed, device, reports, progress, evaluation: as for `sample`.

    Raises:
        ConfigError: unknown attribute (with its near match) or direction, strengths that are no range.
        DataError: no such image, an unreadable file, data without attributes.
        VaekitError: as for `evaluate`.
    """
    from vaekit.data import load_image
    from vaekit.exploration.directions import KINDS, read_directions
    from vaekit.exploration.edit import edit as run

    if direction not in KINDS:
        raise ConfigError(f"--direction {direction} is none.{did_you_mean(direction, KINDS)}")
    space = _space(checkpoint, seed=seed, device=device, reports=reports, progress=progress, **evaluation)
    if (file := Path(image)).is_file():
        picture, name = load_image(file, space.prepared.protocol), file.stem
    else:
        try:
            name = space.image_id(str(image))
        except DataError as error:
            raise DataError(f"{image} is neither a file nor the id of an image. {error}") from None
        picture = space.images([name])[0]
    return run(
        space, read_directions(space), picture, name, attribute, strengths=strengths, steps=steps, kind=direction
    )


def _space(
    checkpoint: str | Path | None, *, seed: int, device: str, reports: str | Path, progress: Progress, **evaluation: Any
) -> "Space":
    """Return the latent space of a checkpoint as its evaluation knows it; evaluates first, and says so, without one."""
    from vaekit.config import DataConfig
    from vaekit.exploration.space import open_space

    path = find_checkpoint(checkpoint)
    found = evaluation_of(path, out=reports, seed=seed, device=device, progress=progress, **evaluation)
    prepared, _ = prepare_data(DataConfig.parse(found.summary["protocol"]["settings"], str(found.folder)), progress)
    return open_space(run_name(path), _load(path, device)[0], prepared, found.folder)


def _load(path: Path, device: str) -> tuple[Any, Any]:
    """Return the model in a checkpoint and the settings of its data."""
    from vaekit.checkpoint import load_checkpoint
    from vaekit.device import choose_device

    loaded = load_checkpoint(path, choose_device(device))
    return loaded.model, loaded.config.data


def _made_by(path: Path) -> Mapping[str, str]:
    return {"vaekit": __version__, "checkpoint_sha256": artifacts.file_hash(path)}
