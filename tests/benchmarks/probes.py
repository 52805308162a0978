"""What the probes cost: 40 attributes with every control and resample on 16,000 x 128 codes, and the solver alone."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from tests.benchmarks.timing import Row
from tests.evaluation.tasks import task_of
from vaekit.codes import Codes
from vaekit.config import RunConfig, load_config
from vaekit.data import SPLITS, Prepared, Protocol, open_source, prepare
from vaekit.evaluation.probes import fit_probes
from vaekit.evaluation.probes.logistic import GRID, Scaling, fit_path
from vaekit.faces import write_faces
from vaekit.models.base import build_model

DRAWN, TIMES, DIMS, ATTRIBUTES = 256, 82, 128, 40
SPLIT = {"train": 16_000, "valid": 4_000, "test": 992}
BUDGET = 30.0  # seconds on two cores, the untrained encoder's pass over 20,992 images not counted


def world(folder: Path) -> tuple[Prepared, list[Codes]]:
    """Return drawn faces under many names, codes drawn at random, and attributes that depend on the codes."""
    write_faces(folder / "faces", DRAWN, seed=1)
    prepared = prepare(open_source(str(folder / "faces")), Protocol(178, 64), cache=folder / "prepared")
    r = np.random.default_rng(0)
    n = DRAWN * TIMES
    mu = (r.normal(size=(n, DIMS)) * np.geomspace(0.02, 2, DIMS)).astype(np.float32)
    logits = mu / np.geomspace(0.02, 2, DIMS) @ r.normal(size=(DIMS, ATTRIBUTES)) / np.sqrt(DIMS)
    labels = r.logistic(size=logits.shape) < 1.5 * (logits - np.quantile(logits, r.uniform(0.2, 0.95, ATTRIBUTES)))
    names = [f"Attribute_{k}" for k in range(ATTRIBUTES)]
    index = pd.DataFrame({"image_id": [f"{i:06d}" for i in range(n)], "split": np.repeat(SPLITS, list(SPLIT.values()))})
    index = pd.concat([index, pd.DataFrame(labels.astype(int), columns=names)], axis=1)
    images = np.tile(prepared.images, (TIMES, 1, 1, 1))
    prepared = replace(prepared, images=images, index=index, attributes=tuple(names))
    rows = [prepared.rows(split) for split in SPLITS]
    return prepared, [Codes(part, [str(i) for i in part], mu[part], mu[part], mu[part]) for part in rows]


def rows() -> list[Row]:
    """Return the seconds of the whole against the budget, and of the solver against scikit-learn's."""
    with tempfile.TemporaryDirectory() as folder:
        prepared, codes = world(Path(folder))
        return [*_whole(load_config("default"), prepared, codes), _solver(prepared, codes)]


def _whole(config: RunConfig, prepared: Prepared, codes: list[Codes]) -> list[Row]:
    passed: dict[tuple[str, int], float] = {}

    def progress(stage: str, done: int, total: int, note: str = "") -> None:
        passed.setdefault((stage, done), time.perf_counter())

    started = time.perf_counter()
    model = build_model(config.model, config.likelihood, prepared.protocol.image_size, seed=0)
    fit_probes(task_of(model, prepared, progress=progress), *codes)
    whole = time.perf_counter() - started
    probes = passed["probes", 5] - started
    untrained = passed["probes", 4] - passed["probes", 3]
    size = f"{ATTRIBUTES} probes with controls and resamples, {SPLIT['train']:,} x {DIMS} codes"
    return [
        (f"{size}; without the untrained encoder", probes - untrained, BUDGET, "its budget"),
        ("the untrained encoder: its pass and its probes", untrained, BUDGET, "the same budget"),
        (f"TAD and DCI on {ATTRIBUTES} attributes", whole - probes, 10.0, "its budget"),
    ]


def _solver(prepared: Prepared, codes: list[Codes]) -> Row:
    train, valid = codes[:2]
    scaling = Scaling.of(train.mu)
    z, held_out = scaling(train.mu), scaling(valid.mu)
    labels, valid_labels = (prepared.attribute_table(part.rows).to_numpy(bool) for part in (train, valid))
    started = time.perf_counter()
    fit_path(z, labels, held_out, valid_labels)
    ours = time.perf_counter() - started
    started = time.perf_counter()
    for k in range(2):
        for strength in GRID:
            LogisticRegression(C=strength, tol=1e-9, solver="newton-cholesky").fit(z, labels[:, k])
    theirs = (time.perf_counter() - started) * ATTRIBUTES / 2
    return (
        f"{ATTRIBUTES} labels at {len(GRID)} strengths",
        ours,
        theirs,
        "scikit-learn's newton-cholesky, two labels x 20",
    )
