"""One job of a sweep: it runs in this process, and a failure is noted in its folder while the others go on."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import build, locate, run_folder
from candlelab.core.files import CannotWrite

DRAWING = "NUMBA_NUM_THREADS"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", DRAWING)
expected: dict[Path, float] = {}  # megabytes that a run may take, by the estimate of the sweep
refused: list[
    str
] = []  # failures that no folder tells as such: trials of a search, and finished jobs whose data have changed
DONE = ("finished", "sealed")  # states of a run that has a result


def run_noted(job: DictConfig) -> str | None:
    """Run the task of a job; return why it failed, None where it did not. Ctrl-C and signals pass."""
    try:
        build(job, "task", job)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever fails becomes a row of the study with its reason
        folder, reason = run_folder(job), " ".join(str(error).split()) or type(error).__name__
        _note(folder, error)
        print(f"candlelab: {folder.name} failed: {reason}", file=sys.stderr, flush=True)
        return reason
    return None


def data_here(job: DictConfig) -> tuple[str, Any] | None:
    """Prepare what a job reads in this process, and import what works on it, where its task knows how; return key and data.

    None where they cannot be shared; what fails here the job says itself when its turn comes.
    """
    prepare = _of_task(job, "prepare_data")
    try:
        return None if prepare is None else prepare(job)
    except Exception:  # noqa: BLE001 - the job meets it again, and its folder takes the reason
        return None


def take_data(job: DictConfig, key: str, data: Any) -> None:
    """Let the jobs of this process read data that were prepared elsewhere."""
    hold = _of_task(job, "hold_data")
    if hold is not None:
        hold(key, data)


def travels(job: DictConfig) -> bool:
    """Return whether all that a job makes is its run, which can be made elsewhere and brought here."""
    return _of_task(job, "come_home") is not None


def settle_in(job: DictConfig, folder: Path) -> None:
    """Let a run that was made elsewhere say where it is from now on; folder: where it lies before it is put in place."""
    renew = _of_task(job, "come_home")
    if renew is not None:
        renew(folder, Path(job.outputs))


def use_threads(threads: int) -> None:
    """Let torch and drawing use so many threads in this process; where these are not loaded yet the environment says so."""
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
    if "numba" in sys.modules:
        from numba import config

        vars(config)[DRAWING] = threads  # what its own reading of the environment sets


def _of_task(job: DictConfig, name: str) -> Callable[..., Any] | None:
    """Return a function of the module of a job's task, None where it has none of that name."""
    return getattr(sys.modules[locate(job.task["_target_"]).__module__], name, None)


def is_done(job: DictConfig) -> bool:
    """Return whether a job has a result already."""
    return runs.state(run_folder(job)) in DONE


def _note(folder: Path, error: Exception) -> None:
    """Note a failure in its run folder; not where another process is at work there, nor where nothing can be written."""
    if isinstance(error, (runs.Busy, CannotWrite)):
        return
    try:
        runs.note_failure(folder, error, traceback.format_exc())
    except CannotWrite as refusal:
        print(f"candlelab: {refusal}", file=sys.stderr, flush=True)
