"""A figure of pictures in rows, which is SVG, as the one picture that a reader sees; its words left away."""

import base64
import io
import re

from PIL import Image

from vaekit.figures.base import Drawn

_IMAGE = re.compile(r'<image x="(\d+)" y="(\d+)"[^>]* href="data:image/png;base64,([^"]*)"')


def pasted(drawn: Drawn) -> Image.Image:
    """Return the pictures of a figure at their places."""
    if drawn.suffix == "png":
        return Image.open(io.BytesIO(drawn.data))
    svg = drawn.data.decode("utf-8")
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    page = Image.new("RGB", (width, height), (254, 254, 254))
    for x, y, data in _IMAGE.findall(svg):
        page.paste(Image.open(io.BytesIO(base64.b64decode(data))), (int(x), int(y)))
    return page
