"""Bars in JSON as bots store and exchanges answer: lists of objects, lists of rows, objects of columns, at any depth."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from candlelab.core.columns import PRICES
from candlelab.core.errors import UserError
from candlelab.market.columns import Columns, names_without_header

FEWEST = 1 + len(PRICES)  # columns of a bar: time and prices


def table_in(value: Any, columns: Columns, place: str) -> pa.Table:
    """Return the first table of bars in a parsed JSON value; raises UserError if it holds none."""
    table = _search(value, columns, place)
    if table is None:
        raise UserError(
            f"{place} is json but no list of bars: write one object per line with open_time, open, high, low, close, volume"
        )
    return table


def _search(value: Any, columns: Columns, place: str) -> pa.Table | None:
    if isinstance(value, list):
        return _of_rows(value, columns, place)
    if not isinstance(value, dict):
        return None
    lists = {name: own for name, own in value.items() if isinstance(own, list) and own and not _nested(own)}
    longest = max(map(len, lists.values()), default=0)
    whole = {name: own for name, own in lists.items() if len(own) == longest}
    if len(whole) >= FEWEST:
        return pa.table(whole)
    return next((found for own in value.values() if (found := _search(own, columns, place)) is not None), None)


def _nested(values: list[Any]) -> bool:
    return isinstance(values[0], list | dict)


def _of_rows(rows: list[Any], columns: Columns, place: str) -> pa.Table | None:
    if rows and all(isinstance(row, list) for row in rows) and len({len(row) for row in rows}) == 1:
        names = _named(rows, names_without_header(len(rows[0]), columns, place))
        rows = [dict(zip(names, row, strict=True)) for row in rows]
    if not rows or not all(isinstance(row, dict) for row in rows):
        return None
    return pa.Table.from_pylist(rows)


def _named(rows: list[list[Any]], names: list[str]) -> list[str]:
    """Kraken answers with the mean price before the volume: a sixth number that is between low and high in every bar."""
    if len(names) != 8 or not all(_is_mean_price(row) for row in rows):
        return names
    return [*names[:5], "vwap", "volume", "trades"]


def _is_mean_price(row: list[Any]) -> bool:
    try:
        high, low, mean = (float(row[k]) for k in (2, 3, 5))
    except (TypeError, ValueError):
        return False
    return low <= mean <= high or mean == 0  # 0 in a bar without a trade
