"""What the commands of exploration return: a picture, its numbers, and the sentences they lead to."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from vaekit import artifacts
from vaekit.figures.grids import png_bytes
from vaekit.figures.inline import inline_image


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture made of pictures, with what is to be seen in it.

    Attributes:
        run: the run whose model it shows.
        stem: what its files are called.
        picture: the grid.
        table: the numbers behind it, one row for each row or image of the grid.
        sentences: what they say.
        facts: the settings it was made with, for the JSON beside the picture.
    """

    run: str
    stem: str
    picture: Image.Image
    table: pd.DataFrame
    sentences: tuple[str, ...]
    facts: dict[str, Any]

    def record(self) -> dict[str, Any]:
        """Return settings, sentences and table as plain data; a number that is not finite is None."""
        rows = [
            {
                key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in row.items()
            }
            for row in self.table.to_dict("records")
        ]
        return {**self.facts, "sentences": list(self.sentences), "table": rows}

    def write(self, folder: Path) -> list[Path]:
        """Write <stem>.png, .csv and .json to `folder` and return their paths, the picture first."""
        paths = [folder / f"{self.stem}{suffix}" for suffix in (".png", ".csv", ".json")]
        artifacts.write_bytes(paths[0], png_bytes(self.picture))
        artifacts.write_table(paths[1], self.table)
        artifacts.write_json(paths[2], self.record())
        return paths

    def __str__(self) -> str:
        return "\n".join([*self.sentences, self.table.to_string(index=False, float_format="{:.4g}".format)])

    def _repr_html_(self) -> str:
        said = " ".join(self.sentences)
        return inline_image(self.picture, said) + self.table.to_html(index=False)
