"""How the models came to differ: their training beside one another, and what one setting alone did."""

from collections.abc import Iterable

from vaekit import artifacts
from vaekit.figures import compare as figures
from vaekit.figures.words import change, in_sentence, listed, plain
from vaekit.quantity import Quantity
from vaekit.reporting.comparison.together import Together
from vaekit.reporting.comparison.unlike import settings_that_differ
from vaekit.reporting.document import COMPARED, Block, Gap, Grid, Prose, section
from vaekit.reporting.tables import Column, Metric, table_of

_MEASURED = ("mse", "ssim", "kl", "elbo_calibrated", "informative_dims", "fid", "fd_attributes", "probe_auroc")


@section("ablation", "What one setting did", part="Results", place=15, of=COMPARED)
def ablation(together: Together) -> Iterable[Block]:
    """Yield the numbers over the one setting in which the runs differ; nothing where they differ in more."""
    differing = settings_that_differ(together.models)
    if together.unlike or len(differing) != 1:
        return
    ((setting, shown),) = differing
    values = [_as_number(value) for value in shown]
    if None in values or len(set(values)) != len(values):
        return
    order = sorted(range(len(values)), key=lambda i: values[i] or 0.0)
    models = [list(together.models.values())[i] for i in order]
    columns = [Column(setting, tuple(shown[i] for i in order), tuple(values[i] for i in order))]
    moved: list[tuple[Metric, Metric]] = []
    unmoved: list[tuple[Metric, Metric]] = []
    for name in _MEASURED:
        rows = [(model.rows | model.latent_rows).get(name) for model in models]
        found = [Metric(name, row) for row in rows if row is not None and row.value is not None]
        if len(found) < len(models):
            continue
        columns.append(Column(found[0].label, tuple(m.value for m in found), tuple(m.quantity.value for m in found)))
        (unmoved if _overlap(found[0].quantity, found[-1].quantity) else moved).append((found[0], found[-1]))
    low, high = (plain(values[i]) for i in (order[0], order[-1]))
    told = [f"{in_sentence(a.label)} {change(a.quantity.value or 0.0, b.quantity.value or 0.0)}" for a, b in moved]
    yield Prose(
        f"The runs differ in `{setting}` alone, one run each. From {low} to {high}: "
        f"{'; '.join(told) or 'no number changes clearly'}."
    )
    if moved and unmoved:
        yield Prose(f"Not told apart by their intervals: {listed([in_sentence(a.label) for a, _ in unmoved])}.")
    yield Grid(f"Numbers over {setting}", table_of(*columns))


def _overlap(first: Quantity, last: Quantity) -> bool:
    """Return whether two numbers have intervals, and these a value in common."""
    ends = first.low, first.high, last.low, last.high
    return None not in ends and first.low <= last.high and last.low <= first.high  # type: ignore[operator]  # not None


def _as_number(shown: str) -> float | None:
    try:
        return float(shown)
    except ValueError:
        return None


@section("curves", "Training curves", part="Results", place=45, of=COMPARED)
def curves(together: Together) -> Iterable[Block]:
    """Yield how the error and the KL of the models went on valid, in one drawing."""
    histories = together.contents(artifacts.HISTORY)
    if histories:
        yield together.picture("training", lambda: figures.histories(histories))
    yield from (Gap(reason) for reason in together.reasons(artifacts.HISTORY))
