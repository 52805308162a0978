"""Drawn faces: parametric portraits in CelebA's layout, with the factors they were drawn from."""

from vaekit.data.faces.attributes import ATTRIBUTES, NOT_DRAWN
from vaekit.data.faces.dataset import write_faces
from vaekit.data.faces.occluders import Plant
from vaekit.data.faces.render import Face, draw_face

__all__ = ["ATTRIBUTES", "NOT_DRAWN", "Face", "Plant", "draw_face", "write_faces"]
