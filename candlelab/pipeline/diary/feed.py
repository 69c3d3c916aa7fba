"""Market data feed of a diary: the newest closed bars of a symbol, asked of the exchange itself, and the exchange's time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from omegaconf import DictConfig

from candlelab.config import ConfigError, build, plain
from candlelab.core.candles import Candles
from candlelab.core.contracts import AsksMarket
from candlelab.core.interval import floor_open, interval_ms, next_open
from candlelab.data.tape import checked_intervals
from candlelab.pipeline.inputs.new_candles import SPARE, fetch_settings, replacements
from candlelab.pipeline.inputs.stored import InputMaker


@dataclass(frozen=True)
class AskedNow:
    """A source that asks its market each time."""

    market: AsksMarket

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the finished bars with start <= open time < end, ms UTC, as the market gives them at this moment."""
        return self.market.live(symbols, interval, start, end)


class Feed:
    """Bars of the symbols that a diary follows.

    maker  of the run's inputs; cfg and given: of this command, whose data/source, data.symbols and data.interval replace the run's.
    Raises ConfigError where the market is a file or made up: it does not go on.
    """

    maker: InputMaker

    def __init__(self, maker: InputMaker, cfg: DictConfig, given: list[str]):
        self.maker, self._data = maker, plain(maker.recipe)["data"] | replacements(cfg, given)
        self._fetched: str = checked_intervals(self._data["interval"], self._data["resample"])[0]
        self._source: AsksMarket | None = None
        _ = self.source

    @property
    def source(self) -> AsksMarket:
        """The exchange; a new one after `forget`."""
        if self._source is None:
            made = build({"data": {"source": self._data["source"]}}, "data.source")
            if not isinstance(made, AsksMarket):
                raise ConfigError(
                    "a diary follows a market that goes on, and this run's bars come from a file or are made up: "
                    "add data/source=binance_vision (or binance_api, ccxt), data.symbols=[…] and data.interval=…"
                )
            self._source = made
        return self._source

    def forget(self) -> None:
        """Make a new connection at the next request: a ban or a broken session is not remembered."""
        self._source = None

    @cached_property
    def interval(self) -> str:
        """Of the bars that are predicted on."""
        return self._data["resample"] or self._fetched

    @property
    def symbols(self) -> list[str]:
        """What is followed."""
        return list(self._data["symbols"])

    def opened(self, closed: int) -> int:
        """Return when the bar opened that closes at a moment of the grid, ms UTC."""
        return int(floor_open(closed - 1, self.interval))

    def closes(self, opened: int) -> int:
        """Return when the bar that opens at a moment of the grid closes, ms UTC."""
        return int(next_open(np.array([opened]), self.interval)[0])

    def newest_close(self, now: int) -> int:
        """Return when the newest bar that is closed at a moment did close, ms UTC."""
        return int(floor_open(now, self.interval))

    def tape(self, symbol: str, first: int, until: int, *, before: int = 0) -> Candles:
        """Return the bars of a symbol that open in [first, until), ms UTC, and those that a window before them needs.

        before  fewest bars before `first`.
        """
        start = first - max(self.maker.bars + SPARE, before) * interval_ms(self.interval)
        span: dict[str, Any] = {"symbols": [symbol], "start": _words(start), "end": _words(until)}
        return fetch_settings(AskedNow(self.source), self._data | span)


def _words(ms: int) -> str:
    return str(np.datetime64(int(ms), "ms"))
