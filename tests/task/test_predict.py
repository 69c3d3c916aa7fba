"""What a finished run says of new candles, at any moment, with and without torch."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from export_cases import exported, finished
from loopback_exchange import Exchange, kline
from omegaconf import OmegaConf

from candlelab.config import build, compose
from candlelab.core.candles import Candles
from candlelab.core.errors import DataTrouble, UserError
from candlelab.core.signal import confidences, normal_probabilities, threshold_hash
from candlelab.core.volatility import running_volatility
from candlelab.evaluate import money
from candlelab.export.rule import Rule, rule_of
from candlelab.pipeline.inputs.new_candles import _open_end, fetch_new_candles, latest, newest_close
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.pipeline.scores.predictions import class_probabilities
from candlelab.pipeline.scores.signals import _direction, expected_closes, signals, with_torch
from candlelab.task.export import export_card
from candlelab.task.predict import write

NEWEST = {"at": None, "bars": 50}
HOUR, YEAR_2020 = 3_600_000, 438_288  # ms, hours since 1970


def ask(run, *words: str) -> pd.DataFrame:
    cfg = compose("task=predict", f"task.run={run.folder}", *words)
    return build(cfg, "task", cfg)


def stamp(ms: int) -> str:
    return pd.Timestamp(int(ms), unit="ms").isoformat()


def frame(bars: int, *, first: int = 0, symbol: str = "A", seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, bars)))
    opened = np.append(100, close[:-1])
    return pd.DataFrame(
        {
            "symbol": symbol,
            "open_time": (first + np.arange(bars)) * HOUR,
            "open": opened,
            "high": np.maximum(opened, close) * 1.001,
            "low": np.minimum(opened, close) * 0.999,
            "close": close,
            "volume": rng.lognormal(size=bars),
        }
    )


def troubles(tape: pd.DataFrame, at: int | None = None, *, needed: int = 50) -> dict[str, str | None]:
    candles = Candles.from_frame(tape)
    when = newest_close(candles) if at is None else at
    return {bar.symbol: bar.trouble for bar in latest(candles, when, window=10, warmup=needed - 10)}


@pytest.mark.parametrize("kind", ["fusion", "series", "regression", "recognition"])
def test_a_past_moment_gives_what_the_run_predicted_then(kind):
    run = finished(kind)
    row = run.predictions.iloc[-7]
    said = ask(run, f"task.at={stamp(row.time + HOUR)}").iloc[0]
    classes = run.preprocessing["classes"]
    assert (said.time, said.symbol) == (row.time, row.symbol)
    np.testing.assert_allclose(
        [said[f"p_{name}"] for name in classes], [row[f"p_{k}"] for k in range(len(classes))], atol=1e-6
    )
    np.testing.assert_allclose(said.forecast, row.forecast, atol=1e-8)


def test_a_moment_inside_a_bar_looks_at_the_bar_before(capsys):
    run = finished("series")
    time = run.predictions.time.iloc[-7]
    early, late = (ask(run, f"task.at={stamp(time + HOUR + minutes * 60_000)}") for minutes in (0, 59))
    pd.testing.assert_frame_equal(early, late)


@pytest.mark.parametrize("kind", ["fusion", "regression"])
def test_onnx_says_what_torch_says(kind):
    run = exported(kind)
    torch, onnx = (ask(run, f"task.engine={engine}") for engine in ("torch", "onnx"))
    np.testing.assert_allclose(onnx.filter(like="p_"), torch.filter(like="p_"), atol=1e-5)
    assert onnx.signal.tolist() == torch.signal.tolist()


def test_the_eight_bit_model_answers_too():
    assert ask(exported("fusion"), "task.engine=int8").signal.isin(["LONG", "SHORT"]).all()


def test_onnx_needs_no_torch_to_draw_compute_and_answer():
    """A tape of the run's own source, from config to signal, with torch out of reach."""
    code = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "pytorch_lightning"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
from candlelab.run import load_run
from candlelab.task.predict import InputMaker, fetch_new_candles, newest_close, signals
run = load_run({str(exported("fusion").folder)!r})
maker = InputMaker.of(run)
candles = fetch_new_candles(None, maker.recipe, [], None, at=None, bars=maker.bars)
print(signals(run, maker, candles, newest_close(candles), engine="onnx", threshold=0.0, max_stale=None).signal[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2]
    )
    assert done.stdout.strip() in ("LONG", "SHORT"), done.stderr


def test_without_torch_the_exported_model_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match="ask the exported model"):
        with_torch(None, {})


