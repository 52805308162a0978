"""How often what is planted is found, how often nothing is, and what an analysis costs.

    python -m tests.benchmarks.findings [--seeds 200] [--first 0] [--kinds blur,alike,null,...] [--drawn]

Each seed is a test split of 4,000 images in which 3 % have five times the usual error. Found: the first finding is what
was planted. Covered: its 95 % interval holds the effect that the found slice has in a large population. In the null the
errors are shuffled over the images; in the null of persons who is pictured moves the error, 25 pictures of each. With
--drawn the images are drawn and their properties measured; otherwise attributes are drawn and properties made up.
The groups without a name ("alike") are 4 % of 1,000 and of 4,000 images with 1.2, 1.3 and 1.4 times the usual error.
"""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter
from scipy import stats

from tests.benchmarks.timing import Row, least
from tests.failure_analysis.planted import KINDS, NOISE, RATE, TIMES, Population, errors, populate, searched, truth
from vaekit import artifacts
from vaekit.data import Protocol, open_source, prepare
from vaekit.evaluation.reference import MOST as REFERENCE
from vaekit.evaluation.results import Evaluation
from vaekit.faces import ATTRIBUTES, Plant, draw_face, write_faces
from vaekit.failure_analysis.analyse import Asked, analyse
from vaekit.failure_analysis.properties import image_properties
from vaekit.failure_analysis.slices.nameless import nameless_groups
from vaekit.failure_analysis.slices.rules import Material
from vaekit.judge import open_judge

N, LARGE = 4000, 24_000  # images of a split; further ones of the same population that tell the true effect
DRAWN, PLANTED = 8000, 1000  # drawn faces that splits are sampled from: as they are, and with each failure planted
ALIKE = [f"alike {n} {ratio}" for n in (1000, 4000) for ratio in (1.2, 1.3, 1.4)]
NULLS = ["null", "null of alike", "null of persons"]
MANY, BUDGET = 20_000, 35.0  # images of a large test split, and the seconds that its analysis may take


def one(kind: str, seed: int, *, drawn: bool) -> tuple[bool, bool | None]:
    """Return whether the planted failure (in a null: nothing) is found, and whether its interval covers."""
    rng = np.random.default_rng([seed, 1])
    if kind == "null of alike":
        return alike(rng, 1000, None, seed), None
    if kind in ALIKE:
        _, n, ratio = kind.split()
        return alike(rng, int(n), float(ratio), seed), None
    if kind == "null":
        part = populate("combination", N, seed)
        return not searched(part, rng.permutation(errors(part, rng)), seed).kept, None
    if kind == "null of persons":
        part = populate(None, N, seed, pictures=25)
        part.material.properties[:] = rng.lognormal(size=part.material.properties.shape)
        return not searched(part, errors(part, rng, of_person=2 * NOISE), seed).kept, None
    whole = of_drawn(kind) if drawn else populate(kind, N + LARGE, seed)
    rows = sampled(whole, rng) if drawn else np.arange(N)
    part = Population(
        whole.material.take(rows),
        np.arange(N) if drawn else whole.people[:N],
        *(column[rows] for column in (whole.planted, whole.expected)),
    )
    found = searched(part, errors(part, rng), seed)
    if not found.kept:
        return False, None
    overlap, effect = (weighted if drawn else truth)(found, whole)
    d = found.kept[0].tested.difference
    return overlap > 0.5, bool(d.low <= effect <= d.high)


def alike(rng: np.random.Generator, n: int, ratio: float | None, seed: int) -> bool:
    """Return whether a group without a name holds the planted 4 %, purity and recall over one half; or none is found.

    They look alike, a little apart from the others in 24 features, and have `ratio` times the error; None shuffles it.
    """
    who = np.arange(n) < 0.04 * n
    looks = rng.standard_normal((n, 24)) + np.where(who[:, None], 1.3 * rng.standard_normal(24), 0.0)
    error = 0.006 * rng.lognormal(0, 0.25, n) * np.where(who, ratio or 1.3, 1.0)
    if ratio is None:
        return not nameless_groups(rng.permutation(error), {"looks": looks}, seed=seed).groups
    groups = nameless_groups(error, {"looks": looks}, seed=seed).groups
    return any((g.mask & who).sum() > 0.5 * max(g.mask.sum(), who.sum()) for g in groups)


