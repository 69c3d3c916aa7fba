"""Nursery of jobs: a process that prepares the bars once and forks one process per job, which share them without a copy."""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import sys
import traceback
from typing import Any, TextIO

from omegaconf import DictConfig, OmegaConf

from candlelab.core.errors import Stopped
from candlelab.core.terminal import stop_when_asked
from candlelab.launch.one_job import THREADS, data_here, run_noted, use_threads

FAILED, BUG, INTERRUPTED = 3, 1, 130  # exit codes of a job
PAUSE = 0.1  # seconds between two looks at who has ended


def main() -> None:
    """Fork a job per line of the standard input, {"id", "job", "env", "threads", "log"}; write {"id", "code"} when it ends.

    The end of the input asks all jobs to stop, as Ctrl-C does, and waits for them.
    """
    os.environ.update(dict.fromkeys(THREADS, "1"))  # a pool of threads does not survive a fork
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    children: dict[int, int] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(0, selectors.EVENT_READ)
        rest, going = b"", True
        while going or children:
            if going and ready.select(PAUSE):
                read = os.read(0, 1 << 20)
                *lines, rest = (rest + read).split(b"\n")
                for line in lines:
                    order = json.loads(line)
                    children[_born(order)] = order["id"]
                if not read:
                    going = _stop(children)
            _tell_ended(children, answers, wait=not going)
    gc.unfreeze()  # some libraries complain of what the last collection leaves


def _born(order: dict[str, Any]) -> int:
    """Prepare what the job reads, then fork it; return its process id."""
    job = OmegaConf.create(order["job"])
    data_here(job)
    gc.freeze()  # else the collector of a child would write on pages that all share
    child = os.fork()
    if child == 0:
        _live(order, job)
    return child


def _live(order: dict[str, Any], job: DictConfig) -> None:
    """Be the process of one job, to its end."""
    code = BUG
    try:
        os.environ.update(order["env"])
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop_when_asked()
        use_threads(order["threads"])
        code = 0 if run_noted(job) is None else FAILED
    except Stopped as stop:
        code = stop.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException:  # noqa: BLE001 - whatever it is, the parent's own code must not run in a child
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _stop(children: dict[int, int]) -> bool:
    for child in children:
        os.kill(child, signal.SIGINT)
    return False


def _tell_ended(children: dict[int, int], answers: TextIO, *, wait: bool) -> None:
    """Write a line for every job that has ended; wait: for one of them at least."""
    while children:
        child, status = os.waitpid(-1, 0 if wait else os.WNOHANG)
        if child == 0:
            return
        wait = False
        answers.write(json.dumps({"id": children.pop(child), "code": os.waitstatus_to_exitcode(status)}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
