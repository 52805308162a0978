"""Which judge ranks known damage in the right order: `python -m tests.benchmarks.judges [--data D] [--models A.pt]`.

A ladder is one kind of damage at growing levels, the first of which is none. At each level pictures made of the half of
train that no judge saw are held against all test images, by the Fréchet distance in the features of each judge. Per
judge and ladder: Spearman's rank correlation of level and distance, the mean over draws, and how far the gentlest
damage stands above undamaged images, in standard deviations of the latter's distance over draws.

`--retrainings N` asks instead whether intervals allow for another judge: N judges of other seeds are taught, and it
prints, for Fréchet distances, precision and rates of attributes, how often the interval by one judge holds the value by
another, and the mean of all.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy import stats
from scipy.ndimage import gaussian_filter

from vaekit.checkpoint import load_checkpoint
from vaekit.data import Prepared, Protocol, open_source, prepare
from vaekit.data.pixels import to_uint8
from vaekit.evaluation.samples.base import compare as set_distances
from vaekit.evaluation.samples.base import reals_of
from vaekit.evaluation.samples.frechet import distance, moments_of
from vaekit.faces import write_faces
from vaekit.judge import open_judge, seen_rows, unseen_rows
from vaekit.judge.networks import CHUNK, at_judged_size, in_range
from vaekit.seeding import numpy_generator
from vaekit.statistics.bootstrap import Estimate
from vaekit.statistics.proportions import wilson
from vaekit.statistics.raters import pooled

DRAWS = 8
MOST, POOL = 1000, 2000  # pictures of one draw, and of what they are drawn from
ATTRIBUTES = ("Wearing_Hat", "Eyeglasses", "Bangs", "Smiling")  # 4, 6, 15 and 48 % of real faces have them
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
Features = Callable[[np.ndarray], np.ndarray]
Part = tuple[str, np.ndarray]  # a pool of pictures and the rows of it


@dataclass(frozen=True)
class Ladder:
    """One kind of damage: its levels, and what is drawn at each from which pools."""

    name: str
    levels: tuple[float, ...]
    draw: Callable[[float, np.random.Generator], list[Part]]


def blurred(images: np.ndarray, sigma: float) -> np.ndarray:
    return np.stack([gaussian_filter(x, (sigma, sigma, 0)) for x in images])


def noisy(images: np.ndarray, sd: float) -> np.ndarray:
    noise = numpy_generator(0, "noise", sd).normal(0, sd, images.shape)
    return (images + noise).round().clip(0, 255).astype(np.uint8)


def swapped(images: np.ndarray, pairs: float) -> np.ndarray:
    """Change the places of so many pairs of 8 x 8 blocks in each image."""
    out = images.copy()
    generator = numpy_generator(0, "blocks", pairs)
    for x in out:
        blocks = x.reshape(8, 8, 8, 8, 3).swapaxes(1, 2).reshape(64, 8, 8, 3)
        one, two = generator.permutation(64)[: 2 * int(pairs)].reshape(2, -1)
        blocks[one], blocks[two] = blocks[two], blocks[one]
        x[:] = blocks.reshape(8, 8, 8, 8, 3).swapaxes(1, 2).reshape(x.shape)
    return out


def components(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean, the principal components of pixels in descending order (K, D) and their deviations (K,)."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    mean = flat.mean(0)
    values, vectors = np.linalg.eigh((flat - mean) @ (flat - mean).T)
    values, vectors = values[:0:-1][:128], vectors[:, :0:-1][:, :128]
    return mean, ((flat - mean).T @ vectors / np.sqrt(values)).T, np.sqrt(values / len(images))


DAMAGE: dict[str, tuple[tuple[float, ...], Callable[[np.ndarray, float], np.ndarray]]] = {
    "blur, sigma in pixels": ((0, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 4), blurred),
    "noise, sd of 255": ((0, 2, 4, 8, 16, 32, 64), noisy),
    "swapped blocks, pairs": ((0, 1, 2, 4, 8, 16), swapped),
}


def pools_of(prepared: Prepared, models: list[Path]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every pool of pictures, uint8 (N, 64, 64, 3), by name."""
    real = prepared.images[unseen_rows(prepared)[:POOL]]
    yield "test", prepared.images[prepared.rows("test")]
    yield "real", real
    for name, (levels, damage) in DAMAGE.items():
        for level in levels[1:]:
            yield f"{name} {level}", damage(real, level)
    mean, directions, sd = components(prepared.images[seen_rows(prepared)])
    for dims in (10, 100):  # linear Gaussian models of faces: generators that anyone can repeat
        z = numpy_generator(0, "eigenfaces", dims).normal(size=(POOL, dims)).astype(np.float32) * sd[:dims]
        x = (mean + z @ directions[:dims]).round().clip(0, 255).astype(np.uint8)
        yield f"eigenfaces {dims}", x.reshape(-1, *real.shape[1:])
    for path in models:
        yield str(path), _samples(path)


