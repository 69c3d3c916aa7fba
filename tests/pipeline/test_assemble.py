"""What the jobs of a sweep share, and what they must not."""

import numpy as np
import pandas as pd
import pytest
import tiny

from candlelab.config import build, compose
from candlelab.core.candles import Candles
from candlelab.data.rows import bar_returns
from candlelab.pipeline.inputs import shared
from candlelab.pipeline.inputs.assemble import assemble


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        ("seed=0", "seed=1", True),
        ("model.net.width=16", "model.net.width=24", True),
        ("data/label=direction", "data/label=three_class", False),
    ],
)
def test_jobs_share_the_data_that_are_equal(first, second, equal):
    one, two = (assemble(compose(*tiny.TINY, words)).data for words in (first, second))
    assert (one.prepared is two.prepared) == equal
    assert not equal or one.tokens[0] is two.tokens[0]


def test_seeds_that_remove_other_bars_share_nothing():
    one, two = (assemble(compose(*tiny.TINY, "data.thin=0.2", f"seed={seed}")).data for seed in (0, 1))
    assert one.prepared is not two.prepared and (one.prepared.candles.missing != two.prepared.candles.missing).any()


def test_no_position_is_held_from_one_test_period_to_the_next():
    close = np.array([1.0, 2, 3, 6, 12, 24, 48])
    columns = dict.fromkeys(("open", "high", "low", "close"), close)
    tape = Candles.from_frame(
        pd.DataFrame({"open_time": np.arange(7) * 3_600_000, **columns, "volume": 1.0}), interval="1h"
    )
    found = bar_returns(tape, np.array([0, 1, 4, 5]), broken=np.array([False, True, False]))
    assert np.allclose(found, [1.0, 0.5, 1.0, 1.0])


def test_data_that_another_process_prepared_are_read_and_not_fetched(monkeypatch):
    cfg = compose(*tiny.LOGISTIC)
    key, made = shared.shareable_data(cfg)
    shared.hold_prepared("of another data set", made)
    shared.hold_prepared(key, made)
    data = build(cfg, "data", build(cfg, "render"))
    monkeypatch.setattr(type(data.source), "fetch", None)
    assert shared.share_prepared(cfg, data).prepared is made
