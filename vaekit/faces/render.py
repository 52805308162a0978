"""One face, from its seed and index to its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from vaekit.errors import DataError
from vaekit.faces.accessories import paint_earrings, paint_glasses, paint_hat
from vaekit.faces.background import paint_background
from vaekit.faces.beard import paint_beard
from vaekit.faces.canvas import FULL, HEIGHT, WIDTH, grain
from vaekit.faces.clothes import paint_clothes, paint_necklace, shoulders_bare
from vaekit.faces.features import paint_features
from vaekit.faces.hair import arrange_hair, hair_colour, paint_back_hair, paint_bun, paint_front_hair
from vaekit.faces.head import Light, paint_chin_fold, paint_ears, paint_head, paint_neck
from vaekit.faces.occluders import Plant, paint_occluder, plant_occluder, plant_texture
from vaekit.faces.population import FactorLaw, Sitter, draw_sitter, stream
from vaekit.faces.pose import Head

FACTOR_LAWS: tuple[FactorLaw, ...] = ("celeba", "independent")


@dataclass(frozen=True)
class Face:
    """A drawn face: image (218, 178, 3) uint8 RGB, what it shows, and every number it was drawn from."""

    image: np.ndarray
    attributes: dict[str, bool]
    factors: dict[str, float]


def check_law(factors: str) -> None:
    """DataError unless `factors` names a way to draw factors."""
    if factors not in FACTOR_LAWS:
        raise DataError(f"Can not draw factors {factors!r}: expected one of {', '.join(FACTOR_LAWS)}.")


def draw_face(
    seed: int,
    index: int,
    *,
    factors: FactorLaw = "celeba",
    plant: Plant | None = None,
    force: Mapping[str, bool] | None = None,
) -> Face:
    """Draw face `index` of the population of `seed`.

    Args:
        seed: any whole number from 0.
        index: which face, from 0; the same (seed, index, factors, plant) always gives the same bytes.
        factors: "celeba" for CelebA's base rates and correlations, "independent" for independent factors.
        plant: a failure to plant in some of the images.
        force: attributes to want or to refuse; the rest of the face stays as it was, but for what they exclude.
    """
    check_law(factors)
    if seed < 0 or index < 0:
        raise DataError(f"Can not draw face {index} of seed {seed}: both are whole numbers from 0.")
    sitter = draw_sitter(seed, index, factors, force=force)
    fate = stream(seed, index, 3)
    planted = plant.kind if plant is not None and fate.random() < plant.rate else None
    image = _compose(sitter, planted, fate)
    return Face(image, sitter.attributes, sitter.factors)


def _compose(sitter: Sitter, planted: str | None, fate: np.random.Generator) -> np.ndarray:
    """Paint from the back to the front; writes an occluder's extent and a planted blur into the sitter's factors."""
    f, rng = sitter.factors, sitter.rng
    head, light = Head(f), Light.of(f)
    spot = head.spot(FULL)
    picture = paint_background(f, rng("backdrop"))
    hair = arrange_hair(head, spot, f, light, rng("hair"))
    colour = hair_colour(f)
    paint_back_hair(picture, spot, hair)
    if f["hair_tied"]:
        paint_bun(picture, head, f, hair)
    paint_neck(picture, head, spot, f, light, bare=shoulders_bare(f))
    paint_clothes(picture, head, f, light, rng("clothes"))
    if f["necklace"]:
        paint_necklace(picture, head, f, light, rng("necklace"))
    paint_ears(picture, head, f, light)
    skin = paint_head(picture, head, spot, f, light, rng("skin"))
    if f["double_chin"]:
        paint_chin_fold(picture, head, spot, f)
    paint_features(picture, head, skin, f, colour)
    paint_beard(picture, head, skin, f, colour, rng("beard"))
    paint_front_hair(picture, head, spot, f, hair)
    if f["glasses"]:
        paint_glasses(picture, head, f, rng("glasses"))
    if f["earrings"]:
        paint_earrings(picture, head, f, rng("earrings"))
    if f["hat"]:
        paint_hat(picture, head, f, light, rng("hat"))
    cover = np.zeros((HEIGHT, WIDTH), np.float32)
    if f["occluder"]:
        cover = paint_occluder(picture, head, f, light, rng("occluder"))
    if planted == "occluder":
        cover = np.maximum(cover, plant_occluder(picture, head, fate))
    if planted == "texture":
        plant_texture(picture, fate)
    if planted == "blur":
        f["blur"], sitter.attributes["Blurry"] = 1.5, True
    f["planted"] = float(planted is not None)
    f["occluder"] = float((cover * (spot.inside > 0)).sum() / (spot.inside > 0).sum())
    return _develop(picture, f, rng("grain"))


def _develop(picture: np.ndarray, f: Mapping[str, float], rng: np.random.Generator) -> np.ndarray:
    """Expose, blur and digitise (3, H, W) linear light: (H, W, 3) uint8."""
    picture *= np.float32(2.0 ** (0.24 * f["exposure"]))
    shown = np.sqrt(np.maximum(picture, 0, out=picture), out=picture)
    # A film's shoulder: highlights roll off instead of clipping flat.
    np.minimum(shown, 0.4 + 0.5 * shown, out=shown)
    contrast = 1.1 + 0.10 * f["contrast"]
    shown -= np.float32(0.45)
    shown *= np.float32(contrast * 255)
    shown += np.float32(0.45 * 255 + 0.5)
    if f["blur"] > 0.05:
        radius = 3.4 * f["blur"] if f["blur"] > 0.5 else 1.6 * f["blur"]
        image = Image.fromarray(_digital(shown)).filter(ImageFilter.GaussianBlur(radius))
        shown = np.asarray(image).transpose(2, 0, 1) + np.float32(0.5)
    top, left = int(rng.integers(512 - HEIGHT)), int(rng.integers(512 - WIDTH))
    strength = np.float32(1.0 + 2.5 * f["grain"] ** 2)
    return _digital(shown + grain()[:, top : top + HEIGHT, left : left + WIDTH] * strength)


def _digital(planes: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 of (3, H, W) levels."""
    return np.ascontiguousarray(planes.clip(0, 255).astype(np.uint8).transpose(1, 2, 0))
