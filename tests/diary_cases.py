"""A diary on a loopback exchange whose time is a test's: bars come as its clock goes, with faults to order."""

import json
from functools import cache

import numpy as np
from loopback_exchange import Exchange, kline

from candlelab.config import compose
from candlelab.pipeline.diary.feed import Feed
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.task.watch import watcher_of

MINUTE = 60_000
START = 1_772_323_200_000  # 2026-03-01T00:00
NEEDED = 700  # bars before START that the exchange has


class FakeClock:
    """A clock that moves when it is slept on; `ahead` ms before the exchange's."""

    def __init__(self, exchange, ahead: int = 0):
        self.exchange, self.ahead = exchange, ahead

    def now(self) -> int:
        return self.exchange.now + self.ahead

    def sleep(self, seconds: float) -> None:
        self.exchange.now += max(1, int(1000 * seconds))


@cache
def price(k: int) -> float:
    """A price for each minute since 1970, the same in every process: its steps depend on the one before."""
    rng = np.random.default_rng(k)
    return 100 * float(np.exp(0.002 * rng.normal() + 0.05 * np.sin(k / 9)))


def bar(opened: int, step: int = MINUTE) -> list:
    k = opened // step
    first, last = price(k - 1), price(k)
    row = kline(opened, step)
    row[1:6] = [f"{v:.8f}" for v in (first, max(first, last) * 1.0005, min(first, last) * 0.9995, last, 5 + k % 7)]
    return row


class MovingExchange(Exchange):
    """Serves finished bars and the one that runs; `late` maps open times to how many ms a bar comes late.

    restated  open times -> (from when on, ms; the factor of the close)
    """

    def __init__(self, now: int = START, symbols=("BTCUSDT",)):
        super().__init__(now=now)
        self.late: dict[int, int] = {}
        self.restated: dict[int, tuple[int, float]] = {}
        for symbol in symbols:
            self.rows[symbol, "1m"] = _Rows(self)

    def row(self, opened: int) -> list:
        made = bar(opened)
        begins, factor = self.restated.get(opened, (2**62, 1.0))
        if self.now >= begins:
            made[4] = f"{float(made[4]) * factor:.8f}"
            made[2], made[3] = f"{max(map(float, made[1:5])):.8f}", f"{min(map(float, made[1:5])):.8f}"
        return made


class _Rows:
    """The bars at this moment, as an iterable of rows."""

    def __init__(self, exchange):
        self.exchange = exchange

    def __iter__(self):
        now = self.exchange.now
        for opened in range(START - NEEDED * MINUTE, now + 1, MINUTE):
            if now >= opened + self.exchange.late.get(opened, -1):
                yield self.exchange.row(opened)


def given_of(exchange: Exchange, symbols: str = "[BTCUSDT]") -> dict[str, str]:
    """What a command line says to follow the loopback exchange."""
    return {
        "data/source": "binance_vision",
        "data.symbols": symbols,
        "data.interval": "1m",
        **{f"data.source.{name}_url": exchange.url for name in ("archive", "listing", "rest")},
        "data.source.backoff": "0.001",
        "data.source.max_attempts": "2",
        "data.source.timeout": "2",
    }


composed = cache(compose)  # nothing changes a config


def watching(run, place, exchange, *, clock=None, symbols="[BTCUSDT]", patience=20.0, notify=None, engine="torch"):
    """A watcher of a run on the exchange, as `task=watch` makes it."""
    given = given_of(exchange, symbols)
    cfg = composed("task=watch", f"task.run={run.folder}", *(f"{key}={value}" for key, value in given.items()))
    return watcher_of(
        cfg,
        str(run.folder),
        place,
        engine=engine,
        patience=patience,
        notify=notify,
        given=list(given),
        clock=clock or FakeClock(exchange),
    )


def lines_in(place) -> list[dict]:
    return [json.loads(line) for line in (place / "diary.jsonl").read_text().splitlines()]


def feed_of(run, exchange):
    """The exchange as `task=diary` asks it."""
    given = given_of(exchange)
    cfg = compose("task=diary", *(f"{key}={value}" for key, value in given.items()))
    return Feed(InputMaker.of(run), cfg, list(given))


def computed_directly(run, review, lines, exchange) -> dict[str, float]:
    """What a verdict rests on, from the lines and their outcomes alone, bar by bar."""
    counted = review.outcomes[review.outcomes.status == "counted"]
    written = {line["line"]: line for line in lines}
    classes = run.preprocessing["classes"]
    p = np.array([[written[n]["p"][name] for name in classes] for n in counted.line])
    label, lean = counted.label.to_numpy(), p[:, -1] / (p[:, 0] + p[:, -1])
    up, down = lean[label == len(classes) - 1], lean[label == 0]
    signal = counted.signal.map({"LONG": 1, "SHORT": -1, "NONE": 0}).to_numpy()
    return {
        "n": len(counted),
        "accuracy": float((p.argmax(1) == label).mean()),
        "auroc_direction": float(np.mean([(a > b) + 0.5 * (a == b) for a in up for b in down])),
        "exposure": float((signal != 0).mean()),
        "return_net_pct": earned(signal, counted.bar.to_numpy(), exchange, run.cfg.evaluate),
    }


def earned(signal, bars, exchange, settings) -> float:
    """Percent after fees: each position is held for a bar, and what stands before or after a gap is opened or closed."""
    cost = (settings.fee_bps + settings.slippage_bps + settings.spread_bps / 2) / 1e4
    money, held = 1.0, 0
    for k, opened in enumerate(bars):
        if k and opened - bars[k - 1] > MINUTE:
            held = 0
        ends = k + 1 == len(bars) or bars[k + 1] - opened > MINUTE
        paid = cost * (abs(signal[k] - held) + (abs(signal[k]) if ends else 0))
        money *= 1 + signal[k] * (closes(exchange, opened + MINUTE) / closes(exchange, opened) - 1) - paid
        held = signal[k]
    return 100 * (money - 1)


def closes(exchange: MovingExchange, opened: int) -> float:
    """The close of a bar as the exchange has it now."""
    return float(exchange.row(opened)[4])
