"""Candles with a known chart pattern in them: an endless, balanced, seeded source for recognition.

Every sample is a short history of its own: a noisy path drawn through the pattern's knots, cut into bars with consistent
highs, lows and volume. Size, place, length, tilt, price and volume scale are drawn from the same distributions for every
class. The tape holds one segment per sample; its symbol is the name of the pattern.
"""

from __future__ import annotations

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.compiled import compiled
from candlelab.core.errors import UserError
from candlelab.core.interval import MONTH, check_interval, grid_offset, interval_ms
from candlelab.data.made_up import check_bars
from candlelab.data.source.chart_shapes import NAMES, PATTERNS

FIRST = 1_577_836_800_000  # 2020-01-01
STEPS = 8  # steps of the path inside a bar


class Patterns:
    """Samples of ten chart patterns, and of none if asked, in equal shares and random order.

    samples      samples altogether; they follow each other in time, so a split by time is balanced too.
    window       bars that hold the pattern; `history` bars of unrelated walk come before them, for moving averages.
    difficulty   0 (clean) to 1 (drowned): noise beside the pattern's height and how far its knots are displaced.
    none         True adds the class `none`.
    """

    from_settings_alone = True
    seed: int
    samples: int
    window: int
    history: int
    difficulty: float

    def __init__(self, *, seed: int, samples: int, window: int, history: int, difficulty: float, none: bool):
        check_bars(samples, "samples")
        if window < 20:
            raise UserError(f"a chart pattern needs a window of 20 bars or more, not {window}; set data.window.")
        if history < 0:
            raise UserError(f"history is {history} bars; set it to 0 or more.")
        check_bars(
            samples * (window + history), f"samples is {samples:,}: their bars, with {history} before each window,"
        )
        if not 0 <= difficulty <= 1:
            raise UserError(f"difficulty is {difficulty}; set it between 0 and 1.")
        self.seed, self.samples, self.window, self.history, self.difficulty = seed, samples, window, history, difficulty
        self.names: tuple[str, ...] = NAMES if none else NAMES[:-1]

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """The samples of epoch 0 as one tape; `symbols` limits the patterns (empty: all), `start` is where time begins.

        Raises UserError for a symbol that is no pattern.
        """
        unknown = sorted(set(symbols) - set(self.names))
        if unknown:
            raise UserError(
                f"data.symbols asks for {', '.join(unknown)}, and the patterns are {', '.join(self.names)}; set it to []."
            )
        if check_interval(interval) == MONTH:
            raise UserError("chart patterns have no monthly bars; set data.interval to 1w or shorter.")
        wanted = [NAMES.index(name) for name in self.names if not symbols or name in symbols]
        classes = self._order(np.asarray(wanted))
        columns = self._draw(np.arange(self.samples), classes, epoch=0)
        step, offset = interval_ms(interval), grid_offset(interval)
        first = offset - ((offset - (FIRST if start is None else start)) // step) * step
        numbers = np.arange(self.samples)[:, None] * (self._length + 1) + np.arange(self._length)
        return Candles.build(
            symbols=self.names,
            intervals=(interval,) * len(self.names),
            symbol=np.repeat(classes, self._length).astype(np.int32),
            time=first + numbers.ravel() * step,
            **dict(zip(OHLCV, columns, strict=True)),
        )

    def redraw(self, candles: Candles, ends: np.ndarray, epoch: int) -> None:
        """Replace the samples that end at rows `ends` by new ones of the same classes, in place: a stream without end.

        Epoch 0 brings the first samples back; each epoch has its own.
        """
        rows = np.sort(ends)[:, None] + np.arange(1 - self._length, 1)
        step = np.diff(candles.time[rows[0, :2]])[0]
        numbers = (candles.time[rows[:, 0]] - candles.time.min()) // (step * (self._length + 1))
        columns = self._draw(numbers, candles.symbol[rows[:, 0]], epoch)
        for name, column in zip(OHLCV, columns, strict=True):
            getattr(candles, name)[rows.ravel()] = column

    @property
    def _length(self) -> int:
        return self.window + self.history

    def _order(self, wanted) -> np.ndarray:
        """Class of each sample: every block of K samples holds each class once."""
        rng = np.random.default_rng([self.seed, 0])
        blocks = -(-self.samples // len(wanted))
        return wanted[rng.permuted(np.tile(np.arange(len(wanted)), (blocks, 1)), axis=1).ravel()[: self.samples]]

    def _draw(self, numbers, classes, epoch) -> list[np.ndarray]:
        """Open, high, low, close, volume of some samples, each (samples * length,)."""
        columns = [np.empty((len(numbers), self._length)) for _ in OHLCV]
        for place, (number, pattern) in enumerate(zip(numbers.tolist(), classes.tolist(), strict=True)):
            rng = np.random.default_rng([self.seed, 1, epoch, number])
            path, busy, noise = self._path(PATTERNS[pattern](rng), rng)
            prices = np.exp(rng.uniform(-3, 11) + rng.uniform(0.01, 0.2) * path)
            unit = noise * np.log(prices.max() / prices.min()) / np.ptp(path)
            inside = rng.standard_normal((self._length, STEPS))
            columns[0][place], columns[3][place] = prices[:-1], prices[1:]
            _wicks(prices, unit * rng.uniform(0.7, 1.3), inside, columns[1][place], columns[2][place])
            columns[4][place] = np.exp(rng.uniform(0, 10)) * busy
        return [column.ravel() for column in columns]

    def _path(self, shape, rng) -> tuple[np.ndarray, np.ndarray, float]:
        """Log path (length + 1,) in pattern heights, volume (length,), and the noise of one bar."""
        noise = (0.03 + 0.09 * self.difficulty) * np.exp(rng.uniform(-0.9, 0.6))
        height = shape.height + 0.08 * self.difficulty * rng.standard_normal(len(shape.height))
        length = rng.uniform(0.55, 0.85)
        lead = rng.uniform(0.2, 1.0) * (1.0 - length)
        now = np.linspace(0.0, 1.0, self.window + 1)
        clock = (now - lead) / length
        path = np.interp(clock, shape.time, height)
        # the way in makes up for what the pattern gains or loses: neither net move nor share of green bars tells the class
        path += np.minimum(now / lead - 1.0, 0.0) * (rng.normal(0, 0.5) - (height[-1] - height[0]))
        path += np.maximum(clock - 1.0, 0.0) * rng.normal(0, 0.5)
        path += rng.uniform(-0.3, 0.3) * (0.5 + self.difficulty) * now
        path += _wobble(rng.standard_normal(len(now)), noise) + 1.3 * noise * rng.standard_normal(len(now))
        before = np.cumsum(rng.normal(0, 2 * noise, self.history))[::-1]
        busy = np.interp(np.concatenate((np.full(self.history, -1.0), clock[1:])), shape.time, shape.volume)
        busy = (0.5 + 0.5 * busy) * np.exp(0.35 * rng.standard_normal(self._length))
        return np.concatenate((path[0] + before, path)), _with_bursts(busy, rng), noise


def _with_bursts(busy, rng) -> np.ndarray:
    """A few bars of unexplained heavy trade, so that no burst alone tells the class."""
    bars = rng.integers(0, len(busy), rng.integers(0, 4))
    busy[bars] *= rng.uniform(1.5, 2.5, len(bars))
    return busy


@compiled
def _wobble(shocks, noise):
    """Noise that forgets itself within about ten bars, so that it bends a shape but does not carry it away."""
    out = np.empty_like(shocks)
    level = 0.0
    for t in range(shocks.shape[0]):
        level = 0.9 * level + noise * shocks[t]
        out[t] = level
    return out


@compiled
def _wicks(prices, sigma, inside, high, low):
    """Highs and lows of a random path inside each bar, from prices[t] to prices[t + 1]; sigma is its log deviation per bar."""
    for t in range(high.shape[0]):
        drift, total, so_far = np.log(prices[t + 1] / prices[t]), inside[t].sum(), 0.0
        high[t], low[t] = max(prices[t], prices[t + 1]), min(prices[t], prices[t + 1])
        for k in range(inside.shape[1]):
            so_far += inside[t, k]
            share = (k + 1.0) / inside.shape[1]
            price = prices[t] * np.exp(share * drift + sigma / np.sqrt(inside.shape[1]) * (so_far - share * total))
            high[t], low[t] = max(high[t], price), min(low[t], price)
