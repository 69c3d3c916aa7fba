"""What every made-up market shares: how many bars, how restless, under which names, when, and one tape of all of them."""

from __future__ import annotations

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.interval import MONTH, grid_offset, interval_ms

FIRST = 1_577_836_800_000  # ms UTC, 2020-01-01: where a market begins when no start is asked
MOST_BARS = 50_000_000  # of all symbols; 2 GB of prices
CALMEST, WILDEST = 1e-6, 0.05


def check_bars(count: float, setting: str) -> None:
    """Raise UserError unless there is at least one bar and no more than can be held; infinity where the end decides."""
    if not 1 <= count <= MOST_BARS and count != float("inf"):
        raise UserError(f"{setting} is {count:,.0f}; set it to 1 or more, and at most {MOST_BARS:,}.")


def check_volatility(volatility: float) -> None:
    """Raise UserError unless prices move, and by less than they are worth."""
    if not CALMEST <= volatility <= WILDEST:
        raise UserError(f"volatility is {volatility}; set it between {CALMEST} and {WILDEST}.")


def market_names(symbols: list[str], bars: int) -> list[str]:
    """Return the names of the markets to make, sorted; raises UserError for none, or for more bars than can be held."""
    names = sorted(set(symbols))
    if not names:
        raise UserError("data.symbols is []: name at least one made-up market, such as data.symbols=[SIM].")
    check_bars(len(names) * bars, f"data.symbols asks for {len(names):,} markets of {bars:,} bars: their sum")
    return names


def open_times(interval: str, start: int | None, end: int | None, bars: int | None) -> np.ndarray:
    """Return the open times of a made-up market, ms UTC, int64: on the interval's grid, start <= time < end, at most `bars`.

    Raises UserError if neither `bars` nor `end` says where to stop, for an empty range, or for more bars than can be held.
    """
    if interval == MONTH:
        raise UserError("a made-up market has no monthly bars; set data.interval to 1w or shorter.")
    if end is None and bars is None:
        raise UserError("a made-up market needs an end; set data.source.bars or data.end.")
    step, offset = interval_ms(interval), grid_offset(interval)
    begin = FIRST if start is None else start
    first = offset - ((offset - begin) // step) * step  # the first time on the grid that is not before it
    most = np.inf if bars is None else bars
    wanted = most if end is None else min(most, max(0, -(-(end - first) // step)))
    if wanted < 1:
        raise UserError("the made-up market has no bar in the asked range; set data.end after data.start.")
    check_bars(wanted, "data.source.bars, or the number of bars from data.start to data.end,")
    return first + np.arange(int(wanted), dtype=np.int64) * step


def markets_side_by_side(
    names: list[str], interval: str, time: np.ndarray, columns: list[dict[str, np.ndarray]]
) -> Candles:
    """Return one tape of markets that share their times; columns holds open, high, low, close and volume of each market."""
    return Candles.build(
        symbols=tuple(names),
        intervals=(interval,) * len(names),
        symbol=np.repeat(np.arange(len(names), dtype=np.int32), len(time)),
        time=np.tile(time, len(names)),
        **{key: np.concatenate([column[key] for column in columns]) for key in columns[0]},
    )
