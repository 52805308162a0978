"""Which reading of a third-party network is taken, by which margin, and what has to be asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vaekit.errors import CheckpointError, ConfigError
from vaekit.foreign.pixels import Candidate
from vaekit.options import PixelRange

SHOWN = 4  # candidates in a message


@dataclass(frozen=True)
class Choice:
    """The reading that is taken among all that were tried.

    Attributes:
        taken: the one.
        tried: all, the best first.
    """

    taken: Candidate
    tried: list[Candidate]

    def runner_up(self, question: Callable[[Candidate], Any]) -> Candidate | None:
        """Return the best candidate that answers the question differently; None where there is only one answer."""
        answer = question(self.taken)
        return next((c for c in self.tried if question(c) != answer), None)


def pixel_range(candidate: Candidate) -> str:
    """Return the answer to --range."""
    return candidate.convention.range


def crop(candidate: Candidate) -> str:
    """Return the answer to --crop."""
    return str(candidate.protocol.crop)


def image_size(candidate: Candidate) -> str:
    """Return the answer to --image-size."""
    size = candidate.protocol.image_size
    return str(size) if isinstance(size, int) else "x".join(map(str, size))


def posterior(candidate: Candidate) -> str:
    """Return how mu and sigma are got."""
    return candidate.route.sentence()


def output(candidate: Candidate) -> str:
    """Return how what comes out is read as pixels."""
    return candidate.convention.output


QUESTIONS = {"--image-size": image_size, "--range": pixel_range, "--crop": crop}


def choose(tried: list[Candidate], given: PixelRange | None = None) -> Choice:
    """Return the best reading, under the range where one is given; what its rivals leave open is asked.

    A rival is a reading whose ratio is not larger by more than chance. Rivals that differ only in how the output is
    read are told apart by the values that come out.

    Raises:
        CheckpointError: nothing finite comes out.
        ConfigError: rivals answer a question differently; names the flags.
    """
    allowed = [c for c in tried if given in (None, c.convention.range)]
    if not allowed:
        raise CheckpointError("The network gives no finite number for any image: its weights have diverged.")
    best = allowed[0]
    rivals = [c for c in allowed if c.rivals(best) or best.ratio >= 1]  # none better than the mean image tells nothing
    taken = min(rivals, key=_preference)
    rivals = [c for c in rivals if c.convention.agrees] or rivals
    open_questions = {
        flag: answers
        for flag, question in QUESTIONS.items()
        if len(answers := list(dict.fromkeys(question(c) for c in rivals))) > 1
    }
    if open_questions:
        flags = " and ".join(f"{flag} ({' or '.join(answers)})" for flag, answers in open_questions.items())
        tied = "; ".join(f"{_words(c)}: {c.ratio:.3f}" for c in rivals[:SHOWN])
        worse = " None beats the mean image: are these trained weights?" if best.ratio >= 1 else ""
        raise ConfigError(
            f"The images do not tell how this network takes them. Its error over that of the mean image is the same "
            f"up to chance for {tied}.{worse} Give {flags}."
        )
    return Choice(taken, tried)


def _preference(candidate: Candidate) -> tuple[bool, bool, bool, float]:
    """Sort rivals: mean first, output and input of one range, what needs no squashing, then the smaller error."""
    low, high = candidate.lowest, candidate.highest
    fits = {
        "as they are": low >= 0 and high <= 1,
        "-1,1": low < 0 and low >= -1 and high <= 1,
        "sigmoid": low < 0 or high > 1,
    }.get(candidate.convention.output, low < 0)
    return (not candidate.route.is_usual, not candidate.convention.agrees, not fits, candidate.ratio)


def _words(candidate: Candidate) -> str:
    c = candidate.convention
    given = {"as they are": "pixels out as they are", "sigmoid": "logits out", "-1,1": "[-1,1] out"}
    return (
        f"range {c.range}, {given.get(c.output, 'ImageNet-normalised out')}, crop {crop(candidate)}, "
        f"{image_size(candidate)} px"
    )
