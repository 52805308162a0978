"""A whole set of artifacts as vaekit leaves them: smooth drawn faces, 40 attributes, one metric not computed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.reporting.stages import write_exploration, write_findings, write_probes, write_samples
from vaekit import artifacts
from vaekit.config import RunConfig
from vaekit.evaluation.latent import wording
from vaekit.evaluation.latent.facts import Facts
from vaekit.evaluation.latent.verdict import judge
from vaekit.quantity import Quantity

ATTRIBUTES = """
5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair
Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male
Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks
Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace
Wearing_Necktie Young
""".split()  # noqa: SIM905 (forty lines otherwise)
PER_IMAGE = ("mse", "sse", "mae", "psnr", "ssim", "mse_sampled", "kl", "recon_nll", "elbo")
METRICS = {
    "mse": (
        "Mean squared error",
        "squared pixel value",
        False,
        "Mean over pixel values of the squared error, pixels in [0, 1].",
    ),
    "sse": ("Sum of squares", "", False, "Sum over pixel values of the squared error."),
    "psnr": ("Peak signal-to-noise ratio", "dB", True, "10 log10(1 / mse) per image, then averaged."),
    "ssim": ("SSIM", "", True, "Structural similarity (Wang et al. 2004), 11 x 11 Gaussian window."),
    "r2": ("R²", "", True, "1 - sum of squares / sum of squares around the train split's mean image."),
    "kl": ("KL divergence", "nats per image", None, "KL(q(z|x) || p(z)), summed over dims."),
    "bpd_model": ("Bits per dim, as trained", "bits", False, "-log2 P(8-bit image) / D, an upper bound."),
    "elbo": ("ELBO", "nats per image", True, "E_q log p(x|z) - KL with the model's own likelihood."),
    "lpips": ("LPIPS", "", False, "Perceptual distance (Zhang et al. 2018)."),
    "fid": ("FID", "", False, "Fréchet distance on InceptionV3 features."),
}


def faces(rng: np.random.Generator, n: int, size: int, softness: float = 0.05) -> np.ndarray:
    """Draw n smooth face-like pictures, uint8 (n, size, size, 3)."""
    yy, xx = np.mgrid[0:size, 0:size] / size - 0.5
    pictures = []
    for _ in range(n):
        cx, cy = rng.normal(0, 0.03, 2)
        back, skin, hair = (
            rng.uniform(0.2, 0.9, 3),
            np.array([0.85, 0.66, 0.55]) * rng.uniform(0.6, 1.1),
            rng.uniform(0, 0.4, 3),
        )

        def blob(x: float, y: float, w: float, h: float, at=(cx, cy)) -> np.ndarray:
            r = ((xx - at[0] - x) / w) ** 2 + ((yy - at[1] - y) / h) ** 2
            return (1 / (1 + np.exp((np.sqrt(r) - 1) / softness)))[..., None]

        image = np.broadcast_to(back, (size, size, 3)) * (1 + 0.3 * yy[..., None])
        shapes = [(blob(0, -0.08, 0.33, 0.4), hair), (blob(0, 0.05, 0.25, 0.34), skin)]
        shapes += [(blob(s * 0.1, -0.03, 0.045, 0.025), np.array([0.15, 0.12, 0.1])) for s in (-1, 1)]
        shapes += [(blob(0, 0.22, rng.uniform(0.06, 0.12), 0.025), np.array([0.7, 0.25, 0.25]))]
        for mask, colour in shapes:
            image = image * (1 - mask) + colour * mask
        pictures.append(image)
    return (np.clip(pictures, 0, 1) * 255).round().astype(np.uint8)


def blurred(x: np.ndarray) -> np.ndarray:
    """Average each pixel with its neighbours four times: what a VAE's mean looks like."""
    y = x.astype(float)
    for _ in range(4):
        y = (y + sum(np.roll(y, s, axis) for s in (-1, 1) for axis in (1, 2))) / 5
    return y.round().astype(np.uint8)


