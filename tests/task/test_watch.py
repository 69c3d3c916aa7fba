"""A diary misses no bar, doubles none and guesses nothing, whatever the exchange, the clock and kill do."""

import sys

import pytest
from diary_cases import MINUTE, START, FakeClock, MovingExchange, lines_in, watching
from export_cases import exported, finished

from candlelab.core import hash_chain
from candlelab.core.errors import ConfigError, UserError
from candlelab.pipeline.diary.lines import diary_in, is_written, true_time
from candlelab.pipeline.diary.notify import Notifier


class Enough(Exception):
    """The test has seen enough bars."""


@pytest.fixture(scope="module")
def served():
    with MovingExchange() as made:
        yield made


@pytest.fixture
def exchange(served):
    """The exchange half a second after a bar closed, without a fault."""
    served.now, served.faults, served.late, served.restated = START + 500, [], {}, {}
    return served


def until(exchange, bars, watcher):
    """Watch until so many bars have closed."""
    plain = watcher.clock.sleep

    def sleep(seconds):
        plain(seconds)
        if exchange.now >= START + bars * MINUTE + 900:
            raise Enough

    watcher.clock.sleep = sleep
    with pytest.raises(Enough):
        watcher.run()


def bars_of(lines):
    """The open times that lines speak of, in minutes since START."""
    return [k // MINUTE - START // MINUTE for x in lines for k in range(x["bar"], x.get("until", x["bar"]) + 1, MINUTE)]


def test_the_newest_bar_is_written_once(tmp_path, exchange):
    watcher = watching(finished("series"), tmp_path, exchange)
    watcher.once(), watcher.once()
    (line,) = lines_in(tmp_path)
    assert (line["bar"], line["closed"], line["written"]) == (START - MINUTE, START, START + 500)
    assert line["signal"] in ("LONG", "SHORT", "NONE") and sum(line["p"].values()) == pytest.approx(1)


def test_every_bar_gets_its_line_as_it_closes(tmp_path, exchange):
    until(exchange, 4, watching(finished("series"), tmp_path, exchange))
    lines = lines_in(tmp_path)
    assert bars_of(lines) == [-1, 0, 1, 2] and all(0 < x["written"] - x["closed"] < 2000 for x in lines)
    assert diary_in(tmp_path).read().faults == ()


@pytest.mark.slow  # the export takes half a minute
def test_the_exported_model_writes_the_same_probabilities(tmp_path, exchange):
    for engine in ("torch", "auto"):
        watching(exported("regression"), tmp_path / engine, exchange, engine=engine).once()
    torch, onnx = (lines_in(tmp_path / engine)[0] for engine in ("torch", "auto"))
    assert onnx["engine"] == "onnx" and onnx["p"] == pytest.approx(torch["p"], abs=1e-5)
    assert onnx["bars"] == torch["bars"]


def test_a_bar_that_comes_late_is_waited_for(tmp_path, exchange):
    exchange.late[START - MINUTE] = MINUTE + 9000
    watching(finished("series"), tmp_path, exchange).once()
    assert 9000 <= lines_in(tmp_path)[0]["written"] - START < 20_000 and "p" in lines_in(tmp_path)[0]


def test_a_bar_that_does_not_come_is_no_guess(tmp_path, exchange):
    exchange.late[START - MINUTE] = 10 * MINUTE
    watching(finished("series"), tmp_path, exchange).once()
    assert "p" not in lines_in(tmp_path)[0]
    assert lines_in(tmp_path)[0]["no_answer"].startswith(
        "no answer, because the bar that closed at 2026-03-01 00:00 is"
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [("500", "HTTP 500"), ("reset", "broke"), ("html", "a web page"), ("429", "too many"), ("418", "banned")],
)
def test_a_fault_of_the_exchange_is_no_guess_and_the_next_bar_is_answered(tmp_path, exchange, monkeypatch, kind, said):
    monkeypatch.setattr("candlelab.market.web.HttpClient._back_off", lambda *_: None)
    exchange.faults.append(["klines", kind, 99])
    watcher = watching(finished("series"), tmp_path, exchange, patience=1)
    watcher.once()
    exchange.faults.clear()
    exchange.now = START + MINUTE + 500
    watcher.once()
    first, second = lines_in(tmp_path)
    assert said in first["no_answer"] and "p" in second


def test_bars_that_closed_unseen_are_told_in_one_line(tmp_path, exchange):
    watcher = watching(finished("series"), tmp_path, exchange)
    watcher.once()
    exchange.now += 7 * MINUTE
    watcher.once()
    assert bars_of(lines_in(tmp_path)) == list(range(-1, 7))
    assert (
        "nothing was watching when the bars of 2026-03-01 00:00 to 2026-03-01 00:05"
        in lines_in(tmp_path)[1]["no_answer"]
    )


@pytest.mark.parametrize("ahead", [-3_600_000, 3_600_000])
def test_a_wrong_clock_of_ours_changes_no_bar_and_is_told(tmp_path, exchange, ahead):
    until(exchange, 2, watching(finished("series"), tmp_path, exchange, clock=FakeClock(exchange, ahead)))
    lines = lines_in(tmp_path)
    assert bars_of(lines) == [-1, 0] and lines[0]["ahead"] == pytest.approx(ahead, abs=200)
    assert 0 < true_time(lines[1]) - lines[1]["closed"] < 2500


def test_a_symbol_that_fails_keeps_no_other_from_its_line(tmp_path):
    with MovingExchange(now=START + 500, symbols=("BTCUSDT", "ETHUSDT")) as exchange:
        exchange.faults.append(["symbol=ETHUSDT", "418", 1])
        watching(finished("series"), tmp_path, exchange, symbols="[ETHUSDT,BTCUSDT]").once()
    assert ["p" in line for line in lines_in(tmp_path)] == [False, True]


@pytest.mark.parametrize("stop", ["before the line", "half a line", "before the head", "inside the head"])
def test_a_kill_at_any_write_loses_and_doubles_nothing(tmp_path, exchange, monkeypatch, stop):
    watcher = watching(finished("series"), tmp_path, exchange)
    watcher.once()
    exchange.now += MINUTE
    killed_at(stop, monkeypatch, tmp_path / "diary.jsonl")
    with pytest.raises(Enough):
        watcher.once()
    monkeypatch.undo()
    watching(finished("series"), tmp_path, exchange).once()
    assert bars_of(lines_in(tmp_path)) == [-1, 0] and diary_in(tmp_path).read().faults == ()


def killed_at(stop, monkeypatch, path):
    """Let the next write of the diary end half-way."""

    def end(*_):
        if stop == "half a line":
            with open(path, "r+b") as file:
                file.truncate(path.stat().st_size - 40)
        raise Enough

    where = {
        "before the line": (hash_chain.os, "fsync"),
        "half a line": (hash_chain.files, "sync"),
        "before the head": (hash_chain.files, "write_json"),
        "inside the head": (hash_chain.os, "replace"),
    }
    monkeypatch.setattr(*where[stop], end)


def test_a_last_line_whose_line_break_an_editor_took_is_kept(tmp_path, exchange):
    watching(finished("series"), tmp_path, exchange).once()
    path = tmp_path / "diary.jsonl"
    path.write_bytes(path.read_bytes().rstrip())
    assert diary_in(tmp_path).read().faults == ()
    exchange.now += MINUTE
    watching(finished("series"), tmp_path, exchange).once()
    assert bars_of(lines_in(tmp_path)) == [-1, 0] and diary_in(tmp_path).read().faults == ()


def test_a_line_that_was_damaged_while_watching_is_refused(tmp_path, exchange):
    watcher = watching(finished("series"), tmp_path, exchange)
    watcher.once()
    path = tmp_path / "diary.jsonl"
    path.write_text(path.read_text().replace(f'"bar": {START - MINUTE}', '"bar": "x"'))
    exchange.now += MINUTE
    with pytest.raises(UserError, match=r"line 1 is no line of a diary"):
        watcher.once()


def test_two_runs_share_a_diary(tmp_path, exchange):
    for kind in ("series", "fusion"):
        watching(finished(kind), tmp_path, exchange).once()
    first, second = lines_in(tmp_path)
    assert first["run"] != second["run"] and first["bar"] == second["bar"] and second["line"] == 2


def test_a_bar_inside_a_line_on_many_is_written_already():
    gap = {"run": "a", "symbol": "B", "interval": "1m", "bar": 60, "until": 300}
    one = {key: gap[key] for key in ("run", "symbol", "interval")}
    assert is_written(one | {"bar": 120}, [gap]) and is_written(gap, [one | {"bar": 300}])
    assert not is_written(one | {"bar": 360}, [gap]) and not is_written(one | {"bar": 120, "run": "b"}, [gap])


def test_a_command_of_the_user_hears_of_positions_without_a_shell(tmp_path):
    code = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '|')"
    notify = Notifier(f'{sys.executable} -c "{code}" {tmp_path / "heard"} {{signal}} "{{symbol}} $HOME"')
    for signal in ("LONG", "NONE", "SHORT"):
        notify({"signal": signal, "symbol": "A;ls", "closed": START, "line": 1})
    assert (tmp_path / "heard").read_text() == "LONG A;ls $HOME|SHORT A;ls $HOME|"