def test_too_little_history_is_said():
    assert troubles(frame(30)) == {"A": "too little history: 30 bars, 50 are needed"}
    assert troubles(frame(30), at=0) == {"A": "too little history: no bar had closed by 1970-01-01 00:00"}
    assert troubles(frame(50)) == {"A": None}


def test_a_gap_is_said():
    tape = pd.concat([frame(60), frame(20, first=61)])
    assert troubles(tape) == {"A": "gap: 20 bars since 1970-01-03 13:00, 50 without a gap are needed"}


def test_stale_data_are_said():
    both = Candles.from_frame(pd.concat([frame(60), frame(58, symbol="B")]))
    assert [bar.staleness for bar in latest(both, 60 * HOUR, window=10, warmup=40)] == [
        "",
        "stale: 2 bars closed after the last one there is",
    ]
    strict = latest(both, 61 * HOUR, window=10, warmup=40, max_stale=1)
    assert [bar.trouble for bar in strict] == [None, "stale: 3 bars closed after the last one there is"]


def test_a_window_whose_bars_are_all_gone_is_said():
    candles = Candles.from_frame(frame(60))
    candles = replace(candles, missing=np.arange(60) >= 45)
    assert latest(candles, 60 * HOUR, window=10, warmup=40)[0].trouble == "gap: every bar of the window was removed"


def test_a_symbol_without_a_window_has_no_signal_and_others_do():
    run = finished("series")
    maker, candles = InputMaker.of(run), Candles.from_frame(pd.concat([frame(200), frame(30, first=170, symbol="B")]))
    table = signals(run, maker, candles, newest_close(candles), engine="torch", threshold=0.0, max_stale=None)
    assert (
        table.signal.tolist()[1] == "NONE"
        and table.reason[1].startswith("too little history")
        and np.isnan(table.p_up[1])
    )
    assert table.p_up.notna()[0]


def test_below_the_threshold_there_is_no_signal():
    said = ask(finished("fusion"), "task.threshold=0.999").iloc[0]
    assert said.signal == "NONE" and said.reason == "below the threshold 0.999"
    assert ask(finished("fusion"), "task.threshold=0").signal.isin(["LONG", "SHORT"]).all()


def test_a_recogniser_names_the_class():
    run = finished("recognition")
    assert ask(run).signal[0] in run.preprocessing["classes"]
    assert ask(run, "task.threshold=1.1").signal[0] == "-"


def test_a_file_of_candles_is_read(tmp_path):
    path = tmp_path / "coins.csv"
    pd.concat([frame(200, first=YEAR_2020), frame(200, first=YEAR_2020, symbol="B", seed=1)]).to_csv(path, index=False)
    assert ask(finished("fusion"), f"task.csv={path}").symbol.tolist() == ["A", "B"]


def test_answers_about_two_files_at_one_moment_are_two_files(tmp_path):
    run = finished("series")
    for name, seed in (("one.csv", 0), ("two.csv.gz", 1)):
        frame(200, first=YEAR_2020, seed=seed).to_csv(tmp_path / name, index=False)
        ask(run, f"task.csv={tmp_path / name}", "task.at=newest")
    moment_of = pd.Timestamp((YEAR_2020 + 200) * HOUR, unit="ms").strftime("%Y-%m-%dT%H%M")
    assert {f"{moment_of}-{name}.csv" for name in ("one", "two")} <= {
        path.name for path in (run.folder / "predict").iterdir()
    }


def test_the_command_line_can_name_another_source_and_nothing_of_the_recipe():
    run = finished("series")
    recipe = InputMaker.of(run).recipe
    cfg = compose("task=predict", f"task.run={run.folder}", "data=simulated", "data.source.bars=321")
    assert len(fetch_new_candles(cfg, recipe, ["data/source", "data.source.bars"], None, **NEWEST)) == 321
    assert len(fetch_new_candles(cfg, recipe, ["task", "task.run"], None, **NEWEST)) == 700
    with pytest.raises(ValueError, match=r"data\.window belongs to the run"):
        fetch_new_candles(cfg, recipe, ["data.window"], None, **NEWEST)


def test_what_is_no_moment_is_refused():
    with pytest.raises(ValueError, match="is no moment"):
        ask(finished("series"), "task.at=tomorrowish")


@pytest.mark.parametrize(
    ("ending", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet), ("json", pd.read_json)]
)
def test_every_format_keeps_the_table(tmp_path, ending, read):
    table = pd.DataFrame({"symbol": ["A"], "signal": ["LONG"], "p_up": [0.625]})
    pd.testing.assert_frame_equal(read(write(table, tmp_path / f"x.{ending}")), table, check_dtype=False)


