"""What later stages leave beside an evaluation: exploration, samples, probes and findings, on a few small pictures."""

from pathlib import Path

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.quantity import Quantity


def row(value: float | None, label: str, *, unit: str = "1", better: bool | None = True, reason: str | None = None):
    """A row as the summary keeps it."""
    low, high = (None, None) if value is None else (0.9 * value, 1.1 * value)
    facts = {"label": label, "unit": unit, "higher_is_better": better, "definition": f"what {label} is"}
    return Quantity(value=value, low=low, high=high, n=30, reason=reason, **facts).record()


def write_exploration(folder: Path, x: np.ndarray, attributes: list[str], ids: list[str]) -> None:
    """Write traversals, interpolations, edits and the map, from pictures uint8 (N, S, S, 3), N >= 14."""
    side = x.shape[1:]
    dims, steps = [3, 0], 7
    values = np.linspace([-2.0, -1.0], [2.0, 1.0], steps).T
    artifacts.write_arrays(
        folder / artifacts.TRAVERSALS,
        dims=np.array(dims),
        values=values,
        change=np.array([30.0, 4.0]),
        pictures=x[: 2 * steps].reshape(2, steps, *side),
    )
    artifacts.write_arrays(
        folder / artifacts.INTERPOLATIONS,
        image_ids=np.array([ids[:2]]),
        ends=x[:2][None],
        linear=x[:5][None],
        spherical=x[5:10][None],
    )
    edited, strengths = attributes[:2], np.linspace(-3, 3, 5)
    absent = {} if edited else {"edits": "There are no directions: these images have no attributes."}
    effect = np.array([[0.9, 0.2], [-0.1, 0.7]])[: len(edited), : len(edited)]
    summary = {
        "run": "default",
        "absent": absent,
        "made_by": {"vaekit": "0.1.0", "exploration_seed": 0},
        "traversals": {
            "base": "the mean code of the test images",
            "n": 30,
            "percentiles": [1.0, 99.0],
            "steps": steps,
            "dims": dims,
            "kl": [5.0, 2.0],
            "low": values[:, 0].tolist(),
            "high": values[:, -1].tolist(),
            "change": [30.0, 4.0],
            "sentences": ["Dim 3 changes the picture most, by 30.0 of 255 grey levels."],
        },
        "interpolations": {
            "pairs": [ids[:2]],
            "steps": 5,
            "middle_norm": {"linear": [0.7], "spherical": [1.0]},
            "middle_detail": {"linear": [0.8], "spherical": [0.9]},
            "sentences": ["Half-way the code is 70 % as long."],
        },
        "latent_map": {
            "n": 14,
            "method": "t-SNE",
            "kept": 0.4,
            "neighbours": 10,
            "plane": 0.3,
            "sentences": ["40 % are kept."],
            "attributes": [{"attribute": name, "rate": 0.4, "near": 0.6} for name in edited],
        },
    }
    if edited:
        rows = [
            {
                "attribute": name,
                "auroc": 0.9,
                "value": 0.9,
                "low": 0.8,
                "high": 1.0,
                "n": 64,
                "on_code": 1.0,
                "change": 12.0,
                "others": {},
                "sentence": f"A step towards {name} moves its own probe by +0.90.",
            }
            for name in edited
        ]
        summary["edits"] = {
            "direction": "means",
            "strengths": strengths.tolist(),
            "image_ids": ids[:1],
            "n": 64,
            "unit": "sd",
            "attributes": rows,
            "sentences": [],
        }
        artifacts.write_arrays(
            folder / artifacts.EDITS,
            attributes=np.array(edited),
            strengths=strengths,
            image_ids=np.array(ids[:1]),
            originals=x[:1],
            pictures=np.stack([x[i : i + 5][None] for i in range(len(edited))]),
            probes=np.array(edited),
            effect=effect,
            spread=np.ones(len(edited)),
        )
    table = pd.DataFrame({"image_id": ids[:14], "x": np.arange(14.0)[: len(ids[:14])], "y": 0.0})
    artifacts.write_table(folder / artifacts.LATENT_MAP, table.assign(**{name: 1 for name in edited}))
    artifacts.write_json(folder / artifacts.EXPLORATION_SUMMARY, summary)


