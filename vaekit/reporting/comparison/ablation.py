"""How the models came to differ: their training beside one another, and what one setting alone did."""

from collections.abc import Iterable

from vaekit import artifacts
from vaekit.figures import compare as figures
from vaekit.figures.words import in_sentence, listed, plain
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
        ends = {together.names[order[0]], together.names[order[-1]]}
        paired = [d for d in together.differences if d.metric == name and {d.first, d.second} == ends]
        is_clear = paired[0].is_clear if paired else _apart(found[0].quantity, found[-1].quantity)
        (moved if is_clear else unmoved).append((found[0], found[-1]))
    low, high = (plain(values[i]) for i in (order[0], order[-1]))
    told = [f"{in_sentence(first.label)} {first.value} → {last.value}" for first, last in moved]
    yield Prose(
        f"The runs differ in `{setting}` alone, one run each. From {low} to {high}: "
        f"{'; '.join(told) or 'no number changes clearly'}."
    )
    if moved and unmoved:
        yield Prose(f"No clear change in {listed([in_sentence(first.label) for first, _ in unmoved])}.")
    yield Grid(f"Numbers over {setting}", table_of(*columns))


def _apart(first: Quantity, last: Quantity) -> bool:
    """Return whether two numbers differ, and no value lies in the intervals of both, where they have any."""
    if first.low is None or first.high is None or last.low is None or last.high is None:
        return first.value != last.value
    return first.high < last.low or last.high < first.low


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