@pytest.mark.parametrize("command", ["say {price}", "say '", "", "say {signal!r:>{x}}"])
def test_a_command_that_cannot_be_filled_in_is_refused(command):
    with pytest.raises(ConfigError, match=r"task\.notify"):
        Notifier(command)


@pytest.mark.parametrize("field", ["signal!r", "signal:>9"])
def test_a_form_that_a_command_may_not_ask_for_is_named(field):
    with pytest.raises(ConfigError, match=rf"names \{{{field}\}}"):
        Notifier(f"say {{{field}}}")


def test_a_command_that_fails_stops_nothing(capfd):
    Notifier("/nowhere/at-all {signal}")({"signal": "LONG", "symbol": "A", "closed": START})
    assert "task.notify failed" in capfd.readouterr().err


def test_a_run_that_cannot_answer_is_refused_before_a_line_is_written(tmp_path, exchange):
    with pytest.raises(UserError, match=r"model\.onnx"):
        watching(finished("series"), tmp_path, exchange, engine="onnx")
    assert not list(tmp_path.iterdir())


def test_a_diary_that_would_follow_no_symbol_is_refused(tmp_path, exchange):
    with pytest.raises(ConfigError, match=r"name those of the exchange, such as data\.symbols="):
        watching(finished("series"), tmp_path, exchange, symbols="[]")


def test_a_market_without_a_present_and_a_recogniser_are_refused(tmp_path, exchange):
    from candlelab.config import build, compose

    with pytest.raises(UserError, match="follows a market that goes on"):
        cfg = compose("task=watch", f"task.run={finished('series').folder}", f"task.diary={tmp_path}")
        build(cfg, "task", cfg)
    with pytest.raises(UserError, match="recognises what is drawn"):
        watching(finished("recognition"), tmp_path, exchange)
