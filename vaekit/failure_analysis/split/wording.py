"""What the tests of the whole split say: every sentence of theirs, from their numbers and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from vaekit.evaluation.latent.wording import TRAIN_ON
from vaekit.failure_analysis.advice import FACE_FIRST, Training, against_a_grid, for_detail, give_room, of_share
from vaekit.failure_analysis.properties import label_of
from vaekit.failure_analysis.split.attribute_survival import BEYOND
from vaekit.failure_analysis.split.base import SplitResult, Words, worded
from vaekit.failure_analysis.split.checkerboard import AMPLITUDE, PEAK
from vaekit.failure_analysis.split.detail import HALF
from vaekit.failure_analysis.split.error_regions import RATIO, SHIFT
from vaekit.failure_analysis.split.explained_error import feature_label
from vaekit.failure_analysis.split.group_gaps import GAP
from vaekit.figures.words import chance, estimate, fixed, in_sentence, listed, percent, plain, plural, readable, short
from vaekit.quantity import Quantity
from vaekit.statistics.discovery import Q_LEVEL

LISTED = 12  # names in a sentence, at most
AROUND = "what surrounds the face (hair, clothes, background)"
Ends = tuple[float | None, float | None, float | None]


def _ends(q: Quantity) -> Ends:
    return q.value, q.low, q.high


@worded("detail")
def detail(result: SplitResult, training: Training) -> Words:
    """Fine detail: what is kept of the finest structure, and how far detail is resolved."""
    title, numbers = "Fine detail", result.numbers
    if result.untested:
        return Words(title, f"Whether fine detail is lost was not tested: {result.untested}.")
    kept = f"of structure under 2 px the reconstructions keep {percent(*_ends(numbers['fine_transfer']))}"
    half = numbers["half_frequency"]
    if half.value is None:
        reach = "More than half is kept at every frequency"
    elif half.value <= numbers["coarsest"]:
        reach = "Less than half is kept even of the coarsest structure"
    else:
        reach = (
            f"Half is lost from {estimate(*_ends(half))} cycles per image on: detail is resolved down to "
            f"{estimate(*_ends(numbers['detail_px']))} px, where the images hold 1 px"
        )
    evidence = [
        f"Under 2 px the reconstructions have {percent(numbers['fine_power'])} of the images' power; "
        f"{percent(numbers['fine_coherence'])} of it follows the image (coherence)."
    ]
    if not result.found:
        said = f"{kept[0].upper()}{kept[1:]} (called lost under {percent(HALF)}). {reach}."
        return Words(title, said, tuple(evidence))
    share = percent(*_ends(numbers["fine_error_share"]))
    evidence.append(f"Structure that is not resolved carries {share} of the squared error of the luminance.")
    remedy = for_detail(training)
    false_if = "False if what the images hold under 2 px is noise, grain or sharpening: no code need keep that."
    return Words(title, f"Fine detail is lost: {kept}. {reach}.", tuple(evidence), remedy, false_if)


@worded("grid")
def grid(result: SplitResult, training: Training) -> Words:
    """A grid of the decoder's making."""
    period = result.numbers["period"]
    title = f"Grid of {period} pixels (checkerboard)"
    if result.untested:
        return Words(title, f"Whether the decoder leaves a grid of {period} pixels was not tested: {result.untested}.")
    assert result.effect is not None
    said = (
        f"at the frequencies of a grid of {period} pixels the reconstructions' spectrum peaks "
        f"{estimate(result.effect.value, result.effect.low, result.effect.high)} times as high as the images' own, a "
        f"pattern of {short(255 * result.numbers['amplitude'], 2)} grey levels (root mean square)"
    )
    also = tuple(
        f"A grid of {other['period']} pixels is part of it: {short(other['ratio'])} times, "
        f"{short(255 * other['amplitude'], 2)} grey levels."
        for other in result.numbers["also"]
    )
    if not result.found:
        least = f"called a grid from {PEAK} times and {plain(255 * AMPLITUDE, 2)} grey levels on"
        return Words(title, f"{said[0].upper()}{said[1:]}; {least}.")
    false_if = (
        "False if the images were smoothed (resized, compressed) and lost their own grid: held against one another are "
        f"the spectra of {plural(result.n, 'image')} and of their reconstructions."
    )
    return Words(title, f"The decoder leaves a grid: {said}.", also, against_a_grid(training), false_if)


