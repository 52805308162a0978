"""What the model does to pictures: reconstructions of test images, and samples from the prior."""

from collections.abc import Mapping

import numpy as np

from vaekit.artifacts import DRAWS, LEARNED, PER_IMAGE, PICTURES
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.grids import absolute_error
from vaekit.figures.strips import BLANK, in_rows, sheet
from vaekit.figures.words import change, fixed, listed, plain, plural

_COLUMNS = 8  # of a grid
_FACES = 6  # a row that a phone still shows
_EPOCHS = 5  # of those that are drawn
_PIXELS = 64 * 96 * 96  # at most so many pixels of each kind, so that a page of 128-pixel images still loads on a phone


def _shown(images: np.ndarray, columns: int) -> int:
    """Return how many of `images` to show: whole rows while there are several, within the bound on pixels."""
    fits = min(len(images), _PIXELS // int(images.shape[1] * images.shape[2]))
    return max(1, fits if fits == len(images) else fits // columns * columns or fits)


def _paired(x: np.ndarray, x_hat: np.ndarray) -> bytes:
    """Return originals in rows, each row above its reconstructions."""
    rows = np.stack([in_rows(x, _COLUMNS), in_rows(x_hat, _COLUMNS)], axis=1)
    labels = ["originals", "reconstructed"] * len(rows)
    return sheet(rows.reshape(-1, *rows.shape[2:]), labels, rows_apart=range(2, len(labels), 2))


@figure("faces", needs=(PICTURES,))
def faces(artifacts: Artifacts) -> Drawn:
    """Draw what the model is about: a few test images, what it makes of them, and faces of its own where it has any."""
    rows = {"test images": artifacts[PICTURES]["x"], "reconstructed": artifacts[PICTURES]["x_hat"]}
    if DRAWS in artifacts:
        rows["sampled"] = artifacts[DRAWS]["samples"]
    n = min(_FACES, *map(len, rows.values()))
    drawn = sheet(np.stack([row[:n] for row in rows.values()]), [*rows], rows_apart=(2,))
    parts = [f"{plural(n, 'test image')} drawn by seed", "what the model reconstructs of each"]
    parts += ["as many unselected samples from the prior"] * ("sampled" in rows)
    alt = f"{len(rows)} rows of {plural(n, 'face')}: {listed([*rows])}."
    return Drawn("Faces", f"{listed(parts)}.", alt, drawn, "svg")


def epochs_of(arrays: Mapping[str, np.ndarray], most: int) -> np.ndarray:
    """Return the rows of at most `most` epochs of epochs.npz, spread evenly, the first and the last among them."""
    return np.unique(np.linspace(0, len(arrays["epoch"]) - 1, most).round().astype(int))


def learned_faces(arrays: Mapping[str, np.ndarray]) -> int:
    """Return how many faces of epochs.npz to show, so that larger pictures take no more room."""
    height, width = arrays["originals"].shape[1:3]
    return max(2, min(_FACES, len(arrays["originals"]), _FACES * 64 * 64 // int(height * width)))


@figure("learning", needs=(LEARNED,))
def learning(artifacts: Artifacts) -> Drawn:
    """Draw what the model made of the same faces, and of the same noise, after several epochs."""
    arrays = artifacts[LEARNED]
    n, rows = learned_faces(arrays), epochs_of(arrays, _EPOCHS)
    shown = [np.concatenate([arrays["reconstructions"][row][:n], arrays["samples"][row][:n]]) for row in rows]
    originals = np.concatenate([arrays["originals"][:n], np.full_like(arrays["originals"][:n], BLANK)])
    labels = ["originals", *(f"epoch {epoch}" for epoch in arrays["epoch"][rows])]
    heads = ["reconstructions", *[""] * (n - 1), "samples of N(0, I)", *[""] * (n - 1)]
    drawn = sheet(np.stack([originals, *shown]), labels, heads=heads, rows_apart=(1,), columns_apart=(n,))
    shown_after = (
        f"{plural(n, 'validation face')} and the same draws of N(0, I), after epoch "
        f"{listed([str(e) for e in arrays['epoch'][rows]])}"
    )
    caption = f"The same {shown_after}."
    if len(rows) > 1:
        first, last = (255 * absolute_error(arrays["originals"], arrays["reconstructions"][k]).mean() for k in (0, -1))
        caption += (
            f" The mean error of a pixel on the {len(arrays['originals'])} faces that were kept {change(first, last)} "
            "of 255 grey levels."
        )
    alt = f"{len(rows) + 1} rows of faces: originals, then reconstructions and samples of the same {shown_after}."
    return Drawn("As it learned", caption, alt, drawn, "svg")


@figure("reconstructions", needs=(PICTURES,))
def reconstructions(artifacts: Artifacts) -> Drawn:
    """Draw seeded test images, each above its reconstruction."""
    x, x_hat = artifacts[PICTURES]["x"], artifacts[PICTURES]["x_hat"]
    n = _shown(np.concatenate([x, x_hat], axis=1), 8)
    error = absolute_error(x[:n], x_hat[:n]).mean()
    some = f"{n} of the {len(x)} stored" if n < len(x) else f"{n}"
    caption = (
        f"{some} test images drawn by seed: originals above, reconstructions (decoder mean at z = μ) below. "
        f"A pixel is off by {plain(255 * error)} of 255 grey levels on average"
    )
    table = artifacts.get(PER_IMAGE)
    if table is not None and "mse" in table and "image_id" in artifacts[PICTURES]:
        mse = table.set_index("image_id")["mse"]
        ranks = mse.rank(pct=True).reindex(artifacts[PICTURES]["image_id"][:n].astype(str)).dropna()
        if len(ranks):
            caption += (
                f"; by MSE they reach from quantile {fixed(ranks.min(), 2)} to {fixed(ranks.max(), 2)} of the test "
                "images"
            )
    side = f"{x.shape[2]} by {x.shape[1]} pixels"
    alt = f"Grid of {plural(n, 'face image')} of {side}, each above its reconstruction."
    return Drawn("Reconstructions", caption + ".", alt, _paired(x[:n], x_hat[:n]), "svg")


@figure("temperatures", needs=(DRAWS,))
def temperatures(artifacts: Artifacts) -> Drawn:
    """Draw the same random codes, scaled to several temperatures: one row each."""
    values, images = artifacts[DRAWS]["temperature"], artifacts[DRAWS]["by_temperature"]
    spreads = [float(row.astype(np.float64).std(axis=0).mean()) for row in images]
    caption = (
        f"The same {images.shape[1]} draws of {artifacts[DRAWS]['prior']}, their spread times t. Beside each row t, "
        f"and how much a pixel varies across "
        f"it: by {fixed(spreads[0], 1)} grey levels at t = {values[0]:g}, by {fixed(spreads[-1], 1)} at "
        f"{values[-1]:g}."
    )
    alt = f"Rows of {plural(images.shape[1], 'decoded face')} at temperatures {', '.join(f'{t:g}' for t in values)}."
    labels = [f"t = {t:g}\n{fixed(s, 1)} levels" for t, s in zip(values, spreads, strict=True)]
    return Drawn("Samples by temperature", caption, alt, sheet(images, labels), "svg")


@figure("samples", needs=(DRAWS,))
def samples(artifacts: Artifacts) -> Drawn:
    """Draw decoder means at random draws from the prior."""
    images = artifacts[DRAWS]["samples"]
    n = _shown(images, 8)
    spread = float(images.astype(np.float64).std(axis=0).mean())
    caption = f"{n} of {plural(len(images), 'decoder mean')}" if n < len(images) else f"{plural(n, 'decoder mean')}"
    caption += (
        f" at z ~ {artifacts[DRAWS]['prior']}, unselected. Across the samples a pixel varies with a standard deviation "
        f"of {plain(spread)} grey levels"
    )
    if PICTURES in artifacts:
        real = float(artifacts[PICTURES]["x"].astype(np.float64).std(axis=0).mean())
        caption += f", across the test images above with {plain(real)}"
    alt = f"Grid of {plural(n, 'face image')} decoded from random latent codes."
    rows = in_rows(images[:n], _COLUMNS)
    return Drawn("Samples from the prior", caption + ".", alt, sheet(rows, [""] * len(rows)), "svg")
