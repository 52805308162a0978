"""How the benchmarks time things, and what a row of their table is."""

import time
from collections.abc import Callable

Row = tuple[str, float, float, str]  # what, our seconds, the reference's seconds, against what


def least(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the least wall-clock time of `work` in seconds: the repeat that other work disturbed least."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
