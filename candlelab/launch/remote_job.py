"""One job as a task of a Ray cluster: what travels to its node, and what is done there."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig, OmegaConf

from candlelab import run as runs
from candlelab.core.errors import UserError
from candlelab.launch.away import Ask, at_home_in
from candlelab.launch.depot import sees
from candlelab.launch.one_job import run_noted, take_data, travels, use_threads

TRIES, PAUSE = 30, 2.0  # looks at a run folder that a dying process still holds, and the seconds between them
BUSY = "another process is at work"  # the reason of a job whose process of before has not ended yet
BUSY_WORDS = re.compile(r"another process( \(.*\))? is at work")  # how a locked folder says it


@dataclass(frozen=True)
class Order:
    """A job on its way: its number and resolved config (JSON), and its threads.

    place   where the command runs; home names its outputs among all machines; token: by which they are known
    shared  whether jobs write into the command's outputs; "auto": where their machine sees them
    scratch where a job's own outputs lie else; None: the system's temporary folder
    """

    number: int
    job: str
    threads: int
    place: str
    home: str
    token: str
    shared: bool | Literal["auto"]
    scratch: str | None


def run_order(order: Order, data: tuple[str, Any] | None, depot: Any) -> str | None:
    """Run a job in this process of the cluster; return why it failed, None where it did not, BUSY where it still runs elsewhere.

    data  key and prepared data, read from the node's object store without a copy. Raises UserError where the outputs have to be
    seen and are not.
    """
    depot.put.remote(order.number, socket.gethostname())
    if Path(order.place).is_dir():
        os.chdir(order.place)
    job = OmegaConf.create(json.loads(order.job))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # what ray.cancel sends
    if data is not None:
        take_data(job, *data)
    use_threads(order.threads)
    return run_where_seen(order, job, partial(_ask, depot))


def _ask(depot: Any, method: str, *words: Any) -> Any:
    """Return what the depot answers; what it refuses is raised here as it was there."""
    import ray
    from ray.exceptions import RayTaskError

    try:
        return ray.get(getattr(depot, method).remote(*words))
    except RayTaskError as error:
        raise error.cause from None


def run_where_seen(order: Order, job: DictConfig, ask: Ask) -> str | None:
    """Run a job in the command's outputs, or in a folder of this machine from which its run is brought back; return as `run_order`."""
    if order.shared is not False and sees(Path(job.outputs), order.token):
        return _patiently(job)
    if order.shared is True or not travels(job):
        raise UserError(
            f"outputs: node {socket.gethostname()} does not see '{job.outputs}' of the command: give outputs= a folder that all nodes share"
        )
    try:
        with at_home_in(order.scratch, order.home, order.number, job, ask) as moved:
            return _patiently(moved)
    except runs.Busy:
        return BUSY
    except UserError as error:
        return str(error)


def _patiently(job: DictConfig) -> str | None:
    for _ in range(TRIES):
        reason = run_noted(job)
        if reason is None or not BUSY_WORDS.match(reason):
            return reason
        time.sleep(PAUSE)
    return BUSY
