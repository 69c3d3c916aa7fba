"""A diary in accelerated time: outages, 429, late and restated bars, wrong clocks and kill -9; slow, for it really runs and dies."""

import multiprocessing
import os
import random
import signal
import time

import pytest
from diary_cases import MINUTE, START, MovingExchange, computed_directly, feed_of, lines_in, watching
from export_cases import finished

from candlelab.pipeline.diary.lines import diary_in
from candlelab.pipeline.diary.review import review


class FastExchange(MovingExchange):
    """An exchange whose time goes `speed` times as fast as ours."""

    def __init__(self, speed: float):
        self.speed, self.begun = speed, time.monotonic()
        self.spans: list[tuple[int, int, str]] = []  # minutes from and to, and the fault of all requests between them
        super().__init__()

    @property
    def now(self) -> int:
        return START + int(1000 * self.speed * (time.monotonic() - self.begun))

    @now.setter
    def now(self, _):
        pass

    def fault(self, path):
        minute = (self.now - START) / MINUTE
        return next((kind for first, last, kind in self.spans if first <= minute < last), None)


class FastClock:
    """The clock of a machine that is wrong by some ms, on an exchange's time."""

    def __init__(self, exchange, ahead: int):
        self.exchange, self.ahead = exchange, ahead

    def now(self) -> int:
        return self.exchange.now + self.ahead

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.exchange.speed)


def watch_for_ever(run, place, exchange, ahead):
    watching(run, place, exchange, clock=FastClock(exchange, ahead), patience=20.0).run()


def killed_and_started_again(run, place, exchange, *, bars, kills, rng):
    """Watch until `bars` bars have closed, with kill -9 at random moments; return what stood in the diary at each kill."""
    moments, seen = sorted(rng.uniform(3, bars - 3) for _ in range(kills)), []
    fork = multiprocessing.get_context("fork")
    for moment in [*moments, bars + 0.5]:
        ahead = rng.choice([0, -7_200_000, 2_000, 7_200_000])
        child = fork.Process(target=watch_for_ever, args=(run, place, exchange, ahead), daemon=True)
        child.start()
        while exchange.now < START + moment * MINUTE and child.is_alive():
            time.sleep(0.01)
        assert child.is_alive()
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        seen.append((place / "diary.jsonl").read_bytes())
    return seen


def in_trouble(exchange, bars):
    """Faults over the whole time: two outages, 429 and cut answers, bars that come late or never in time, and restated ones."""
    exchange.spans = [
        (0.2 * bars, 0.2 * bars + 3, "500"),
        (0.4 * bars, 0.4 * bars + 2, "reset"),
        (0.6 * bars, 0.6 * bars + 1, "429"),
    ]
    exchange.late = {START + k * MINUTE: MINUTE + (8_000 if k % 4 else 300_000) for k in range(7, bars, 11)}
    exchange.restated = {START + k * MINUTE: (START + (k + 5) * MINUTE, 1.0008) for k in range(9, bars, 17)}


@pytest.mark.slow  # the whole of it in real processes
@pytest.mark.parametrize(("bars", "kills", "speed"), [(200, 20, 100.0)])
def test_a_diary_survives_faults_and_kills(tmp_path, bars, kills, speed):
    run = finished("series")
    with FastExchange(speed) as exchange:
        in_trouble(exchange, bars)
        seen = killed_and_started_again(run, tmp_path, exchange, bars=bars, kills=kills, rng=random.Random(5))
        exchange.spans, lines = [], lines_in(tmp_path)
        found = review(run, feed_of(run, exchange), lines, late=None, history=400, seed=0)
        direct = computed_directly(run, found, lines, exchange)
    spoken = [k for x in lines for k in range(x["bar"], x.get("until", x["bar"]) + 1, MINUTE)]
    assert spoken == list(range(spoken[0], spoken[0] + MINUTE * len(spoken), MINUTE)) and len(spoken) >= bars - 2
    whole = (tmp_path / "diary.jsonl").read_bytes()
    assert all(whole.startswith(each[: each.rfind(b"\n") + 1]) for each in seen)
    assert diary_in(tmp_path).read().faults == () and found.outcomes.restated.any()
    print(found.counts, {x["no_answer"][:60] for x in lines if "no_answer" in x})
    assert {name: found.scores.metrics[f"test/{name}"] for name in direct} == pytest.approx(direct, abs=1e-9)
