"""task=fetch says what the bars give away."""

import numpy as np
import pandas as pd

from candlelab.config import build, compose


def test_a_fetch_names_forward_filled_bars_with_the_first(tmp_path, capsys):
    rng = np.random.default_rng(0)
    close = (40_000 * np.exp(np.cumsum(rng.normal(0, 0.005, 300)))).round(2)
    frame = pd.DataFrame(
        {
            "open_time": 1_704_067_200_000 + 3_600_000 * np.arange(300),
            "open": np.append(close[0], close[:-1]),
            "high": close * 1.02,
            "low": close * 0.98,
            "close": close,
            "volume": rng.lognormal(3, 1, 300),
        }
    )
    frame.iloc[50:55, 1:] = np.nan
    frame.ffill().to_csv(tmp_path / "BTCUSDT_1h.csv", index=False)
    cfg = compose(
        "task=fetch",
        "data=btc_1h",
        "data/source=file",
        f"data.source.path={tmp_path / 'BTCUSDT_1h.csv'}",
        "data.start=null",
        "data.end=null",
    )
    build(cfg, "task", cfg)
    assert (
        "suspicious: 5 forward-filled bars of BTCUSDT (1.7 %, the first at 2024-01-03 02:00)" in capsys.readouterr().out
    )
