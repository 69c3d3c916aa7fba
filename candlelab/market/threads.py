"""Many downloads at a time: a thread each, and the first failure stops the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

Item = TypeVar("Item")
Got = TypeVar("Got")


def in_threads(action: Callable[[Item], Got], items: Sequence[Item], at_once: int, cancelled: Event) -> list[Got]:
    """Return [action(item)], so many at a time; after the first exception none begins any more, and it is raised.

    cancelled  is set while those that are under way end, so that they do not wait in vain; also when this thread is interrupted.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="fetch")
    try:
        futures = [pool.submit(action, item) for item in items]
        ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
        failed = [future for future in futures if future in ended and future.exception() is not None]
        return [future.result() for future in failed or futures]
    except BaseException:
        cancelled.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        cancelled.clear()
