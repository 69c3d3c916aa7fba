"""One's own bars with the direction of every bar drawn anew: worlds without an edge, or with one of known size.

A bar is kept or mirrored in log price against the close before it: its size, its shadows, its volume and its place in time stay,
and so do volatility, gaps and, because all symbols are mirrored at the same instants, how they move together. Without an edge
each direction is a fair coin (sign flips as in a randomisation test: Fisher 1935; wild bootstrap: Wu 1986). With one,
P(up) = 0.5 + edge · lean of the bars before it, as in the planted markets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from candlelab.core.bayes import best_possible
from candlelab.core.blocks import at_rows
from candlelab.core.candles import Candles, rows_of
from candlelab.core.compiled import compiled
from candlelab.core.contracts import Inspected, Source
from candlelab.core.errors import UserError
from candlelab.data.source.planted import WORLDS, lean_at, leans, prices_of

RULES = tuple(name for name in WORLDS if name != "calendar")


class Mirrored:
    """The bars of another source, each mirrored or not.

    world   its number; the same one always gives the same bars.
    block   bars that are mirrored together; with more than 1, what the order of signs inside a block tells is kept.
    rule    none, or what leans (as in the planted markets); edge: what a full lean adds to P(up) = 0.5.
    feature_window  bars that place and volume look at.
    """

    source: Source
    world: int
    block: int
    edge: float
    feature_window: int

    def __init__(
        self,
        *,
        source: Source,
        world: int,
        block: int,
        rule: Literal["place", "reversal", "shape", "volume", "order", "mixture", "none"],
        edge: float,
        feature_window: int,
    ) -> None:
        if world < 0 or block < 1:
            raise UserError(f"world is {world} and block {block}; set them to 0 or more, and to 1 bar or more.")
        if rule not in RULES:
            raise UserError(f"rule is {rule!r}; choose one of {', '.join(RULES)}.")
        if not 0 <= edge <= 0.5:
            raise UserError(f"edge is {edge}; set it between 0 and 0.5.")
        if edge and (rule == "none" or block > 1):
            raise UserError(
                f"edge is {edge} with rule={rule} and block={block}; an edge wants a rule and blocks of 1 bar."
            )
        if feature_window < 2:
            raise UserError(f"feature_window is {feature_window}; set it to 2 bars or more.")
        self.source, self.world, self.block = source, world, block
        self.rule, self.edge, self.feature_window = rule, edge, feature_window

    @property
    def _leaning(self) -> tuple[int, float, int]:
        return WORLDS.index(self.rule), self.edge, self.feature_window

    @property
    def quality(self) -> list[Any]:
        """What was wrong with the bars that were mirrored."""
        return list(self.source.quality) if isinstance(self.source, Inspected) else []

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """The bars of the source, mirrored."""
        tape = self.source.fetch(symbols, interval, start, end)
        instants, place = np.unique(tape.time, return_inverse=True)
        coin = np.random.default_rng([self.world, 77]).random(-(-len(instants) // self.block))
        coins = np.repeat(coin, self.block)[: len(instants)][place]
        opened, high, low, close, volume = (np.array(column, float) for column in prices_of(tape))
        columns = (opened, high, low, close, volume, tape.position, coins)
        for code in range(len(tape.symbols)):
            mine = [column[rows_of(tape.symbol, code)] for column in columns]
            _mirror(mine[0], mine[1], mine[2], mine[3], mine[4], mine[5], mine[6], *self._leaning)
        turned = (close > opened) != (tape.close > tape.open)
        made = replace(tape, open=opened, high=high, low=low, close=close)
        return replace(
            made,
            taker_buy_base=_bought(tape.taker_buy_base, tape.volume, turned),
            taker_buy_quote=_bought(tape.taker_buy_quote, tape.quote_volume, turned),
        )

    def bayes(self, candles: Candles) -> np.ndarray:
        """Probability that the next close is higher, knowing the rule; (N,), NaN in the first bars of a segment."""
        if self.rule == "none":
            return np.full(len(candles), 0.5)
        lean = leans(WORLDS.index(self.rule), *prices_of(candles), candles.position, self.feature_window)
        return 0.5 + self.edge * lean

    def optimum(self, candles: Candles, rows: np.ndarray) -> dict[str, float]:
        """Best expected accuracy and AUROC on the given rows for the direction of the next bar; NaN rows are left out."""
        return best_possible(at_rows(self.bayes, candles, rows))


def _bought(taken: np.ndarray | None, whole: np.ndarray | None, turned: np.ndarray) -> np.ndarray | None:
    """What takers bought: where a bar is mirrored, what they sold."""
    return None if taken is None or whole is None else np.where(turned, whole - taken, taken)


@compiled
def _mirror(open_, high, low, close, volume, position, coin, kind, edge, feature_window):
    """Replace the prices of one symbol from the first row to the last; a segment's first open keeps its distance to the bar before."""
    before, was = open_[0], open_[0]
    for t in range(close.shape[0]):
        if position[t] == 0:
            before, was = before * open_[t] / was, open_[t]
        opened, top, bottom, closed = open_[t] / was, high[t] / was, low[t] / was, close[t] / was
        was = close[t]
        lean = 0.0
        if edge > 0.0 and position[t] > feature_window:
            lean = lean_at(kind, open_, high, low, close, volume, t - 1, feature_window)
        up = closed >= 1.0
        p = 0.5 + edge * lean
        if coin[t] < (p if up else 1.0 - p):  # where nothing leans, all symbols are mirrored by the same coin
            open_[t], high[t], low[t], close[t] = before * opened, before * top, before * bottom, before * closed
        else:
            open_[t], high[t], low[t], close[t] = before / opened, before / bottom, before / top, before / closed
        before = close[t]
