"""What a failure analysis found, as Python, a terminal and a notebook show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from vaekit import artifacts
from vaekit.failure_analysis.finding import SLICES, Finding
from vaekit.figures.grids import gallery
from vaekit.figures.inline import inline_image
from vaekit.figures.words import plural, short

_SHOWN = 10  # findings that a terminal shows unasked


@dataclass(frozen=True)
class Failures:
    """What `vaekit failures` found; every table is read from `folder` when it is first asked for."""

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of failures.json."""
        summary: dict[str, Any] = artifacts.read_json(self.folder / artifacts.FAILURES_SUMMARY)
        return summary

    @cached_property
    def content(self) -> dict[str, Any]:
        """The content of findings.json, as `vaekit.failure_analysis.finding` documents it."""
        findings: dict[str, Any] = artifacts.read_json(self.folder / artifacts.FINDINGS)
        return findings

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
        return self.text()

    def text(self, *, every: bool = False) -> str:
        """Return the worst images and the first findings, or `every` one with what was not found, as sentences."""
        s, content = self.summary, self.content

        def told(findings: Sequence[Finding], first: int) -> list[str]:
            doubts = [f"\n     {finding.false_if}" if every else "" for finding in findings]
            return [f"{k:3}. {f}{doubt}" for k, (f, doubt) in enumerate(zip(findings, doubts, strict=True), first)]

        lines = [f"The {s['top']} worst of {plural(s['n'], 'image')} by {s['ranked_by']}: {self.folder}", *s["notes"]]
        for row in self.worst.head(5).itertuples():
            lines.append(f"  {row.rank:3}  {row.image_id}  {s['ranked_by']} {short(getattr(row, s['ranked_by']))}")
        shown = self.findings if every else self.findings[:_SHOWN]
        slices = [finding for finding in shown if finding.kind in SLICES]
        unseen = plural(content["n_confirmation"], "image that was", "images that were")
        lines += ["", f"Which images fail, told by {unseen} not searched:"]
        lines += told(slices, 1) or ["  No slice that was tested passed."]
        if len(shown) > len(slices):
            lines += ["", "What is true of all images:"]
        lines += told(shown[len(slices) :], len(slices) + 1)
        if every:
            lines += ["", "Tested and not found:", *(f"  - {sentence}" for sentence in self.not_found)]
            return "\n".join([*lines, *(f"  {note}" for note in content["notes"])])
        rest = (
            (len(self.findings) - len(shown), "more finding", "more findings"),
            (len(self.not_found), "thing was tested and not found", "things were tested and not found"),
            (len(content["notes"]), "remark", "remarks"),
        )
        left = "; ".join(plural(n, one, several) for n, one, several in rest if n)
        return "\n".join([*lines, "", f"{left}: --all"] if left else lines)

    def _repr_html_(self) -> str:
        arrays = artifacts.read_arrays(self.folder / artifacts.GALLERY)
        labels = [f"{row.rank}. {row.image_id}" for row in self.worst.head(12).itertuples()]
        picture = gallery(arrays["worst_x"][:12], arrays["worst_x_hat"][:12], labels)
        return inline_image(picture, "the worst reconstructions") + self.worst.to_html(index=False)
