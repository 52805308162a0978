"""README's table of recipes: each trained on the same images of CelebA, evaluated on the same test split.

    VAEKIT_CELEBA=/path/to/celeba make recipes

Prints the table and leaves it in reports/recipes/, with a sheet of the same 32 test faces for every recipe and a
comparison of the recipes of each resolution. The pictures are of CelebA: they stay out of version control.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import pandas as pd
import torch

import vaekit
from vaekit.artifacts import BEST, PICTURES, SUMMARY, read_arrays, write_bytes, write_text
from vaekit.config import load_config, recipe_names
from vaekit.figures.grids import pair_grid, png_bytes
from vaekit.models.base import build_model
from vaekit.training.trainer import training_loss

OUT = Path("reports/recipes")
EPOCHS = 3
# Train images, where two cores would take too long for all of them: the same for every recipe of 128 pixels.
FEWER = {"residual64": 2000, "deep128": 4000, "tanh128": 4000, "tanh128-b4": 4000, "tanh128-b10": 4000}
COLUMNS = ("sse", "sse_sampled", "kl", "psnr", "ssim", "elbo_calibrated")


def measure(recipe: str, data: str, epochs: int) -> dict[str, object]:
    """Train and evaluate one recipe; return its row, and leave its sheet of faces."""
    size = load_config(recipe).data.image_size
    overrides: dict[str, object] = {"training.epochs": epochs, "data.limit": {}}
    if recipe in FEWER:
        overrides["data.limit"] = {"train": FEWER[recipe]}
    run = vaekit.train(recipe, data=data, overrides=overrides, run=recipe, overwrite=True, out=OUT / "checkpoints")
    evaluation = vaekit.evaluate(run.best, out=OUT)
    pictures = read_arrays(evaluation.folder / PICTURES)
    write_bytes(OUT / f"{recipe}.png", png_bytes(pair_grid(pictures["x"], pictures["x_hat"], columns=8)))
    row = {"recipe": recipe, "pixels": size, "parameters": evaluation.summary["model"]["parameters"]}
    row |= {"images": len(run.history) * evaluation.summary["data"]["counts"]["train"], "images/s": speed(recipe)}
    for name in COLUMNS:
        row[name] = evaluation["mse_sampled"] * 3 * size**2 if name == "sse_sampled" else evaluation[name]
    print(f"{recipe}: {evaluation.folder / SUMMARY}", file=sys.stderr)
    return row


def speed(recipe: str) -> float:
    """Return the images a second of a training step, the best of several: other work on the machine counts less."""
    config = load_config(recipe)
    model = build_model(config.model, config.likelihood, config.data.image_size, 0).to(
        memory_format=torch.channels_last
    )
    optimiser = torch.optim.Adam(model.parameters(), config.training.learning_rate)
    x = torch.rand(config.training.batch_size, 3, config.data.image_size, config.data.image_size)
    noise = torch.randn(len(x), model.latent_dim)
    times = []
    for _ in range(6):
        started = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        training_loss(model, x, noise, config.objective, bfloat16=config.training.bfloat16).loss.mean().backward()
        optimiser.step()
        times.append(time.perf_counter() - started)
    return len(x) / min(times)


def markdown(table: pd.DataFrame) -> str:
    """Return the rows as Markdown, best calibrated bound first within a resolution."""
    lines = [
        "| recipe | pixels | parameters | images seen | images/s | sse at mu | sse sampled | kl | psnr | ssim "
        "| elbo, calibrated |",
        "|---" * 11 + "|",
    ]
    for row in table.sort_values(["pixels", "elbo_calibrated"], ascending=[True, False]).to_dict("records"):
        lines.append(
            f"| `{row['recipe']}` | {row['pixels']} | {row['parameters']:,} | {row['images']:,} "
            f"| {row['images/s']:.0f} | {row['sse']:.1f} | {row['sse_sampled']:.1f} | {row['kl']:.1f} "
            f"| {row['psnr']:.2f} | {row['ssim']:.3f} | {row['elbo_calibrated']:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure the recipes named on the command line, or all but the demo's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=[name for name in recipe_names() if name != "demo"])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    if "VAEKIT_CELEBA" not in os.environ:
        parser.error("set VAEKIT_CELEBA to a folder with CelebA: the table is of real images")
    store = OUT / "rows.csv"
    rows = pd.read_csv(store).set_index("recipe").T.to_dict() if store.exists() else {}
    for recipe in options.recipes:
        row = measure(recipe, os.environ["VAEKIT_CELEBA"], options.epochs)
        rows[recipe] = {key: value for key, value in row.items() if key != "recipe"}
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("recipe").reset_index()
        write_text(store, table.to_csv(index=False))
        write_text(OUT / "table.md", markdown(table))
    print((OUT / "table.md").read_text())
    for pixels, some in table.groupby("pixels"):
        runs = [OUT / "checkpoints" / recipe / BEST for recipe in some["recipe"]]
        if len(runs := [run for run in runs if run.is_file()]) > 1:
            print(vaekit.compare(runs, out=OUT, title=f"Recipes at {pixels} pixels", allow_unlike=True))


if __name__ == "__main__":
    main()
