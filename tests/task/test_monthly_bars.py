"""Months as bars: from a file to a verdict, in calendar months and in the years that they make."""

import numpy as np
import pandas as pd
import pytest
import tiny

from candlelab.config import build, compose, run_folder
from candlelab.core.errors import UserError
from candlelab.run import load_run

QUICK = [word for word in tiny.LOGISTIC if not word.startswith(("data=", "data.source."))]


def months(path, count):
    """Write `count` calendar months of a random walk."""
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.05, count)))
    opened = np.r_[100, close[:-1]]
    table = {"time": pd.date_range("1990-01-01", periods=count, freq="MS", tz="UTC"), "open": opened, "close": close}
    table |= {"high": np.maximum(opened, close) * 1.01, "low": np.minimum(opened, close) * 0.99, "volume": 1.0}
    pd.DataFrame(table).to_csv(path, index=False)
    return path


def trained(tmp_path, count):
    words = (*QUICK, "data=own", f"data.source.path={months(tmp_path / 'M.csv', count)}", "data.interval=1mo")
    cfg = compose(*words, f"outputs={tmp_path / 'outputs'}", "evaluate.positive_control=off")
    build(cfg, "task", cfg)
    return load_run(run_folder(cfg))


def test_months_work_from_file_to_verdict(tmp_path):
    run = trained(tmp_path, 300)
    assert run.verdict["information"]["answer"] in ("yes", "no", "not shown")
    held = {name: run.metrics[f"baseline/buy_and_hold/{name}"] for name in ("sharpe_net", "sharpe_net_annual")}
    assert held["sharpe_net_annual"] == pytest.approx(held["sharpe_net"] * 12**0.5, rel=0.02)


def test_too_few_months_are_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UserError, match="window"):
        trained(tmp_path, 12)
    assert not (tmp_path / "outputs").exists()
