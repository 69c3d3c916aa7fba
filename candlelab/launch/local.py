"""Local parallel launcher: the jobs of a sweep in processes of one machine, its threads and GPUs shared out among them."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError, plain, run_folder
from candlelab.core.errors import UserError
from candlelab.launch.board import Board
from candlelab.launch.nursery import FAILED
from candlelab.launch.side_by_side import SideBySide, note_death

GPUS = "CUDA_VISIBLE_DEVICES"
PAUSE = 1.0  # seconds between two drawings of the table
TAIL = 2000  # characters of a dead job's output that are kept


class LocalLauncher(SideBySide):
    """Runs several jobs at once on this machine; each has its share of the threads, and the GPU of its slot.

    jobs  at once; "auto": one per GPU, without GPUs one per core.
    threads  of each job; "auto": cores / jobs.
    gpus  that are shared out; "auto": those of CUDA_VISIBLE_DEVICES, else all that the driver names. Several jobs may share one.
    Raises UserError for numbers out of range, and where the system cannot fork.
    """

    def __init__(self, *, jobs: int | Literal["auto"], threads: int | Literal["auto"], gpus: int | Literal["auto"]):
        super().__init__()
        for name, value in (("jobs", jobs), ("threads", threads)):
            if value != "auto" and value < 1:
                raise UserError(f"{name} is {value}; give 1 or more, or auto")
        if gpus != "auto" and gpus < 0:
            raise UserError(f"gpus is {gpus}; give 0 or more, or auto")
        if not hasattr(os, "fork"):
            raise UserError(
                "jobs side by side need fork, which Windows has not: run candlelab in WSL, or one job at a time"
            )
        self._gpus = visible_gpus() if gpus == "auto" else tuple(map(str, range(gpus)))
        self._jobs = jobs if jobs != "auto" else len(self._gpus) or cores()
        self._threads = threads if threads != "auto" else max(1, cores() // self._jobs)

    def run_all(self, jobs: Sequence[DictConfig]) -> None:
        """Keep every slot busy until all jobs have ended."""
        free, waiting, running = list(range(self._jobs))[::-1], list(enumerate(jobs))[::-1], dict[int, int]()
        with tempfile.TemporaryDirectory() as logs, Board(jobs) as board, nursery() as nurse:
            while waiting or running:
                while waiting and free:
                    number, job = waiting.pop()
                    running[number] = free.pop()
                    nurse.send(self._order(number, job, running[number], Path(logs)))
                    board.started(number, self._words(running[number]))
                for number, code in nurse.ended(PAUSE):
                    free.append(running.pop(number))
                    board.ended(number, reason=reason_of(jobs[number], code, Path(logs) / str(number)))
                board.show()

    def threads(self) -> int:
        """Return the threads of each job."""
        return self._threads

    def _order(self, number: int, job: DictConfig, slot: int, logs: Path) -> dict[str, Any]:
        env = {GPUS: self._gpus[slot % len(self._gpus)]} if self._gpus else {}
        told = {"id": number, "job": plain(job), "env": env, "threads": self.threads()}
        return told | {"log": str(logs / str(number))}

    def _words(self, slot: int) -> str:
        return f"GPU {self._gpus[slot % len(self._gpus)]}" if self._gpus else f"slot {slot + 1}"


class Nurse:
    """The launcher's end of the process that forks the jobs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process, self._rest = process, b""

    def send(self, order: dict[str, Any]) -> None:
        """Have a job started."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def ended(self, patience: float) -> list[tuple[int, int]]:
        """Return number and exit code of the jobs that have ended, after `patience` seconds at the latest."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            if not ready.select(patience):
                return []
        read = os.read(self._process.stdout.fileno(), 1 << 16)
        if not read:
            raise ConfigError("the process that starts the jobs has ended: the same command goes on")
        *lines, self._rest = (self._rest + read).split(b"\n")
        return [(told["id"], told["code"]) for told in map(json.loads, lines)]


@contextmanager
def nursery() -> Iterator[Nurse]:
    """Start the process that forks the jobs; at the end, also after Ctrl-C, its jobs write their checkpoints and end.

    It has a session of its own: Ctrl-C reaches the launcher, which stops the jobs in order. A second Ctrl-C ends all at once.
    """
    command = [sys.executable, "-m", "candlelab.launch.nursery"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        yield Nurse(process)
    except KeyboardInterrupt:
        print("\nstopping all jobs after their step; Ctrl-C again stops at once", flush=True)
        raise
    finally:
        try:
            process.communicate()
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def reason_of(job: DictConfig, code: int, log: Path) -> str | None:
    """Return why a job failed, None where it did not; one that ended without a word is noted in its folder."""
    if code == 0:
        return None
    if code != FAILED:
        how = f"its process was ended by signal {-code}" if code < 0 else f"its process ended with code {code}"
        how += " (out of memory?)" if code == -signal.SIGKILL else ""
        note_death(job, how, log.read_text(errors="replace")[-TAIL:] if log.exists() else "")
    return runs.failure(run_folder(job)) or f"exit code {code}"


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> tuple[str, ...]:
    """Return the names of the GPUs for CUDA_VISIBLE_DEVICES, without asking CUDA: who has asked it cannot fork."""
    named = os.environ.get(GPUS)
    if named is not None:
        return tuple(name for name in named.split(",") if name.strip())
    return tuple(str(number) for number, _ in enumerate(sorted(Path("/proc/driver/nvidia/gpus").glob("*"))))
