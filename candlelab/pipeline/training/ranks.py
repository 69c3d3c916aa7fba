"""Start the other processes of a run on several devices, and never wait for one that has died."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from candlelab.data.samples import SampleSet
    from candlelab.trainer.ranks import Ranks
    from candlelab.trainer.trainer import Trainer

READY = "ready"  # what a process says when it has prepared all it needs
LAST_WORDS = 60.0  # seconds that the others have to end after the training


@contextmanager
def others(trainer: Trainer, data: SampleSet, folder: Path) -> Iterator[Ranks]:
    """Give this process its rank 0 while processes 1, 2, … of the run in a folder are ready beside it.

    They read the config of the folder, prepare the same data themselves, and end when this process ends.
    Raises RuntimeError if one ends before it is ready.
    """
    from candlelab.trainer.ranks import ALONE, Ranks

    world = trainer.processes()
    if world == 1:
        yield ALONE
        return
    port = _free_port()
    started = [_start(folder, Ranks(rank, world, port), data.rows_per_batch) for rank in range(1, world)]
    try:
        for rank, process in enumerate(started, 1):
            _wait_until_ready(rank, process)
        yield Ranks(0, world, port)
        for process in started:
            process.wait(LAST_WORDS)
    finally:
        for process in started:
            _end(process)


def _start(folder: Path, ranks: Ranks, batch_size: int) -> subprocess.Popen:
    words = [str(folder), *map(str, (ranks.rank, ranks.world, ranks.port, batch_size))]
    return subprocess.Popen(
        [sys.executable, "-m", "candlelab.pipeline.training.rank", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _wait_until_ready(rank: int, process: subprocess.Popen) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == READY:
            return
    raise RuntimeError(
        f"process {rank} of the run ended with code {process.wait()} before the training began; its reason stands above"
    )


def _end(process: subprocess.Popen) -> None:
    """Close what the process listens to, which ends it."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    process.stdout.close()
    try:
        process.wait(LAST_WORDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
