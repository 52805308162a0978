"""vaekit evaluate."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show

InceptionWeights = Annotated[
    Path | None,
    typer.Option(
        "--inception-weights",
        help="Weights file of FID's InceptionV3. Default: $VAEKIT_INCEPTION_WEIGHTS, else torch's cache, else no FID.",
    ),
]


def command(
    checkpoint: options.Checkpoint = None,
    data: options.Data = None,
    crop: options.Crop = None,
    image_size: options.ImageSize = None,
    limit: options.Limit = None,
    inception_weights: InceptionWeights = None,
    out: options.Reports = Path("reports"),
    seed: options.Seed = 0,
    device: options.Device = "auto",
    batch_size: options.BatchSize = 256,
    json: options.Json = False,
) -> None:
    """Measure a checkpoint on the test split: error, similarity, KL and the ELBO, with intervals."""
    from vaekit.api import verbs

    with drawn_progress() as progress:
        result = verbs.evaluate(
            checkpoint,
            data=data,
            crop=options.crop_value(crop),
            image_size=image_size,
            limit=options.parse_limit(limit),
            inception_weights=inception_weights,
            out=out,
            seed=seed,
            device=device,
            batch_size=batch_size,
            progress=progress,
        )
    show(result, json, {"folder": str(result.folder), **result.summary})
