"""Which CelebA attributes are drawn, and which sets of them one face can show at once."""

from __future__ import annotations

import numpy as np

ATTRIBUTES: tuple[str, ...] = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)

NOT_DRAWN: dict[str, str] = {
    "Attractive": "a judgement of the annotators, not a thing in the picture: nothing one could draw makes it true"
}

# The attributes that belong to a person; the others vary between the pictures of one person.
PERSONAL: tuple[str, ...] = (
    "Male",
    "Young",
    "Big_Lips",
    "Big_Nose",
    "Pointy_Nose",
    "Oval_Face",
    "Chubby",
    "Double_Chin",
    "Narrow_Eyes",
    "Bushy_Eyebrows",
    "Pale_Skin",
    "Bald",
    "Receding_Hairline",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Gray_Hair",
)

# Of each set a face shows at most one: the one furthest over its threshold.
EXCLUSIVE: tuple[tuple[str, ...], ...] = (
    ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
    ("Straight_Hair", "Wavy_Hair"),
    ("Bald", "Bangs", "Receding_Hairline"),
    ("Wearing_Necklace", "Wearing_Necktie"),
)
# What the first covers or removes of the second.
HIDES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Wearing_Hat", ("Bald", "Bangs", "Receding_Hairline")),
    ("Bald", ("Straight_Hair", "Wavy_Hair")),
    ("Goatee", ("No_Beard",)),
    ("Mustache", ("No_Beard",)),
    ("Sideburns", ("No_Beard",)),
)

COLUMN: dict[str, int] = {name: column for column, name in enumerate(ATTRIBUTES)}


def consistent(margins: np.ndarray) -> np.ndarray:
    """The attributes that are drawn.

    Args:
        margins: (n, attributes) liabilities over their thresholds, positive where the attribute is wanted.

    Returns:
        (n, attributes) bool: `margins > 0`, less what another attribute of the same face excludes or hides.
    """
    shown = margins > 0
    for group in EXCLUSIVE:
        columns = [COLUMN[name] for name in group]
        best = margins[:, columns].argmax(axis=1)
        shown[:, columns] &= best[:, None] == np.arange(len(columns))
    for cover, hidden in HIDES:
        shown[:, [COLUMN[name] for name in hidden]] &= ~shown[:, COLUMN[cover], None]
    return shown
