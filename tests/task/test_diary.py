"""A diary is judged on lines that were written in time, by what came after them, and its own file is never touched."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from diary_cases import MINUTE, START, FakeClock, MovingExchange, computed_directly, feed_of, lines_in, price, watching
from export_cases import finished

from candlelab.config import build, compose
from candlelab.core.errors import ConfigError, UserError
from candlelab.evaluate.metrics import rows_to_show, smallest_area
from candlelab.pipeline.diary.judge import Promise
from candlelab.pipeline.diary.lines import diary_in
from candlelab.pipeline.diary.review import review
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.report.diary_page import write_diary_page

BARS = 48
OUT, RESTATED, SLOW = (
    (10, 11),
    20,
    30,
)  # minutes after START: the exchange is silent, a bar is restated later, a line is late


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A diary of 48 bars with an outage, a restated bar and a late line, and what became of it."""
    place, run = tmp_path_factory.mktemp("diary"), finished("series")
    with MovingExchange(now=START + 500) as exchange:
        exchange.restated[START + RESTATED * MINUTE] = (START + 40 * MINUTE, 1.001)
        clock = FakeClock(exchange)
        watcher = watching(run, place, exchange, clock=clock, patience=0.0)
        for k in range(BARS):
            exchange.now = max(exchange.now, START + k * MINUTE + (45_000 if k == SLOW else 700))
            exchange.faults = [["klines", "500", 99]] if k in OUT else []
            watcher.once()
        exchange.faults = []
        found = review(run, feed_of(run, exchange), lines_in(place), late=0.5, history=400, seed=0)
    return SimpleNamespace(place=place, run=run, review=found, lines=lines_in(place), exchange=exchange)


def test_every_bar_has_one_line_and_each_line_its_status(kept):
    horizon = kept.run.preprocessing["horizon"]
    assert kept.review.counts == {"counted": BARS - 3 - horizon, "late": 1, "no answer": 2, "waiting": horizon}


def test_the_late_line_is_shown_and_left_out(kept):
    late = kept.review.outcomes[kept.review.outcomes.status == "late"]
    assert late.bar.tolist() == [START + (SLOW - 1) * MINUTE] and late.delay.iloc[0] > 30


def test_a_bar_that_was_restated_is_noticed_in_every_window_that_held_it(kept):
    needed = InputMaker.of(kept.run).bars
    told = kept.review.outcomes[kept.review.outcomes.restated]
    before = START + 40 * MINUTE  # lines written later saw the bar as it is now
    assert told.bar.min() == START + RESTATED * MINUTE and told.bar.max() < min(before, before + needed * MINUTE)


def test_the_outcome_is_what_the_exchange_says_came(kept):
    horizon = kept.run.preprocessing["horizon"]
    for row in kept.review.outcomes[kept.review.outcomes.status == "counted"].head(5).itertuples():
        k = row.bar // MINUTE
        assert row.forward_return == pytest.approx(price(k + horizon) / price(k) - 1, abs=1e-6)


def test_the_verdict_is_that_of_a_direct_computation(kept):
    direct = computed_directly(kept.run, kept.review, kept.lines, kept.exchange)
    metrics = kept.review.scores.metrics
    assert {name: metrics[f"test/{name}"] for name in direct} == pytest.approx(direct, abs=1e-9)


def test_the_net_trades_as_its_lines_say(kept):
    counted = kept.review.outcomes[kept.review.outcomes.status == "counted"]
    signals = counted.signal.map({"LONG": 1, "SHORT": -1, "NONE": 0}).to_numpy()
    assert kept.review.scores.metrics["test/exposure"] == pytest.approx(np.abs(signals).mean())


def test_few_lines_are_not_judged_and_more_are_asked_for(kept):
    assert kept.review.more > 0 and f"{kept.review.more:,} more are needed" in kept.review.power()


def test_rows_needed_are_those_that_show_the_edge():
    shown = smallest_area(0.5 / np.sqrt(3 * 900), 0.5, 1.96)
    needed = rows_to_show(0.53, 900, shown)
    assert smallest_area(0.5 / np.sqrt(3 * needed), 0.5, 1.96) == pytest.approx(0.53)
    assert np.isnan(rows_to_show(0.5, 900, shown))


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ((0.5, 0.45, 0.54), "worse than promised"),
        ((0.5, 0.4, 0.6), "no contradiction"),
        ((None, None, None), "nothing is known yet"),
    ],
)
def test_a_promise_is_broken_where_the_intervals_lie_apart(found, word):
    assert Promise("?", (0.58, 0.55, 0.61), found).word == word


def judged(kept, place, *words):
    """The command on a diary, without an exchange: what is refused before one is asked."""
    cfg = compose("task=diary", f"task.diary={place}", *words)
    return build(cfg, "task", cfg)


def test_a_changed_line_is_found_and_nothing_is_judged(kept, tmp_path):
    text = (kept.place / "diary.jsonl").read_text().replace('"signal": "LONG"', '"signal": "SHORT"', 1)
    (tmp_path / "diary.jsonl").write_text(text)
    (tmp_path / "diary.head.json").write_bytes((kept.place / "diary.head.json").read_bytes())
    with pytest.raises(
        UserError, match=r"was changed, and nothing in it is judged: line \d+ of the diary does not follow"
    ):
        judged(kept, tmp_path)
    assert "does not follow" in (tmp_path / "diary.html").read_text()
    assert (
        json.loads((tmp_path / "diary.json").read_text())["runs"] == []
        and (tmp_path / "diary.jsonl").read_text() == text
    )


@pytest.mark.parametrize(
    "change",
    [{"run": "../../etc"}, {"bar": -1}, {"p": {"up": 2}}, {"written": None}, {"symbol": "\x1b[2J"}, {"interval": "7m"}],
)
def test_lines_that_nobody_here_wrote_are_refused_in_a_sentence(kept, tmp_path, change):
    line = next(line for line in kept.lines if "p" in line)
    own = {name: value for name, value in line.items() if name not in ("line", "before")}
    diary_in(tmp_path).append(own | change)
    with pytest.raises(UserError, match=f"line 1 is no line of a diary .{next(iter(change))}"):
        judged(kept, tmp_path)


def test_an_empty_diary_and_impossible_settings_are_refused(kept, tmp_path):
    with pytest.raises(ConfigError, match="task=watch writes them"):
        judged(kept, tmp_path)
    with pytest.raises(ConfigError, match=r"task\.late is 0"):
        judged(kept, kept.place, "task.late=0.0")
    with pytest.raises(ConfigError, match=r"task\.history is -1"):
        judged(kept, kept.place, "task.history=-1")


def test_the_page_says_what_counts_and_loads_nothing(kept, tmp_path):
    from candlelab.pipeline.diary.outcomes import MEANING

    page = write_diary_page(tmp_path / "diary.html", [kept.review], faults=(), meaning=MEANING, lines=BARS).read_text()
    assert (
        "written too late after its bar closed" in page
        and "more are needed" in page
        and not re.search(r"(src|href)=.?http", page)
    )
    assert pd.Series(kept.review.row()["bars"]).sum() == BARS
