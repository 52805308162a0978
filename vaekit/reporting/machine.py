"""The report for machines: everything that the pages show, as plain data with every digit."""

import math
from dataclasses import fields, is_dataclass
from typing import Any

from vaekit import artifacts
from vaekit.reporting.document import Block, Page, Picture
from vaekit.reporting.tables import Metric, Table


def page_data(page: Page) -> dict[str, Any]:
    """Return the page as plain data for report.json: its words, its exact numbers, and the names of its figures."""
    return {
        "title": page.title,
        "subtitle": page.subtitle,
        "byline": list(page.byline),
        "preface": [plain(block) for block in page.preface],
        "sections": [
            {"id": section.id, "title": section.title, "blocks": [plain(block) for block in section.blocks]}
            for section in page.sections
        ],
        "made_by": page.made_by,
    }


def plain(value: Any) -> Any:
    """Return a block, or a part of one, as plain data; pictures are left out, figures named by their file."""
    if isinstance(value, Picture):
        drawn, file = value.drawn, f"{artifacts.FIGURES}/{value.name}.{value.drawn.suffix}"
        return {"kind": "picture", "file": file, "title": drawn.title, "caption": drawn.caption, "alt": drawn.alt}
    if isinstance(value, Metric):
        return {"id": value.id} | {key: plain(part) for key, part in value.quantity.record().items()}
    if isinstance(value, Table):
        rows = [
            [cell if (exact := value.behind(i, j)) is None else plain(exact) for j, cell in enumerate(row)]
            for i, row in enumerate(value.rows)
        ]
        return {"headings": list(value.headings), "rows": rows}
    if is_dataclass(value):
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
        kind: dict[str, Any] = {"kind": value.kind} if isinstance(value, Block) else {}
        return kind | {name: plain(part) for name, part in parts.items() if not isinstance(part, bytes)}
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for it
    return value