def summary(run: str, n: int, size: int, dims: int, table: pd.DataFrame, attributes: list[str]) -> dict:
    config = RunConfig.parse({"model": {"name": "conv", "latent_dim": dims}, "data": {"image_size": size}}, "test")
    metrics = {}
    for name, (label, unit, higher, definition) in METRICS.items():
        known = table[name] if name in table else pd.Series([0.71]) if name == "r2" else None
        value = None if known is None else float(known.mean())
        half = None if value is None else 0.02 * abs(value)
        metrics[name] = Quantity(
            value=value,
            low=value and value - half,
            high=value and value + half,
            n=n if value is not None else 0,
            unit=unit,
            label=label,
            higher_is_better=higher,
            definition=definition,
            reason=None if value is not None else f"The weights for {label} are not on this machine.",
        ).record()
    return {
        "run": {"name": run, "checkpoint": "best.pt", "epoch": 3, "step": 3816},
        "protocol": {
            "name": "celeba-test-178-64",
            "data": "celeba",
            "split": "test",
            "n": n,
            "crop": 178,
            "image_size": size,
            "resize": f"Centre crop of 178 pixels, then bilinear with antialiasing to {size} pixels.",
            "limit": None,
            "seed": 0,
            "data_fingerprint": "9f2c" * 16,
        },
        "metrics": metrics,
        "estimates": {"iwae_64": metrics["elbo"] | {"label": "IWAE, k = 64", "n": 256, "warning": "below the elbo"}},
        "references": {
            "uniform pixels": {"bpd": 8.0},
            "mean colour": {"bpd": 8.13, "mse": 0.079, "sigma": 0.28},
            "mean face": {"mse": 0.071, "ssim": 0.31, "n": 162_770},
            "pca": {"mse": 0.006, "ssim": 0.66, "n": 4069},
        },
        "config": config.model_dump(),
        "model": {
            "name": "conv",
            "parameters": 4_112_899,
            "latent_dim": dims,
            "likelihood": "Gaussian with one shared sigma, fitted on valid: 0.071.",
            "likelihood_of_8_bits": "The same Gaussian.",
            "sigma_calibrated": 0.0713,
            "sigma_calibrated_on": 2048,
        },
        "data": {
            "name": "celeba",
            "counts": {"train": 162_770, "valid": 19_867, "test": n},
            "skipped": 2,
            "skipped_reasons": ["000017.jpg: truncated file", "000042.jpg: not an image"],
            "attributes": attributes,
            "notes": ["Attribute values -1 were read as 0."],
        },
        "trimmed": ["IWAE was left out of the fast profile."],
        "made_by": {
            "vaekit": "0.1.0",
            "torch": "2.6.0",
            "python": "3.12.1",
            "checkpoint_sha256": "ab12" * 16,
            "data_fingerprint": "9f2c" * 16,
        },
    }


def write_latent(evaluation: Path, kl: np.ndarray, epochs: int, rng: np.random.Generator) -> None:
    """Write what belongs to the latent code: per_dim.csv, latent.json, latent.npz and kl_per_dim.csv."""
    dims = len(kl)
    artifacts.write_table(
        evaluation / artifacts.PER_DIM,
        pd.DataFrame(
            {
                "dim": range(dims),
                "kl": kl,
                "mu_mean": rng.normal(0, 0.1, dims),
                "mu_var": np.minimum(1, kl),
                "sigma2_mean": np.exp(-2 * kl),
                "regime": np.where(kl > 0.5, "active", np.where(kl > 0.01, "mixed", "passive")),
                "variance": 1.0,
                "kurtosis": 3.0,
                "mu_z_correlation": np.where(kl > 0, 0.9, np.nan),
                "sensitivity": 10 * kl,
                "intervention": 9 * kl,
                "mutual_information": 0.9 * kl,
                "marginal_kl": 0.1 * kl,
            }
        ),
    )
    active = Quantity(value=5, n=30, unit="dims", label="Active units", definition="dims that move")
    told = replace(active, value=None, label="Mutual information", reason=">= log N = 6 nats")
    facts = Facts(
        images=30,
        dims=dims,
        active_units=5,
        informative=5,
        passive=3,
        active=5,
        blind=0,
        kl=61.0,
        kl_fitted=60.0,
        kl_per_dim=tuple(kl),
        permuted=3.0,
        permuted_reason=None,
        narrowness=0.2,
        noise_cost=2.0,
        noise_due=2.5,
        hole=1.1,
        kl_weight=4.0,
    )
    settings = RunConfig(likelihood={"sigma": 0.1}, objective={"beta": 4.0})
    thresholds = np.logspace(-4, 0, 5)
    artifacts.write_json(
        evaluation / artifacts.LATENT,
        {
            "rows": {"active_units": active.record(), "mutual_information": told.record()},
            "active_units": {"thresholds": thresholds.tolist(), "counts": [int((kl > t).sum()) for t in thresholds]},
            "verdict": wording.record(judge(facts, settings), settings),
        },
    )
    shown = np.unique([0, dims - 1])
    at = np.linspace(-5, 5, 21)
    artifacts.write_arrays(
        evaluation / artifacts.LATENT_ARRAYS,
        correlation=np.eye(dims),
        histogram_dims=shown,
        histogram_bins=np.linspace(-5, 5, 11),
        histogram_counts=np.ones((len(shown), 10)),
        density_at=at,
        density=np.tile(np.exp(-0.5 * at**2) / 2.5, (len(shown), 1)),
    )
    grid = pd.DataFrame({"epoch": np.repeat(np.arange(1, epochs + 1), dims), "dim": list(range(dims)) * epochs})
    artifacts.write_table(evaluation / artifacts.KL_PER_DIM, grid.assign(kl=kl[grid["dim"]] * grid["epoch"]))


