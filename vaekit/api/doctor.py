"""The doctor: how a network that vaekit did not write is read, by which margin, and what is wrong with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from vaekit.api.opening import read_model
from vaekit.api.runs import AnyModel, find_model
from vaekit.errors import ConfigError
from vaekit.options import Options, read_options
from vaekit.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    Attributes:
        model: name of the model.
        findings: question, answer, margin and is_mistake of each.
        adapter: the file that says the same to --adapter, where one was asked for.
    """

    model: str
    findings: "Sequence[dict[str, Any]]"
    adapter: Path | None = None

    @property
    def mistakes(self) -> list[dict[str, Any]]:
        """The findings that say that something is wrong."""
        return [finding for finding in self.findings if finding["is_mistake"]]

    def record(self) -> dict[str, Any]:
        """Return the diagnosis as plain data."""
        return {
            "model": self.model,
            "findings": list(self.findings),
            "mistakes": len(self.mistakes),
            "adapter": None if self.adapter is None else str(self.adapter),
        }

    def __str__(self) -> str:
        if not self.findings:
            return f"{self.model}: vaekit wrote this checkpoint and knows how it is read."
        lines = []
        for finding in self.findings:
            margin = f" ({finding['margin']})" if finding["margin"] else ""
            mark = "MISTAKE  " if finding["is_mistake"] else ""
            lines.append(f"{mark}{finding['question'].removeprefix('--')}: {finding['answer']}{margin}")
        count = len(self.mistakes)
        lines.append("No mistake shows." if not count else f"{count} mistake{'s' if count > 1 else ''}.")
        return "\n".join(lines + ([f"Adapter: {self.adapter}"] if self.adapter else []))


def doctor(
    checkpoint: AnyModel = None,
    *,
    write: str | Path | None = None,
    progress: Progress = silent,
    **options: Unpack[Options],
) -> Diagnosis:
    """Find out how a checkpoint of another program is read, and the mistakes in it that show.

    Args:
        checkpoint: its file or folder, or a live `nn.Module`.
        write: file that receives an adapter which says what was found out.
        progress: told how far the reading of the data is.
        options: those of `vaekit.options.Options`.

    Raises:
        CheckpointError: it can not be read, or does not show what it does.
        ConfigError: the images leave something open; names the flags. Or `write` is there already.
    """
    from vaekit.device import choose_device

    read = read_options(doctor, options)
    source = find_model(checkpoint, read.model_options)
    found = read_model(source, choose_device(read.device), read, progress)
    if write is None:
        return Diagnosis(source.run, found.findings)
    from vaekit.foreign.adapter import write_adapter
    from vaekit.foreign.model import ForeignVAE

    if not isinstance(found.model, ForeignVAE):
        raise ConfigError("--write: vaekit wrote this checkpoint, which needs no adapter.")
    return Diagnosis(source.run, found.findings, write_adapter(Path(write), found.model.adapter_text))
