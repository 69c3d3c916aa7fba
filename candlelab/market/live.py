"""Newest finished bars from an exchange's REST interface, past every cache: what watches a market asks this."""

from __future__ import annotations

import numpy as np

from candlelab.core.candles import Candles, concat
from candlelab.core.errors import DataTrouble, UserError
from candlelab.core.interval import check_interval
from candlelab.core.times import iso
from candlelab.market.collect import CacheFolders
from candlelab.market.merge import Bars, join
from candlelab.market.quality import Quality, break_at_relistings, clean_bars
from candlelab.market.series import check_symbols, unknown
from candlelab.market.web import UnknownSymbol


class LiveBars:
    """Adds `live` and `market_time` to a source that has an exchange behind it.

    A cache takes a range that was asked for as known: a bar that came late would be a gap for ever. Here nothing is kept.
    """

    places: CacheFolders
    misaligned: str

    def market_time(self) -> int:
        """Return the exchange's time, ms UTC, asked anew each time. Raises DataTrouble or ExchangeRefuses."""
        self.places.rest.ask_time_again()
        return self.places.rest.now()

    def live(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the finished bars with start <= open time < end, ms UTC, as the exchange gives them at this moment.

        Raises UserError for an unknown symbol, DataTrouble or ExchangeRefuses where the exchange gives none.
        """
        interval, names = check_interval(interval), check_symbols(symbols)
        tapes = [self._series(name, interval, start, end) for name in names]
        return break_at_relistings(tapes[0] if len(tapes) == 1 else concat(tapes))

    def _series(self, name: str, interval: str, start: int | None, end: int | None) -> Candles:
        rest, first = self.places.rest, self.places.begins if start is None else start
        until = rest.now() if end is None else end
        try:
            bars: Bars = join([page for page, _ in rest.pages(name, interval, first, until)])
        except UnknownSymbol:
            raise UserError(unknown(self.places, name)) from None
        if not len(bars["time"]):
            raise DataTrouble(
                f"the exchange has no finished {interval} bar of {name} from {iso(first)} to {iso(until)}"
            )
        bars = clean_bars(bars, Quality(name, interval), now=rest.now(), misaligned=self.misaligned)
        return Candles.build(
            symbols=(name,), intervals=(interval,), symbol=np.zeros(len(bars["time"]), np.int32), **bars
        )
