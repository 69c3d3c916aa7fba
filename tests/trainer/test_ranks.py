"""One run on two CPU processes: it ends, trains on every row once, and says what one process says."""

import signal
import subprocess
import sys
import time
from functools import cache

import numpy as np
import pandas as pd
import pytest
import tiny
from hub_cases import temporary_folder

from candlelab.config import build, compose
from candlelab.core.errors import UserError
from candlelab.data.loader import SampleLoader

STILL = (
    "model.net.head_dropout=0",
    "model.net.dropout=0",
    "trainer=cpu",
    "trainer.max_epochs=2",
    "data.batch_size=50",
    "model.net.patch=null",  # columns: with batch normalisation, which takes its statistics of both processes
)


@cache
def trained(devices):
    """Train the tiny run on so many CPU processes, by the command; return its folder."""
    out = temporary_folder()
    done = tiny.command(*tiny.TINY, *STILL, f"trainer.devices={devices}", f"outputs={out}")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return tiny.folder_of(out, *STILL, f"trainer.devices={devices}")


@pytest.mark.parametrize("rows", [33, 49, 48, 50, 17])
def test_no_batch_of_an_epoch_is_a_single_row(rows):
    sizes = [len(batch) for batch in SampleLoader(np.arange(rows), 16, 3)]
    assert min(sizes) > 1 and sum(sizes) == rows and len(sizes) == -(-rows // 16)


@pytest.mark.parametrize("rows", [33, 17])
def test_a_row_that_moved_is_read_once(rows):
    read = np.concatenate([batch.numpy() for batch in SampleLoader(np.arange(rows), 16, 3)])
    assert sorted(read) == list(range(rows))


@pytest.mark.parametrize(("rows", "batch"), [(120, 16), (121, 40), (8, 8)])
def test_the_shares_of_two_processes_are_the_batches_of_one(rows, batch):
    whole, shares = (
        SampleLoader(np.arange(rows), batch, 3),
        [SampleLoader(np.arange(rows), batch, 3, rank=r, world=2) for r in (0, 1)],
    )
    for k, (one, *parts) in enumerate(zip(whole, *shares, strict=True)):
        kept = [part.tolist() for part, loader in zip(parts, shares, strict=True) if loader.weight(k)]
        assert sorted(row for part in kept for row in part) == sorted(one.tolist())


def test_weighted_means_of_the_shares_are_the_mean_of_the_batch():
    rows = np.arange(7.0)
    shares = [SampleLoader(rows, 7, None, rank=r, world=2) for r in (0, 1)]
    assert np.mean([next(iter(s)).mean().item() * s.weight(0) for s in shares]) == pytest.approx(rows.mean())


def test_a_process_without_a_row_weighs_nothing_and_still_steps():
    third = SampleLoader(np.arange(8), 6, None, rank=2, world=3)
    assert [third.weight(k) for k in (0, 1)] == [1.0, 0.0] and len(list(third)) == 2


def test_two_processes_give_the_predictions_of_one():
    one, two = (pd.read_parquet(trained(n) / "predictions.parquet") for n in (1, 2))
    assert list(one.time) == list(two.time)
    np.testing.assert_allclose(one.filter(like="p_"), two.filter(like="p_"), atol=1e-6)


def test_the_figures_of_an_epoch_are_those_of_all_processes():
    one, two = (pd.read_csv(trained(n) / "metrics.csv") for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, rtol=1e-4)


def test_devices_that_are_not_there_are_one_sentence():
    cfg = compose(*tiny.TINY, "trainer.accelerator=gpu", "trainer.devices=9", f"outputs={temporary_folder()}")
    with pytest.raises(UserError, match=r"trainer\.accelerator is gpu"):
        build(cfg, "task", cfg)


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes():
    """One, then two, then one again: every stretch ends early, and the predictions are those of one process throughout."""
    out = temporary_folder()
    words = (*STILL, "trainer.max_epochs=3", "trainer.checkpoint_minutes=0", f"outputs={out}")
    folder = tiny.folder_of(out, *words[:-1])
    for devices, after in ((1, 1), (2, 2)):
        interrupt_after(folder, after, *words, f"trainer.devices={devices}")
    done = tiny.command(*tiny.TINY, *words, "trainer.devices=1")
    assert done.returncode == 0 and "(resumed)" in done.stdout, done.stdout + done.stderr[-2000:]
    whole = temporary_folder()
    assert tiny.command(*tiny.TINY, *words[:-1], f"outputs={whole}").returncode == 0
    one, mixed = (
        pd.read_parquet(each / "predictions.parquet").filter(like="p_")
        for each in (tiny.folder_of(whole, *words[:-1]), folder)
    )
    np.testing.assert_allclose(one, mixed, atol=1e-6)


def interrupt_after(folder, epochs, *words):
    """Start a run and send it Ctrl-C when so many epochs stand in its table."""
    process = subprocess.Popen([sys.executable, "-m", "candlelab", *tiny.TINY, *words], cwd=tiny.ROOT)
    while process.poll() is None and rows_of(folder / "metrics.csv") < epochs:
        time.sleep(0.05)  # waits for a state, not for time to pass
    process.send_signal(signal.SIGINT)
    process.wait(timeout=120)


def rows_of(path):
    return len(pd.read_csv(path)) if path.is_file() and path.stat().st_size else 0
