"""The head as a solid: a stack of ellipses whose width follows a profile, turned, and mapped to the picture and back.

Face coordinates are those of a frontal portrait in pixels: X to the right of the nose, V down from the line of the
eyes. Whatever is painted in them turns and foreshortens with the head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from vaekit.faces.canvas import Box, grid

EYES = (88.5, 112.3)  # where CelebA's alignment puts the point between the eyes
FINENESS = 2  # of a patch: its edges are already soft over a pixel
TOP, BOTTOM, PER_PIXEL = -130.0, 140.0, 4  # span and resolution of the tables over V
SKULL, WIDEST = -72.0, -8.0  # V of the crown and of the widest ellipse
V = np.arange(TOP, BOTTOM, 1 / PER_PIXEL, dtype=np.float32)


@dataclass(frozen=True)
class Spot:
    """Where the pixels of a box lie on the head, each (h, w) float32.

    axis_x: horizontal distance from the head's axis; face_x, face_v: face coordinates; facing: cosine between the
    surface and the viewer; side: sine of the same; front: cosine between the surface and the face's own front, negative
    behind the ears; row: index into tables over V; inside: signed distance to the outline of the head in pixels.
    """

    axis_x: np.ndarray
    face_x: np.ndarray
    face_v: np.ndarray
    facing: np.ndarray
    side: np.ndarray
    front: np.ndarray
    row: np.ndarray
    inside: np.ndarray

    def cut(self, box: Box) -> Spot:
        """The part of a full-frame spot under a box."""
        left, top, right, bottom = box
        return Spot(*(getattr(self, field.name)[top:bottom, left:right] for field in fields(self)))


class Head:
    """Shape and pose of one head."""

    def __init__(self, f: Mapping[str, float]) -> None:
        male, heavy, oval = f["masculinity"], max(0.0, f["weight"]), f["oval"]
        self.width = 42.6 + 1.2 * f["face_width"] + 1.2 * male + 3.5 * heavy - 0.8 * oval
        self.chin = 71.0 + 1.6 * f["face_length"] + 2.0 * male + 2.0 * max(0.0, oval) + 1.0 * heavy
        square = 2.2 + 0.22 * f["jaw"] + 0.42 * male + 1.1 * heavy - 0.4 * oval
        self.profile = self._profile(square)
        self.slope = np.gradient(self.profile, 1 / PER_PIXEL).astype(np.float32)
        yaw = np.deg2rad(f["yaw"])
        self.depth = 1.08
        self.sin_yaw, self.cos_yaw = float(np.sin(yaw)), float(np.cos(yaw))
        self.tan_pitch = float(np.tan(np.deg2rad(f["pitch"])))
        self.stretch = float(np.hypot(self.cos_yaw, self.depth * self.sin_yaw))
        self.turn_cos = self.cos_yaw / self.stretch
        self.turn_sin = self.depth * self.sin_yaw / self.stretch
        # The chin and the mouth lie forward of the axis, so that a turned head carries them along.
        forward = self.depth * np.clip(self.width - self.profile, 0, None) * (V > 0) * 0.8
        self.shift = (forward * self.sin_yaw).astype(np.float32)
        roll = np.deg2rad(f["roll"])
        self.cos_roll, self.sin_roll = float(np.cos(roll)), float(np.sin(roll))
        self.scale = f["size"] / self.cos_yaw**0.5
        self.origin = (EYES[0] + f["shift_x"], EYES[1] + f["shift_y"])
        self.nose = 11.0 + 3.0 * f["nose_width"] * (f["nose_width"] > 0)
        self.nose_v = 27.0 + 1.5 * f["nose_length"]
        self.ears = self.width * self.depth * 0.93  # how far forward of the axis the eyes lie

    def _profile(self, square: float) -> np.ndarray:
        """(tables,) half width of the head at each V."""
        up = np.clip((V - WIDEST) / (SKULL - WIDEST), 0, 1)
        down = np.clip((V - WIDEST) / (self.chin - WIDEST), 0, 1)
        shape = np.where(V < WIDEST, (1 - up**2.3) ** 0.5, (1 - down**square) ** 0.62)
        result: np.ndarray = (self.width * shape).astype(np.float32)
        return result

    def spot(self, box: Box, oversampling: int = 1) -> Spot:
        """The head under the pixels of `box`."""
        x, y = grid(box, oversampling)
        across, down = (x - self.origin[0]) * (1 / self.scale), (y - self.origin[1]) * (1 / self.scale)
        turned_x = self.cos_roll * across + self.sin_roll * down + self.ears * self.sin_yaw
        turned_y = self.cos_roll * down - self.sin_roll * across
        round_ = np.sqrt(np.clip(1 - (turned_x * (1 / (self.width * self.stretch))) ** 2, 0.0, 1))
        face_v = turned_y + self.tan_pitch * (round_ * self.width * self.depth - self.ears)
        row = ((face_v.clip(TOP, BOTTOM - 1) - TOP) * PER_PIXEL).astype(np.intp)
        half = self.profile.take(row) * self.stretch
        x = turned_x - self.shift.take(row)
        side = np.clip(x / (half + 1e-3), -1, 1)
        facing = np.sqrt(1 - side * side)
        slope = self.slope.take(row)
        inside = (half - np.abs(x)) / np.sqrt(1 + slope * slope)
        inside *= self.scale
        inside -= 9 * (half < 0.5)  # over the crown and under the chin there is no head
        half /= self.stretch
        face_x = half * (side * self.turn_cos - facing * self.turn_sin)
        if abs(self.sin_yaw) > 0.02:  # the nose stands out: it moves further than the cheeks behind it
            ridge = np.clip((face_v + 6) / (self.nose_v + 6), 0, 1) * (face_v < self.nose_v + 7)
            across = face_x * face_x * (1 / 49)
            face_x = face_x - ridge * (self.nose * 0.55 * self.sin_yaw / self.cos_yaw) / (1 + across * across)
        return Spot(turned_x, face_x, face_v, facing, side, facing * self.turn_cos + side * self.turn_sin, row, inside)

    def project(self, face_x: float, face_v: float, lift: float = 0.0) -> tuple[float, float]:
        """Pixel of a point of the face, `lift` pixels off its surface."""
        row = int((min(max(face_v, TOP), BOTTOM - 1) - TOP) * PER_PIXEL)
        half = float(self.profile[row]) + 1e-3
        sine = min(max(face_x / half, -1.0), 1.0)
        cosine = (1 - sine * sine) ** 0.5
        depth = half * self.depth * cosine + lift
        x = half * sine * self.cos_yaw + depth * self.sin_yaw + float(self.shift[row]) - self.ears * self.sin_yaw
        x += (face_x - half * sine) * self.cos_yaw  # a point beside the head
        y = face_v - self.tan_pitch * (depth * self.cos_yaw - self.ears)
        return (
            self.origin[0] + self.scale * (self.cos_roll * x - self.sin_roll * y),
            self.origin[1] + self.scale * (self.cos_roll * y + self.sin_roll * x),
        )

    def box(self, face_x: float, face_v: float, half_width: float, half_height: float) -> Box:
        """The pixel box around a point of the face, cut to the picture."""
        x, y = self.project(face_x, face_v)
        left, top = max(int(x - half_width), 0), max(int(y - half_height), 0)
        return left, top, min(int(x + half_width) + 1, 178), min(int(y + half_height) + 1, 218)


class Patch:
    """A box of the picture at `FINENESS` times its size: what is painted on it is averaged back down by `close`."""

    def __init__(self, picture: np.ndarray, light: np.ndarray, head: Head, box: Box) -> None:
        left, top, right, bottom = box
        self._target = picture[:, top:bottom, left:right]
        self.picture = self._target.repeat(FINENESS, 1).repeat(FINENESS, 2)
        self.light = light[:, top:bottom, left:right].repeat(FINENESS, 1).repeat(FINENESS, 2)
        spot = head.spot(box, FINENESS)
        self.x, self.v = spot.face_x, spot.face_v
        self.facing = spot.facing

    def paint(self, colour: np.ndarray, alpha: np.ndarray, *, lit: bool = True) -> None:
        """Lay a colour (3,) over the patch, under the head's own light unless it shines by itself."""
        tint = colour[:, None, None] * self.light if lit else colour[:, None, None]
        self.picture += alpha * (tint - self.picture)

    def darken(self, amount: np.ndarray) -> None:
        """Take the share `amount` of the light out of the patch."""
        self.picture *= 1 - amount

    def close(self) -> None:
        """Average the patch back into the picture."""
        rows: Any = sum(self.picture[:, offset::FINENESS] for offset in range(FINENESS))
        self._target[:] = sum(rows[..., offset::FINENESS] for offset in range(FINENESS))
        self._target *= np.float32(1 / FINENESS**2)