def _samples(path: Path) -> np.ndarray:
    model = load_checkpoint(path).model
    z = numpy_generator(0, "prior").normal(size=(POOL, model.latent_dim)).astype(np.float32)
    with torch.inference_mode():
        return np.concatenate([to_uint8(model.decode(part).mean) for part in torch.from_numpy(z).split(256)])


def ladders(prepared: Prepared, models: list[Path]) -> list[Ladder]:
    """Return every ladder; each level is drawn anew, so that no two levels share their pictures' luck."""
    labels = prepared.attribute_table(unseen_rows(prepared)[:POOL])
    pool = len(labels)
    count = min(MOST, pool // 2)

    def some(generator: np.random.Generator, of: np.ndarray | int, n: int) -> np.ndarray:
        return generator.choice(of, n, replace=False)

    def modes(kept: float, generator: np.random.Generator) -> list[Part]:
        return [("real", np.resize(some(generator, pool, int(-kept)), count))]

    def damaged(name: str) -> Callable[[float, np.random.Generator], list[Part]]:
        return lambda level, generator: [(f"{name} {level}" if level else "real", some(generator, pool, count))]

    def one_group(share: float, generator: np.random.Generator) -> list[Part]:
        group = np.flatnonzero(labels["Male"])
        n = round(share * min(count, len(group)))
        return [("real", some(generator, group, n)), ("real", some(generator, pool, count - n))]

    def without(attribute: str) -> Callable[[float, np.random.Generator], list[Part]]:
        has = labels[attribute].to_numpy(bool)

        def draw(share: float, generator: np.random.Generator) -> list[Part]:
            rows = some(generator, pool, count)
            gone = rows[has[rows]]
            gone = some(generator, gone, round(share * len(gone)))
            stay = np.setdiff1d(rows, gone)
            fresh = np.setdiff1d(np.flatnonzero(~has), stay)
            return [("real", stay), ("real", some(generator, fresh, min(len(gone), len(fresh))))]

        return draw

    def mixed(good: str, bad: str, size: int) -> Callable[[float, np.random.Generator], list[Part]]:
        def draw(share: float, generator: np.random.Generator) -> list[Part]:
            n = round(share * count)
            return [(bad, some(generator, POOL, n)), (good, some(generator, size, count - n))]

        return draw

    found = [Ladder(name, levels, damaged(name)) for name, (levels, _) in DAMAGE.items()]
    found += [
        Ladder("fewer faces", tuple(-round(count / k) for k in (1, 1.5, 2, 4, 8, 16, 50)), modes),
        Ladder("more and more men", SHARES, one_group),
        *(Ladder(f"without {name}", SHARES, without(name)) for name in ATTRIBUTES if name in labels),
        Ladder("real + eigenfaces", (0.0, 0.05, 0.1, 0.25, 0.5, 1.0), mixed("real", "eigenfaces 100", pool)),
        Ladder("100 + 10 eigenfaces", SHARES, mixed("eigenfaces 100", "eigenfaces 10", POOL)),
    ]
    found += [Ladder(f"real + {m.parent.name}", SHARES, mixed("real", str(m), pool)) for m in models]
    for good, bad in pairwise(models):
        found.append(Ladder(f"{good.parent.name} + {bad.parent.name}", SHARES, mixed(str(good), str(bad), POOL)))
    return found


def judges_of(prepared: Prepared) -> dict[str, Features]:
    """Return every judge under comparison, as a function from pictures to features."""
    judge = open_judge(prepared)
    random = open_judge(replace(prepared, attributes=()))
    assert (judge.name, random.name) == ("attributes", "random")
    mean, directions, _ = components(prepared.images[seen_rows(prepared)])

    @torch.inference_mode()
    def hidden(images: np.ndarray) -> np.ndarray:
        parts = at_judged_size(torch.from_numpy(np.array(images))).split(CHUNK)
        return torch.cat([judge.networks[0].raw(in_range(part))[0] for part in parts]).numpy()

    def logits(images: np.ndarray) -> np.ndarray:
        p = np.clip(judge.judge(images).probabilities[0].astype(np.float64), 1e-7, 1 - 1e-7)
        return np.log(p / (1 - p))

    return {
        "attributes": lambda images: judge.judge(images).features[0],
        "not whitened": hidden,
        "logits": logits,
        "probabilities": lambda images: judge.judge(images).probabilities[0],
        "random": lambda images: random.judge(images).features[0],
        "pixels (PCA)": lambda images: (images.reshape(len(images), -1) - mean) @ directions[:48].T,
    }


def compare(prepared: Prepared, judges: dict[str, Features], models: list[Path]) -> pd.DataFrame:
    """Return ladder, judge, rank correlation of level and distance, and the standard score of the gentlest damage."""
    features: dict[str, dict[str, np.ndarray]] = {name: {} for name in judges}
    for pool, images in pools_of(prepared, models):
        for name, of in judges.items():
            features[name][pool] = of(images)
    rows = []
    for ladder in ladders(prepared, models):
        for name, known in features.items():
            reference = moments_of(known["test"])
            distances = np.empty((DRAWS, len(ladder.levels)))
            for k, level in enumerate(ladder.levels):
                for draw in range(DRAWS):
                    parts = ladder.draw(level, numpy_generator(draw, ladder.name, level))
                    drawn = np.concatenate([known[pool][chosen] for pool, chosen in parts])
                    distances[draw, k] = distance(moments_of(drawn), reference)
            ranks = [stats.spearmanr(ladder.levels, row).statistic for row in distances]
            gentle = (distances[:, 1].mean() - distances[:, 0].mean()) / distances[:, 0].std(ddof=1)
            rows.append({"ladder": ladder.name, "judge": name, "rank": float(np.mean(ranks)), "gentle": gentle})
    return pd.DataFrame(rows)


def retrained(prepared: Prepared, count: int, place: Path) -> pd.DataFrame:
    """Return what so many judges of other seeds measure of blurred faces and eigenfaces: judge, number, value, ends."""
    test = np.asarray(prepared.images[prepared.rows("test")])
    mean, directions, sd = components(prepared.images[seen_rows(prepared)])
    z = numpy_generator(0, "eigenfaces").normal(size=(len(test), 50)).astype(np.float32) * sd[:50]
    drawn = (mean + z @ directions[:50]).round().clip(0, 255).astype(np.uint8).reshape(test.shape)
    rows = []
    for seed in range(count):
        (place / f"judge {seed}").mkdir()
        judge = open_judge(replace(prepared, folder=place / f"judge {seed}"), seed=seed)
        real = judge.judge(test)
        reals = reals_of(real.features, 0)
        for name, images in (("blurred", blurred(test, 1.0)), ("eigenfaces", drawn)):
            seen = judge.judge(images)
            found = set_distances(seen.features, reals, judge.name, paired=name == "blurred").estimates
            numbers = {kind: found[kind] for kind in (f"fd_{judge.name}", "precision", "diversity")}
            yes = (seen.probabilities > judge.thresholds[:, None]).sum(1)
            ends = pooled(yes / len(test), *wilson(yes, len(test)), 0.0, 1.0)
            for attribute, *values in zip(judge.attributes, *ends, strict=True):
                numbers[f"rate of {attribute}"] = Estimate(*map(float, values), len(test))
            rows += [{"judge": seed, "number": f"{kind}, {name}"} | vars(e) for kind, e in numbers.items()]
    return pd.DataFrame(rows)


def coverage(found: pd.DataFrame) -> pd.DataFrame:
    """Return for each kind of number how often one judge's interval holds another's value, and the mean of all."""
    shares = []
    for number, rows in found.groupby("number"):
        value, low, high = (rows[end].to_numpy() for end in ("value", "low", "high"))
        held = (low[:, None] <= value) & (value <= high[:, None])
        shares.append(
            {
                "kind": number.split(" ")[0].rstrip(","),
                "numbers": 1,
                "another judge": held[~np.eye(len(rows), dtype=bool)].mean(),
                "mean of all": ((low <= value.mean()) & (value.mean() <= high)).mean(),
                "half-width": ((high - low) / 2).mean(),
                "sd over judges": value.std(ddof=1),
            }
        )
    how = dict.fromkeys(("another judge", "mean of all", "half-width", "sd over judges"), "mean") | {"numbers": "sum"}
    return pd.DataFrame(shares).groupby("kind").agg(how).round(3)


def table(found: pd.DataFrame) -> str:
    """Return the comparison as text: a row per ladder, and per judge the rank correlation and the standard score."""
    order = found["judge"].unique()
    ranks = found.pivot(index="ladder", columns="judge", values="rank").loc[found["ladder"].unique(), order]
    gentle = found.pivot(index="ladder", columns="judge", values="gentle").loc[ranks.index, order]
    ranks.loc["mean"], gentle.loc["mean"] = ranks.mean(), gentle.mean()
    cells = ranks.map("{:.3f}".format) + gentle.map(" ({:.1f})".format)
    return cells.to_string()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="CelebA or a folder in its layout; default: 4,000 drawn faces")
    parser.add_argument("--models", nargs="*", type=Path, default=[], help="checkpoints, the better one first")
    parser.add_argument("--retrainings", type=int, default=0, metavar="N")
    parser.add_argument("--faces", type=int, default=4000, help="so many drawn ones, where there are no --data")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.data or str(write_faces(Path(place) / "faces", arguments.faces, seed=0))
        prepared = prepare(open_source(folder), Protocol(178, 64), cache=Path(place))
        if arguments.retrainings:
            print(coverage(retrained(prepared, arguments.retrainings, Path(place))).to_string())
            return
        print(table(compare(prepared, judges_of(prepared), arguments.models)))


if __name__ == "__main__":
    main()
