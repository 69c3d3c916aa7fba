"""The front door of the library: names and checks of the config, charts and batches for anybody's code."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader

import candlelab
from candlelab.core.errors import UserError


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(300)))
    opened = np.append(100.0, close[:-1])
    return pd.DataFrame(
        {
            "Open": opened,
            "High": np.maximum(opened, close) * 1.001,
            "Low": np.minimum(opened, close) / 1.001,
            "Close": close,
            "Volume": 1.0,
        },
        index=pd.date_range("2024-01-01", periods=300, freq="h"),
    )


def test_the_front_door_is_light():
    code = "import sys, candlelab; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "pandas", "hydra", "omegaconf"} & set(loaded)


def test_every_name_of_the_front_door_is_there_and_documented():
    assert all(getattr(candlelab, name).__doc__ for name in candlelab.__all__)


def test_a_chart_of_a_table_is_the_chart_that_training_sees(frame):
    cfg = candlelab.compose("model=cnn_small", "model.image_size=48", "data.window=24")
    tape = candlelab.Candles.from_frame(frame.rename(columns=str.lower).assign(open_time=frame.index))
    drawn = candlelab.draw(frame, [100, 200], size=48, window=24)
    assert np.array_equal(drawn, candlelab.build(cfg, "render").draw(tape, np.array([100, 200])))


def test_without_ends_every_whole_window_is_drawn(frame):
    assert candlelab.draw(frame, style="ohlc_bars", window=10, height=16).shape == (291, 1, 16, 40)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"style": "candle"}, "did you mean 'candles'"),
        ({"windw": 5}, "did you mean 'window'"),
        ({"window": "ten"}, "expected a whole number"),
        ({"ends": [3]}, "no window of 48 bars"),
        ({"ends": [0.5]}, "give row numbers"),
        ({"device": "gpu"}, "give cpu, cuda"),
    ],
)
def test_a_wrong_setting_of_draw_says_what_is_right(frame, settings, said):
    with pytest.raises(UserError, match=said):
        candlelab.draw(frame, **settings)


def test_a_label_is_the_config_s(frame):
    made = candlelab.label(frame, "three_class", horizon=5)
    assert set(np.unique(made.label)) <= {-1, 0, 1, 2} and (made.label[-5:] == -1).all()


def test_a_wrong_setting_of_a_label_says_what_is_right(frame):
    with pytest.raises(UserError, match="did you mean 'horizon'"):
        candlelab.label(frame, "direction", horizn=5)


def test_a_plain_loop_gets_whole_batches(frame):
    charts = candlelab.Charts(frame, "line", "direction", 16, size=32)
    batch = next(iter(DataLoader(charts, batch_size=8, collate_fn=charts.collate)))
    assert batch["image"].shape == (8, *charts.shape) and batch["image"].dtype == torch.uint8
    assert batch["label"].dtype == torch.int64 and torch.equal(batch["image"][3], charts[3]["image"])


def test_parts_in_time_share_no_bar(frame):
    charts = candlelab.Charts(frame, "line", "direction", 16, size=32, label_settings={"horizon": 3})
    train, test = charts.between(None, "2024-01-08"), charts.between("2024-01-08", None)
    assert (train.labels.label_end[train.ends]).max() < (test.ends - 15).min()
    assert len(train) + len(test) < len(charts)


def test_bars_of_a_file_come_back(frame, tmp_path):
    frame.to_csv(tmp_path / "BTCUSDT_1h.csv", index_label="time")
    tape = candlelab.read(tmp_path / "BTCUSDT_1h.csv")
    assert tape.symbols == ("BTCUSDT",) and len(tape) == 300 and "BTCUSDT" in tape._repr_html_()


def test_an_unknown_source_says_which_there_are():
    with pytest.raises(UserError, match="did you mean 'binance_api'"):
        candlelab.fetch("BTCUSDT", "1h", "2024-01-01", source="binance_apy")
