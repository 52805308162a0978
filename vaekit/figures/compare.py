"""Several models in one drawing: rate against distortion, errors by image, KL by dim, and rows of pictures."""

import base64
import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import MaxNLocator

from vaekit.figures._style import BLUE, INK, MUTED, ORANGE, VERMILION, canvas, figure_bytes, theme
from vaekit.figures.base import Drawn
from vaekit.figures.grids import image_grid, png_bytes
from vaekit.figures.words import change, fixed, plain, plural, visible

_GREEN, _PINK, _BROWN = (sns.color_palette("colorblind").as_hex()[i] for i in (2, 4, 5))
_COLOURS = (BLUE, VERMILION, _GREEN, _PINK, ORANGE, _BROWN, INK)
_MARKERS = "osD^vPX"
_DASHES = ((), (5, 1.5), (1.5, 1.5), (6, 1.5, 1.5, 1.5), (3, 1), (8, 2), (1, 1))
_LABEL = 22  # height of a label in pixels: still readable where a phone shows the picture at a third
_QUANTILES = 201  # points of a curve of errors: more can not be seen, and would be one for each image
_LEAST_KL = 1e-4  # nats: the lower end of the axis of kl by dim
_USED = 0.01  # nats: the dotted line, above which a dim carries something


@dataclass(frozen=True)
class RatePoint:
    """One model, each number with its low and high end: kl in nats, sum of squares at a sampled z, calibrated elbo.

    `values` is the number of pixel values D of an image.
    """

    name: str
    rate: tuple[float, float, float]
    distortion: tuple[float, float, float]
    bound: float
    values: int

    def distortion_at(self, rate: np.ndarray) -> np.ndarray:
        """Return the distortion of the same bound at another rate.

        With the Gaussian's sigma at its optimum the elbo is -D/2 (1 + log(2 pi sse / D)) - kl.
        """
        return self.distortion[0] * np.exp(2 * (self.rate[0] - rate) / self.values)


def rate_distortion(points: Sequence[RatePoint]) -> Drawn:
    """Draw the models in the rate-distortion plane, each with its intervals and the line of equal bound through it."""
    rates = np.array([point.rate for point in points])
    margin = 0.08 * max(float(rates.max() - rates.min()), 1.0)
    along = np.linspace(max(0.0, float(rates.min()) - margin), float(rates.max()) + margin, 60)
    with theme():
        fig, (axes,) = canvas(8.6, 4.6)
        axes.set(
            title="Rate and distortion",
            xlabel="rate: KL, nats per image",
            ylabel="distortion: sum of squares at z ~ q(z|x)",
            yscale="log",
        )
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}")
        for i, point in enumerate(points):
            colour, marker = _look(i)
            axes.plot(along, point.distortion_at(along), color=MUTED, linewidth=0.9, dashes=(4, 3), zorder=1)
            (x, left, right), (y, low, high) = point.rate, point.distortion
            axes.errorbar(
                x,
                y,
                xerr=[[x - left], [right - x]],
                yerr=[[y - low], [high - y]],
                color=colour,
                marker=marker,
                markersize=7,
                capsize=3,
                linestyle="none",
                zorder=3,
            )
            is_right = x > (along[0] + along[-1]) / 2
            axes.annotate(
                f"{visible(point.name)}\n{fixed(point.bound, 0)} nats".replace("\n-", "\n−"),
                (x, y),
                xytext=(-9 if is_right else 9, 6),
                textcoords="offset points",
                fontsize=9.5,
                color=INK,
                ha="right" if is_right else "left",
                zorder=4,
            )
        axes.margins(x=0.02, y=0.18)
    best = max(points, key=lambda point: point.bound)
    worth = 100 * (1 - math.exp(-200 / best.values))
    caption = (
        "Every model as a point with its 95 % intervals: what its code costs, and what its reconstruction misses. "
        "Along a dashed line the calibrated bound on log p(x), written beside the point, stays the same; below it is "
        "better. "
        f"The highest bound is that of {best.name}, {plain(best.bound)} nats. The lines are this flat because an image "
        f"has {best.values:,} pixel values: 100 nats of rate are worth {plain(worth)} % of the distortion."
    )
    said = "; ".join(f"{p.name} at rate {plain(p.rate[0])} and distortion {plain(p.distortion[0])}" for p in points)
    return Drawn("Rate and distortion", caption, f"Scatter plot: {said}.", figure_bytes(fig, "svg"), "svg")


