"""Drawn faces: parametric portraits in CelebA's layout, with the factors they were drawn from."""

from vaekit.faces.attributes import ATTRIBUTES, NOT_DRAWN
from vaekit.faces.dataset import write_faces
from vaekit.faces.occluders import Plant
from vaekit.faces.render import Face, draw_face

__all__ = ["ATTRIBUTES", "NOT_DRAWN", "Face", "Plant", "draw_face", "write_faces"]
