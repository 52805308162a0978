"""Speed as ratios, each against a peer or the bare work in the same run: `make bench`.

Nothing here can fail: a slow machine is not a bug. Every figure of speed in README comes from this output.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
import torchmetrics.functional.image as peer
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, TensorDataset

from tests.benchmarks import findings, latent, probes, samples
from tests.benchmarks.timing import Row, least
from tests.evaluation.tasks import task_of
from vaekit.config import load_config
from vaekit.data import Protocol, open_source, prepare
from vaekit.data.loaders import batches
from vaekit.evaluation.collect import collect
from vaekit.evaluation.eightbit import trained_likelihood
from vaekit.evaluation.metrics.similarity import ssim_map
from vaekit.faces import draw_face, write_faces
from vaekit.models.base import build_model
from vaekit.seeding import keyed_normal

IMAGES = 512


@torch.inference_mode()
def rows(folder: Path) -> list[Row]:
    """Return every measurement, on drawn faces at 64 pixels with the default network."""
    write_faces(folder / "faces", IMAGES, seed=1)
    prepared = prepare(open_source(str(folder / "faces")), Protocol(178, 64), cache=folder / "prepared")
    every = np.arange(len(prepared.index))
    config = load_config("default")
    model = build_model(config.model, config.likelihood, 64, 0).eval()
    trained = trained_likelihood(model, config)
    x = torch.cat([batch.x for batch in batches(prepared, every, 256)])
    tensors = DataLoader(TensorDataset(torch.from_numpy(np.array(prepared.images))), batch_size=256)

    def bare() -> None:
        for batch in batches(prepared, every, 256):
            posterior = model.encode(batch.x)
            noise = torch.from_numpy(keyed_normal(0, "posterior", batch.image_ids, model.latent_dim))
            model.decode(posterior.sample(noise))
            model.decode(posterior.mu)

    def ours() -> None:
        collect(task_of(model, prepared, folder), sigma=0.1, trained=trained)

    x_hat = model.reconstruct(x[:256])
    reference = least(bare)
    return [
        ("one evaluation pass, every metric", least(ours), reference, "one encode and two decodes, bare"),
        (
            "ssim of 256 images",
            least(lambda: ssim_map(x[:256], x_hat)),
            least(lambda: peer.structural_similarity_index_measure(x_hat, x[:256], data_range=1.0, reduction="none")),
            "torchmetrics, same numbers",
        ),
        (
            "one pass over the prepared images",
            least(lambda: [batch.x for batch in batches(prepared, every, 256)]),
            least(lambda: [batch[0].permute(0, 3, 1, 2).float() / 255 for batch in tensors]),
            "DataLoader over a TensorDataset",
        ),
        ("32 drawn faces", least(lambda: [draw_face(0, i) for i in range(32)], 2), 0.32, "100 a second"),
    ]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        found = rows(Path(folder))
    found += latent.rows() + samples.rows() + probes.rows() + findings.rows()
    table = Table("what", "ours, s", "reference, s", "ratio", "against", title=f"{torch.get_num_threads()} threads")
    for name, ours, reference, against in found:
        table.add_row(name, f"{ours:.3f}", f"{reference:.3f}", f"{ours / reference:.2f}", against)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
