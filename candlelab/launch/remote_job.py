"""One job as a task of a Ray cluster: what travels to its node, and what is done there."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from candlelab.core.errors import UserError
from candlelab.launch.one_job import run_noted, take_data, use_threads

TRIES, PAUSE = 30, 2.0  # looks at a run folder that a dying process still holds, and the seconds between them
BUSY = "another process is at work"  # how the reason begins of a job whose process of before has not ended yet

TOKEN = ".shared"  # a file of the outputs that every node must see


@dataclass(frozen=True)
class Order:
    """A job on its way: its number and resolved config (JSON), where the command runs, what the outputs folder says, its threads."""

    number: int
    job: str
    place: str
    token: str
    threads: int


class Postbox:
    """Where jobs leave word of the node they run on."""

    def __init__(self) -> None:
        self._letters: list[tuple[int, str]] = []

    def put(self, number: int, where: str) -> None:
        """Leave word."""
        self._letters.append((number, where))

    def taken(self) -> list[tuple[int, str]]:
        """Return what has been left since the last time."""
        letters, self._letters = self._letters, []
        return letters


def run_order(order: Order, data: tuple[str, Any] | None, postbox: Any) -> str | None:
    """Run a job in this process of the cluster; return why it failed, None where it did not, BUSY where it still runs elsewhere.

    data  key and prepared data, read from the node's object store without a copy. Raises UserError where the outputs are not seen.
    """
    postbox.put.remote(order.number, socket.gethostname())
    if Path(order.place).is_dir():
        os.chdir(order.place)
    job = OmegaConf.create(json.loads(order.job))
    _refuse_unshared(Path(job.outputs), order.token)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # what ray.cancel sends
    if data is not None:
        take_data(job, *data)
    use_threads(order.threads)
    for _ in range(TRIES):
        reason = run_noted(job)
        if reason is None or not reason.startswith(BUSY):
            return reason
        time.sleep(PAUSE)
    return BUSY


def _refuse_unshared(outputs: Path, token: str) -> None:
    path = outputs / TOKEN
    if not path.is_file() or path.read_text(encoding="utf-8") != token:
        raise UserError(
            f"outputs: node {socket.gethostname()} does not see '{outputs}' of the command: give outputs= a folder that all nodes share"
        )
