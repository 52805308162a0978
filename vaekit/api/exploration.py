"""The verbs that show what a model does with its code: sample, reconstruct, traverse, interpolate, edit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack, cast, get_args

from vaekit import artifacts
from vaekit.api.opening import prepare_data, read_model, settings_of
from vaekit.api.reuse import evaluation_of
from vaekit.api.runs import AnyModel, ModelSource, find_model
from vaekit.errors import ConfigError, DataError, did_you_mean
from vaekit.options import EvaluationOptions, Options, read_options
from vaekit.progress import Progress, silent
from vaekit.version import __version__

if TYPE_CHECKING:
    from vaekit.exploration.edit import Edit
    from vaekit.exploration.interpolate import Interpolation
    from vaekit.exploration.reconstruct import Reconstructions
    from vaekit.exploration.sampling import Samples
    from vaekit.exploration.space import Space
    from vaekit.exploration.traverse import Traversal
    from vaekit.priors import Prior

Source = Literal["prior", "standard", "aggregate"]
Direction = Literal["means", "probe"]


def sample(
    checkpoint: AnyModel = None,
    *,
    n: int = 64,
    temperature: float = 1.0,
    source: Source = "prior",
    reports: str | Path = "reports",
    progress: Progress = silent,
    **options: Unpack[Options],
) -> "Samples":
    """Return decoded draws from the model's prior, from N(0, I), or from the mixture that its evaluation fitted.

    Args:
        checkpoint: as for `evaluate`.
        n: how many.
        temperature: scales the spread of z: of N(0, I) around 0, of each Gaussian of a mixture around its mean.
        source: "prior" (what the model learned, else N(0, I)), "standard" (N(0, I)), or "aggregate" (the mixture of the
            evaluation under `reports`, which is made where there is none).
        reports: the folder of the evaluations.
        progress: told how far an evaluation is.
        options: as for `evaluate`; the seed is that of the draws too.

    Raises:
        ConfigError: n, temperature or source that can not be.
        VaekitError: as for `evaluate`.
    """
    if source not in (sources := get_args(Source)):
        raise ConfigError(f"--from {source} is no source of samples.{did_you_mean(source, sources)}")
    read = read_options(sample, options)
    model = find_model(checkpoint, read.model_options)
    prior: Prior | None = None
    from vaekit.device import choose_device  # torch: a wrong name is told before it is imported
    from vaekit.exploration.sampling import sample as draw
    from vaekit.priors import Standard, mixture_of

    if source == "aggregate":
        file = evaluation_of(model, read, Path(reports), progress).folder / artifacts.MIXTURE
        prior = mixture_of(artifacts.read_arrays(file), str(file))
    vae = read_model(model, choose_device(read.device), read).model
    if source == "standard":
        prior = Standard(vae.latent_dim)
    return draw(model.run, vae, n, temperature=temperature, prior=prior, seed=read.seed, made_by=_made_by(model))


def reconstruct(
    checkpoint: AnyModel, pictures: Sequence[str | Path], *, progress: Progress = silent, **options: Unpack[Options]
) -> "Reconstructions":
    """Return one's own pictures and their reconstructions, with mse and kl of each.

    Args:
        checkpoint: as for `evaluate`.
        pictures: files of any size and mode. Those that can not be read are listed in `.unreadable`.
        progress: told how far reading a foreign model is.
        options: as for `evaluate`; crop None takes the model's own.

    Raises:
        DataError: none of the files can be read.
        VaekitError: of the kind that fits: checkpoint or settings.
    """
    read = read_options(reconstruct, options)
    if not pictures:
        raise ConfigError("No picture is named: give the files to reconstruct after the checkpoint.")
    source = find_model(checkpoint, read.model_options)
    from vaekit.data import Protocol
    from vaekit.device import choose_device
    from vaekit.exploration.reconstruct import reconstruct as run

    loaded = read_model(source, choose_device(read.device), read, progress)
    settings = read.over(loaded.config.data)
    return run(
        source.run,
        loaded.model,
        [Path(file) for file in pictures],
        Protocol(settings.crop, settings.image_size, settings.channels),
        made_by=_made_by(source),
    )


def traverse(
    checkpoints: AnyModel | Sequence[AnyModel] = None,
    *,
    dims: Sequence[int] | None = None,
    top: int | None = None,
    image: str = "mean",
    steps: int = 9,
    percentiles: tuple[float, float] = (1, 99),
    reports: str | Path = "reports",
    progress: Progress = silent,
    **options: Unpack[Options],
) -> "Traversal":
    """Return what single latent dims do to a face; with several checkpoints one row per model below one another.

    Args:
        checkpoints: one or several, each as for `evaluate`.
        dims: which dims; None takes the `top` dims by KL of each model.
        top: how many dims; None takes 8, or 3 of each of several models.
        image: id of the image to start from, or "mean" for the mean code of the test images.
        steps: pictures per row.
        percentiles: of mu over the test images, between which a dim is moved.
        reports, progress, options: as for `sample`.

    Raises:
        ConfigError: dims, percentiles or steps that can not be.
        DataError: no such image.
        VaekitError: as for `evaluate`.
    """
    several = checkpoints if isinstance(checkpoints, list | tuple) else [cast("AnyModel", checkpoints)]
    read = read_options(traverse, options)
    spaces = [_space(checkpoint, read, Path(reports), progress) for checkpoint in several or [None]]
    from vaekit.exploration.traverse import traverse as run

    count = top if top is not None else 8 if len(spaces) == 1 else 3
    return run(spaces, dims=dims, top=count, image=image, steps=steps, percentiles=percentiles)


def interpolate(
    checkpoint: AnyModel = None,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    count: int = 3,
    steps: int = 9,
    reports: str | Path = "reports",
    progress: Progress = silent,
    **options: Unpack[Options],
) -> "Interpolation":
    """Return the pictures between pairs of images, on the straight line and on the great circle between their codes.

    Args:
        checkpoint: as for `evaluate`.
        pairs: ids of the images at the ends; None draws `count` pairs of test images by the seed.
        count: how many pairs.
        steps: codes per row, both ends included.
        reports, progress, options: as for `sample`.

    Raises:
        ConfigError: no pair, or fewer than 2 steps.
        DataError: no such image.
        VaekitError: as for `evaluate`.
    """
    read = read_options(interpolate, options)
    space = _space(checkpoint, read, Path(reports), progress)
    from vaekit.exploration.interpolate import interpolate as run

    return run(space, pairs, count=count, steps=steps, seed=read.seed)


def edit(
    checkpoint: AnyModel,
    image: str | Path,
    *,
    attribute: str,
    strengths: tuple[float, float] = (-3.0, 3.0),
    steps: int = 7,
    direction: Direction = "means",
    reports: str | Path = "reports",
    progress: Progress = silent,
    **options: Unpack[Options],
) -> "Edit":
    """Return an image moved along the direction of an attribute, and what every other probe says of it then.

    Args:
        checkpoint: as for `evaluate`.
        image: a picture file, cropped as by `reconstruct`, or the id of an image of the data.
        attribute: such as "Smiling".
        strengths: first and last, in standard deviations of the test codes along the direction.
        steps: pictures, evenly apart.
        direction: "means" (from the mean code without the attribute to that with it) or "probe" (the probe's normal).
        reports, progress, options: as for `sample`.

    Raises:
        ConfigError: unknown attribute (with its near match) or direction, strengths that are no range.
        DataError: no such image, an unreadable file, data without attributes.
        VaekitError: as for `evaluate`.
    """
    kinds = get_args(Direction)
    if direction not in kinds:
        raise ConfigError(f"--direction {direction} is none.{did_you_mean(direction, kinds)}")
    space = _space(checkpoint, read_options(edit, options), Path(reports), progress)
    from vaekit.data import load_image
    from vaekit.exploration.edit import edit as run

    if (file := Path(image)).is_file():
        picture, name = load_image(file, space.prepared.protocol), file.stem
    else:
        try:
            name = space.image_id(str(image))
        except DataError as error:
            raise DataError(f"{image} is neither a file nor the id of an image. {error}") from None
        picture = space.images([name])[0]
    return run(space, picture, name, attribute, strengths=strengths, steps=steps, kind=direction)


def _space(checkpoint: AnyModel, options: EvaluationOptions, reports: Path, progress: Progress) -> "Space":
    """Return the latent space of a checkpoint as its evaluation knows it; evaluates first, and says so, without one."""
    source = find_model(checkpoint, options.model_options)
    from vaekit.device import choose_device
    from vaekit.exploration.space import open_space

    found = evaluation_of(source, options, reports, progress)
    prepared, _ = prepare_data(settings_of(found.summary, str(found.folder)), progress)
    model = read_model(source, choose_device(options.device), options, progress).model
    return open_space(source.run, model, prepared, found.folder)


def _made_by(source: ModelSource) -> Mapping[str, str]:
    return {"vaekit": __version__, "checkpoint_sha256": source.sha256}
