"""Who is drawn: the attributes and the continuous factors of face `index`, before a pixel of it exists.

Attributes are thresholded normals with CelebA's correlations. The liabilities of a person's own attributes come first
in the Cholesky factor, so that a person's pictures can share them exactly and still leave the population as measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from vaekit.faces.attributes import ATTRIBUTES, COLUMN, PERSONAL, consistent
from vaekit.faces.statistics import load_statistics

FactorLaw = Literal["celeba", "independent"]
PEOPLE_PER_BLOCK, PICTURES_PER_PERSON = 10, 4
OCCLUDED, SUNGLASSES = 0.03, 0.3  # shares: of the images, of the pairs of glasses
STYLED = ("hair_lightness", "hair_redness", "hair_length", "hair_tied", "sunglasses", "occluder", "planted")

# Factor: its attribute, then its value far under and just under the threshold, just over and far over. The gap in the
# middle keeps the column honest: no face is half a smile.
GRADED: dict[str, tuple[str, float, float, float, float]] = {
    "smile": ("Smiling", -0.3, 0.1, 0.6, 1.0),
    "mouth_open": ("Mouth_Slightly_Open", 0.0, 0.0, 0.4, 1.0),
    "lip_fullness": ("Big_Lips", -0.7, 0.0, 0.6, 1.0),
    "lipstick": ("Wearing_Lipstick", 0.0, 0.0, 0.6, 1.0),
    "makeup": ("Heavy_Makeup", 0.0, 0.1, 0.65, 1.0),
    "nose_width": ("Big_Nose", -0.6, 0.0, 0.65, 1.0),
    "nose_point": ("Pointy_Nose", -0.5, 0.0, 0.6, 1.0),
    "eye_narrowing": ("Narrow_Eyes", -0.4, 0.05, 0.65, 1.0),
    "brow_arch": ("Arched_Eyebrows", -0.5, 0.0, 0.65, 1.0),
    "brow_weight": ("Bushy_Eyebrows", -0.5, 0.0, 0.7, 1.0),
    "eye_bags": ("Bags_Under_Eyes", 0.0, 0.1, 0.65, 1.0),
    "cheekbones": ("High_Cheekbones", -0.5, 0.0, 0.6, 1.0),
    "blush": ("Rosy_Cheeks", 0.0, 0.05, 0.65, 1.0),
    "weight": ("Chubby", -0.7, 0.1, 0.7, 1.0),
    "double_chin": ("Double_Chin", 0.0, 0.0, 0.7, 1.0),
    "oval": ("Oval_Face", -0.7, 0.0, 0.6, 1.0),
    "age": ("Young", 1.0, 0.6, 0.25, 0.0),
    "masculinity": ("Male", 0.0, 0.25, 0.75, 1.0),
    "hairline": ("Receding_Hairline", -0.4, 0.1, 0.7, 1.0),
    "bangs": ("Bangs", 0.0, 0.0, 0.65, 1.0),
    "baldness": ("Bald", 0.0, 0.0, 0.8, 1.0),
    "stubble": ("5_o_Clock_Shadow", 0.0, 0.0, 0.6, 1.0),
    "facial_hair": ("No_Beard", 1.0, 0.65, 0.0, 0.0),
    "moustache": ("Mustache", 0.0, 0.0, 0.7, 1.0),
    "goatee": ("Goatee", 0.0, 0.0, 0.7, 1.0),
    "sideburns": ("Sideburns", 0.0, 0.0, 0.7, 1.0),
    "wave": ("Wavy_Hair", 0.0, 0.15, 0.65, 1.0),
    "sleekness": ("Straight_Hair", 0.0, 0.3, 0.7, 1.0),
    "pallor": ("Pale_Skin", 0.0, 0.0, 0.7, 1.0),
    "blur": ("Blurry", 0.0, 0.2, 0.65, 1.0),
    "glasses": ("Eyeglasses", 0.0, 0.0, 0.5, 1.0),
    "hat": ("Wearing_Hat", 0.0, 0.0, 0.6, 1.0),
    "earrings": ("Wearing_Earrings", 0.0, 0.0, 0.5, 1.0),
    "necklace": ("Wearing_Necklace", 0.0, 0.0, 0.5, 1.0),
    "necktie": ("Wearing_Necktie", 0.0, 0.0, 0.5, 1.0),
}
# Factor: mean and standard deviation of a normal cut at 2.3 deviations. Angles in degrees, shifts in pixels.
NORMAL: dict[str, tuple[float, float]] = {
    "skin_warmth": (0, 1),
    "face_width": (0, 1),
    "face_length": (0, 1),
    "jaw": (0, 1),
    "eye_size": (0, 1),
    "nose_length": (0, 1),
    "brow_height": (0, 1),
    "mouth_width": (0, 1),
    "yaw": (0, 15),
    "pitch": (0, 6),
    "roll": (0, 2.5),
    "shift_x": (0, 0.8),
    "shift_y": (0, 0.8),
    "size": (1, 0.03),
    "gaze": (0, 1),
    "light_azimuth": (0, 38),
    "light_warmth": (0, 1),
    "exposure": (0, 1),
    "contrast": (0, 1),
    "hair_volume": (0, 1),
    "hair_part": (0, 1),
}
# Factors uniform on [0, 1).
UNIFORM: tuple[str, ...] = (
    "skin_tone",
    "eye_hue",
    "hair_shade",
    "light_elevation",
    "light_softness",
    "hair_cut",
    "backdrop",
    "backdrop_value",
    "backdrop_hue",
    "backdrop_detail",
    "clothes",
    "clothes_hue",
    "clothes_value",
    "grain",
)
OF_A_PERSON = frozenset(
    (
        "skin_warmth",
        "face_width",
        "face_length",
        "jaw",
        "eye_size",
        "nose_length",
        "brow_height",
        "mouth_width",
        "skin_tone",
        "eye_hue",
        "hair_shade",
    )
)
FACTORS: tuple[str, ...] = (*GRADED, *NORMAL, *UNIFORM, *STYLED)
# What disentanglement is measured on: under the law "independent" none of these enters another's draw, no value is
# shared by half of the faces, and a linear map of the pixels tells each (R^2 of at least 0.1 from 100 components).
MEASURED: tuple[str, ...] = (
    "smile",
    "makeup",
    "masculinity",
    "yaw",
    "pitch",
    "roll",
    "shift_y",
    "size",
    "skin_tone",
    "hair_lightness",
    "hair_length",
    "light_azimuth",
    "light_elevation",
    "contrast",
    "backdrop_value",
    "clothes_hue",
    "clothes_value",
)


@dataclass(frozen=True)
class Sitter:
    """One picture's subject: what to draw, and the key of the streams that settle what has no factor, as strands."""

    attributes: dict[str, bool]
    factors: dict[str, float]
    key: tuple[int, int]

    def rng(self, layer: str) -> np.random.Generator:
        """The random stream of one layer: putting a hat on does not shuffle the clothes."""
        return stream(*self.key, 4, int.from_bytes(layer.encode(), "big"))


