"""What the sections of a comparison are written from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.base import Drawn
from vaekit.reporting.compare_metrics import SideBySide, side_by_side
from vaekit.reporting.compare_models import Compared, Unlike, unlike
from vaekit.reporting.compare_pictures import Errors, Originals, errors_of
from vaekit.reporting.document import Gap, Picture
from vaekit.reporting.sections.metrics import group_of

SAMPLES = "Samples"  # the group of metrics that a judge measures

if TYPE_CHECKING:
    from vaekit.statistics.differences import Difference


@dataclass(frozen=True)
class Together:
    """Models, their paired differences, and the function that reads the test images."""

    models: Sequence[Compared]
    differences: Sequence["Difference"]
    originals: Originals

    @property
    def names(self) -> list[str]:
        """The models' names, in the order of the columns."""
        return [model.name for model in self.models]

    @cached_property
    def unlike(self) -> list[Unlike]:
        """In what their protocols differ."""
        return unlike({model.name: model.summary for model in self.models}, self.contents(artifacts.SAMPLES))

    @cached_property
    def judge_differs(self) -> str | None:
        """Why numbers about samples do not compare although the protocols do; None where they do."""
        # A judge is made from the train images, and is the same for the same images and seed.
        fingerprints = {model.summary["protocol"]["data_fingerprint"] for model in self.models}
        return "the judges were made from different train images" if len(fingerprints) > 1 else None

    @cached_property
    def rows(self) -> tuple[SideBySide, ...]:
        """Every metric and estimate of summary.json."""
        rows = {model.name: model.rows for model in self.models}
        incomparable = self.judge_differs
        return tuple(
            replace(row, best=(), ground=incomparable) if incomparable and group_of(row.metric.id) == SAMPLES else row
            for row in side_by_side(rows, self.differences, ranked=not self.unlike)
        )

    @cached_property
    def errors(self) -> Errors:
        """The error of every model on every image."""
        return errors_of(self.models)

    def contents(self, file: str) -> dict[str, Any]:
        """Return name of a model -> content of an artifact, where it is there."""
        return {model.name: model.files[file] for model in self.models if file in model.files}

    def reasons(self, file: str) -> list[str]:
        """Return for each model without this artifact why it is not there, once where all reasons are the same."""
        missing = {model.name: model.missing[file] for model in self.models if file not in model.files}
        if len(missing) == len(self.models) and len(set(missing.values())) == 1:
            return [next(iter(missing.values()))]
        return [f"{name}: {reason}" for name, reason in missing.items()]

    def picture(self, name: str, draw: Callable[[], Drawn]) -> Picture | Gap:
        """Return a drawn figure, or why it could not be drawn."""
        try:
            drawn = draw()
        except DataError as error:
            return Gap(str(error))
        except KeyError as error:
            return Gap(f"Not drawn: the artifacts lack {error.args[0]!r}. Run `vaekit evaluate` again.")
        return Picture(name, drawn, drawn.data)


def entries(rows: Mapping[str, Mapping[str, Any]], metric: str) -> tuple[float, float, float]:
    """Return value, low and high of a row; its value three times where it has no interval.

    Raises:
        DataError: it has no value.
    """
    row = rows.get(metric)
    if row is None or row["value"] is None:
        raise DataError(f"{metric} was not computed: {(row or {}).get('reason') or 'run `vaekit evaluate` again'}.")
    value = float(row["value"])
    return value, *(value if row[end] is None else float(row[end]) for end in ("low", "high"))