def write_samples(evaluation: Path, attributes: list[str]) -> None:
    """Write what is measured of samples, as numbers and sentences."""
    metrics = {
        "fd_attributes": row(30.0, "Fréchet distance, attributes judge", better=False),
        "precision": row(0.6, "Precision", unit="share of the generated images"),
        "diversity": row(0.8, "Diversity", better=None),
    }
    labels = {"train": "Real train images", "prior": "Samples from the prior"}
    table = pd.DataFrame({"source": list(labels), "label": list(labels.values()), "n": 30})
    for name, value in (("fd_attributes", [3.0, 30.0]), ("precision", [0.9, 0.6]), ("diversity", [1.0, np.nan])):
        table = table.assign(**{name: value, f"{name}_low": 0.5, f"{name}_high": 40.0})
    artifacts.write_table(evaluation / artifacts.SAMPLING_GAP, table.assign(reason=["", "decoding gave NaN."]))
    rates = pd.DataFrame(
        {
            "source": "prior",
            "attribute": attributes,
            "real": 0.3,
            "blurred": 0.28,
            "rate": 0.05,
            "rate_low": 0.02,
            "rate_high": 0.09,
            "q_real": 1e-5,
            "finding": "dropped",
        }
    )
    artifacts.write_table(evaluation / artifacts.ATTRIBUTE_RATES, rates)
    thresholds = {"like_real": {"value": 1.5, "meaning": "no fault"}}
    artifacts.write_json(
        evaluation / artifacts.SAMPLES,
        {
            "judge": {"name": "attributes", "feature_dim": 64, "sentence": "A small network trained on half of train."},
            "metrics": {
                name: {k: v for k, v in entry.items() if k in ("label", "unit", "higher_is_better", "definition")}
                for name, entry in metrics.items()
            },
            "sources": {name: {"label": label, "definition": "", "reason": None} for name, label in labels.items()},
            "verdict": {
                "name": "prior",
                "sentence": "The prior is at fault: 60 % of the distance lies there.",
                "evidence": ["Distances: 3 and 30."],
                "shares": {"prior": 0.6},
                "thresholds": thresholds,
            },
            "modes": {"name": "none", "sentence": "No mode collapse: samples are 0.80 times as diverse."},
            "attribute_rates": {"reason": None, "sentences": {"prior": ["This VAE rarely draws hats: 5.0 %."]}},
            "memorisation": {"sentence": "Samples are no nearer to train than test images are."},
            "temperatures": {"rows": [], "sentence": "Samples at t = 0.5 are nearest."},
            "mixture": {"sentence": "A mixture of 3 Gaussians."},
            "warnings": [],
        },
    )


def write_probes(evaluation: Path, attributes: list[str], dims: int) -> None:
    """Write the probes of every attribute and their controls."""
    kinds = ("latent", "sampled", "pixels", "random", "shuffled")
    table = pd.DataFrame(
        [
            {
                "attribute": name,
                "kind": kind,
                "n": 30,
                "positives": 9,
                "converged": True,
                "auroc": value,
                "auroc_low": value - 0.05,
                "auroc_high": value + 0.05,
                "average_precision": 0.6,
                "balanced_accuracy": 0.7,
                "brier": 0.2,
            }
            for name in attributes
            for kind, value in zip(kinds, (0.9, 0.85, 0.8, 0.7, 0.5), strict=True)
        ]
    )
    artifacts.write_table(evaluation / artifacts.PROBES, table)
    rows = {f"probe_auroc{'' if kind == 'latent' else '_' + kind}": row(0.8, f"Probes, {kind}") for kind in kinds}
    rows["probe_lead"] = row(0.1, "Lead")
    rows["mig"] = row(None, "MIG", reason="it needs the true factors")
    artifacts.write_json(
        evaluation / artifacts.PROBES_SUMMARY,
        {
            "reason": None,
            "rows": rows,
            "kinds": dict.fromkeys(kinds, "something"),
            "skipped": [],
            "sentences": ["Linear probes read 2 attributes with a mean AUROC of 0.80.", "Who is who is not known."],
        },
    )
    k = len(attributes)
    artifacts.write_arrays(
        evaluation / artifacts.DIRECTIONS,
        attributes=np.array(attributes),
        single_dim_auroc=np.full((k, dims), 0.6),
        auroc=np.full(k, 0.9),
        cosine=np.eye(k),
    )


def write_findings(failures: Path, x: np.ndarray, x_hat: np.ndarray, ids: list[str], name: str = "Hat") -> None:
    """Write one finding about the attribute `name` with two pictures, and one thing that was not found."""
    finding = {
        "id": "slice-1",
        "kind": "slice",
        "title": f"{name} in the picture",
        "sentence": f"Images with {name} have 1.8 times the error.",
        "n": 12,
        "p": 0.001,
        "q": 0.004,
        "share": 0.2,
        "effect": {"value": 0.004, "low": 0.003, "high": 0.005, "unit": "squared pixel value", "ratio": 1.8},
        "enrichment": {},
        "image_ids": ids[:2],
        "evidence": [f"{name} covers the hair."],
        "remedy": "Train on more of them.",
    }
    artifacts.write_json(
        failures / artifacts.FINDINGS,
        {
            "metric": "mse",
            "label": "mean squared error",
            "unit": "squared pixel value",
            "n": 30,
            "searches": 20,
            "n_confirmation": 15,
            "candidates": 6,
            "q_level": 0.05,
            "findings": [finding],
            "not_found": [{"title": "Busy backgrounds", "sentence": "No effect: 1.02 times [0.97, 1.08]."}],
            "fairness": [],
            "preserved": [],
            "explained": {},
            "notes": ["Halves were drawn by the seed."],
            "made_by": {"vaekit": "0.1.0"},
        },
    )
    artifacts.write_arrays(failures / artifacts.FINDING_PICTURES, **{"slice-1_x": x[:2], "slice-1_x_hat": x_hat[:2]})
