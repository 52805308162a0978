"""Where sets of images come from: each takes another way through the model, so that their distances tell its parts."""

from dataclasses import dataclass

import numpy as np
import torch

from vaekit.data.pixels import to_uint8
from vaekit.errors import VaekitError
from vaekit.evaluation.samples.blur import blurred, radial_power
from vaekit.evaluation.stages import Task
from vaekit.judge import unseen_rows
from vaekit.models.base import VAE
from vaekit.priors import ChosenMixture, Prior, Standard
from vaekit.seeding import numpy_generator, some_rows

MOST = 10_000  # images of one source: as many as test has, at most so many
FLOOR, BLURRED, RECONSTRUCTIONS, INTERPOLATIONS, AGGREGATE, PRIOR, STANDARD = (
    "train",
    "blurred",
    "reconstructions",
    "interpolations",
    "aggregate",
    "prior",
    "standard",
)
LABELS = {
    FLOOR: "Real train images",
    BLURRED: "Test images, blurred",
    RECONSTRUCTIONS: "Reconstructions",
    INTERPOLATIONS: "Interpolations",
    AGGREGATE: "Samples from the aggregate posterior",
    PRIOR: "Samples from the prior",
    STANDARD: "Samples from N(0, I)",
}
DEFINITIONS = {
    FLOOR: "real train images that the judge has not seen: the floor that this number of images allows",
    BLURRED: "the test images themselves with the spectrum of the reconstructions: they lack detail only; paired",
    RECONSTRUCTIONS: "decoder means at z = mu(x) of the same test images they are held against, so paired with them",
    INTERPOLATIONS: "decoder means halfway between mu(x) of test images paired by seed, around the mean code",
    AGGREGATE: "decoder means at z from a Gaussian mixture fitted to train codes (Ghosh et al. 2020)",
    PRIOR: "decoder means at z ~ {prior}",
    STANDARD: "decoder means at z ~ N(0, I), which training assumed, where the model draws from a learned prior",
}


def definition_of(source: str, prior: Prior) -> str:
    """Return what a source is, of a model that draws from that prior."""
    learned = " fitted to the codes of train images" if prior.kind != "standard" else ""
    return DEFINITIONS[source].format(prior=f"{prior.said}{learned}")


@dataclass(frozen=True, eq=False)
class Source:
    """A set of images to hold against the test images: uint8 (N, H, W, C), or None with the reason why not."""

    name: str
    images: np.ndarray | None
    reason: str | None = None

    @property
    def paired(self) -> bool:
        """Whether image i belongs to test image i."""
        return self.name in (BLURRED, RECONSTRUCTIONS)


@torch.inference_mode()
def decoded(model: VAE, z: np.ndarray, *, device: torch.device | str, batch_size: int) -> np.ndarray:
    """Return the decoder's means at codes z (N, D), uint8 (N, H, W, C).

    Raises:
        VaekitError: some of them hold NaN pixels.
    """
    model = model.to(device).eval()
    channels, height, width = model.image_shape
    images = np.empty((len(z), height, width, channels), np.uint8)
    broken = 0
    for start in range(0, len(z), batch_size):
        mean = model.decode(torch.from_numpy(z[start : start + batch_size]).to(device)).mean
        broken += int(mean.isnan().flatten(1).any(1).sum())
        images[start : start + batch_size] = to_uint8(mean.nan_to_num())
    if broken:
        raise VaekitError(
            f"{broken:,} of {len(z):,} decoded images hold NaN pixels, so nothing can be said of them: the decoder "
            "diverges at these codes. Evaluate an earlier checkpoint, or train with a lower learning rate."
        )
    return images


def midpoints(mu: np.ndarray, seed: int) -> np.ndarray:
    """Return the codes halfway between seeded pairs of mu (N, D), float32 (N, D).

    Halfway on the sphere around the mean code: as far from it as both ends are on average. Codes of many dims lie on
    a shell, which straight midpoints fall short of. Every code is in two pairs.
    """
    order = numpy_generator(seed, "interpolations").permutation(len(mu))
    centre = mu.mean(0, dtype=np.float64)
    ends = mu[np.stack([order, np.roll(order, -1)], axis=1)] - centre
    middle = ends.mean(1)
    lengths, wanted = np.linalg.norm(middle, axis=1), np.linalg.norm(ends, axis=2).mean(1)
    stretch = np.divide(wanted, lengths, out=np.ones_like(lengths), where=lengths > 1e-6 * wanted)
    result: np.ndarray = (centre + middle * stretch[:, None]).astype(np.float32)
    return result


def make_sources(
    task: Task, test: np.ndarray, mu: np.ndarray, reconstructions: np.ndarray, mixture: ChosenMixture | VaekitError
) -> dict[str, Source]:
    """Return every source by name, as many images of each as there are of test where there are as many.

    Args:
        task: the model, and the train images.
        test: the real images that all are held against, uint8 (N, S, S, 3).
        mu: their codes, (N, D).
        reconstructions: of them, uint8.
        mixture: the aggregate posterior, or why there is none.
    """
    n, seed = len(test), task.seed
    unseen = some_rows(unseen_rows(task.prepared), n, seed, "floor")
    # Other draws than the prior's, which may be the same mixture.
    codes: dict[str, np.ndarray | VaekitError] = {
        INTERPOLATIONS: midpoints(mu, seed),
        AGGREGATE: mixture if isinstance(mixture, VaekitError) else mixture.mixture.sample(n, seed=seed + 1),
        PRIOR: task.model.prior.sample(n, seed=seed),
    }
    if task.model.learned_prior is not None:
        codes[STANDARD] = Standard(task.model.latent_dim).sample(n, seed=seed)
    sources = [
        Source(FLOOR, np.asarray(task.prepared.images[unseen])) if len(unseen) > 1 else Source(FLOOR, None, _NO_FLOOR),
        Source(BLURRED, blurred(test, radial_power(reconstructions))),
        Source(RECONSTRUCTIONS, reconstructions),
    ]
    for done, (name, z) in enumerate(codes.items(), 1):
        try:
            if isinstance(z, VaekitError):
                raise z
            sources.append(Source(name, decoded(task.model, z, device=task.device, batch_size=task.batch_size)))
        except VaekitError as reason:
            sources.append(Source(name, None, str(reason)))
        task.progress("decode samples", done, len(codes))
    return {source.name: source for source in sources}


_NO_FLOOR = "There are fewer than two train images that the judge has not seen: raise --limit train=..."
