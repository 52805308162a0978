"""The failure analysis of one evaluation: which images fail, what they share, and what was looked for in vain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.errors import ConfigError, DataError, did_you_mean
from vaekit.evaluation.results import Evaluation
from vaekit.failure_analysis.adjusted import DEFINITION, SUFFIX, adjusted
from vaekit.failure_analysis.conditions import Material
from vaekit.failure_analysis.confirmation import Scale
from vaekit.failure_analysis.finding import SLICES, Finding
from vaekit.failure_analysis.galleries import Ranked, rank_all, write_galleries
from vaekit.failure_analysis.parts import persons
from vaekit.failure_analysis.properties import image_properties
from vaekit.failure_analysis.search import search
from vaekit.failure_analysis.slices import attribute_slices
from vaekit.failure_analysis.triage import Opinions
from vaekit.failure_analysis.whole import Split, whole
from vaekit.failure_analysis.wording import title
from vaekit.failure_analysis.writing import Analysed, write_findings
from vaekit.figures.grids import gallery
from vaekit.figures.inline import inline_image
from vaekit.figures.words import in_sentence
from vaekit.progress import Progress, silent

DEFAULT_BY = ("mse", "mse_adjusted")


@dataclass(frozen=True)
class Failures:
    """What `vaekit failures` found; every table is read from `folder` when it is first asked for."""

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of failures.json."""
        return artifacts.read_json(self.folder / artifacts.FAILURES_SUMMARY)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The content of findings.json, as `vaekit.failure_analysis.finding` documents it."""
        return artifacts.read_json(self.folder / artifacts.FINDINGS)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What passed its test, the largest share of the error first; a finding prints as its sentence."""
        return tuple(Finding.of(record) for record in self.content["findings"])

    @property
    def not_found(self) -> tuple[str, ...]:
        """What was tested and did not pass, one sentence each."""
        return tuple(f"{item['title']}: {item['sentence']}" for item in self.content["not_found"])

    @cached_property
    def worst(self) -> pd.DataFrame:
        """The worst images, the worst first: rank, image_id, flags, every per-image metric, attributes as 0/1."""
        return artifacts.read_table(self.folder / artifacts.WORST)

    @cached_property
    def slices(self) -> pd.DataFrame:
        """One row per attribute: the metric with and without it, and its share among the worst."""
        return artifacts.read_table(self.folder / artifacts.SLICES)

    def __str__(self) -> str:
        s = self.summary
        lines = [f"The {s['top']} worst of {s['n']:,} images by {s['ranked_by']}: {self.folder}", *s["notes"]]
        for row in self.worst.head(5).itertuples():
            lines.append(f"  {row.rank:3}  {row.image_id}  {s['ranked_by']} {getattr(row, s['ranked_by']):.6g}")
        found, content = self.findings, self.content
        slices = [finding for finding in found if finding.kind in SLICES]
        lines += ["", f"Which images fail, told by {content['n_confirmation']:,} that were not searched:"]
        lines += [f"{k:3}. {finding}" for k, finding in enumerate(slices, 1)] or ["  No slice that was tested passed."]
        if len(found) > len(slices):
            lines += ["", "What is true of all images:"]
        lines += [f"{k:3}. {finding}" for k, finding in enumerate(found[len(slices) :], len(slices) + 1)]
        lines += ["", "Tested and not found:", *(f"  - {sentence}" for sentence in self.not_found)]
        return "\n".join([*lines, *(f"  {note}" for note in content["notes"])])

    def _repr_html_(self) -> str:
        arrays = artifacts.read_arrays(self.folder / artifacts.GALLERY)
        labels = [f"{row.rank}. {row.image_id}" for row in self.worst.head(12).itertuples()]
        picture = gallery(arrays["worst_x"][:12], arrays["worst_x_hat"][:12], labels)
        return inline_image(picture, "the worst reconstructions") + self.worst.to_html(index=False)


