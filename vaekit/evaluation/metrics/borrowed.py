"""Per-image metrics of torchmetrics, by name: any functional that compares two sets of images becomes a column.

vaekit evaluate --metric torchmetrics:multiscale_structural_similarity_index_measure
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit.errors import ConfigError, did_you_mean
from vaekit.evaluation.base import METRICS, Batch, Metric
from vaekit.models.likelihoods import NotComputed

PREFIX = "torchmetrics:"
GROUP = "Further metrics"
_COMPARED = ("preds", "target"), ("img1", "img2")  # how torchmetrics calls the two images


@dataclass(frozen=True)
class _Known:
    """What torchmetrics does not say of a functional: direction, range and unit, and how pixels in [0, 1] go in.

    `weights` names the file that its network needs in torch's cache; nothing is ever downloaded.
    """

    higher_is_better: bool
    range: str
    unit: str = "1"
    scale: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None


_UNIT_RANGE = {"data_range": 1.0}
_KNOWN = {
    "structural_similarity_index_measure": _Known(True, "at most 1", options=_UNIT_RANGE),
    "multiscale_structural_similarity_index_measure": _Known(True, "0 to 1", options=_UNIT_RANGE),
    "peak_signal_noise_ratio": _Known(True, "0 upwards", "dB", options=_UNIT_RANGE | {"dim": (1, 2, 3)}),
    "peak_signal_noise_ratio_with_blocked_effect": _Known(True, "0 upwards", "dB", options=_UNIT_RANGE),
    "universal_image_quality_index": _Known(True, "-1 to 1"),
    "visual_information_fidelity": _Known(True, "0 upwards, 1 for the image itself", scale=255.0),
    "spatial_correlation_coefficient": _Known(True, "-1 to 1"),
    "spectral_angle_mapper": _Known(False, "0 to pi / 2", "radians"),
    "spectral_distortion_index": _Known(False, "0 to 1"),
    "error_relative_global_dimensionless_synthesis": _Known(False, "0 upwards"),
    "relative_average_spectral_error": _Known(False, "0 upwards"),
    "root_mean_squared_error_using_sliding_window": _Known(False, "0 to 1", "pixel value"),
    "learned_perceptual_image_patch_similarity": _Known(
        False, "0 upwards", options={"normalize": True}, weights="alexnet-owt-7be5be79.pth"
    ),
    "deep_image_structure_and_texture_similarity": _Known(False, "0 to 1", weights="vgg16-397923af.pth"),
}


def metrics_of(names: Sequence[str] = ()) -> dict[str, Metric]:
    """Return every metric on file, and then those asked for by `names`, by their ids.

    Raises:
        ConfigError: there is no such metric.
    """
    asked = {name: torchmetrics_metric(name) if name.startswith(PREFIX) else METRICS.get(name) for name in names}
    return dict(METRICS.items()) | asked


def torchmetrics_metric(name: str) -> Metric:
    """Return the functional of torchmetrics.functional.image called `name`, with or without its prefix, as a metric.

    Its value of an image never depends on the images beside it: a functional that can not be told to leave the batch
    unreduced is called once per image. What it can not compute has its own reason.

    Raises:
        ConfigError: torchmetrics has no such functional, or it does not compare two images.
    """
    from torchmetrics.functional import image  # seconds of import, for those who ask

    name = name.removeprefix(PREFIX)
    compared = {
        known: function for known, function in vars(image).items() if callable(function) and _compares(function)
    }
    if name not in compared:
        raise ConfigError(
            f"--metric {PREFIX}{name}: torchmetrics has no functional of that name that compares two images."
            f"{did_you_mean(name, compared)}"
        )
    known = _KNOWN.get(name)
    definition = f"torchmetrics.functional.image.{name}(x_hat, x), each image by itself"
    return Metric(
        id=PREFIX + name,
        label=name.replace("_", " ").capitalize(),
        unit=known.unit if known else "1",
        higher_is_better=known.higher_is_better if known else None,
        definition=f"{definition}; {known.range}" if known else definition,
        group=GROUP,
        compute=_computed(compared[name], known or _Known(False, "")),
    )


def _compares(function: Callable[..., Any]) -> bool:
    """Whether a functional takes two sets of images and needs nothing beside them but a data range."""
    parameters = inspect.signature(function).parameters
    needed = {name for name, p in parameters.items() if p.default is inspect.Parameter.empty}
    return tuple(parameters)[:2] in _COMPARED and needed <= {*tuple(parameters)[:2], "data_range"}


def _computed(function: Callable[..., Any], known: _Known) -> Callable[[Batch], Tensor]:
    unreduced = {"reduction": "none"} if "reduction" in inspect.signature(function).parameters else None

    def compute(batch: Batch) -> Tensor:
        if known.weights is not None and not (_cache() / known.weights).is_file():
            raise NotComputed(
                f"weights missing: put {known.weights} into {_cache()}, as torchvision publishes it; nothing is "
                "downloaded"
            )
        x_hat, x = (known.scale * images for images in (batch.x_hat.clamp(0, 1), batch.x))
        try:
            if unreduced is not None:
                values = function(x_hat, x, **known.options, **unreduced)
                if values.shape[:1] == x.shape[:1]:  # some take "none" and mix the images all the same
                    return _per_image(values, len(x))
            pairs = zip(torch.split(x_hat, 1), torch.split(x, 1), strict=True)
            return torch.stack([_per_image(function(*pair, **known.options), 1)[0] for pair in pairs])
        except (ValueError, RuntimeError) as error:
            raise NotComputed(f"torchmetrics: {str(error).strip().splitlines()[0]}") from error

    return compute


def _per_image(values: Tensor, n: int) -> Tensor:
    """Return values of `n` images, or maps of them, as one value each, (n,)."""
    return values.reshape(n, -1).mean(1)


def _cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"