def person_of(index: int) -> int:
    """The person in picture `index`, counted from 0: ten people to a block of forty pictures."""
    block, place = divmod(index, PEOPLE_PER_BLOCK * PICTURES_PER_PERSON)
    return block * PEOPLE_PER_BLOCK + place % PEOPLE_PER_BLOCK


def split_of(index: int) -> int:
    """0 train, 1 valid, 2 test: of ten people of a block the ninth and the tenth, so a person lies in one split."""
    return max(0, person_of(index) % PEOPLE_PER_BLOCK - 7)


def stream(*key: int) -> np.random.Generator:
    """The random stream of a key."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


@cache
def _mixing(law: FactorLaw) -> tuple[np.ndarray, np.ndarray]:
    """(columns in the order personal first, lower factor) of the liabilities."""
    order = sorted(range(len(ATTRIBUTES)), key=lambda column: ATTRIBUTES[column] not in PERSONAL)
    latent = load_statistics().latent if law == "celeba" else np.eye(len(ATTRIBUTES))
    return np.array(order), np.linalg.cholesky(latent[np.ix_(order, order)])


def draw_margins(seed: int, index: int, law: FactorLaw) -> tuple[np.ndarray, dict[str, float]]:
    """Liabilities over their thresholds, (attributes,), and the factors no attribute is tied to."""
    own, shared = stream(seed, index), stream(seed, person_of(index), 1)
    order, lower = _mixing(law)
    normals = np.concatenate(
        [shared.standard_normal(len(PERSONAL)), own.standard_normal(len(ATTRIBUTES) - len(PERSONAL))]
    )
    margins = np.empty(len(ATTRIBUTES))
    margins[order] = lower @ normals
    cut = {
        True: shared.standard_normal(len(NORMAL)).clip(-2.3, 2.3),
        False: own.standard_normal(len(NORMAL)).clip(-2.3, 2.3),
    }
    even = {True: shared.random(len(UNIFORM)), False: own.random(len(UNIFORM))}
    free = {
        name: mean + spread * float(cut[name in OF_A_PERSON][place])
        for place, (name, (mean, spread)) in enumerate(NORMAL.items())
    }
    free |= {name: float(even[name in OF_A_PERSON][place]) for place, name in enumerate(UNIFORM)}
    return margins - load_statistics().thresholds, free


def draw_sitter(seed: int, index: int, law: FactorLaw, *, force: Mapping[str, bool] | None = None) -> Sitter:
    """The subject of picture `index`; `force` wants or refuses attributes, everything else as it was."""
    margins, factors = draw_margins(seed, index, law)
    for name, wanted in (force or {}).items():
        margins[COLUMN[name]] = 2.0 if wanted else -1.5
    shown = consistent(margins[None])[0]
    attributes = dict(zip(ATTRIBUTES, shown.tolist(), strict=True))
    for name, (attribute, far_off, near_off, near_on, far_on) in GRADED.items():
        distance = min(abs(float(margins[COLUMN[attribute]])) / 2.0, 1.0)
        near, far = (near_on, far_on) if attributes[attribute] else (near_off, far_off)
        factors[name] = near + (far - near) * distance
    factors |= _style(attributes, factors, law, stream(seed, index, 2))
    return Sitter(attributes, {name: factors[name] for name in FACTORS}, (seed, index))


def _style(
    has: Mapping[str, bool], factors: dict[str, float], law: FactorLaw, rng: np.random.Generator
) -> dict[str, float]:
    """The factors that several attributes settle together: colour and cut of the hair, glasses, occluder, skin tone."""
    chance = rng.random(7).tolist()  # plain numbers: a NumPy double would widen every picture it touches
    shade, tone = factors["hair_shade"], factors["skin_tone"]
    if has["Black_Hair"]:
        lightness, redness = 0.05 * shade, 0.2
    elif has["Blond_Hair"]:
        lightness, redness = 0.68 + 0.32 * shade, 0.3 + 0.3 * chance[0]
    elif has["Brown_Hair"]:
        lightness, redness = 0.21 + 0.15 * shade, 0.3 + 0.25 * chance[0]
    elif has["Gray_Hair"]:
        lightness, redness = 0.6 + 0.4 * shade, -1.0  # no colour at all
    elif chance[1] < 0.6:
        lightness, redness = 0.09 + 0.06 * shade, 0.3
    elif chance[1] < 0.74:
        lightness, redness = 0.25 + 0.2 * shade, 0.95
    else:
        lightness, redness = 0.44 + 0.1 * shade, 0.25
    if law == "celeba":  # fair hair goes with fair skin, black hair with every skin
        tone = tone**2.2 if has["Black_Hair"] else tone**6 if has["Blond_Hair"] else tone**3.2
    if has["Pale_Skin"]:
        tone = 0.05 * tone
    eyes = factors["eye_hue"] * (max(0.0, 1 - 1.3 * tone) if law == "celeba" else 1)  # brown in dark faces
    length = chance[2]
    if law == "celeba":
        long_haired = chance[3] < (0.07 if has["Male"] else 0.9 if has["Wavy_Hair"] else 0.82)
        length = 0.4 + 0.6 * length if long_haired else 0.35 * length
    if has["Bald"] or has["Sideburns"]:
        length *= 0.35
    tied = length > 0.35 and not has["Wavy_Hair"] and not has["Straight_Hair"] and chance[4] < 0.4
    dark = has["Eyeglasses"] and not (has["Bags_Under_Eyes"] or has["Narrow_Eyes"]) and chance[5] < SUNGLASSES
    return {
        "hair_lightness": lightness,
        "hair_redness": redness,
        "skin_tone": tone,
        "eye_hue": eyes,
        "hair_length": length,
        "hair_tied": float(tied),
        "sunglasses": float(dark),
        "occluder": float(chance[6] < OCCLUDED),
        "planted": 0.0,
    }
