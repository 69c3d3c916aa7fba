"""Data quality report: what was found in the bars of a data set, with the first bar and what it does to a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from candlelab.audit import anomalies
from candlelab.audit.anomalies import FEWEST, SymbolBars
from candlelab.core.candles import Candles
from candlelab.core.times import iso

MANY = 0.005  # share of bars from which what is harmless alone is not


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the bars of a symbol.

    kind   its name, such as "interpolated bars"
    bars   how many; share of all bars of the symbol
    first  open time of the first of them, ms UTC
    means  what it does to a verdict
    shakes whether it can change the verdict
    """

    kind: str
    symbol: str
    bars: int
    share: float
    first: int
    means: str
    shakes: bool

    def row(self) -> dict[str, Any]:
        """Plain values for json, the time as text."""
        return asdict(self) | {"first": iso(self.first)}

    def __str__(self) -> str:
        return f"{self.bars:,} {self.kind} of {self.symbol} ({100 * self.share:.2g} %, the first at {iso(self.first)}): {self.means}"


# kind -> (mask of the bars, fewest that count, share from which it shakes the verdict, what it means)
DETECTORS: dict[str, tuple[Callable[[SymbolBars], np.ndarray], int, float, str]] = {
    "linearly interpolated bars": (
        anomalies.interpolated,
        FEWEST,
        0.0,
        "each is made from the bar after it, so the future is in it",
    ),
    "forward-filled bars": (
        anomalies.repeated,
        FEWEST,
        0.0,
        "no such bar was traded, and nobody could have traded at its price",
    ),
    "bars without a trade": (
        anomalies.untraded,
        FEWEST,
        MANY,
        "filled forward, or a market that stood still; nobody could trade there",
    ),
    "bars with more decimals than the tick": (
        anomalies.off_tick,
        FEWEST,
        0.0,
        "no trade of this venue can have made them",
    ),
}


def suspicious_bars(candles: Candles) -> list[Finding]:
    """What the bars themselves give away, symbol by symbol."""
    return [
        finding
        for code in range(len(candles.symbols))
        for finding in _of_symbol(SymbolBars.of(candles, code), candles.symbols[code])
    ]


def _of_symbol(bars: SymbolBars, symbol: str) -> Iterator[Finding]:
    size = len(bars.time)
    if size < FEWEST:
        return
    for kind, (detect, fewest, shaking, means) in DETECTORS.items():
        rows = np.flatnonzero(detect(bars))
        if len(rows) >= fewest:
            yield Finding(
                kind, symbol, len(rows), len(rows) / size, int(bars.time[rows[0]]), means, len(rows) / size >= shaking
            )
    for first, end in anomalies.elsewhere(bars):
        means = "two jumps between close and open with other bars in between: returns there are a difference of venues"
        yield Finding(
            "bars of another venue", symbol, end - first, (end - first) / size, int(bars.time[first]), means, True
        )
    for row in anomalies.changed_feed(bars):
        means = "from there on prices jump and volumes stay on another level: the feed has changed its exchange"
        yield Finding(
            "bars of a changed feed", symbol, size - row, (size - row) / size, int(bars.time[row]), means, True
        )


# count in the reader's record -> (kind, share from which it shakes the verdict, what it means)
READER: dict[str, tuple[str, float, str]] = {
    "duplicates": ("identical copies", 1.0, "one of each was kept"),
    "conflicts": (
        "times with differing bars",
        0.0,
        "the most complete of each was kept; a copy stored before its bar closed knows less",
    ),
    "missing_bars": ("missing bars", 0.01, "no window, return or label crosses a hole"),
    "misaligned": ("bars off the grid", MANY, "they were dropped or moved"),
    "broken": ("impossible bars", MANY, "prices not positive or outside low and high; they were dropped"),
    "unfinished": ("unfinished bars", 1.0, "dropped: they had not closed when they were stored"),
}


def of_reader(records: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What the reader of the bars counted: `records` are rows of `anomalies.quality.Quality`."""
    return [finding for record in records for finding in _of_record(record)]


def _of_record(record: Mapping[str, Any]) -> Iterator[Finding]:
    size, symbol, firsts = max(1, record["rows"]), record["symbol"], record.get("firsts", {})
    for name, (kind, shaking, means) in READER.items():
        count = record[name]
        if count:
            first = int(firsts.get(name, record["first"]))
            yield Finding(kind, symbol, count, count / size, first, means, count / size >= shaking)
    relistings = record["relistings"]
    if relistings:
        means = "a re-listing or new unit: what follows is another asset under the same name, or the same one after a long pause"
        yield Finding(
            "new beginnings", symbol, len(relistings), len(relistings) / size, int(relistings[0]), means, True
        )


def order_of_parts(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Sentences on parts of the data that do not follow each other in time; parts as in a data card."""
    spans = {name: (str(part["first"]), str(part["last"])) for name, part in parts.items() if part.get("first")}
    said = []
    for earlier, later in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if earlier in spans and later in spans and spans[later][0] < spans[earlier][1]:
            said.append(
                f"the {later} period begins on {spans[later][0][:10]}, before the {_NAMES[earlier]} period ends "
                f"({spans[earlier][1][:10]}): what was learnt may stem from its future"
            )
    return said


_NAMES = {"train": "training", "validation": "validation"}
