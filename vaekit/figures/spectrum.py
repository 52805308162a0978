"""What scale of detail the reconstructions keep: coherent transfer, power ratio and coherence by frequency."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vaekit.artifacts import DIAGNOSIS_ARRAYS
from vaekit.figures._style import BLUE, INK, MUTED, ORANGE, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import percent, plain

_TALLEST = 1.6  # a power ratio above is cut off, and said


@figure("spectrum", needs=(DIAGNOSIS_ARRAYS,))
def spectrum(artifacts: Artifacts) -> Drawn:
    """Draw H with its interval, the power ratio and the coherence over frequency, and where H falls under one half."""
    arrays: dict[str, np.ndarray] = artifacts[DIAGNOSIS_ARRAYS]
    frequency, size = arrays["spectrum_frequency"], int(arrays["spectrum_size"])
    transfer, power = arrays["spectrum_transfer"], arrays["spectrum_power_ratio"]
    half, low, high = (float(end) for end in arrays["spectrum_half"])
    tallest = min(_TALLEST, max(1.08, float(np.nanmax([transfer.max(), power.max()])) * 1.05))
    with theme():
        fig, (axes,) = canvas(8.6, 3.6)
        axes.fill_between(
            frequency,
            arrays["spectrum_transfer_low"],
            arrays["spectrum_transfer_high"],
            color=BLUE,
            alpha=0.25,
            linewidth=0,
        )
        band = "" if np.isnan(arrays["spectrum_transfer_low"]).all() else ", 95 % interval"
        axes.plot(frequency, transfer, color=BLUE, label=f"coherent transfer H{band}")
        axes.plot(frequency, power, color=ORANGE, linestyle=(0, (5, 2)), label="power of x̂ over power of x")
        axes.plot(frequency, arrays["spectrum_coherence"], color=MUTED, linestyle=(0, (1, 1.5)), label="coherence")
        axes.set(xscale="log", xlim=(frequency[0], size / 2), ylim=(min(0, 1.05 * float(transfer.min())), tallest))
        axes.axhline(0.5, color=MUTED, linewidth=0.8)
        ticks = [tick for tick in (0.5, 1, 2, 4, 8, 16, 32, 64, 128) if frequency[0] <= tick <= size / 2]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("cycles per image")
        axes.set_ylabel("share")
        above = axes.secondary_xaxis("top", functions=(_detail(size), _detail(size)))
        above.set_xticks([size / (2 * tick) for tick in ticks], [f"{size / (2 * tick):g}" for tick in ticks])
        above.minorticks_off()
        above.set_xlabel("width of a detail, pixels", color=MUTED)
        if np.isfinite(half):
            axes.vlines(half, axes.get_ylim()[0], 0.5, color=INK, linewidth=1.2, linestyle=(0, (3, 2)))
            axes.plot([half], [0.5], "o", color=INK, markersize=5)
            axes.annotate(
                f"half is lost: {plain(size / (2 * half), 3)} px", (half, 0.5), (6, 6), textcoords="offset points"
            )
        axes.legend(loc="upper right")
    if half <= frequency[0]:
        said = f"More than half of the images' structure is lost at every frequency, from {plain(half, 3)} cycles on."
    elif np.isfinite(half):
        ends = "" if np.isnan(low) else f", 95 % interval [{plain(low, 3)}, {plain(high, 3)}]"
        said = (
            f"Half of the images' structure is lost from {plain(half, 3)} cycles per image on{ends}: detail is "
            "resolved down "
            f"to {plain(size / (2 * half), 3)} pixels."
        )
    else:
        said = "More than half of the images' structure is kept at every frequency."
    kept, made = arrays["spectrum_fine"]
    said += f" Of structure under 2 pixels {percent(kept)} is kept; it has {percent(made)} of the images' power."
    if power.max() > tallest:
        said += f" The power ratio reaches {plain(float(power.max()))}, beyond the axis."
    caption = f"{said} What the power ratio has above H does not follow the image."
    return Drawn(
        "What scale of detail is kept", caption, f"Three curves over frequency. {said}", figure_bytes(fig, "svg"), "svg"
    )


def _detail(size: int) -> Callable[[npt.ArrayLike], npt.ArrayLike]:
    """Return the change from cycles per image to the width of a detail, half a period; it is its own inverse."""

    def change(value: npt.ArrayLike) -> npt.ArrayLike:
        result: np.ndarray = size / (2 * np.maximum(value, 1e-9))
        return result

    return change
