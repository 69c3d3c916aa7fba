"""One way to make what a net reads: in training, in prediction and for calibration."""

import numpy as np
import pytest
import torch
from export_cases import finished
from omegaconf import OmegaConf

from candlelab.core.candles import Candles
from candlelab.data.tape import fetch_tape
from candlelab.pipeline.inputs.new_candles import fetch_new_candles
from candlelab.pipeline.inputs.stored import InputMaker

HOUR = 3_600_000


@pytest.mark.parametrize("kind", ["fusion", "series"])
def test_a_prediction_reads_what_training_read(kind):
    run = finished(kind)
    samples = run.data.samples("train")[:9]
    trained, candles = run.data.assemble(torch.from_numpy(samples)), run.data.prepared.candles
    made = InputMaker.of(run).arrays(candles, run.data.prepared.ends[samples])
    assert made and all(np.array_equal(trained[name].numpy(), value) for name, value in made.items())


def test_only_the_parts_that_a_net_reads_are_built():
    inputs = InputMaker.of(finished("series")).inputs
    assert inputs.renderer is None and inputs.caption is None and inputs.scaling is not None


def test_data_with_another_part_leave_the_first_as_they_were():
    data = finished("series").data
    other = data.having(batch_size=3)
    assert data.batch_size != 3 and other.batch_size == 3 and other.prepared is data.prepared


class Hours:
    """A source of rising hourly bars from two o'clock on."""

    def fetch(self, symbols, interval, start, end):
        time = np.arange(2, 102) * HOUR
        prices = dict.fromkeys(("open", "high", "low", "close"), np.arange(1.0, 101.0))
        return Candles.build(
            symbols=("A",), intervals=(interval,), symbol=np.zeros(100), time=time, volume=np.ones(100), **prices
        )


def test_a_prediction_sees_no_coarse_bar_that_the_asked_range_cuts(monkeypatch):
    asked = {
        "interval": "1h",
        "resample": "4h",
        "start": "1970-01-01T02:00",
        "end": None,
        "symbols": ["A"],
        "thin": 0.0,
    }
    recipe = OmegaConf.merge(finished("series").recipe, {"data": asked})
    monkeypatch.setattr("candlelab.pipeline.inputs.new_candles.build", lambda cfg, key: Hours())
    found = fetch_new_candles(None, recipe, [], None, at=None, bars=10)
    whole = fetch_tape(Hours(), ["A"], ("1h",), ("1970-01-01T02:00", None), coarser="4h", holes=0.0, seed=0)
    assert found.time[0] == 4 * HOUR and np.array_equal(found.time, whole.time)