@cache
def of_drawn(kind: str) -> Population:
    """Return drawn faces, the last 1,000 of which have the failure planted: attributes and measured properties."""
    with ProcessPoolExecutor() as pool:
        plain = list(pool.map(_draw, range(DRAWN), [None] * DRAWN, chunksize=100))
        planted = list(pool.map(_draw, range(DRAWN, DRAWN + PLANTED), [kind] * PLANTED, chunksize=100))
    images = np.stack([image for image, _ in (*plain, *planted)])
    properties = image_properties(images, images[:DRAWN].mean(0) / 255, sides=(178, 178))
    attributes = pd.DataFrame([shown for _, shown in (*plain, *planted)])[list(ATTRIBUTES)].astype(int)
    is_planted = np.arange(len(images)) >= DRAWN
    complexity = np.log(properties[["contrast", "fine_detail"]] + 1e-5)
    complexity = ((complexity - complexity.mean()) / complexity.std()).sum(axis=1).to_numpy()
    expected = 0.006 * np.exp(0.05 * complexity) * np.where(is_planted, TIMES, 1.0)
    return Population(Material(attributes, properties), np.arange(len(images)), is_planted, expected)


def _draw(index: int, kind: str | None) -> tuple[np.ndarray, dict[str, bool]]:
    face = draw_face(7, index, plant=Plant(kind, 1.0) if kind else None)
    small = Image.fromarray(face.image[20:198]).resize((64, 64), Image.Resampling.BILINEAR)
    return np.asarray(small), face.attributes


