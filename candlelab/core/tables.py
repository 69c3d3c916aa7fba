"""Readers of tables that may be damaged or hostile: predictions (Parquet) and epochs (CSV), under limits."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from candlelab.core.reading import CURE, Unreadable, size_of, text_of

if TYPE_CHECKING:
    import pandas as pd

LARGEST_TABLE, MOST_ROWS = 8 << 30, 200_000_000  # bytes, unpacked too
# Column of a table of predictions -> kinds of its values, as NumPy names them; p_0 … p_{K-1} are floats too.
TABLE = {
    "model": "OUT",
    "symbol": "OUT",
    "split": "OUT",
    "time": "i",
    "label": "i",
    "forward_return": "f",
    "bar_return": "f",
    "sigma": "f",
    "segment": "i",
    "forecast": "f",
}
TEXTS = frozenset(name for name, kinds in TABLE.items() if kinds == "OUT")
TRADED, EARNED, SIDES = ("symbol", "entry", "exit", "side"), ("bars", "gross", "fee", "net"), ("long", "short")
EVALUATED = ("validation", "test")


def predictions_of(path: Path, *, classes: int, cure: str = CURE) -> pd.DataFrame:
    """Return a table of predictions of so many classes. Raises Unreadable if a column is missing, of another kind, or out of range."""
    import pyarrow as pa

    try:
        check_parquet(path, rows=MOST_ROWS, cure=cure)
        table = _with_short_names(_read(path))
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError, TypeError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(path, f"is damaged ({' '.join(str(error).split())[:120]})", cure) from None
    return_unused()
    trouble = _trouble(table, classes)
    if trouble:
        raise Unreadable(path, f"is damaged ({trouble})", cure)
    return table


def _read(path: Path) -> pd.DataFrame:
    """Return a Parquet file, column by column: a table is never held twice."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        table: pd.DataFrame = file.read().to_pandas(split_blocks=True, self_destruct=True)
    return table.reset_index(drop=True)


def return_unused() -> None:
    """Give the system the memory that Arrow has freed: it keeps as much as the largest table took."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _with_short_names(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which names are numbers of sorted categories, as they sort as texts; an older file holds one text a row."""
    for name in TEXTS.intersection(table):
        if table[name].dtype.kind in TABLE[name]:
            column = table[name].astype("category")
            table[name] = column.cat.set_categories(sorted(column.cat.categories))
    return table


def _type_of(column: pd.Series) -> Any:
    """The type of a column's values, those of its categories where it has some."""
    return column.cat.categories.dtype if column.dtype == "category" else column.dtype


def check_parquet(path: Path, *, rows: int, cure: str = CURE) -> None:
    """Raise Unreadable if a Parquet file says that it has more rows, or more than 8 GB unpacked; ArrowException if it is none."""
    from pyarrow import parquet

    size_of(path, most=LARGEST_TABLE, cure=cure)
    with parquet.ParquetFile(path) as file:
        told = file.metadata
        unpacked = sum(told.row_group(k).total_byte_size for k in range(told.num_row_groups))
        if told.num_rows > rows or unpacked > LARGEST_TABLE:
            raise Unreadable(
                path, f"says that it has {told.num_rows:,} rows and {unpacked:,} bytes unpacked, too many", cure
            )


def metrics_of(path: Path, *, cure: str = CURE) -> pd.DataFrame:
    """Return a table of metrics (CSV), one named row each. Raises Unreadable."""
    import numpy as np
    import pandas as pd

    try:
        table = pd.read_csv(io.StringIO(text_of(path, cure=cure)), index_col=0)
    except (ValueError, OverflowError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(path, f"is no table of metrics ({error})", cure) from None
    if any(kind.kind not in "if" for kind in table.dtypes) or np.isinf(table.to_numpy(float)).any():
        raise Unreadable(path, "is damaged (a metric is no number)", cure)
    return table.rename(index=str)


def read_trades(path: Path, *, cure: str = CURE) -> pd.DataFrame:
    """Return a table of trades (CSV). Raises Unreadable."""
    import pandas as pd

    try:
        table = pd.read_csv(io.StringIO(text_of(path, most=LARGEST_TABLE, cure=cure)))
    except (ValueError, OverflowError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(path, f"is no table of trades ({error})", cure) from None
    trouble = _trouble_of_trades(table)
    if trouble:
        raise Unreadable(path, f"is no table of trades ({trouble})", cure)
    return table


def epochs_of(path: Path, *, cure: str = CURE) -> list[dict[str, float]]:
    """Return the rows of a table of epochs, what was not measured left out. Raises Unreadable."""
    try:
        rows = list(csv.DictReader(io.StringIO(text_of(path, cure=cure)), strict=True))
        found = [{name: float(text) for name, text in row.items() if text} for row in rows if row.get("epoch")]
    except (csv.Error, ValueError, TypeError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(path, f"is no table of epochs ({error})", cure) from None
    if not all(0 <= row["epoch"] < MOST_ROWS for row in found):
        raise Unreadable(path, "is no table of epochs (an epoch has no number)", cure)
    return found


def _trouble_of_trades(table: pd.DataFrame) -> str | None:
    import numpy as np

    absent = next((name for name in (*TRADED, *EARNED) if name not in table), None)
    if absent:
        return f"the column {absent} is missing"
    wrong = next((name for name in EARNED if len(table) and table[name].dtype.kind not in "if"), None)
    if wrong or not np.isfinite(table[list(EARNED)].to_numpy(float)).all():
        return f"{wrong or 'a return'} is no number"
    return None if table["side"].isin(SIDES).all() else "a side is neither long nor short"


def _trouble(table: pd.DataFrame, classes: int) -> str | None:
    """Return why a table is none of the predictions of so many classes; None if it is."""
    import numpy as np

    chances = [f"p_{k}" for k in range(classes)]
    for name, kinds in (TABLE | dict.fromkeys(chances, "f")).items():
        if name not in table:
            return f"the column {name} is missing"
        if _type_of(table[name]).kind not in kinds:
            return f"the column {name} is of {_type_of(table[name])}"
    if not all(table[name].between(0, 1).all() for name in chances):
        return "a probability is not between 0 and 1"
    if not table.label.between(-1, classes - 1).all() or any(
        np.isinf(table[name]).any() for name in ("forward_return", "bar_return", "sigma", "forecast")
    ):
        return "a label or a return is out of range"
    absent = next((part for part in EVALUATED if not ((table.model == "net") & (table.split == part)).any()), None)
    return absent and f"it has no row of the net on {absent}"
