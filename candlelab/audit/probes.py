"""Look-ahead detection: recompute what a component reads on counterfactual bars, and name the first value that changed.

A reader must say the same at a bar whatever comes after it, whatever lies before its warm-up, and on whichever side of a
gap or of another symbol it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from candlelab.audit.record import AuditFinding
from candlelab.audit.rewriting import GROUPS, after, at_clock, in_unit, pieces, reordered, rewritten
from candlelab.core.candles import Candles
from candlelab.core.times import iso

NOISE = 1e-9  # of a column's spread: rounding of sums over another number of bars
REACH = 400  # bars on each side of a border that are looked at
HOUR = 3_600_000


@dataclass(frozen=True)
class Reader:
    """Something computed at bars.

    component  its address in the config, such as data.indicators.
    columns    names of what it returns; one name for pictures and texts.
    read       (candles, rows (n,)) -> (n, …): numbers, uint8 pictures or texts.
    fading     share of a column's spread that what lies before the warm-up may still count for.
    """

    component: str
    columns: tuple[str, ...]
    read: Callable[[Candles, np.ndarray], np.ndarray]
    fading: float


@dataclass(frozen=True)
class FirstDifference:
    """The first value that changed: its place among the rows, its column, what it was and became, and how many rows changed."""

    place: int
    column: str
    before: str
    after: str
    rows: int

    @property
    def words(self) -> str:
        """The change in words."""
        return f"it was {self.before} and became {self.after} ({self.rows:,} bars changed)"


def difference(
    before: np.ndarray, now: np.ndarray, columns: Sequence[str], *, allowed: float
) -> FirstDifference | None:
    """Return the first difference of two answers (n, …), None if there is none; allowed: share of a column's spread."""
    unlike = _unlike(before, now, allowed)
    changed = np.flatnonzero(unlike.reshape(len(unlike), -1).any(1))
    if not len(changed):
        return None
    place = int(changed[0])
    spot = int(np.flatnonzero(unlike[place].reshape(-1))[0])
    width = int(np.prod(unlike.shape[1:], dtype=int))
    name = columns[spot] if len(columns) == width else columns[0] if columns else "value"
    was, became = (array.reshape(len(array), -1)[place, spot] for array in (before, now))
    told = _words_apart(str(was), str(became)) if before.dtype.kind in "OU" else (_told(was), _told(became))
    return FirstDifference(place, name, *told, rows=len(changed))


def _unlike(before: np.ndarray, now: np.ndarray, allowed: float) -> np.ndarray:
    if before.dtype.kind in "OU":
        return np.asarray(before != now).reshape(len(before), -1)
    if before.dtype == np.uint8:
        other = before != now
        few = other.reshape(len(other), -1).mean(1) <= (allowed if allowed > NOISE else 0.0)
        return other & ~few.reshape(-1, *([1] * (other.ndim - 1)))
    known = np.isfinite(before) & np.isfinite(now)
    spread = np.nanstd(np.where(np.isfinite(before), before, np.nan), axis=0) if len(before) else 0.0
    large = np.abs(np.where(known, before - now, 0.0)) > allowed * np.maximum(np.nan_to_num(spread), 1e-12) + 1e-12
    return large | (np.isfinite(before) != np.isfinite(now))


def _told(value) -> str:
    return str(value) if isinstance(value, (str, np.str_)) else f"{float(value):.6g}"