@worded("region")
def region(result: SplitResult, training: Training) -> Words:
    """The face against what surrounds it."""
    title, numbers = "Error in the face and around it", result.numbers
    if result.untested:
        return Words(title, f"Whether the face is reconstructed worse was not tested: {result.untested}.")
    value, low, high = _ends(numbers["surroundings_ratio"])
    assert value is not None and low is not None and high is not None
    r2 = [estimate(*_ends(numbers[name])) for name in ("face_r2", "surroundings_r2")]
    evidence = (
        f"Of what the mean face leaves open, the reconstructions explain {r2[0]} in the face and {r2[1]} around it "
        f"(R2); per pixel, what surrounds the face differs {short(numbers['varies'])} times as much from the mean "
        "face.",
    )
    if not result.found:
        said = (
            f"Per pixel, {AROUND} has {estimate(value, low, high)} times the squared error of the face: from {RATIO} "
            f"times on it would be called worse, below {short(1 / RATIO, 2)} better."
        )
        return Words(title, said, evidence)
    around, area = value > 1, numbers["area"]
    part, least, most = _ends(numbers["surroundings_share"])
    assert part is not None and least is not None and most is not None
    if not around:
        part, least, most = 1 - part, 1 - most, 1 - least
    name = AROUND if around else "the face"
    said = (
        f"{name[0].upper()}{name[1:]} carries {percent(part, least, most)} of the squared error "
        f"on {percent(1 - area if around else area)} of the area: per pixel "
        f"{estimate(value, low, high) if around else estimate(1 / value, 1 / high, 1 / low)} times the error of "
        f"{'the face' if around else 'what surrounds it'}."
    )
    false_if = (
        f"False if faces are not where those of CelebA are: the face is one ellipse, {percent(area)} of every picture."
    )
    return Words(title, said, evidence, FACE_FIRST if around else "Weigh the face in the loss.", false_if)


@worded("shift")
def shift(result: SplitResult, training: Training) -> Words:
    """Face or surroundings too dark or too bright on average."""
    title = "Shift of brightness" if result.untested else f"Brightness of {_region(result)}"
    if result.untested:
        return Words(title, f"Whether reconstructions are too dark or too bright was not tested: {result.untested}.")
    assert result.effect is not None and result.effect.low is not None and result.effect.high is not None
    name = _region(result)
    value, low, high = result.effect.value, result.effect.low, result.effect.high
    if not result.found:
        said = (
            f"The brightness of {name} is shifted by {estimate(255 * value, 255 * low, 255 * high)} grey levels of "
            f"255 on average (called a shift from {plain(255 * SHIFT, 2)} on)."
        )
        return Words(title, said)
    least, most = sorted((abs(low), abs(high)))
    said = f"{name} comes out {estimate(255 * abs(value), 255 * least, 255 * most)} grey levels of 255 too"
    said = f"{said[0].upper()}{said[1:]} {'bright' if value > 0 else 'dark'} on average."
    remedy = TRAIN_ON if training.early else "Look at the preprocessing and the last layer's range."
    false_if = "False if much of the pictures is black or white: what is cut off there can err to one side only."
    return Words(title, said, (), remedy, false_if)


def _region(result: SplitResult) -> str:
    return "the face" if result.numbers["part"] == "face" else AROUND


