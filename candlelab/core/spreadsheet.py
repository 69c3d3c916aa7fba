"""CSV formula injection: cells that a spreadsheet would run are quoted before they are written."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

# A cell that begins with one of these is a formula to Excel, LibreOffice or Sheets; white space before it is skipped by some.
FORMULA = re.compile(r"^\s*[=+\-@\t\r\n|%＝＋－＠]")
NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?$|^[+-](?:inf|nan)$", re.ASCII)


def neutral(cell: Any) -> Any:
    """Return a cell as it may be written: text that would be a formula gets an apostrophe in front, all else is unchanged."""
    if not isinstance(cell, str) or not FORMULA.match(cell) or NUMBER.match(cell):
        return cell
    return f"'{cell}"


def neutral_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose text cells, names of columns and of rows no spreadsheet runs; numbers and times are unchanged."""
    safe = table.copy(deep=False)
    for place, kind in enumerate(table.dtypes):
        if (
            isinstance(kind, pd.CategoricalDtype)
            or pd.api.types.is_object_dtype(kind)
            or pd.api.types.is_string_dtype(kind)
        ):
            safe.isetitem(place, table.iloc[:, place].astype(object).map(neutral))
    safe.columns = table.columns.map(neutral)
    if not pd.api.types.is_numeric_dtype(table.index.dtype) and table.index.nlevels == 1:
        safe.index = table.index.map(neutral)
    return safe
