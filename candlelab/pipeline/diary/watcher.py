"""Forward test: waits until bars close, asks the model, and writes one line per bar into the diary before the outcome is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from candlelab.core.candles import Candles
from candlelab.core.clock import Clock
from candlelab.core.errors import DataTrouble, ExchangeRefuses, UserError
from candlelab.core.hash_chain import HashChain
from candlelab.core.times import iso
from candlelab.pipeline.diary.feed import Feed
from candlelab.pipeline.diary.lines import (
    Author,
    Moment,
    checked_lines,
    is_written,
    last_bar,
    same_series,
    silent_line,
    told_line,
    window_hash,
)

Line = dict[str, Any]
SETTLE = 1.0  # seconds after a close before the exchange is asked
SLICE = 30.0  # longest sleep in one piece: a machine that was suspended looks at the clock again
LONGEST_PAUSE = 30.0  # seconds between two tries
SHARE_OF_BAR = 0.5  # of a bar is the longest that its answer is waited for: the next one has its turn


@dataclass
class Watcher:
    """Writes the lines of one run; each symbol for itself, so that one that fails keeps no other from its line.

    answer    (tape, close of the bar in ms UTC) -> the row of `signals` for the one symbol of the tape.
    patience  seconds after a close in which a bar that is late, or an exchange that is silent, is asked for again.
    told      is called with each new line, after it is on the disk.
    Nothing is remembered between bars but how far our clock is ahead: what is written is read from the diary.
    """

    author: Author
    classes: tuple[str, ...]
    feed: Feed
    chain: HashChain
    clock: Clock
    answer: Callable[[Candles, int], Mapping[str, Any]]
    patience: float
    told: Callable[[Line], None]
    _ahead: int | None = field(default=None, init=False)

    def once(self) -> int:
        """Write the lines of the newest closed bar, and of the bars nobody watched since the last line; return its close, ms UTC."""
        self._measure()
        closed = self.feed.newest_close(self._now())
        self._bar(closed)
        return closed

    def run(self) -> None:
        """Write the lines of every bar as it closes, until the process is ended."""
        while True:
            self._sleep_until(self.feed.closes(self.once()) + int(1000 * SETTLE))

    def _now(self) -> int:
        return self._moment().true

    def _moment(self) -> Moment:
        return Moment(self.clock.now(), self._ahead)

    def _measure(self) -> str | None:
        """Ask the exchange for its time; return why that failed, if so."""
        try:
            asked = self.feed.source.market_time()
        except (DataTrouble, ExchangeRefuses) as error:
            self.feed.forget()
            return str(error)
        self._ahead = self.clock.now() - asked
        return None

    def _sleep_until(self, moment: int) -> None:
        while (left := moment - self._now()) > 0:
            self.clock.sleep(min(left / 1000, SLICE))

    def _bar(self, closed: int) -> None:
        """Write one line per symbol for the bar that closes at a moment, and lines for what was missed before it."""
        opened = self.feed.opened(closed)
        there = checked_lines(self.chain.read().entries)
        due = [s for s in self.feed.symbols if not is_written(self._silent(s, opened, closed, ""), there)]
        self._write([line for symbol in due for line in self._missed(symbol, opened, there)])
        late = min(1000 * self.patience, SHARE_OF_BAR * (closed - opened))
        end, pause = max(closed, self._now()) + late, 1.0
        while due:
            due = self._asked(due, opened, closed, last=self._now() >= end)
            if due:
                self.clock.sleep(min(pause, max(0.0, (end - self._now()) / 1000)))
                pause = min(2 * pause, LONGEST_PAUSE)

    def _missed(self, symbol: str, opened: int, there: Sequence[Mapping[str, Any]]) -> list[Line]:
        """Return a line on the bars that closed unseen between the symbol's last line and a bar; none for its first."""
        one = self._silent(symbol, opened, opened, "")
        seen = [last_bar(line) for line in there if same_series(line, one)]
        if not seen or self.feed.closes(max(seen)) >= opened:
            return []
        first, last = self.feed.closes(max(seen)), self.feed.opened(opened)
        why = f"nothing was watching when the bars of {iso(first)} to {iso(last)} closed"
        return [self._silent(symbol, first, opened, why, until=last)]

    def _asked(self, symbols: list[str], opened: int, closed: int, *, last: bool) -> list[str]:
        """Write what can be said of the symbols; return those to ask for again."""
        again = []
        trouble = self._measure()
        for symbol in symbols:
            line, why, final = (None, trouble, False) if trouble else self._said(symbol, opened, closed)
            if line is None and not final and not last:
                again.append(symbol)
            else:
                self._write([line or self._silent(symbol, opened, closed, why)])
        return again

    def _said(self, symbol: str, opened: int, closed: int) -> tuple[Line | None, str, bool]:
        """Return (line of an answer or None, why there is none, whether asking again is in vain)."""
        try:
            tape = self.feed.tape(symbol, opened, closed)
        except (DataTrouble, ExchangeRefuses) as error:
            self.feed.forget()
            return None, str(error), isinstance(error, ExchangeRefuses)
        if tape.time[-1] != opened:
            return (
                None,
                f"the bar that closed at {iso(closed)} is not there (the newest opened {iso(tape.time[-1])})",
                False,
            )
        try:
            said = self.answer(tape, closed)
        except UserError as error:
            return None, str(error), True
        if said["class"] is None:
            return None, str(said["reason"]), True
        bars = window_hash(tape, len(tape) - 1, self.feed.maker.bars)
        line = told_line(self.author, self.feed.interval, said, self.classes, bars=bars, at=self._moment())
        return line, "", True

    def _silent(self, symbol: str, opened: int, closed: int, why: str, *, until: int | None = None) -> Line:
        last = opened if until is None else until
        interval = self.feed.interval
        return silent_line(self.author, symbol, interval, opened, closed, why, at=self._moment(), until=last)

    def _write(self, lines: list[Line]) -> None:
        for line in self.chain.append_unless(lines, is_written) if lines else []:
            self.told(line)
