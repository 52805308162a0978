"""The judge: one small network that looks at faces of every source alike, for set distances and attribute rates."""

from vaekit.judge.base import Judge, Judged
from vaekit.judge.halves import seen_rows, unseen_rows
from vaekit.judge.opening import open_judge

__all__ = ["Judge", "Judged", "open_judge", "seen_rows", "unseen_rows"]
