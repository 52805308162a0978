"""What the sections of a comparison are written from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.base import Drawn
from vaekit.quantity import Quantity
from vaekit.reporting.collect import Collected
from vaekit.reporting.comparison.same_images import Errors, Originals, errors_of
from vaekit.reporting.comparison.side_by_side import SideBySide, side_by_side
from vaekit.reporting.comparison.unlike import Unlike, unlike
from vaekit.reporting.document import Gap, Picture
from vaekit.reporting.material import Source

SAMPLES = "Samples"  # the group of metrics that a judge measures
CROWDED = ("precision", "density")

if TYPE_CHECKING:
    from vaekit.statistics.differences import Difference


@dataclass(frozen=True)
class Together(Source):
    """Models, their paired differences, and the function that reads the test images."""

    models: Mapping[str, Collected]
    differences: Sequence["Difference"]
    originals: Originals

    @property
    def names(self) -> list[str]:
        """The models' names, in the order of the columns."""
        return list(self.models)

    @property
    def protocol(self) -> dict[str, Any]:
        """The protocol of the first model."""
        found: dict[str, Any] = next(iter(self.models.values())).summary["protocol"]
        return found

    @cached_property
    def unlike(self) -> list[Unlike]:
        """In what their protocols differ."""
        return unlike(self.models)

    @cached_property
    def judge_differs(self) -> str | None:
        """Why numbers about samples do not compare although the protocols do; None where they do."""
        fingerprints = {model.summary["protocol"]["data_fingerprint"] for model in self.models.values()}
        judges = {model.judge.get("identity") for model in self.models.values() if model.judge}
        if len(fingerprints) > 1:
            return "the judges were made from different train images"
        return "the judges are different networks" if len(judges) > 1 else None

    @cached_property
    def rows(self) -> tuple[SideBySide, ...]:
        """Every metric and estimate of summary.json."""
        rows = {name: model.rows for name, model in self.models.items()}
        return tuple(self._unranked(row) for row in side_by_side(rows, self.differences, ranked=not self.unlike))

    def _unranked(self, row: SideBySide) -> SideBySide:
        """Return the row without a best where judges differ, or where being high is no merit."""
        if row.metric.quantity.group == SAMPLES and self.judge_differs:
            return replace(row, best=(), ground=self.judge_differs)
        if row.metric.id in CROWDED:
            return replace(
                row, best=(), ground="samples that crowd where faces are densest raise it, so it has no best"
            )
        return row

    @cached_property
    def errors(self) -> Errors:
        """The error of every model on every image."""
        return errors_of(self.every(artifacts.PER_IMAGE))

    def contents(self, file: str) -> dict[str, Any]:
        """Return name of a model -> content of an artifact, where it is there."""
        return {name: model.files[file] for name, model in self.models.items() if file in model.files}

    def every(self, file: str) -> dict[str, Any]:
        """Return name of a model -> content of an artifact; DataError names the first model that has none."""
        for name, model in self.models.items():
            if file not in model.files:
                raise DataError(f"{name}: {model.missing[file]}")
        return self.contents(file)

    def reasons(self, file: str) -> list[str]:
        """Return for each model without this artifact why it is not there, once where all reasons are the same."""
        missing = {name: model.missing[file] for name, model in self.models.items() if file not in model.files}
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


def ends_of(rows: Mapping[str, Quantity], metric: str) -> tuple[float, float, float]:
    """Return value, low and high of a number; its value three times where it has no interval.

    Raises:
        DataError: it has no value.
    """
    row = rows.get(metric)
    if row is None or row.value is None:
        raise DataError(f"{metric} was not computed: {(row and row.reason) or 'run `vaekit evaluate` again'}.")
    return row.value, row.value if row.low is None else row.low, row.value if row.high is None else row.high
