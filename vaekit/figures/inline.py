"""A picture inside HTML, for notebooks."""

import base64
import html

from PIL import Image

from vaekit.figures.grids import png_bytes


def inline_image(image: Image.Image, alt: str) -> str:
    """Return an <img> element that carries the picture in itself."""
    data = base64.b64encode(png_bytes(image)).decode("ascii")
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'
