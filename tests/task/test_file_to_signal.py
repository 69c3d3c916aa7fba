"""One chain as a user goes it: own csv, training, trades, fees, this hour's signal, and the same signal without torch."""

import os
import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import tiny

from candlelab import run as runs

HOUR = 3_600_000
SMALL = (
    "model.image_size=64",
    "model.net.patch=16",
    "model.net.width=16",
    "model.net.image_layers=1",
    "model.net.caption_layers=1",
    "model.net.heads=2",
    "model.net.ffn_width=32",
    "model.net.fusion_heads=2",
    "trainer.max_epochs=2",
    "trainer.progress=none",
    "evaluate.n_bootstrap=20",
    "evaluate.n_permutations=20",
    "evaluate.threshold.n_bootstrap=5",
)  # the size of the net alone: of the data nothing is said but the path
WITHOUT_TORCH = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "lightning", "timm", "transformers"):
            raise ModuleNotFoundError(f"blocked: {name}", name=name)
sys.meta_path.insert(0, Blocker())
from candlelab.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A folder with a csv of hours up to now, and the run trained on it."""
    folder = tmp_path_factory.mktemp("chain")
    write_hours(folder / "MYUSDT_1h.csv", 1200)
    done = said(folder, "model=fusion_small", "data=own", "data.source.path=MYUSDT_1h.csv", *SMALL)
    (run,) = [path.parent for path in folder.rglob(runs.METRICS)]
    return folder, run, done


def write_hours(path, bars):
    """A random walk whose last closed bar is this hour's."""
    last = int(time.time() * 1000) // HOUR * HOUR - HOUR
    close = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.005, bars)))
    open_ = np.r_[100.0, close[:-1]]
    columns = {
        "open": open_,
        "high": np.maximum(open_, close) * 1.002,
        "low": np.minimum(open_, close) * 0.998,
        "close": close,
    }
    times = last - HOUR * np.arange(bars - 1, -1, -1)
    pd.DataFrame({"open_time": times, **columns, "volume": 5.0}).to_csv(path, index=False)


def said(folder, *words, code=("-m", "candlelab")):
    env = {**os.environ, "PYTHONPATH": str(tiny.ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *code, *words], cwd=folder, capture_output=True, text=True, env=env, timeout=600
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def signal_in(text):
    return re.search(r"\b(LONG|NONE|SHORT)\b", text).group(1)


@pytest.mark.slow
def test_the_span_of_the_file_is_printed(chain):
    assert "MYUSDT" in chain[2] and "1,200 bars" in chain[2]


@pytest.mark.slow
def test_every_trade_stands_in_a_file(chain):
    head = {"entry", "exit", "side", "bars", "gross", "fee", "net"}
    assert head <= set(pd.read_csv(chain[1] / "trades.csv").columns)


@pytest.mark.slow
def test_five_fees_are_five_rows_of_one_table(chain):
    folder, run, _ = chain
    before = (run / runs.METRICS).read_bytes()
    text = said(folder, "-m", "task=report", f"task.run={run}", "evaluate.fee_bps=0,2,5,10,20")
    rows = [line for line in text.splitlines() if re.match(r"^[\W]*(0|2|5|10|20)\b.*(yes|no|not shown)", line)]
    assert len(rows) == 5, text
    assert (run / runs.METRICS).read_bytes() == before


@pytest.mark.slow
def test_the_exported_model_gives_this_hours_signal_without_torch(chain):
    folder, run, _ = chain
    own = said(folder, "task=predict", f"task.run={run}", "task.max_stale=0")
    said(folder, "task=export", f"task.run={run}")
    exported = said(folder, "task=predict", f"task.run={run}", "task.engine=onnx", code=("-c", WITHOUT_TORCH))
    assert signal_in(exported) == signal_in(own)
