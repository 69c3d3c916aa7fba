"""From a csv of one's own with one override: the path."""

import pytest
from hostile_tables import HOUR, T0, own_file
from omegaconf import OmegaConf

from candlelab.config import build, compose
from candlelab.pipeline.studies.study import data_name


@pytest.fixture
def own(tmp_path):
    return own_file(tmp_path / "MYUSDT.csv", 400)


def test_one_override_is_enough(own):
    cfg = compose("data=own", f"data.source.path={own}", "model=cnn_lstm_attn")
    data = build(cfg, "data", None)
    made = data.prepared.candles
    assert (made.symbols, made.interval, len(made)) == (("MYUSDT",), "4h", 400)


def test_two_files_of_a_study_are_told_apart(own):
    names = [
        data_name(compose("data=own", f"data.source.path={path}").data) for path in (own, own.with_name("other.csv"))
    ]
    assert names == ["MYUSDT.csv auto w48", "other.csv auto w48"]


def test_the_preset_holds_no_dates_that_could_cut_a_file(own):
    data = OmegaConf.to_container(compose("data=own", f"data.source.path={own}").data)
    assert (data["start"], data["end"], data["symbols"]) == (None, None, [])


@pytest.mark.parametrize("given", ["data.source.columns={close: Last Price}", "data.source.columns.close='Last Price'"])
def test_an_unusual_column_is_named_on_the_command_line(own, given):
    own.write_text(own.read_text().replace("close", "Last Price", 1))
    cfg = compose("data=own", f"data.source.path={own}", given)
    assert len(build(cfg, "data.source").fetch([], "auto", None, None)) == 400


def test_a_format_of_times_is_given_on_the_command_line(own):
    rows = [f"0{1 + k // 6}/02/2024 {4 * (k % 6):02d}:00,10,11,9,10,5" for k in range(30)]
    own.write_text("\n".join(["date,open,high,low,close,volume", *rows]))
    cfg = compose("data=own", f"data.source.path={own}", "data.source.time_format='%d/%m/%Y %H:%M'")
    assert build(cfg, "data.source").fetch([], "auto", None, None).time[-1] == T0 + (35 * 24 + 20) * HOUR
