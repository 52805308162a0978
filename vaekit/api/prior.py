"""The verb that gives a trained model a learned prior."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack, get_args

from vaekit import artifacts
from vaekit.api.opening import open_model
from vaekit.api.runs import AnyModel, find_model
from vaekit.errors import ConfigError, OutputError, did_you_mean
from vaekit.options import Options, read_options
from vaekit.progress import Progress, silent

if TYPE_CHECKING:
    from vaekit.priors import Fitted

Learned = Literal["mixture", "flow", "auto"]


@dataclass(frozen=True, eq=False)
class LearnedPrior:
    """A checkpoint that was given a prior: `file`, None where N(0, I) stayed the best, and how it was chosen."""

    file: Path | None
    fitted: "Fitted"

    def __str__(self) -> str:
        if self.file is None:
            return f"{self.fitted} Nothing learned describes the codes better, so no file was written."
        return f"{self.fitted}\n{self.file}"


def prior(
    checkpoint: AnyModel,
    *,
    kind: Learned = "auto",
    out: str | Path | None = None,
    progress: Progress = silent,
    **options: Unpack[Options],
) -> LearnedPrior:
    """Fit a prior to the codes of train images and write the checkpoint with it to a new file.

    The file is read as the old one was, with the same options: of another program, with its `model`.

    Args:
        checkpoint: as for `evaluate`, but no live module, and no folder of another library.
        kind: "mixture", "flow", or "auto" for the one that describes valid codes better.
        out: the new file; None puts <name>-prior.pt beside the checkpoint.
        progress: told how far encoding is.
        options: as for `evaluate`.

    Raises:
        ConfigError: no such kind, or a checkpoint that is no file.
        OutputError: the new file exists already, or can not be written.
        VaekitError: too few images, or codes that are not finite; as for `evaluate`.
    """
    if kind not in (kinds := get_args(Learned)):
        raise ConfigError(f"--kind {kind} is no prior that can be learned.{did_you_mean(kind, kinds)}")
    read = read_options(prior, options)
    source = find_model(checkpoint, read.model_options)
    if not isinstance(source.origin, Path) or not source.origin.is_file():
        raise ConfigError(f"{source} is no file: a prior is kept in a copy of the checkpoint's file. Save it as one.")
    file = Path(out) if out is not None else source.origin.with_name(f"{source.origin.stem}-prior.pt")
    if file.exists():
        raise OutputError(f"{file} exists already: name another new file with --out.")
    artifacts.refuse_unwritable(file.parent)
    opened = open_model(source, read, progress)
    from vaekit.checkpoint import save_checkpoint
    from vaekit.foreign import save_foreign
    from vaekit.training import learn_prior

    fitted = learn_prior(
        opened.checkpoint, kind, opened.prepared, seed=read.seed, device=opened.device, progress=progress
    )
    if fitted.prior.kind == "standard":
        return LearnedPrior(None, fitted)
    (save_foreign if source.options.is_foreign else save_checkpoint)(file, opened.checkpoint)
    return LearnedPrior(file, fitted)