@pytest.mark.parametrize("score", ["confidence", "margin", "forecast"])
def test_signals_are_those_that_the_backtest_scored(score):
    rng = np.random.default_rng(0)
    p, returns = rng.dirichlet(np.ones(3), 200), rng.normal(size=200)
    scored = money.trades_of(p, returns, returns, None, 0.0, score)
    sure, side = confidences(p, returns, score)
    assert np.array_equal(sure, scored.score) and np.array_equal(side, scored.direction)


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_of_a_forecast_are_those_of_training(classes):
    rng = np.random.default_rng(0)
    forecast, sigma, theta = rng.normal(size=50), rng.uniform(0.01, 0.02, 50), rng.uniform(0, 0.02, 50)
    np.testing.assert_allclose(
        normal_probabilities(forecast, 0.8, sigma, theta, classes),
        class_probabilities(forecast, 0.8, sigma, theta, classes),
        atol=1e-12,
    )


def test_the_stored_recipe_holds_no_open_reference():
    run = finished("series")
    assert OmegaConf.to_container(InputMaker.of(run).recipe, resolve=False) == OmegaConf.to_container(
        run.cfg, resolve=True
    )


def csv_of(path, bars: int, *, last_closed: str):
    """A file whose newest bar closed at a moment."""
    first = pd.Timestamp(last_closed).value // 3_600_000_000_000 - bars
    frame(bars, first=first).to_csv(path, index=False)
    return path


def at_noon(monkeypatch, minutes: int = 1):
    monkeypatch.setattr(
        "candlelab.pipeline.inputs.new_candles.now_ms",
        lambda: pd.Timestamp("2026-03-01T12:00").value // 10**6 + minutes * 60_000,
    )


def test_the_default_is_now_and_the_newest_closed_bar(tmp_path, monkeypatch):
    at_noon(monkeypatch)
    said = ask(finished("series"), f"task.csv={csv_of(tmp_path / 'a.csv', 200, last_closed='2026-03-01T12:00')}").iloc[
        0
    ]
    assert stamp(said.closed) == "2026-03-01T12:00:00" and said.stale == 0 and "stale" not in said.reason


def test_old_candles_are_answered_and_said_to_be_stale(tmp_path, monkeypatch, capsys):
    at_noon(monkeypatch)
    path = csv_of(tmp_path / "a.csv", 200, last_closed="2026-03-01T09:00")
    said = ask(finished("series"), f"task.csv={path}", "task.threshold=0").iloc[0]
    assert said.stale == 3 and said.reason.startswith("stale: 3 bars closed after") and said["class"] is not None
    assert "STALE: the last bar of A closed 2026-03-01 09:00, 3 bars ago" in capsys.readouterr().out


def test_a_job_that_trades_gets_no_stale_signal_and_code_5(tmp_path, monkeypatch):
    at_noon(monkeypatch)
    path = csv_of(tmp_path / "a.csv", 200, last_closed="2026-03-01T11:00")
    with pytest.raises(DataTrouble, match=r"no symbol could be answered .*stale: 1 bar closed") as caught:
        ask(finished("series"), f"task.csv={path}", "task.max_stale=0")
    assert caught.value.exit_code == 5 and list((finished("series").folder / "predict").glob("2026-03-01T1201-a*.csv"))


