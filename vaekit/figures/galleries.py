"""The worst, best and random test images: original, reconstruction and error map on one scale, with what is known."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from vaekit.artifacts import (
    BEST_IMAGES,
    FAILURES_SUMMARY,
    FINDING_PICTURES,
    FINDINGS,
    GALLERY,
    RANDOM_IMAGES,
    SUMMARY,
    WORST,
)
from vaekit.errors import DataError
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.grids import gallery, png_bytes, shared_limit
from vaekit.figures.words import fixed, in_sentence, plain, plural, readable

KINDS = {"worst": WORST, "best": BEST_IMAGES, "random": RANDOM_IMAGES}
CHOSEN = {"worst": "the worst by {}", "best": "the best by {}", "random": "drawn by seed"}
_MOST = 24
_FINDINGS, _PER_FINDING = 6, 4  # findings and images of each that one figure shows


def pictures(artifacts: Artifacts, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return originals and reconstructions of the "worst", "best" or "random" images, each uint8 (K, H, W, 3)."""
    return artifacts[GALLERY][f"{kind}_x"], artifacts[GALLERY][f"{kind}_x_hat"]


def common_limit(artifacts: Artifacts) -> float:
    """Return the end of the one error scale that all three galleries share, in [0, 1] pixels."""
    pairs = [pictures(artifacts, kind) for kind in KINDS if f"{kind}_x" in artifacts[GALLERY]]
    return shared_limit(*[pair for pair in pairs if len(pair[0])])


def attributes_of(table: pd.DataFrame, artifacts: Artifacts) -> list[list[str]]:
    """Return for each row of a ranking the names of the attributes that its image has."""
    names = [name for name in artifacts[SUMMARY]["data"]["attributes"] if name in table.columns]
    flags = table[names].to_numpy() == 1
    return [[name for name, flag in zip(names, row, strict=True) if flag] for row in flags]


def _draw(artifacts: Artifacts, kind: str) -> Drawn:
    ranked, table = artifacts[FAILURES_SUMMARY], artifacts[KINDS[kind]]
    by, label = ranked["ranked_by"], in_sentence(ranked["label"])
    x, x_hat = pictures(artifacts, kind)
    n = min(_MOST, len(table), len(x))
    limit = common_limit(artifacts)
    labels = [
        "\n".join([f"{row['rank']}  {row['image_id']}", f"{by} {plain(row[by])}", ", ".join(map(readable, has))])
        for (_, row), has in zip(table.head(n).iterrows(), attributes_of(table, artifacts), strict=False)
    ]
    picture = gallery(x[:n], x_hat[:n], labels, limit=limit)
    values = table[by].head(n)
    reach = plain(values.min()) if n == 1 else f"{plain(values.min())} to {plain(values.max())}"
    reach = f"{label} {reach} {ranked['unit']}".rstrip()
    caption = (
        f"{n} of {ranked['n']:,} test images, {CHOSEN[kind].format(label)}: {reach}. "
        f"Left to right: original, reconstruction, error from 0 (black) to {fixed(limit, 2)} "
        "or more (brightest), one scale for worst, best and random."
    )
    alt = f"{kind.capitalize()} test images ({n}) with reconstruction and error map; {reach}."
    return Drawn(f"{kind.capitalize()} images", caption, alt, png_bytes(picture), "png")


def _gallery(kind: str) -> Callable[[Artifacts], Drawn]:
    def draw(artifacts: Artifacts) -> Drawn:
        return _draw(artifacts, kind)

    return draw


for _kind, _file in KINDS.items():
    figure(f"gallery_{_kind}", needs=(FAILURES_SUMMARY, GALLERY, _file, SUMMARY))(_gallery(_kind))


@figure("finding_images", needs=(FINDINGS, FINDING_PICTURES))
def finding_images(artifacts: Artifacts) -> Drawn:
    """Draw the images that show each finding: original, reconstruction and error map, with the finding's number."""
    found = artifacts[FINDINGS]["findings"]
    arrays = artifacts[FINDING_PICTURES]
    shown = [
        (number, finding, arrays[f"{finding['id']}_x"][:_PER_FINDING], arrays[f"{finding['id']}_x_hat"][:_PER_FINDING])
        for number, finding in enumerate(found[:_FINDINGS], 1)
        if len(arrays.get(f"{finding['id']}_x", ()))
    ]
    if not shown:
        raise DataError("No finding comes with pictures.")
    labels = [
        f"{number}. {finding['title']}\n{image_id}"
        for number, finding, x, _ in shown
        for image_id, _ in zip(finding["image_ids"], x, strict=False)
    ]
    x, x_hat = (np.concatenate([row[k] for row in shown]) for k in (2, 3))
    limit = shared_limit(*((a, b) for _, _, a, b in shown))
    titles = "; ".join(f"{number}. {finding['title']}" for number, finding, _, _ in shown)
    caption = (
        f"{plural(len(x), 'image')} that show {plural(len(shown), 'finding')}: {titles}. Left to right: original, "
        "reconstruction, "
        f"error from 0 (black) to {fixed(limit, 2)} or more (brightest)."
    )
    alt = f"{plural(len(x), 'test image')} with reconstruction and error map, by finding: {titles}."
    picture = gallery(x, x_hat, labels[: len(x)], limit=limit)
    return Drawn("Images that show the findings", caption, alt, png_bytes(picture), "png")
