"""Numbers in text as people read them: 96,405.7 with its thousands apart, a volume of 12.3K or 1.2M."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PLAIN = r"\s*-?\d+(?:\.\d+)?\s*"
GROUPED = r"\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*"
SCALES = {"K": 1e3, "M": 1e6, "B": 1e9}
SCALED = rf"(?:{PLAIN}|{GROUPED})[KMBkmb]?\s*"
PROOF = re.compile(
    r"\s*-?\d{1,3}(?:,\d{3})+\.\d+\s*", re.ASCII
)  # what comes after a point is no group: the comma is one


def ungrouped(table: pa.Table, prices: list[str], volumes: list[str]) -> pa.Table | None:
    """Return the text columns as numbers; None unless every cell is one and some price proves what its comma means.

    1,234 alone may be one or a thousand, and only a volume has a K or an M.
    """
    shapes = dict.fromkeys(prices, rf"^(?:{PLAIN}|{GROUPED})$") | dict.fromkeys(volumes, rf"^(?:{SCALED}|\s*-?\s*)$")
    cells = {name: pc.fill_null(table.column(name), "") for name in shapes}
    if not all(pc.all(pc.match_substring_regex(cells[name], shape)).as_py() for name, shape in shapes.items()):
        return None
    if not any(PROOF.fullmatch(cell) for name in prices for cell in cells[name].to_pylist()):
        return None
    numbers = {name: pa.array([_number(cell) for cell in cells[name].to_pylist()]) for name in shapes}
    return pa.table({name: numbers.get(name, table.column(name)) for name in table.column_names})


def _number(cell: str) -> float:
    text = cell.strip().upper().replace(",", "")
    if text in ("", "-"):
        return np.nan
    return float(text.rstrip("".join(SCALES))) * SCALES.get(text[-1], 1.0)