def analyse(
    evaluation: Evaluation,
    prepared: Prepared,
    folder: Path,
    *,
    by: str | Sequence[str] = DEFAULT_BY,
    top: int = 32,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress = silent,
) -> Failures:
    """Analyse the failures of an evaluation and write tables, galleries and findings to `folder`, failures.json last.

    Args:
        evaluation: what is analysed.
        prepared: the images it was made of.
        folder: receives everything.
        by: a per-image metric, or several (also as "mse,ssim"): all rank images, the first is the error of the
            findings. With "_adjusted" behind its name, a metric at equal complexity.
        top: images of a gallery.
        groups: attributes between which the error is compared; None takes Male, Young and Pale_Skin where they are.
        seed: of the halves, the random images and the bootstrap.
        device: where the attribute network runs.
        progress: told how far the work is.

    Raises:
        ConfigError: unknown metric or group, or `top` under 1.
        DataError: `prepared` is not what was evaluated, or no image has a finite value.
    """
    names = _names(by, evaluation.summary["metrics"])
    if top < 1:
        raise ConfigError(f"--top {top}: ask for at least one image.")
    split = _split(evaluation, prepared, progress)
    ranked, notes = _ranked(names, evaluation, split, top, seed)
    first = ranked.metrics[ranked.by[0]]
    values = ranked.table[ranked.by[0]].to_numpy(dtype=np.float64)
    material = Material(split.attributes, split.properties, split.judged.get("features_x"))
    searched = search(values, ranked.by[0], first["higher_is_better"], material, split.people, seed=seed, top=top)
    masks = {title(kept.tested.slice): kept.tested.slice.mask(material) for kept in searched.kept}
    scale = Scale.of(ranked.by[0], values[np.isfinite(values)], first["higher_is_better"])
    found = whole(
        split,
        values,
        first,
        None if groups is None else tuple(groups),
        masks,
        has_zero=scale.zero is not None,
        seed=seed,
        device=device,
        progress=progress,
    )

    (artifacts.make_folder(folder) / artifacts.FAILURES_SUMMARY).unlink(missing_ok=True)
    notes += write_galleries(folder, ranked, split, _opinions(split), seed)
    if split.attributes.columns.empty:
        notes.append("The data has no attributes, so errors are not compared between attributes.")
        (folder / artifacts.SLICES).unlink(missing_ok=True)
    else:
        table = attribute_slices(values, split.attributes, ranked.first.worst, split.people)
        artifacts.write_table(folder / artifacts.SLICES, table)
    made_by = evaluation.summary["made_by"] | {"ranked_by": ",".join(names), "top": top, "ranking_seed": seed}
    write_findings(folder, Analysed(ranked, split, material, searched, found, values), made_by, seed)
    artifacts.write_json(
        folder / artifacts.FAILURES_SUMMARY,
        {
            "ranked_by": ranked.by[0],
            "also_ranked_by": list(ranked.by[1:]),
            **{key: first[key] for key in ("label", "unit", "higher_is_better")},
            "top": len(ranked.first.worst),
            "n": len(values),
            "not_finite": ranked.first.not_finite,
            "notes": notes,
            "made_by": made_by,
        },
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


def _split(evaluation: Evaluation, prepared: Prepared, progress: Progress) -> Split:
    """Return everything that is known of the test images, in the order of the per-image table."""
    ids = evaluation.per_image["image_id"].tolist()
    rows = prepared.rows("test")
    if prepared.index["image_id"].to_numpy(dtype=str)[rows].tolist() != ids:
        raise DataError(
            f"The images of {evaluation.folder} are not those of {prepared.folder}: run `vaekit evaluate` again."
        )
    in_one_piece = len(rows) == rows[-1] - rows[0] + 1
    x = prepared.images[rows[0] : rows[-1] + 1] if in_one_piece else prepared.images[rows]
    identity = prepared.index["identity"].iloc[rows] if "identity" in prepared.index else None
    judged, latents = evaluation.folder / artifacts.JUDGED, evaluation.folder / artifacts.LATENTS
    return Split(
        prepared,
        rows,
        x,
        evaluation.reconstructions,
        attributes=prepared.attribute_table(rows),
        properties=image_properties(x, prepared.mean_image(), crop=prepared.protocol.crop, progress=progress),
        people=persons(np.array(ids), identity),
        judged=artifacts.read_arrays(judged) if judged.is_file() else {},
        mu=artifacts.read_arrays(latents)["mu"] if latents.is_file() else None,
    )


def _ranked(
    names: tuple[str, ...], evaluation: Evaluation, split: Split, top: int, seed: int
) -> tuple[Ranked, list[str]]:
    """Return the rankings by every metric that has values, and notes on those that have none."""
    table, metrics, notes = evaluation.per_image.copy(), dict(evaluation.summary["metrics"]), []
    for name in names:
        base = metrics[name.removesuffix(SUFFIX)]
        if name.endswith(SUFFIX):
            values = table[name.removesuffix(SUFFIX)].to_numpy(dtype=np.float64)
            table[name] = adjusted(values, split.properties, split.people, seed)
            label = in_sentence(base["label"])
            metrics[name] = dict(base) | {"label": f"{base['label']} at equal complexity"}
            metrics[name]["definition"] = DEFINITION.format(label)
        if base["higher_is_better"] is None:
            notes.append(f"{name} has no better direction; the highest values are called worst.")
    usable = [name for name in names if np.isfinite(table[name]).any() or name == names[0]]
    notes += [f"No image has a finite {name}: nothing is ranked by it." for name in names if name not in usable]
    ranked = rank_all(tuple(usable), table, metrics, top, seed)
    bad, n = ranked.first.not_finite, len(table)
    if bad:
        notes.append(f"{bad:,} of {n:,} images have no finite {names[0]} and are not ranked.")
    if len(ranked.first.worst) < top:
        notes.append(f"{top} images were asked for; {len(ranked.first.worst)} can be ranked.")
    return ranked, notes


def _opinions(split: Split) -> Opinions | None:
    if not len(split.judged.get("attributes", ())):
        return None
    return Opinions(tuple(map(str, split.judged["attributes"])), split.judged["probabilities_x"])