def error_curves(errors: Mapping[str, np.ndarray], label: str) -> Drawn:
    """Draw, for each model, the share of test images whose error is at most so large."""
    levels = np.linspace(0, 1, _QUANTILES)
    medians = {}
    with theme():
        fig, (axes,) = canvas(8.6, 3.8)
        axes.set(title="Error by image", xlabel=label, ylabel="share of the test images", xscale="log", ylim=(0, 1))
        for i, (name, values) in enumerate(errors.items()):
            finite = values[np.isfinite(values) & (values > 0)]
            medians[name] = float(np.median(finite))
            at = np.quantile(finite, levels)
            axes.plot(at, levels, color=_look(i)[0], dashes=_DASHES[i % len(_DASHES)], label=visible(name))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda value, _: "")
        axes.legend(loc="lower right")
    said = ", ".join(f"{name} {plain(value)}" for name, value in medians.items())
    caption = (
        f"Share of the test images whose error is at most the value below. The further left, the better; where two "
        f"curves cross, one model is better on easy images and the other on hard ones. Medians: {said}."
    )
    return Drawn(
        "Error by image", caption, f"Curves of the error by image; medians: {said}.", figure_bytes(fig, "svg"), "svg"
    )


def histories(tables: Mapping[str, pd.DataFrame]) -> Drawn:
    """Draw the error and the KL of each model on valid, epoch by epoch: what compares whatever the losses are."""
    panels = {"valid_mse": "MSE on valid", "valid_kl": "KL on valid, nats per image"}
    with theme():
        fig, axes = canvas(8.6, 3.4, 1, 2)
        for place, (column, title) in zip(axes, panels.items(), strict=True):
            place.set(title=title, xlabel="epoch", yscale="log")
            for i, (name, table) in enumerate(tables.items()):
                colour, marker = _look(i)
                place.plot(
                    table["epoch"],
                    table[column],
                    color=colour,
                    dashes=_DASHES[i % len(_DASHES)],
                    marker=marker,
                    markersize=4,
                    label=visible(name),
                )
            place.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            place.yaxis.set_minor_formatter(lambda value, _: "")
            place.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes[0].legend(loc="best")
    said = "; ".join(
        f"the MSE of {name} {change(table['valid_mse'].iloc[0], table['valid_mse'].iloc[-1])} over "
        f"{plural(len(table), 'epoch')}"
        for name, table in tables.items()
    )
    caption = f"On the validation images, after each epoch: {said}."
    return Drawn("Training curves", caption, f"Two line charts: {said}.", figure_bytes(fig, "svg"), "svg")


def kl_by_rank(kl: Mapping[str, np.ndarray]) -> Drawn:
    """Draw the kl of each model's latent dims, the largest first."""
    with theme():
        fig, (axes,) = canvas(8.6, 3.8)
        axes.set(title="KL by latent dim", xlabel="latent dims, the largest KL first", ylabel="KL, nats", yscale="log")
        for i, (name, values) in enumerate(kl.items()):
            ordered = np.maximum(np.sort(values)[::-1], _LEAST_KL)
            colour, marker = _look(i)
            axes.plot(
                np.arange(1, len(ordered) + 1),
                ordered,
                color=colour,
                dashes=_DASHES[i % len(_DASHES)],
                label=visible(name),
                marker=marker if len(ordered) == 1 else None,
            )
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.axhline(_USED, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        axes.legend(loc="best")
    said = "; ".join(
        f"{name} has {int((values > _USED).sum())} of {plural(len(values), 'dim')} above {_USED:g} nats, together "
        f"{plain(values.sum())} nats"
        for name, values in kl.items()
    )
    caption = f"KL of every latent dim over the test images; below {_LEAST_KL:g} nats it is drawn there. {said}."
    return Drawn("KL by latent dim", caption, f"Line chart of KL by dim. {said}.", figure_bytes(fig, "svg"), "svg")


def picture_rows(title: str, caption: str, rows: Mapping[str, np.ndarray], *, scale: int = 2) -> Drawn:
    """Draw a row of pictures under each name, each uint8 (K, H, W, 3); K and the sizes may differ between rows."""
    parts, top, width = [], 0, 0
    for name, images in rows.items():
        strip = image_grid(images, len(images), scale=scale)
        data = base64.b64encode(png_bytes(strip)).decode("ascii")
        words = html.escape(visible(name))
        parts.append(f'<text y="{top + _LABEL}" font-size="{_LABEL}" style="fill: {INK}">{words}</text>')
        size = f'y="{top + _LABEL + 8}" width="{strip.width}" height="{strip.height}"'
        parts.append(f'<image {size} href="data:image/png;base64,{data}"/>')
        top, width = top + _LABEL + 8 + strip.height + 12, max(width, strip.width)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top - 12}">'
    alt = (
        f"{plural(len(rows), 'row')} of {plural(max(map(len, rows.values())), 'face')}, from top to bottom "
        f"{', '.join(rows)}."
    )
    return Drawn(title, caption, alt, "\n".join([head, *parts, "</svg>\n"]).encode(), "svg")


def _look(i: int) -> tuple[str, str]:
    return _COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)]
