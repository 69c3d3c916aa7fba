"""One job of a sweep: it runs in this process, and a failure is noted in its folder while the others go on."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from pathlib import Path

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import build, locate, run_folder
from candlelab.core.files import CannotWrite

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


def prepare_here(job: DictConfig) -> None:
    """Make what a job reads ready in this process, where its task knows how; what fails there the job says itself."""
    made = locate(job.task["_target_"])
    prepare = getattr(sys.modules[made.__module__], "prepare_data", None)
    if prepare is not None:
        with suppress(Exception):
            prepare(job)


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
