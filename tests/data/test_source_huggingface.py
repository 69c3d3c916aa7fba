"""Candles from a dataset repository or a snapshot of it."""

import pandas as pd
import pytest

from candlelab.core.errors import DataTrouble
from candlelab.data.source.huggingface import HuggingFace

T0, HOUR = 1_704_067_200_000, 3_600_000


def source(repo, files=None):
    return HuggingFace(
        repo=str(repo),
        revision="main",
        files=files,
        columns={},
        timezone="UTC",
        time_format=None,
        max_bytes=10**9,
        misaligned="drop",
        last_bar="keep",
        timeout=1.0,
    )


@pytest.fixture
def snapshot(tmp_path):
    """Two symbols, one parquet file each, in a folder like a dataset's."""
    (tmp_path / "data").mkdir()
    for name in ("BTCUSDT", "ETHUSDT"):
        frame = pd.DataFrame(
            {
                "timestamp": T0 + HOUR * pd.RangeIndex(5),
                "open": 1.0,
                "high": 2.0,
                "low": 0.5,
                "close": 1.5,
                "volume": 3.0,
            }
        )
        frame.to_parquet(tmp_path / "data" / f"{name}-1h.parquet")
    return tmp_path


def test_local_snapshot_is_read(snapshot):
    tape = source(snapshot).fetch(["ETHUSDT"], "1h", None, None)
    assert tape.symbols == ("ETHUSDT",) and len(tape) == 5


def test_pattern_without_files_is_named(snapshot):
    with pytest.raises(ValueError, match=r"no csv, json, feather or parquet file like 'bars/"):
        source(snapshot, "bars/*.parquet").fetch([], "1h", None, None)


def test_unreachable_hub_says_what_works(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataTrouble, match=r"could not be reached.*local snapshot.*data/source=simulated"):
        source("nobody/candles-that-are-not-here").fetch([], "1h", None, None)


def test_a_name_that_is_no_repository_is_the_users_mistake():
    with pytest.raises(ValueError, match=r"neither a folder here nor a dataset's name"):
        source("a b/c/d").fetch([], "1h", None, None)


def test_what_candlelab_publishes_is_read_by_default(snapshot):
    (snapshot / "bars").mkdir()
    (snapshot / "data" / "BTCUSDT-1h.parquet").rename(snapshot / "bars" / "BTCUSDT-1h.parquet")
    pd.DataFrame({"image": [b"png"], "label": [1]}).to_parquet(snapshot / "data" / "train-00000-of-00001.parquet")
    assert source(snapshot).fetch([], "auto", None, None).symbols == ("BTCUSDT",)
