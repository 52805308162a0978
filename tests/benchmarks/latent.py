"""What the figures on likelihood and latent code cost, against the network calls that the pass makes anyway."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tests.benchmarks.timing import Row, least
from tests.evaluation.tasks import task_of
from vaekit.config import load_config
from vaekit.data import Prepared, Protocol, open_source, prepare
from vaekit.data.loaders import batches
from vaekit.evaluation.base import METRICS, Batch
from vaekit.evaluation.collect import collect
from vaekit.evaluation.eightbit import trained_likelihood
from vaekit.evaluation.importance import importance
from vaekit.evaluation.latent import analyse, information
from vaekit.evaluation.references import constant_colour, r2
from vaekit.faces import write_faces
from vaekit.models.base import Gaussian, build_model
from vaekit.seeding import keyed_normal

DRAWN, TIMES = 256, 32  # so many faces are drawn, and each stands so many times in the test split
BUDGET = 60.0  # seconds on two cores


def repeated(folder: Path) -> Prepared:
    """Return drawn faces as a large test split, every face under several names."""
    write_faces(folder / "faces", DRAWN, seed=1)
    prepared = prepare(open_source(str(folder / "faces")), Protocol(178, 64), cache=folder / "prepared")
    parts = [prepared.index.assign(image_id=prepared.index["image_id"] + f"-{i}", split="test") for i in range(TIMES)]
    index = pd.concat([prepared.index, *parts], ignore_index=True)
    return replace(prepared, images=np.tile(prepared.images, (TIMES + 1, 1, 1, 1)), index=index)


def rows() -> list[Row]:
    """Return the added seconds of each part and what they are held against, with the default network at 64 pixels."""
    with tempfile.TemporaryDirectory() as place:
        return _rows(Path(place))


@torch.inference_mode()
def _rows(folder: Path) -> list[Row]:
    prepared = repeated(folder)
    test = prepared.rows("test")[-DRAWN * TIMES :]
    config = load_config("default")
    model = build_model(config.model, config.likelihood, 64, 0).eval()
    trained = trained_likelihood(model, config)
    task = task_of(model, prepared, folder, rows=test, config=config)
    shared = {"sigma": 0.1, "trained": trained}
    found = collect(task, **shared)

    def bare() -> None:
        for loaded in batches(prepared, test, 256):
            posterior = model.encode(loaded.x)
            model.decode(posterior.mu)
            noise = torch.from_numpy(keyed_normal(0, "posterior", loaded.image_ids, model.latent_dim))
            model.decode(posterior.sample(noise))

    (loaded,) = batches(prepared, test[:256], 256)
    posterior = model.encode(loaded.x)
    likelihood = model.decode(posterior.mu)
    calibrated = Gaussian(likelihood.mean, torch.tensor(0.1))

    def bits() -> None:
        batch = Batch(loaded.x, posterior, likelihood, likelihood, calibrated, trained)
        for name in ("elbo_calibrated", "bpd_calibrated", "bpd_model"):
            METRICS.get(name)(batch)

    chosen = np.arange(information.IMAGES)
    codes = [a[chosen] for a in (found.mu, found.logvar, found.z)]
    of_information = least(lambda: information.information(*codes), 2)
    whole = least(lambda: analyse.analyse(task, found, r2=0.5, **shared), 2)
    references = least(
        lambda: (r2(found.per_image["sse"].to_numpy(), prepared, test, 0), constant_colour(prepared, test))
    )
    reference, of_bits = least(bare), least(bits) * len(test) / 256
    codes_64 = torch.randn(256, model.latent_dim)
    decodes = least(lambda: [model.decode(codes_64) for _ in range(64)], 1)
    against = f"one encode and two decodes of {len(test):,} images, bare"
    return [
        ("calibrated bound and bits per dim, added", of_bits, reference, against),
        ("latent analysis without the information, added", whole - of_information, reference, against),
        ("r2 and the constant colour, added", references, reference, against),
        ("all three", of_bits + whole - of_information + references, reference, against),
        ("iwae-64 of 256 images", least(lambda: importance(task, **shared), 1), decodes, "bare decodes"),
        (f"information of {len(chosen):,} images, {model.latent_dim} dims", of_information, BUDGET, "its budget"),
    ]
