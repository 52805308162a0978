"""From a model's name to the model itself and the images it is tried on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.api.runs import ModelSource
from vaekit.errors import ConfigError
from vaekit.options import EvaluationOptions
from vaekit.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import torch

    from vaekit.checkpoint import Checkpoint
    from vaekit.config import DataConfig
    from vaekit.data import Prepared
    from vaekit.models.base import VAE

log = logging.getLogger("vaekit")


@dataclass(frozen=True)
class Opened:
    """A model, read, with the images to try it on.

    Attributes:
        source: where it came from.
        checkpoint: the model on `device` and all that is known of its making.
        prepared: the images, decoded.
        settings: what they were prepared with.
    """

    source: ModelSource
    checkpoint: "Checkpoint"
    prepared: "Prepared"
    settings: "DataConfig"
    device: "torch.device"


def open_model(source: ModelSource, options: EvaluationOptions, progress: Progress) -> Opened:
    """Return the model and the images that the options ask for, or those it was trained with.

    Raises:
        VaekitError: of the kind that fits: checkpoint, settings or data.
    """
    from vaekit.device import choose_device

    device = choose_device(options.device)
    checkpoint = read_model(source, device, options, progress)
    settings = options.over(checkpoint.config.data)
    if settings.image_size != checkpoint.model.image_size:  # before images are prepared at it
        raise ConfigError(
            f"The network of {source} sees {checkpoint.model.image_size} pixels and --image-size asked for "
            f"{settings.image_size}: leave --image-size away, or train a network of that size."
        )
    prepared, settings = prepare_data(settings, progress)
    return Opened(source, checkpoint, prepared, settings, device)


def read_model(
    source: ModelSource, device: "torch.device", options: EvaluationOptions, progress: Progress = silent
) -> "Checkpoint":
    """Return the checkpoint with its model on `device`; a foreign one is measured on some valid images."""
    if isinstance(source.origin, Path) and not source.options.is_foreign and not source.origin.is_dir():
        from vaekit.checkpoint import load_checkpoint

        checkpoint = load_checkpoint(source.origin, device)
        data = located(checkpoint.config.data, source.origin.parent)
        return replace(checkpoint, config=checkpoint.config.model_copy(update={"data": data}))
    from vaekit.data import open_source
    from vaekit.foreign import open_foreign, require_class, valid_images

    require_class(source.origin, options)  # before a data set is drawn or read
    images = valid_images(open_source(options.data, seed=0, progress=progress), seed=0)
    checkpoint = open_foreign(source.origin, options, images, device)
    for finding in checkpoint.findings:
        if finding["is_mistake"]:
            log.warning("%s: %s", finding["question"], finding["answer"])
    return checkpoint


def located(settings: "DataConfig", run: Path) -> "DataConfig":
    """Return the settings with the images' folder found from another working folder: beside the folder of the runs."""
    source = settings.source
    if source is None or Path(source).exists() or not (run.resolve().parent.parent / source).is_dir():
        return settings
    return settings.model_copy(update={"source": str(run.resolve().parent.parent / source)})


def reconstructor(source: ModelSource, options: EvaluationOptions) -> "Callable[[np.ndarray], np.ndarray]":
    """Return what the model makes of uint8 images (N, H, W, C); it is read when it is first asked."""

    @cache
    def opened() -> "tuple[VAE, torch.device]":
        from vaekit.device import choose_device

        device = choose_device(options.device)
        return read_model(source, device, options).model.to(device).eval(), device

    def reconstruct(images: "np.ndarray") -> "np.ndarray":
        import numpy as np
        import torch

        from vaekit.data.pixels import to_uint8

        model, device = opened()
        made = []
        with torch.inference_mode():
            for start in range(0, len(images), options.batch_size):
                part = torch.from_numpy(np.ascontiguousarray(images[start : start + options.batch_size]))
                x = part.permute(0, 3, 1, 2).to(device, torch.float32) / 255
                made.append(to_uint8(model.reconstruct(x).nan_to_num()))
        return np.concatenate(made)

    return reconstruct


def prepare_data(
    settings: "DataConfig", progress: Progress, *, verify: bool = False
) -> tuple["Prepared", "DataConfig"]:
    """Return the prepared images, and the settings with the source that was used in place of none.

    With `verify` every file is read again, also those that nobody touched since.
    """
    from vaekit.data import Protocol, open_source, prepare

    source = open_source(settings.source, seed=settings.seed, progress=progress)
    prepared = prepare(
        source,
        Protocol(settings.crop, settings.image_size, settings.channels),
        limit=dict(settings.limit.items()),
        on_bad_file=settings.on_bad_file,
        verify=verify,
        progress=progress,
    )
    return prepared, settings.model_copy(update={"source": settings.source or source.name})


def settings_of(summary: dict[str, Any], where: str) -> "DataConfig":
    """Return the settings of the images that an evaluation was made with, read from its summary."""
    from vaekit.config import DataConfig

    return DataConfig.parse(summary["protocol"]["settings"], where)