def write_learned(evaluation: Path, originals: np.ndarray, epochs: int) -> None:
    """Write the same faces and samples after each of `epochs` epochs, less blurred each time."""
    made = [originals]
    for _ in range(epochs):
        made.append(blurred(made[-1]))
    faces_by_epoch = np.stack(made[:0:-1])
    artifacts.write_arrays(
        evaluation / artifacts.LEARNED,
        originals=originals,
        reconstructions=faces_by_epoch,
        samples=faces_by_epoch[:, ::-1],
        kl_per_dim=np.ones((epochs, 4), np.float32),
        epoch=np.arange(1, epochs + 1),
    )


def make_artifacts(
    root: Path,
    *,
    run: str = "default",
    n: int = 400,
    size: int = 64,
    dims: int = 32,
    top: int = 12,
    epochs: int = 3,
    attributes: list[str] | None = None,
    ids: list[str] | None = None,
) -> tuple[Path, Path]:
    """Write a complete evaluation and failures folder under `root` and return both."""
    rng = np.random.default_rng(7)
    attributes = ATTRIBUTES if attributes is None else attributes
    evaluation, failures = root / artifacts.EVALUATION, root / artifacts.FAILURES
    x = faces(rng, 3 * top + 32, size)
    x_hat = blurred(x)
    mse = np.sort(rng.gamma(6, 0.0016, n))[::-1]
    table = pd.DataFrame({"image_id": [f"{i + 1:06d}.jpg" for i in rng.permutation(n)], "mse": mse})
    if ids is not None:
        table.loc[: len(ids) - 1, "image_id"] = ids
    pixels = 3 * size * size
    table = table.assign(
        sse=pixels * mse,
        mae=np.sqrt(mse) * 0.7,
        psnr=-10 * np.log10(mse),
        ssim=1 - 12 * mse,
        mse_sampled=1.1 * mse,
        kl=rng.normal(61, 6, n),
        recon_nll=2e5 * mse - 12_000,
    )
    table["elbo"] = -table["recon_nll"] - table["kl"]
    artifacts.write_table(evaluation / artifacts.PER_IMAGE, table)
    artifacts.write_json(evaluation / artifacts.SUMMARY, summary(run, n, size, dims, table, attributes))
    kl = np.sort(rng.gamma(0.4, 1.2, dims))
    write_latent(evaluation, kl, epochs, rng)
    artifacts.write_arrays(
        evaluation / artifacts.PICTURES,
        image_id=table["image_id"].to_numpy()[-32:].astype(str),
        x=x[-32:],
        x_hat=x_hat[-32:],
    )
    artifacts.write_arrays(
        evaluation / artifacts.DRAWS,
        samples=blurred(blurred(faces(rng, 64, size))),
        temperature=np.array([0.5, 1.0]),
        by_temperature=blurred(faces(rng, 16, size)).reshape(2, 8, size, size, 3),
    )
    artifacts.write_table(
        evaluation / artifacts.LAYERS,
        pd.DataFrame(
            {
                "part": ["encoder"] * 4 + ["decoder"] * 4,
                "layer": ["block1.conv", "block1.norm", "block2.conv", "head"] * 2,
                "kind": ["Conv2d", "BatchNorm2d", "Conv2d", "Linear"] * 2,
                "output_shape": ["32 × 32 × 32", "32 × 32 × 32", "64 × 16 × 16", "256"] * 2,
                "parameters": [896, 64, 18_496, 524_416] * 2,
            }
        ),
    )
    epoch = np.arange(1, epochs + 1)
    fall = np.exp(-epoch / 2)
    artifacts.write_table(
        evaluation / artifacts.HISTORY,
        pd.DataFrame(
            {
                "epoch": epoch,
                "step": 1272 * epoch,
                "train_loss": 2000 * fall - 11_500,
                "train_recon_nll": 2000 * fall - 11_560,
                "train_kl": 60 - 20 * fall,
                "valid_loss": 1900 * fall - 11_450,
                "valid_recon_nll": 1900 * fall - 11_511,
                "valid_kl": 61 - 20 * fall,
                "valid_mse": 0.009 + 0.01 * fall,
                "sigma": 0.07,
                "grad_norm": 80.0,
            }
        ),
    )
    write_learned(evaluation, x[:16], epochs)
    config = RunConfig.parse({"model": {"name": "conv", "latent_dim": dims}, "data": {"image_size": size}}, "test")
    artifacts.write_text(evaluation / artifacts.CONFIG, config.to_toml())

    flags = pd.DataFrame(
        rng.integers(0, 2, (n, len(attributes))) * rng.integers(0, 2, (n, len(attributes))), columns=attributes
    )
    everything = pd.concat([table, flags], axis=1)
    parts = {
        artifacts.WORST: everything.head(top),
        artifacts.BEST_IMAGES: everything.tail(top)[::-1],
        artifacts.RANDOM_IMAGES: everything.sample(top, random_state=1),
    }
    for file, part in parts.items():
        part = part.reset_index(drop=True)
        part.insert(0, "rank", np.arange(1, len(part) + 1))
        artifacts.write_table(failures / file, part)
    artifacts.write_arrays(
        failures / artifacts.GALLERY,
        **{
            f"{kind}_{which}": stack[i * top : (i + 1) * top]
            for i, kind in enumerate(("worst", "best", "random"))
            for which, stack in (("x", x), ("x_hat", x_hat))
        },
    )
    artifacts.write_json(
        failures / artifacts.FAILURES_SUMMARY,
        {
            "ranked_by": "mse",
            "label": "Mean squared error",
            "unit": "squared pixel value",
            "higher_is_better": False,
            "top": top,
            "n": n,
            "not_finite": 0,
            "notes": ["Ties are broken by image id."],
            "made_by": {"vaekit": "0.1.0"},
        },
    )
    if attributes:
        difference = rng.normal(0, 0.0012, len(attributes))
        slices = pd.DataFrame(
            {
                "attribute": attributes,
                "n_with": n // 4,
                "n_without": n - n // 4,
                "mean_with": 0.0096 + difference,
                "mean_without": 0.0096,
                "difference": difference,
                "low": difference - 0.0008,
                "high": difference + 0.0008,
                "auc": 0.5 + 80 * difference,
                "worst_with": 9,
                "worst_n": top,
                "odds_ratio": np.exp(400 * difference),
                "p_value": 0.03,
            }
        )
        order = slices["difference"].abs().sort_values(ascending=False).index
        artifacts.write_table(failures / artifacts.SLICES, slices.loc[order])
        write_probes(evaluation, attributes, dims)
        write_samples(evaluation, attributes)
    names = [*table["image_id"], "last.jpg"]  # one image makes no pair
    write_exploration(root / artifacts.EXPLORATION, x, attributes, names)
    write_findings(failures, x, x_hat, names, attributes[0] if attributes else "Hat")
    return evaluation, failures


@pytest.fixture(scope="session")
def write_artifacts() -> Callable[..., tuple[Path, Path]]:
    """The function that writes a set of artifacts; see `make_artifacts` for what can be chosen."""
    return make_artifacts


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The evaluation and failures folders of a complete run; tests do not write to them."""
    return make_artifacts(tmp_path_factory.mktemp("reports") / "default" / "celeba-test-178-64")