def _words_apart(before: str, now: str) -> tuple[str, str]:
    """The first words that differ, with the word before them: the field of a caption."""
    one, two = before.split(), now.split()
    k = next((k for k, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    first = max(0, k - 1)
    return f"'{' '.join(one[first : k + 1])}'", f"'{' '.join(two[first : k + 1])}'"


def where(candles: Candles, row: int) -> str:
    """Return a bar in words."""
    return f"{candles.symbols[candles.symbol[row]]} at {iso(int(candles.time[row]))}"


def cuts_in(candles: Candles, rows: np.ndarray, count: int) -> np.ndarray:
    """Return rows after which the future is rewritten, spread over rows (n,) in time: early ones, late ones, the last but one bar.

    The bars of the largest move, range and volume are among them: what looks ahead only on such bars is seen nowhere else.
    """
    order = rows[np.argsort(candles.time[rows], kind="stable")]
    spread = order[np.linspace(0, len(order) - 1, count + 2).astype(int)[1:-1]]
    first = order[min(2, len(order) - 1)]
    last = np.flatnonzero(candles.time < candles.time.max())
    return np.unique(
        np.r_[first, spread, _rare(candles, rows), last[np.argmax(candles.time[last])] if len(last) else order[-1]]
    )


def _rare(candles: Candles, rows: np.ndarray) -> np.ndarray:
    """The rows of the largest rise, fall, range and volume that have bars after them."""
    rows = rows[candles.time[rows] < candles.time.max()]
    before = np.maximum(rows - 1, 0)
    move = np.where(
        candles.segment[before] == candles.segment[rows], np.log(candles.close[rows] / candles.close[before]), 0
    )
    sizes = (move, -move, candles.high[rows] / candles.low[rows], candles.volume[rows])
    return np.array([rows[np.argmax(np.nan_to_num(size))] for size in sizes if len(rows)], np.int64)


def look_ahead(
    readers: Sequence[Reader], candles: Candles, rows: np.ndarray, cuts: np.ndarray, *, seed: int
) -> Iterator[AuditFinding]:
    """Yield one finding for each reader that changes before a cut when the bars after it are rewritten, or are not there."""
    answers = {reader.component: reader.read(candles, rows) for reader in readers}
    caught: set[str] = set()
    for number, cut in enumerate(cuts.tolist()):
        future = rewritten(candles, after(candles, candles.time[cut]), seed=seed + number)
        known = candles.time[rows] <= candles.time[cut]
        for reader in readers:
            if reader.component in caught or not known.any():
                continue
            now = reader.read(future, rows[known])
            found = difference(answers[reader.component][known], now, reader.columns, allowed=NOISE)
            if found is not None:
                caught.add(reader.component)
                yield _ahead(reader, candles, rows[known], cut, found, seed + number)
    yield from _cut_off([reader for reader in readers if reader.component not in caught], candles, rows, answers)


def _cut_off(
    readers: Sequence[Reader], candles: Candles, rows: np.ndarray, answers: dict[str, np.ndarray]
) -> Iterator[AuditFinding]:
    """Findings of readers that only know how many bars there are: their answers change when the later half is dropped."""
    middle = int(np.median(candles.time[rows])) if len(rows) else 0
    kept, known = ~after(candles, middle), candles.time[rows] <= middle
    if not known.any() or kept.all():
        return
    tape, ends = candles.select(kept), (np.cumsum(kept) - 1)[rows[known]]
    for reader in readers:
        found = difference(answers[reader.component][known], reader.read(tape, ends), reader.columns, allowed=NOISE)
        if found is not None:
            yield AuditFinding(
                "look-ahead",
                "leak",
                f"{reader.component}, {found.column}, {where(candles, int(rows[known][found.place]))}",
                f"{found.words} when the bars after {iso(middle)} were dropped: it knows where the bars end",
                f"make {found.column} from the bar itself and those before it only",
            )


def _ahead(
    reader: Reader, candles: Candles, rows: np.ndarray, cut: int, found: FirstDifference, seed: int
) -> AuditFinding:
    row = int(rows[found.place])
    future, before = after(candles, candles.time[cut]), reader.read(candles, rows)
    read = [
        group
        for group in GROUPS
        if difference(
            before,
            reader.read(rewritten(candles, future, seed=seed, groups=(group,)), rows),
            reader.columns,
            allowed=NOISE,
        )
    ]
    same = (candles.symbol == candles.symbol[row]) & (candles.time > candles.time[row]) & ~future
    ahead = int(same.sum()) + 1
    return AuditFinding(
        "look-ahead",
        "leak",
        f"{reader.component}, {found.column}, {where(candles, row)}",
        f"{found.words} when the bars after {iso(int(candles.time[cut]))} were rewritten: it reads "
        f"{' and '.join(read) or 'bars'} at least {ahead} bar{'s' * (ahead > 1)} ahead",
        f"make {found.column} from the bar itself and those before it only",
    )


def across_borders(
    readers: Sequence[Reader], candles: Candles, rows: np.ndarray, *, seed: int
) -> Iterator[AuditFinding]:
    """Yield one finding for each reader that reads bars of the segment before its own: over a gap or of another symbol."""
    starts = np.flatnonzero(np.diff(candles.segment, prepend=candles.segment[0]))
    inside = [start for start in starts.tolist() if ((rows >= start) & (rows < start + REACH)).any()]
    chosen = [inside[k] for k in sorted({0, len(inside) // 2, len(inside) - 1})] if inside else []
    caught: set[str] = set()
    for number, start in enumerate(chosen):
        beyond = np.zeros(len(candles), bool)
        beyond[max(0, start - REACH) : start] = True
        other = rewritten(candles, beyond, seed=seed + number)
        near = rows[(rows >= start) & (rows < start + REACH) & (candles.segment[rows] == candles.segment[start])]
        for reader in readers:
            if reader.component in caught or not len(near):
                continue
            found = difference(reader.read(candles, near), reader.read(other, near), reader.columns, allowed=NOISE)
            if found is not None:
                caught.add(reader.component)
                row = int(near[found.place])
                yield AuditFinding(
                    "segment border crossed",
                    "leak",
                    f"{reader.component}, {found.column}, {where(candles, row)}",
                    f"{found.words} when the bars before the border at {where(candles, start)} were rewritten",
                    "compute it segment by segment, and count its warm-up from the segment's first bar",
                )


def short_warmup(
    readers: Sequence[Reader], candles: Candles, rows: np.ndarray, bars: int, *, count: int
) -> Iterator[AuditFinding]:
    """Yield one finding for each reader that changes when everything before its window and warm-up, `bars` together, is dropped."""
    spread = rows[candles.position[rows] >= bars]
    if not len(spread):
        return
    step = max(1, len(spread) // max(1, count))
    tape, ends = pieces(candles, spread[::step], bars)
    kept = _rows_of(candles, tape, ends)
    for reader in readers:
        found = difference(reader.read(candles, kept), reader.read(tape, ends), reader.columns, allowed=reader.fading)
        if found is not None:
            yield AuditFinding(
                "warm-up too short",
                "leak",
                f"{reader.component}, {found.column}, {where(candles, int(kept[found.place]))}",
                f"{found.words} when all but the last {bars:,} bars, window and warm-up, were dropped: what a model reads in "
                "training is not what it reads live",
                f"declare a longer warm-up for {reader.component}, or let it forget sooner",
            )


def _rows_of(candles: Candles, tape: Candles, ends: np.ndarray) -> np.ndarray:
    """Return the rows of the whole tape on which the ends of the pieces stand."""
    key = candles.symbol.astype(np.int64) * 2**44 + candles.time
    return np.searchsorted(key, tape.symbol[ends].astype(np.int64) * 2**44 + tape.time[ends])


def order_of_symbols(readers: Sequence[Reader], candles: Candles, rows: np.ndarray) -> Iterator[AuditFinding]:
    """Yield one finding for each reader that depends on the order in which the symbols stand."""
    if len(candles.symbols) < 2:
        return
    tape, order = reordered(candles)
    moved = np.argsort(order)[rows]
    for reader in readers:
        found = difference(reader.read(candles, rows), reader.read(tape, moved), reader.columns, allowed=1e-6)
        if found is not None:
            yield AuditFinding(
                "depends on the order of symbols",
                "leak",
                f"{reader.component}, {found.column}, {where(candles, int(rows[found.place]))}",
                f"{found.words} when the symbols stood in another order",
                "compute it symbol by symbol",
            )


def units_and_clock(readers: Sequence[Reader], candles: Candles, rows: np.ndarray) -> Iterator[AuditFinding]:
    """Yield a note for each reader that knows the price level or the hour: no leak, but a period can be told by it."""
    asked = (
        ("knows the price level", in_unit(candles, 1000.0), "when prices were told in thousandths"),
        ("knows the time of day", at_clock(candles, 5 * HOUR), "when the clock was put forward by five hours"),
    )
    for name, tape, how in asked:
        for reader in readers:
            found = difference(reader.read(candles, rows), reader.read(tape, rows), reader.columns, allowed=1e-4)
            if found is not None:
                yield AuditFinding(
                    name,
                    "note",
                    f"{reader.component}, {found.column}",
                    f"{found.words} {how}: a net can tell the period by it",
                    "no leak; read scores by period, or use inputs without scale",
                )
