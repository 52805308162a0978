"""What scale of detail a reconstruction keeps: the coherent transfer from x to x_hat by frequency.

H(f) = E[X_hat conj(X)] / E|X|^2 counts only what follows the image: power that a decoder makes up, a checkerboard
among it, leaves H as it is and shows in the power ratio E|X_hat|^2 / E|X|^2 beside it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import fft, stats

from vaekit.diagnosis.outcome import LEAST, TAILS, Effect, Outcome, estimate_row, interval, resampled_sums, spoken
from vaekit.progress import Progress, silent

CHUNK = 128  # images at a time: about 30 MB at 64 pixels
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
HALF = 0.5  # of a structure is kept where it is called resolved
# A grid of the decoder's making: its peaks stand so many times higher than the image's, and weigh half a grey level.
PEAK, AMPLITUDE = 1.5, 0.5 / 255
PERIODS = (2, 4)  # pixels, of the grids that strided layers leave


@dataclass(frozen=True)
class RadialSums:
    """Windowed spectra of the luminance of N pairs, pixels in [0, 1], summed over rings of equal frequency.

    Scaled so that the sum over all rings is the windowed variance of an image. Rings reach into the corners of the
    plane, beyond size / 2 cycles per image, so that the transfer is known wherever a filter needs it.

    Attributes:
        size: S, the side of the images.
        frequency: mean radius of each ring in cycles per image, (B,); ring 0 is the mean, which was taken away.
        cross: Re X_hat conj(X) over each ring, (N, B) float64; power: |X|^2; power_hat: |X_hat|^2.
        grid: power of x at the frequencies of grids of 2 and 4 pixels, (N, 2), and what others as fine would give
            there, (N, 2): (N, 2, 2); grid_hat: the same of x_hat.
    """

    size: int
    frequency: np.ndarray
    cross: np.ndarray
    power: np.ndarray
    power_hat: np.ndarray
    grid: np.ndarray
    grid_hat: np.ndarray

    def transfer(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return H over the images in `rows` (numbers or mask), (B,); 1 at the mean and where x has no power."""
        return _transfer(self.cross[rows].sum(0), self.power[rows].sum(0))


@dataclass(frozen=True)
class Spectrum:
    """What N reconstructions keep, by frequency.

    Attributes:
        outcomes: the tests "detail" (fine detail is lost), "grid-2" and "grid-4" (a grid of the decoder's making).
        per_image: detail_loss of each image, (N,): share of its structure finer than 4 pixels that x_hat lacks.
        facts: name -> estimate row: half_frequency, detail_px, fine_transfer, fine_error_share.
        arrays: for diagnosis.npz, (B,) up to size / 2: spectrum_frequency, spectrum_transfer, spectrum_transfer_low,
            spectrum_transfer_high, spectrum_power_ratio, spectrum_coherence; and spectrum_size, spectrum_half (value,
            low, high; infinite where H stays above one half).
    """

    outcomes: tuple[Outcome, ...]
    per_image: np.ndarray
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.ones_like(above), where=below > 0)


def _transfer(cross: np.ndarray, power: np.ndarray) -> np.ndarray:
    # The mean was taken away: what ring 0 holds is rounding.
    return np.concatenate([np.ones_like(cross[..., :1]), _ratio(cross[..., 1:], power[..., 1:])], axis=-1)


class _Plane:
    """The frequencies of rfft2 of an S x S image, and the matrix that sums over them."""

    def __init__(self, size: int) -> None:
        down, across = np.meshgrid(fft.fftfreq(size, 1 / size), fft.rfftfreq(size, 1 / size), indexing="ij")
        radius = np.hypot(down, across).ravel()
        # A real image's spectrum is kept to one half; a column inside of it stands for its mirror image too.
        twice = np.where((across == 0) | (across == size / 2), 1.0, 2.0).ravel()
        ring = np.rint(radius).astype(int)
        rings = (ring[:, None] == np.arange(ring.max() + 1)) * twice[:, None]
        self.frequency = rings.T @ radius / rings.sum(0)
        line = np.hanning(size + 1)[:-1]
        self.window = np.outer(line, line).astype(np.float32)
        grids = _grids(np.abs(down).ravel(), across.ravel(), radius, twice, size)
        self.sums = np.concatenate([rings, grids], axis=1) / (size**2 * np.square(self.window, dtype=np.float64).sum())

    def spectra(self, images: np.ndarray) -> np.ndarray:
        """Return the windowed spectra of the luminance of uint8 (n, S, S, 3), its weighted mean taken away."""
        values = (images.astype(np.float32) @ np.array(LUMINANCE, np.float32)) / np.float32(255)
        values -= (np.einsum("nij,ij->n", values, self.window) / self.window.sum())[:, None, None]
        return fft.rfft2(values * self.window).reshape(len(images), -1)


