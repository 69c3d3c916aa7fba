"""`task=render` as a user meets it: killed at random moments, and at a size where memory would run away."""

import random
import resource
import subprocess
import sys
import time

import numpy as np
import pytest

from candlelab import config
from candlelab.data.source.file import File
from candlelab.render.storage.build import build_store
from candlelab.render.storage.store import open_store, unfinished

KINDS = {
    "zarr": ["render.storage.images_per_shard=256"],
    "hdf5": ["render.storage.mode=batch", "render.storage.images_per_file=256"],
}


def words(path, kind):
    return [
        sys.executable,
        "-m",
        "candlelab",
        "task=render",
        "data=simulated",
        "data.source.bars=6000",
        "data.window=100",
        "render=ohlc_bars",
        f"outputs={path.parent / 'outputs'}",
        f"render/storage={kind}",
        f"render.storage.path={path}",
        *KINDS[kind],
    ]


def tree(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_kills_are_refused_until_resumed_to_the_same_bytes(tmp_path, kind):
    began = time.monotonic()
    subprocess.run(words(tmp_path / "whole", kind), check=True, stdout=subprocess.DEVNULL)
    whole, moments, kills, turn = tree(tmp_path / "whole"), random.Random(3), 0, 0
    span = _seconds_of_drawing(tmp_path / "timed", kind)
    while kills < 20:
        path = tmp_path / f"killed_{turn}"
        process = subprocess.Popen(words(path, kind), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not unfinished(path).exists() and process.poll() is None:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.8 * span))
        process.kill()
        if process.wait() == 0:
            assert tree(path) == whole
            turn += 1
            continue
        kills += 1
        if not path.exists():
            with pytest.raises(ValueError, match="unfinished"):
                open_store(path)
        assert time.monotonic() - began < 1500, f"only {kills} kills hit a build"
    subprocess.run(words(path, kind), check=True, stdout=subprocess.DEVNULL)
    assert tree(path) == whole


def _seconds_of_drawing(path, kind):
    """Return how long a build takes from its first file to its last."""
    process = subprocess.Popen(words(path, kind), stdout=subprocess.DEVNULL)
    while not unfinished(path).exists():
        time.sleep(0.001)
    began = time.monotonic()
    process.wait()
    return time.monotonic() - began


@pytest.mark.slow
def test_a_million_charts_live_and_a_hundred_thousand_stored_keep_memory_flat(shared, tmp_path):
    minutes = File.plain(str(shared / "scale" / "BTCUSDT_1m.csv.gz")).fetch(["BTCUSDT"], "1m", None, None)
    cfg = config.compose("render=ohlc_bars", "render.window=100", "render/storage=zarr")
    renderer, ends = config.build(cfg, "render"), np.flatnonzero(np.arange(len(minutes)) >= 100)
    peaks, passes, drawn = [], -(-1_000_000 // len(ends)), 0
    for _ in range(passes):
        for start in range(0, len(ends), 1024):
            drawn += len(renderer.draw(minutes, ends[start : start + 1024]))
        peaks.append(_peak_megabytes())
    assert drawn >= 1_000_000 and peaks[-1] - peaks[0] < 20, peaks
    stored = build_store(minutes, ends[:100_000], renderer, renderer.storage, {}, tmp_path / "store", progress=None)
    assert len(stored) == 100_000 and _peak_megabytes() - peaks[-1] < 300
    print(
        f"peak {peaks[0]:.0f} MB after one pass, {peaks[-1]:.0f} MB after {passes}, {_peak_megabytes():.0f} MB after 100,000 into zarr"
    )


def _peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