@worded("attribute")
def attribute(result: SplitResult, training: Training) -> Words:
    """An attribute lost or made up, beyond what equal blur does."""
    row = result.numbers
    name, beyond = readable(row["attribute"]), f"from {100 * BEYOND:.0f} points"
    false_if = (
        f"False if the judge errs more on reconstructions than on equally blurred images, or more often than on real "
        f"ones: there it tells {name} with an AUROC of {fixed(row['auroc'], 2)}."
    )
    if result.id.startswith("lost-"):
        said = (
            f"{name}: still seen in {_share(row, 'kept')} of the {plural(row['n'], 'image')} that had it; equal blur "
            f"alone keeps it in {_share(row, 'control')}"
        )
        if not result.found:
            return Words(f"{name} lost", f"{said} (called lost beyond blur {beyond} on).")
        remedy = of_share(row["train_share"], training)
        return Words(f"{name} is lost", f"{said}. The model loses it, not just sharpness.", (), remedy, false_if)
    said = (
        f"{name}: appears in {_share(row, 'appears')} of the {plural(row['n_without'], 'image')} that lacked it; "
        f"under equal blur alone in {_share(row, 'appears_control')}"
    )
    if not result.found:
        return Words(f"{name} made up", f"{said} (called made up {beyond} beyond blur on).")
    share = row["train_share"]
    common = "The decoder falls back on what most of them have. " if share > 0.5 else ""
    remedy = f"{percent(share)} of the train images have it. {common}{give_room(training)}"
    return Words(f"{name} is made up", f"{said}. The model makes it up.", (), remedy, false_if)


def _share(row: Mapping[str, Any], name: str) -> str:
    return percent(*(row[name + end] for end in ("", "_low", "_high")))


@worded("explained")
def explained(result: SplitResult, training: Training) -> Words:
    """What predicts the error of unseen images."""
    title, facts = "What explains the error", result.numbers
    target, left_out = facts["target"], facts["left_out"]
    lost = f"Left out: {plural(left_out, 'image')} without a finite value. " if left_out else ""
    if result.untested:
        return Words(title, f"{lost}What explains {target} was not tested: {result.untested}.")
    r2: Mapping[str, Quantity] = facts["r2"]
    said = {name: percent(*_ends(row)) for name, row in r2.items()}
    if not result.found:
        sentence = f"{lost}Properties and attributes predict nothing of {target} on unseen images: R2 {said['both']}."
        return Words(title, sentence)
    parts = [
        f"{facts['properties']} properties of the image predict {said['properties']} of the variance of {target} on "
        "unseen images"
    ]
    if facts["named"]:
        parts.append(f"{listed([feature_label(name) for name in facts['named']])} alone {said['named']}")
    if facts["attributes"]:
        points = said["added"].replace(" %", " points")
        low = r2["added"].low
        more = f"{points} more" if low is not None and low > 0 else f"nothing that shows ({points})"
        parts.append(f"{facts['attributes']} attributes add {more}")
    first = [f"{feature_label(row['feature'])} ({fixed(row['value'], 2)})" for row in facts["importance"][:5]]
    evidence = (f"Loss of R2 when one of them is shuffled among the images: {', '.join(first)}.",)
    return Words(title, f"{lost}{'; '.join(parts)}.", evidence)


@worded("unlike")
def unlike(result: SplitResult, training: Training) -> Words:
    """The images that are unlike anything in train, or that none is."""
    title, facts = "Unlike anything in train", result.numbers
    if result.untested:
        return Words(title, f"Whether an image is unlike anything in train was not tested: {result.untested}.")
    images = facts["images"]
    far = (
        f"farther from train, in code, looks, colours and properties or in properties alone, than chance gives among "
        f"{plural(facts['valid'], 'valid image')}"
    )
    q = chance("q", images[-1]["q"])
    if not result.found:
        said = f"None of {plural(facts['of'], 'image')} lies {far}; the farthest is {images[0]['image_id']}, {q}."
        return Words(title, said)
    are, lie = ("is", "it lies") if len(images) == 1 else ("are", "they lie")
    said = f"{len(images):,} of {plural(facts['of'], 'image')} {are} unlike anything in train: {lie} {far}, {q}."
    evidence = [f"The farthest: {', '.join(image['image_id'] for image in images[:LISTED])}."]
    if facts["ratio"] is not None:
        evidence.append(f"The {in_sentence(facts['label'])} is {short(facts['ratio'])} times that of the other images.")
    remedy = "Look at them first: leave out what is a fault of the data, and add images like the others to train."
    false_if = (
        "False if the valid images are of another kind than those of train. One that is not listed may be unlike train "
        "in what neither its code nor the judge, its colours at 8 x 8 pixels nor its properties tell."
    )
    return Words(title, said, tuple(evidence), remedy, false_if)


