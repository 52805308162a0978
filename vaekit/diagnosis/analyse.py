"""The failure analysis of one evaluation: which images fail, what they share, and what was looked for in vain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.diagnosis.adjusted import DEFINITION, SUFFIX, adjusted
from vaekit.diagnosis.conditions import Material
from vaekit.diagnosis.confirmation import Q_LEVEL, RATIO, SHARE, SPREAD
from vaekit.diagnosis.finding import Finding, finite
from vaekit.diagnosis.galleries import Ranked, rank_all, write_galleries
from vaekit.diagnosis.outcome import Outcome
from vaekit.diagnosis.parts import persons
from vaekit.diagnosis.properties import image_properties
from vaekit.diagnosis.search import Searched, search
from vaekit.diagnosis.silence import silent_tests, tested_rows
from vaekit.diagnosis.slice_findings import Errors, slice_findings
from vaekit.diagnosis.slices import attribute_slices
from vaekit.diagnosis.triage import Opinions
from vaekit.diagnosis.whole import Split, Whole, whole
from vaekit.diagnosis.wording import Measure, title
from vaekit.errors import ConfigError, DataError, did_you_mean
from vaekit.evaluation.results import Evaluation
from vaekit.figures.grids import gallery, png_bytes, shared_limit
from vaekit.figures.inline import inline_image
from vaekit.figures.words import in_sentence
from vaekit.progress import Progress, silent

DEFAULT_BY = ("mse", "mse_adjusted")
PICTURED = 12  # images in the gallery of a finding
LOST_NAMED = 5  # attributes lost or made up that become findings, the clearest; the table has all


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
        """The content of findings.json, as `vaekit.diagnosis.finding` documents it."""
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
        lines += ["", f"Found ({content['n_confirmation']:,} images that were not searched tell of slices):"]
        lines += [f"{k:3}. {finding}" for k, finding in enumerate(found, 1)] or ["  Nothing that was tested passed."]
        lines += ["", "Tested and not found:", *(f"  - {sentence}" for sentence in self.not_found)]
        return "\n".join([*lines, *(f"  {note}" for note in content["notes"])])

    def _repr_html_(self) -> str:
        arrays = artifacts.read_arrays(self.folder / artifacts.GALLERY)
        labels = [f"{row.rank}. {row.image_id}" for row in self.worst.head(12).itertuples()]
        picture = gallery(arrays["worst_x"][:12], arrays["worst_x_hat"][:12], labels)
        return inline_image(picture, "the worst reconstructions") + self.worst.to_html(index=False)
