"""Classic indicators where history allows them; else the minimal ones, and a word about it."""

import pytest

from candlelab.config import build, compose
from candlelab.data.indicators.auto import settled
from candlelab.data.indicators.classic import Classic
from candlelab.data.indicators.minimal import Minimal


def data(bars, *words):
    return build(
        compose("data=simulated", f"data.source.bars={bars}", "data.window=20", "data/indicators=auto", *words),
        "data",
        None,
    )


def test_a_long_history_gets_the_usual_ones_in_silence(capsys):
    assert isinstance(data(2000).indicators, Classic) and capsys.readouterr().err == ""


def test_a_short_history_gets_the_minimal_ones_and_is_told(capsys):
    assert isinstance(data(600).indicators, Minimal)
    assert "600 bars leave 461 windows, fewer than 500: the minimal indicators are used" in capsys.readouterr().err


def test_the_shape_and_the_warmup_are_those_of_the_choice():
    short = data(600)
    assert short.shapes.series == (20, 4) and short.warmup == 20


def test_a_finished_run_keeps_what_it_was_trained_on():
    auto = build(compose("data/indicators=auto"), "data.indicators")
    assert isinstance(settled(auto, list(Minimal.names)), Minimal) and isinstance(
        settled(auto, list(Classic.names)), Classic
    )


def test_no_window_is_refused():
    with pytest.raises(ValueError, match="min_windows is 0"):
        data(600, "data.indicators.min_windows=0")


def test_a_run_on_auto_predicts_with_its_choice():
    from export_cases import finished

    from candlelab.pipeline.inputs.stored import InputMaker

    run = finished("series", "data/indicators=auto", "data.source.bars=700")
    assert isinstance(InputMaker.of(run).indicators, Classic) == isinstance(run.data.indicators, Classic)
    assert list(InputMaker.of(run).indicators.names) == run.preprocessing["features"]
