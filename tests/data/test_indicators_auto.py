"""Classic indicators where history allows them; else the minimal ones, and a word about it."""

import pytest

import candlelab
from candlelab.config import build, compose
from candlelab.core.errors import UserError
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
    assert isinstance(InputMaker.of(run).inputs.indicators, Classic) == isinstance(run.data.indicators, Classic)
    assert list(InputMaker.of(run).inputs.indicators.names) == run.preprocessing["features"]


@pytest.mark.parametrize(("hole", "says"), [(None, "100 bars fetched: use"), (50, "at most 50 follow each other")])
def test_a_tape_too_short_says_how_much_of_it_is_in_one_piece(tmp_path, hole, says):
    bars = candlelab.fetch("SIM", "1h", "2020-01-01", "2020-01-05T04:00", source="simulated").to_frame()
    bars.drop(index=[] if hole is None else [hole]).to_csv(tmp_path / "AUSDT.csv", index=False)
    cfg = compose("data=own", f"data.source.path={tmp_path / 'AUSDT.csv'}", "data/indicators=classic")
    with pytest.raises(UserError, match=f"{says}.*data/indicators=minimal"):
        assert build(cfg, "data", None).prepared


def test_a_short_file_needs_no_word_about_indicators(tmp_path, capsys):
    bars = candlelab.fetch("SIM", "1h", "2020-01-01", "2020-01-08", source="simulated").to_frame()
    bars.to_csv(tmp_path / "AUSDT.csv", index=False)
    made = build(compose("data=own", f"data.source.path={tmp_path / 'AUSDT.csv'}"), "data", None)
    assert len(made.prepared.ends) > 50 and "minimal indicators are used" in capsys.readouterr().err