def sampled(whole: Population, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of one split: 3 % of it with the failure."""
    count = rng.binomial(N, RATE)
    kinds = (np.flatnonzero(~whole.planted), N - count), (np.flatnonzero(whole.planted), count)
    return rng.permutation(np.concatenate([rng.choice(rows, size, replace=False) for rows, size in kinds]))


def weighted(found, whole: Population) -> tuple[float, float]:
    """Return overlap and true effect as `planted.truth` does, the planted faces weighing 3 %."""
    mask = found.kept[0].tested.slice.mask(whole.material)
    weight = np.where(whole.planted, RATE / whole.planted.sum(), (1 - RATE) / (~whole.planted).sum())
    overlap = weight[mask & whole.planted].sum() / weight[mask | whole.planted].sum()
    inside, outside = (np.average(whole.expected[part], weights=weight[part]) for part in (mask, ~mask))
    return float(overlap), float(inside - outside)


def rate(hits: list[bool]) -> str:
    """Return a rate with its 95 % binomial bounds (Clopper & Pearson 1934)."""
    bounds = stats.binomtest(sum(hits), len(hits)).proportion_ci(0.95)
    return f"{sum(hits)} of {len(hits)} = {np.mean(hits):.3f} [{bounds.low:.3f}, {bounds.high:.3f}]"


def simulate(kinds: list[str], seeds: range, *, drawn: bool) -> None:
    """Print the rates of every kind."""
    for kind in kinds:
        started = time.perf_counter()
        pairs = [one(kind, seed, drawn=drawn) for seed in seeds]
        is_null = kind.startswith("null")
        said = f"{kind:16} {'silent' if is_null else 'first'} {rate([hit for hit, _ in pairs])}"
        covered = [covers for _, covers in pairs if covers is not None]
        said += f"   covered {rate(covered)}" if covered else ""
        print(f"{said}   ({time.perf_counter() - started:.0f} s)", flush=True)


def rows() -> list[Row]:
    """Return what the whole failure analysis of 20,000 images and 40 attributes takes, against its budget."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_faces(folder / "faces", 512, seed=1)
        prepared = prepare(open_source(str(folder / "faces")), Protocol(178, 64), cache=folder / "prepared")
        rng, chosen = np.random.default_rng(0), np.random.default_rng(1).integers(0, 512, MANY)
        images = np.array(prepared.images)[chosen]
        images = np.clip(images + rng.integers(-12, 12, (MANY, 1, 1, 3)), 0, 255).astype(np.uint8)
        names = np.array([f"{i:06}" for i in range(MANY)])
        index = prepared.index.iloc[chosen].assign(image_id=names, split="test", identity=names)
        train = prepared.index[prepared.index["split"] != "test"]
        data = replace(
            prepared,
            images=np.concatenate([prepared.images[train.index], images]),
            index=pd.concat([train, index], ignore_index=True),
        )
        evaluation = _evaluation(folder / "evaluation", data, images, names, rng)
        used = time.process_time()
        seconds = least(lambda: analyse(evaluation, data, folder / "failures", Asked()), 1)
        used = time.process_time() - used
    name = f"failure analysis of {MANY:,} images, {len(ATTRIBUTES)} attributes ({used:.1f} s of processor time)"
    return [(name, seconds, BUDGET, "its budget")]


def _evaluation(folder: Path, data, images: np.ndarray, names: np.ndarray, rng: np.random.Generator) -> Evaluation:
    """Return what `vaekit evaluate` would have left of a model that blurs."""
    blurred = np.stack([np.asarray(Image.fromarray(x).filter(ImageFilter.GaussianBlur(1))) for x in images])
    mse = ((blurred / 255.0 - images / 255.0) ** 2).mean((1, 2, 3)) * rng.lognormal(0, 0.2, MANY)
    artifacts.make_folder(folder)
    artifacts.write_table(folder / artifacts.PER_IMAGE, pd.DataFrame({"image_id": names, "mse": mse}))
    artifacts.write_array(folder / artifacts.RECONSTRUCTIONS, blurred)
    artifacts.write_arrays(folder / artifacts.LATENTS, mu=rng.standard_normal((MANY, 128), np.float32))
    judge = open_judge(data)
    seen = {"x": judge.judge(images), "x_hat": judge.judge(blurred)}
    artifacts.write_arrays(
        folder / artifacts.JUDGED,
        attributes=np.array(judge.attributes, str),
        thresholds=judge.thresholds,
        features_x=seen["x"].features,
        probabilities_x=seen["x"].probabilities,
        probabilities_x_hat=seen["x_hat"].probabilities,
    )
    kept = {}
    for split in ("train", "valid"):
        rows = rng.choice(data.rows("train"), REFERENCE)
        features = judge.judge(data.images[rows]).features[0]
        kept |= {f"rows_{split}": rows, f"mu_{split}": rng.standard_normal((REFERENCE, 128), np.float32)}
        kept[f"features_{split}"] = features
    artifacts.write_arrays(folder / artifacts.REFERENCE, **kept)
    metric = {"label": "Mean squared error", "unit": "squared pixel value", "higher_is_better": False, "definition": ""}
    artifacts.write_json(folder / artifacts.SUMMARY, {"metrics": {"mse": metric}, "made_by": {}})
    return Evaluation(folder)


def main() -> None:
    """Parse, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kinds", default=",".join([*KINDS, *ALIKE, *NULLS]))
    parser.add_argument("--drawn", action="store_true")
    parser.add_argument("--cost", action="store_true", help="measure what an analysis costs, and nothing else")
    options = parser.parse_args()
    if options.cost:
        for name, seconds, budget, against in rows():
            print(f"{name}: {seconds:.1f} s, {seconds / budget:.2f} of {against}")
        return
    kinds = [kind for kind in options.kinds.split(",") if not options.drawn or kind in ("occluder", "texture", "blur")]
    simulate(kinds, range(options.first, options.first + options.seeds), drawn=options.drawn)


if __name__ == "__main__":
    main()