def test_a_made_up_market_ends_with_its_newest_bar():
    run = finished("series")
    both = Candles.from_frame(pd.concat([frame(60), frame(58, symbol="B")]))
    assert [(bar.stale, bar.closed // HOUR) for bar in latest(both, None, window=10, warmup=40)] == [(0, 60), (0, 58)]
    assert ask(run).stale.tolist() == [0] and ask(run).time[0] >= run.predictions.time.max()


def test_the_end_of_the_training_is_not_the_end_of_the_market(tmp_path):
    recipe = OmegaConf.create(
        {
            "data": OmegaConf.to_container(InputMaker.of(finished("series")).recipe.data, resolve=True)
            | {
                "source": {"_target_": "candlelab.data.source.binance_vision.BinanceVision"},
                "start": "2018-01-01",
                "end": "2025-01-01",
            }
        }
    )
    assert _open_end(recipe.data, None, 50)["end"] is None
    asked = _open_end(recipe.data, 1000 * HOUR, 50)  # an exchange is asked for 550 hours and no more
    assert asked == {"start": "1970-01-19T18:00:00", "end": "1970-02-11T16:00:00"}


def test_the_coming_close_has_a_range_by_hand():
    candles = Candles.from_frame(frame(60))
    end, sigma = np.array([59]), running_volatility(candles)[59]
    told = expected_closes({"forecast_range": [-2.0, 1.0]}, candles, end, np.array([0.01]))[0]
    close = candles.close[59]
    assert np.allclose(
        told, [close, close * np.exp(0.01), close * np.exp(0.01 - 2 * sigma), close * np.exp(0.01 + sigma)]
    )


def test_a_net_that_forecasts_prints_the_coming_close_and_others_do_not(capsys):
    said = ask(finished("fusion")).iloc[0]
    assert said.forecast_low < said.forecast_close < said.forecast_high and "forecast_close" in capsys.readouterr().out
    ask(finished("series"))
    assert "forecast_close" not in capsys.readouterr().out


def test_a_recogniser_without_a_calibrated_confidence_names_nothing(monkeypatch):
    monkeypatch.setattr("candlelab.export.rule.rule_of", lambda run: Rule("confidence", None, "", ""))
    said = ask(finished("recognition")).iloc[0]
    assert said.signal == "-" and said.reason.startswith("no confidence was high enough on validation")


def test_a_pattern_is_shown_with_its_direction():
    made = {"classes": ["double_top", "double_bottom", "none"], "directions": [-1, 1, 0]}
    assert [_direction(made, name) for name in ("double_top", "double_bottom", "none", "-")] == [
        "bearish",
        "bullish",
        "",
        "",
    ]


def test_an_export_with_another_threshold_is_refused(monkeypatch):
    run = exported("fusion")
    monkeypatch.setattr(
        "candlelab.pipeline.scores.signals.rule_of",
        lambda found: replace(rule_of(found), threshold=0.804, hash="f" * 16),
    )
    with pytest.raises(
        ValueError,
        match=r"model.onnx' carries the threshold 0 \(\w{16}\), and the run has 0.804 .*export the run again",
    ):
        ask(run, "task.engine=onnx")


def test_a_signal_carries_the_hash_of_its_threshold():
    run = finished("series")
    assert ask(run).threshold_hash[0] == threshold_hash({"score": "confidence", "threshold": 0.0})
    assert ask(run, "task.threshold=0.4").threshold_hash[0] == ""


def test_an_exchange_is_asked_up_to_the_newest_closed_bar(tmp_path, monkeypatch):
    """A run trained to the end of 2024, asked one minute after noon in 2026."""
    noon = pd.Timestamp("2026-03-01T12:00").value // 10**6
    at_noon(monkeypatch)
    for module in ("series", "collect", "quality"):
        monkeypatch.setattr(
            f"candlelab.market.{module}.clock", SimpleNamespace(time=lambda: noon / 1000 + 60), raising=False
        )
    recipe = InputMaker.of(finished("series")).recipe.copy()
    with Exchange(now=noon + 60_000) as exchange:
        exchange.rows["BTCUSDT", "1h"] = [kline(noon - k * HOUR, HOUR, 100.0) for k in range(600, -1, -1)]
        cfg = compose(
            "task=predict",
            "task.run=x",
            "data=btc_1h",
            f"data.source.cache={tmp_path}",
            *(f"data.source.{name}_url={exchange.url}" for name in ("archive", "listing", "rest")),
        )
        recipe.data = OmegaConf.merge(cfg.data, {"end": "2025-01-01"})
        candles = fetch_new_candles(cfg, recipe, [], None, at=None, bars=50)
    assert stamp(candles.time[-1]) == "2026-03-01T11:00:00" and len(candles) == 549  # in the 550 hours before 12:01


PATTERNS = (
    "experiment=patterns",
    "data.source.samples=264",
    "data.window=20",
    "model.image_size=32",
    "model.net.width=16",
    "model.net.layers=1",
    "model.net.heads=2",
    "model.net.ffn_width=16",
    "trainer.progress=none",
)


def test_patterns_carry_their_directions_into_predictions_and_exports():
    run = finished("any", *PATTERNS)
    card, said = export_card(run), ask(run, "task.threshold=0")
    assert card["directions"]["double_bottom"] == "bullish" and card["directions"]["bearish_flag"] == "bearish"
    assert all(
        row.direction == ("" if row.signal == "none" else card["directions"][row.signal]) for row in said.itertuples()
    )
    assert ask(run, "task.threshold=1.01").direction.tolist() == [""] * len(said)
