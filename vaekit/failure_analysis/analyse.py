"""The failure analysis of one evaluation: which images fail, what they share, and what was looked for in vain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.errors import ConfigError, did_you_mean
from vaekit.evaluation.results import Evaluation
from vaekit.failure_analysis.advice import Training
from vaekit.failure_analysis.context import Context, Images, gather
from vaekit.failure_analysis.equal_complexity import AT_EQUAL, DEFINITION, SUFFIX, adjusted
from vaekit.failure_analysis.failures import Failures
from vaekit.failure_analysis.findings_file import Analysed, write_findings
from vaekit.failure_analysis.pictures.galleries import Ranked, rank_all, write_galleries
from vaekit.failure_analysis.properties import UNLIKE
from vaekit.failure_analysis.slices.attribute_table import attribute_slices
from vaekit.failure_analysis.slices.confirmation import Scale
from vaekit.failure_analysis.slices.counterfactuals import Reconstruct
from vaekit.failure_analysis.slices.nameless_findings import find_nameless
from vaekit.failure_analysis.slices.rules import Material
from vaekit.failure_analysis.slices.search import search
from vaekit.failure_analysis.slices.wording import title
from vaekit.failure_analysis.split.base import run_split_tests
from vaekit.figures.words import in_sentence, plural
from vaekit.progress import Progress, silent


@dataclass(frozen=True)
class Asked:
    """What an analysis is asked.

    Attributes:
        by: a per-image metric, or several (also as "mse,ssim"): all rank images, the first is the error of the
            findings. With "_adjusted" behind its name, a metric at equal contrast, fine detail and brightness.
        top: images of a gallery.
        groups: attributes between which the error is compared; None takes Male, Young and Pale_Skin where they are.
        seed: of the halves, the random images and the bootstrap.
    """

    by: str | Sequence[str] = ("mse", "mse_adjusted")
    top: int = 32
    groups: Sequence[str] | None = None
    seed: int = 0


def analyse(
    evaluation: Evaluation,
    prepared: Prepared,
    folder: Path,
    asked: Asked,
    *,
    reconstruct: Reconstruct | None = None,
    device: str = "cpu",
    progress: Progress = silent,
) -> Failures:
    """Analyse the failures of an evaluation and write tables, galleries and findings to `folder`, failures.json last.

    Args:
        evaluation: what is analysed.
        prepared: the images it was made of.
        folder: receives everything.
        asked: by which metrics, between which groups, how many images.
        reconstruct: what the model makes of uint8 images (N, H, W, C): asked what groups without a name have in common;
            None where the model is not at hand.
        device: where the attribute network runs.
        progress: told how far the work is.

    Raises:
        ConfigError: unknown metric or group, or `top` under 1.
        DataError: `prepared` is not what was evaluated, or no image has a finite value.
    """
    names = _names(asked.by, evaluation.summary["metrics"])
    top, groups, seed = asked.top, asked.groups, asked.seed
    if top < 1:
        raise ConfigError(f"--top {top}: ask for at least one image.")
    images = gather(evaluation, prepared, progress)
    ranked, notes = _ranked(names, evaluation, images, top, seed)
    first = ranked.metrics[ranked.by[0]]
    values = ranked.table[ranked.by[0]].to_numpy(dtype=np.float64)
    scale = Scale.of(ranked.by[0], values[np.isfinite(values)], first["higher_is_better"])
    context = Context(
        images,
        values,
        first,
        scale.zero is not None,
        None if groups is None else tuple(groups),
        training=Training.of(evaluation.folder),
        seed=seed,
        device=device,
        progress=progress,
    )
    material = Material(images.attributes, images.properties)
    searched = search(values, ranked.by[0], first["higher_is_better"], material, images.people, seed=seed, top=top)
    masks = {title(kept.tested.slice): kept.tested.slice.mask(material) for kept in searched.kept}
    nameless = find_nameless(context, scale, list(masks.values()), reconstruct)
    measured = run_split_tests(replace(context, slices=masks))

    made_by = evaluation.summary["made_by"] | {"ranked_by": ",".join(names), "top": top, "ranking_seed": seed}
    with artifacts.whole_stage(folder / artifacts.FAILURES_SUMMARY) as finish:
        notes += write_galleries(folder, ranked, images, seed)
        if images.attributes.columns.empty:
            notes.append("The data has no attributes, so errors are not compared between attributes.")
            (folder / artifacts.SLICES).unlink(missing_ok=True)
        else:
            table = attribute_slices(values, images.attributes, ranked.first.worst, images.persons)
            artifacts.write_table(folder / artifacts.SLICES, table)
        write_findings(folder, Analysed(ranked, context, material, searched, nameless, measured), made_by)
        finish(
            {
                "ranked_by": ranked.by[0],
                "also_ranked_by": list(ranked.by[1:]),
                **{key: first[key] for key in ("label", "unit", "higher_is_better")},
                "top": len(ranked.first.worst),
                "n": len(values),
                "not_finite": ranked.first.not_finite,
                "notes": notes,
                "made_by": made_by,
            }
        )
    return Failures(folder)


def _names(by: str | Sequence[str], metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the metrics to rank by, each once; ConfigError for one that there is not."""
    names = by.split(",") if isinstance(by, str) else by
    names = tuple(dict.fromkeys(name.strip() for name in names))
    for name in names:
        if name.removesuffix(SUFFIX) not in metrics:
            raise ConfigError(f"--by {name} is no per-image metric.{did_you_mean(name, metrics)}")
    return names


def _ranked(
    names: tuple[str, ...], evaluation: Evaluation, images: Images, top: int, seed: int
) -> tuple[Ranked, list[str]]:
    """Return the rankings by every metric that has values, and notes on those that have none."""
    table, metrics, notes = evaluation.per_image.copy(), dict(evaluation.summary["metrics"]), []
    if not images.unlike.reason:
        table[UNLIKE] = images.unlike.score
    for name in names:
        base = metrics[name.removesuffix(SUFFIX)]
        if name.endswith(SUFFIX):
            values = table[name.removesuffix(SUFFIX)].to_numpy(dtype=np.float64)
            table[name] = adjusted(values, images.properties, images.people, seed)
            label = in_sentence(base["label"])
            metrics[name] = dict(base) | {"label": f"{base['label']} {AT_EQUAL}"}
            metrics[name]["definition"] = DEFINITION.format(label)
        if base["higher_is_better"] is None:
            notes.append(f"{name} has no better direction; the highest values are called worst.")
    usable = [name for name in names if np.isfinite(table[name]).any() or name == names[0]]
    notes += [f"No image has a finite {name}: nothing is ranked by it." for name in names if name not in usable]
    ranked = rank_all(tuple(usable), table, metrics, top, seed)
    bad, n = ranked.first.not_finite, len(table)
    if bad:
        notes.append(f"Not ranked, for want of a finite {names[0]}: {bad:,} of {plural(n, 'image')}.")
    if len(ranked.first.worst) < top:
        notes.append(f"{plural(top, 'image was', 'images were')} asked for; {len(ranked.first.worst)} can be ranked.")
    return ranked, notes