@worded("fairness")
def gap(result: SplitResult, training: Training) -> Words:
    """The gap of the error between images with and without an attribute, and what is left of it."""
    row = result.numbers
    name, ratio, unit, sign = readable(row["group"]), row["ratio"] is not None, row["unit"], row["sign"]
    ends = [row[end] for end in (("ratio", "ratio_low", "ratio_high") if ratio else ("difference", "low", "high"))]
    about = f"({in_sentence(row['label'])}; {plural(row['n_with'], 'image')} with it, {row['n_without']:,} without)"
    said = _gap(ends, ratio=ratio, unit=unit, sign=sign)
    evidence = []
    if row["adjusted"] is not None:
        at_equal = _gap(_three(row, "adjusted"), ratio=ratio, unit=unit, sign=sign)
        evidence.append(f"At equal {_held_words(row['held'])} they are {at_equal}{_doubt(row, 'adjusted', ratio)}.")
    if row["face"] is not None:
        in_face = _gap(_three(row, "face"), ratio=True)
        evidence.append(f"In the face alone they are {in_face}{_doubt(row, 'face', True)}.")
    if result.found:
        sentence = f"Images labelled {name} are reconstructed {said} than the others {about}."
        false_if = f"False if the labels ({name}) are wrong in many images. What goes with the label may be the cause."
        return Words(f"Gap by {name}", sentence, tuple(evidence), "", false_if)
    if row["told"]:
        sentence = (
            f"The gap by {name} is too small to be called one: images labelled so are {said} than the others {about}; "
            f"from {percent(GAP)} on it would be."
        )
        return Words(f"Gap by {name}", sentence, tuple(evidence))
    most = max(abs(end - ratio) for end in ends[1:])
    bound = percent(most) if ratio else f"{short(most)} {unit}"
    within = ends[1] <= (1 if ratio else 0) <= ends[2]
    room = (
        f"the interval leaves room for {bound} at most" if within else f"chance gives as much ({chance('q', row['q'])})"
    )
    sentence = f"No gap found by {name}: images labelled so are {said} than the others {about}; {room}."
    return Words(f"Gap by {name}", sentence, tuple(evidence))


def _gap(ends: Sequence[float], *, ratio: bool, unit: str = "", sign: int = 1) -> str:
    """Return a gap in words: "6 % [4, 8] worse" from a ratio, "0.4 [0.3, 0.5] dB worse" from a difference."""
    value, *both = (sign * (end - 1 if ratio else end) for end in ends)
    low, high = sorted(both)
    better_or_worse = "worse" if value > 0 else "better"
    if value < 0:
        value, low, high = -value, -high, -low
    number = percent(value, low, high) if ratio else f"{estimate(value, low, high)} {unit}"
    return f"{number} {better_or_worse}"


def _doubt(row: Mapping[str, Any], name: str, ratio: bool) -> str:
    """Return what to add to a further gap that is not told from none."""
    _, low, high = _three(row, name)
    if low <= (1 if ratio else 0) <= high:
        return ", which can not be told from no gap"
    return (
        ""
        if row[f"{name}_q"] < Q_LEVEL
        else f", which chance gives among so many comparisons ({chance('q', row[f'{name}_q'])})"
    )


def _held_words(held: tuple[str, ...]) -> str:
    names = [label_of(name) for name in held if not name.startswith("background")]
    return listed([*names, "background"] if len(names) < len(held) else names)


def _three(row: Mapping[str, Any], name: str) -> list[float]:
    return [row[name], row[f"{name}_low"], row[f"{name}_high"]]