def _grids(down: np.ndarray, across: np.ndarray, radius: np.ndarray, twice: np.ndarray, size: int) -> np.ndarray:
    """Return four columns: which frequencies sum to the power of grids of 2 and 4 px, and to what is expected there."""
    peaks = []
    for period in PERIODS:
        steps = np.arange(0, size // 2 + 1, size // period) if size % period == 0 else np.zeros(0)
        peaks.append([(a, b) for a in steps for b in steps if max(a, b) > 0 and (period == 2 or size / 4 in (a, b))])
    # Hann's window spreads a line over its neighbours.
    near = [np.array([np.hypot(down - a, across - b) < 2 for a, b in own]).reshape(-1, len(radius)) for own in peaks]
    free = ~np.concatenate(near).any(0)
    columns = np.zeros((len(radius), 2, len(PERIODS)))
    for k, own in enumerate(near):
        for peak, centre in zip(own, peaks[k], strict=True):
            beside = free & (np.abs(radius - np.hypot(*centre)) <= 2.5)
            columns[peak, 0, k] = twice[peak]
            columns[beside, 1, k] += twice[peak].sum() * twice[beside] / twice[beside].sum()
    return columns.reshape(len(radius), -1)


def radial_sums(x: np.ndarray, x_hat: np.ndarray, *, progress: Progress = silent) -> RadialSums:
    """Return the radial sums of N pairs, uint8 (N, S, S, 3) each, mapped or not: they are read in chunks."""
    n, plane = len(x), _Plane(x.shape[1])
    bins = len(plane.frequency)
    sums = np.empty((3, n, plane.sums.shape[1]))
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        seen, made = plane.spectra(x[part]), plane.spectra(x_hat[part])
        products = (seen.real * made.real + seen.imag * made.imag, np.square(seen.real) + np.square(seen.imag),
                    np.square(made.real) + np.square(made.imag))  # fmt: skip
        for k, product in enumerate(products):
            sums[k, part] = product.astype(np.float64) @ plane.sums
        progress("spectra", min(start + CHUNK, n), n)
    grid = sums[1:, :, bins:].reshape(2, n, 2, len(PERIODS))
    return RadialSums(x.shape[1], plane.frequency, *sums[:, :, :bins], *grid)


def half_frequency(transfer: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Return where a transfer (..., B) first falls under one half, in cycles per image, (...); infinite where never.

    Between two rings it is a straight line. Under one half from the first ring on, the first ring is returned.
    """
    under = transfer[..., 1:] < HALF
    at = 1 + under.argmax(-1)
    before = np.maximum(at - 1, 1)
    upper, lower = (np.take_along_axis(transfer, k[..., None], -1)[..., 0] for k in (before, at))
    step = _ratio(np.where(at > before, upper - HALF, 0.0), np.where(at > before, upper - lower, 1.0))
    return np.where(under.any(-1), frequency[before] + step * (frequency[at] - frequency[before]), np.inf)


def spectrum(sums: RadialSums, *, seed: int = 0) -> Spectrum:
    """Return what scale of detail N reconstructions keep, with bootstrap intervals over images.

    "Fine detail is lost" is said where H of the finest octave (structure under 2 pixels: frequencies from a quarter of
    the size on) lies under one half with its whole interval. "Resolves detail down to n px" is where H crosses one
    half, a detail being half a period: about the width of the blur.
    """
    n, shown = len(sums.power), sums.frequency <= sums.size / 2 + 0.5
    frequency, fine = sums.frequency[shown], shown & (sums.frequency >= sums.size / 4)
    error = sums.power + sums.power_hat - 2 * sums.cross
    beyond = error[:, sums.frequency >= half_frequency(sums.transfer()[shown], frequency)].sum(1)
    fine_sums = [part[:, fine].sum(1) for part in (sums.cross, sums.power)]
    columns = np.column_stack([*fine_sums, beyond, error.sum(1), sums.cross[:, shown], sums.power[:, shown]])
    value = _figures(columns.sum(0), frequency)
    drawn = _figures(resampled_sums(columns, seed, "spectrum"), frequency) if n > 1 else None
    facts = _facts(value, drawn, n, sums.size)
    power, made = sums.power[:, shown].sum(0), sums.power_hat[:, shown].sum(0)
    curve = np.quantile(drawn["transfer"], TAILS, axis=0) if drawn else np.full((2, len(frequency)), np.nan)
    ends = np.quantile(drawn["half"], TAILS, method="closest_observation") if drawn else (np.nan, np.nan)
    arrays = {
        "spectrum_frequency": frequency,
        "spectrum_transfer": value["transfer"],
        "spectrum_transfer_low": curve[0],
        "spectrum_transfer_high": curve[1],
        "spectrum_power_ratio": _ratio(made, power),
        "spectrum_coherence": _ratio(sums.cross[:, shown].sum(0) ** 2, power * made),
        "spectrum_size": np.array(sums.size),
        "spectrum_half": np.array([value["half"], *ends]),
    }
    coarse = sums.frequency >= sums.size / 8
    loss = 1 - _ratio(sums.cross[:, coarse].sum(1), sums.power[:, coarse].sum(1))
    detail = _detail(facts, drawn, sums, fine, beyond)
    return Spectrum((detail, *(_grid(sums, k, seed) for k in range(len(PERIODS)))), loss, facts, arrays)


def _figures(sums: np.ndarray, frequency: np.ndarray) -> dict[str, np.ndarray]:
    """Return what is said of column sums (..., 4 + 2 B): transfer (..., B), and half, fine and share (...)."""
    transfer = _transfer(*np.split(sums[..., 4:], 2, axis=-1))
    return {
        "transfer": transfer,
        "half": half_frequency(transfer, frequency),
        "fine": _ratio(sums[..., 0], sums[..., 1]),
        "share": np.divide(sums[..., 2], sums[..., 3], out=np.zeros_like(sums[..., 2]), where=sums[..., 3] > 0),
    }


def _facts(
    value: dict[str, np.ndarray], drawn: dict[str, np.ndarray] | None, n: int, size: int
) -> dict[str, dict[str, Any]]:
    words = {
        "half_frequency": (
            lambda of: of["half"], "Frequency at which half is lost", "cycles per image", True,
            "where the coherent transfer E[X_hat conj(X)] / E|X|^2 of the luminance first falls under one half",
        ),
        "detail_px": (
            lambda of: size / (2 * of["half"]), "Resolved detail", "px", False,
            "half a period at the frequency at which half is lost: lines and spots narrower than this are mostly gone",
        ),
        "fine_transfer": (
            lambda of: of["fine"], "Transfer of fine detail", "1", True,
            "coherent transfer over the finest octave: structure between 1 and 2 pixels wide; 1 keeps all",
        ),
        "fine_error_share": (
            lambda of: of["share"], "Share of the error in unresolved detail", "1", None,
            "squared error of the luminance above the frequency at which half is lost / all of it",
        ),
    }  # fmt: skip
    facts = {}
    for name, (of, label, unit, higher, definition) in words.items():
        known = n > 0 and (np.isfinite(value["half"]) or name == "fine_transfer")
        facts[name] = estimate_row(
            float(of(value)) if known else None, interval(of(drawn)) if known and drawn else (None, None), n,
            reason=None if known else "more than half is kept at every frequency" if n else "there is no image",
            label=label, unit=unit, higher_is_better=higher, definition=definition,
        )  # fmt: skip
    return facts


def _detail(
    facts: dict[str, dict[str, Any]], drawn: dict[str, np.ndarray] | None, sums: RadialSums, fine: np.ndarray,
    beyond: np.ndarray,
) -> Outcome:  # fmt: skip
    """Test whether fine detail is lost: H of the finest octave under one half."""
    n, title = len(sums.power), "Fine detail"
    if n < LEAST or drawn is None or not sums.power[:, fine].sum() > 0:
        why = f"{n:,} images are too few ({LEAST} are the least)" if n < LEAST else "the images have none"
        return Outcome("detail", "detail", title, f"Whether fine detail is lost was not tested: {why}.", False, n=n)
    value, low, high = (facts["fine_transfer"][end] for end in ("value", "low", "high"))
    p = float(stats.norm.sf((HALF - value) / max(float(drawn["fine"].std()), 1e-12)))
    kept = f"of structure under 2 px the reconstructions keep {spoken(value, low, high, 100, ' %')}"
    half, detail = facts["half_frequency"], facts["detail_px"]
    if half["value"] is None:
        reach = "More than half is kept at every frequency"
    elif half["value"] <= sums.frequency[1]:
        reach = "Less than half is kept even of the coarsest structure, one cycle per image"
    else:
        reach = (
            f"Half is lost from {spoken(half['value'], half['low'], half['high'])} cycles per image on: detail is resolved "
            f"down to {spoken(detail['value'], detail['low'], detail['high'])} px, where the images hold 1 px"
        )
    power, made, cross = (part[:, fine].sum() for part in (sums.power, sums.power_hat, sums.cross))
    evidence = (
        f"Under 2 px the reconstructions have {100 * made / power:.3g} % of the image's power, of which "
        f"{100 * min(cross**2 / max(power * made, 1e-300), 1):.3g} % follows the image (coherence).",
    )
    share, effect = facts["fine_error_share"], Effect(value, low, high, "1", value)
    if not (p < 0.05 and high < HALF):
        said = f"{kept[0].upper()}{kept[1:]} (called lost under {100 * HALF:.0f} %). {reach}."
        return Outcome("detail", "detail", title, said, False, effect, n, p, evidence=evidence)
    carried = spoken(share["value"], share["low"], share["high"], 100, " %")
    evidence += (f"Structure that is not resolved carries {carried} of the squared error of the luminance.",)
    remedy = (
        "Spend more on fine structure: more latent dims or a smaller beta, a perceptual or adversarial term, more "
        "channels in the decoder's last layers."
    )
    rows = np.argsort(-beyond, kind="stable")
    said = f"Fine detail is lost: {kept}. {reach}."
    return Outcome("detail", "detail", title, said, True, effect, n, p, None, share["value"], evidence, remedy, rows)


def _grid(sums: RadialSums, k: int, seed: int) -> Outcome:
    """Test whether x_hat has a grid of PERIODS[k] pixels that x has not: peaks at its frequencies, over those beside."""
    period, n = PERIODS[k], len(sums.power)
    id, title = f"grid-{period}", f"Grid of {period} pixels (checkerboard)"
    columns = np.concatenate([sums.grid[:, :, k], sums.grid_hat[:, :, k]], axis=1)
    if n < LEAST or not (columns.sum(0) > 0).all():
        why = (
            f"{n:,} images are too few ({LEAST} are the least)" if n < LEAST else "there is no power at its frequencies"
        )
        return Outcome(id, "grid", title, f"Whether the decoder leaves a grid was not tested: {why}.", False, n=n)
    drawn = resampled_sums(columns, seed, "grid")
    ratio = [(s[..., 2] / s[..., 3]) / (s[..., 0] / s[..., 1]) for s in (columns.sum(0), drawn)]
    value, (low, high) = float(ratio[0]), interval(ratio[1])
    p = float(stats.norm.sf(np.log(value) / max(float(np.log(ratio[1]).std()), 1e-12)))
    # What stands over the image's own peaks, as the standard deviation of a pattern.
    above = columns[:, 2] - columns[:, 3] * columns[:, 0].sum() / columns[:, 1].sum()
    amplitude = float(np.sqrt(max(above.mean(), 0)))
    found = p < 0.05 and low > 1 and value >= PEAK and amplitude >= AMPLITUDE
    said = (
        f"At the frequencies of a grid of {period} px the reconstructions' spectrum peaks {spoken(value, low, high)} times "
        f"as high over those beside as the images' own, a pattern of {255 * amplitude:.2g} grey levels"
    )
    effect = Effect(value, low, high, "1", value)
    if not found:
        said += f" (called a grid from {PEAK} times and {255 * AMPLITUDE:.1g} grey levels on)."
        return Outcome(id, "grid", title, said, False, effect, n, p)
    remedy = (
        "Replace strided transposed convolutions by resizing and a convolution, or use kernels that the stride divides."
    )
    rows = np.argsort(-above, kind="stable")
    return Outcome(
        id, "grid", title, f"The decoder leaves a grid. {said}.", True, effect, n, p, None, None, (), remedy, rows
    )


def filter_images(images: np.ndarray, transfer: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Return uint8 (N, S, S, 3) images filtered by a radial transfer (B,) known at `frequency` (B,) in cycles per image.

    Borders are mirrored and the mean is kept: images as blurred as the reconstructions are, the control that tells a
    lost attribute from lost sharpness.
    """
    size = images.shape[1]
    steps = np.arange(size) / 2  # a cosine of the mirrored image has whole and half cycles
    gain = np.interp(np.hypot(steps[:, None], steps[None, :]), frequency, transfer).astype(np.float32)
    filtered = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), CHUNK):
        planes = np.ascontiguousarray(np.moveaxis(images[start : start + CHUNK], 3, 1), np.float32)
        planes = fft.idctn(gain * fft.dctn(planes, axes=(2, 3), norm="ortho"), axes=(2, 3), norm="ortho")
        filtered[start : start + CHUNK] = np.moveaxis(np.rint(planes).clip(0, 255), 1, 3)
    return filtered
