"""Loops that are compiled when they are first called, by several threads at once."""

import threading

import pytest

from candlelab.core.compiled import COMPILES, compiled

pytestmark = pytest.mark.skipif(not COMPILES, reason="numba is not installed")


@compiled
def _twice(number):
    return 2 * number


@compiled
def _more(number):
    return _twice(number) + 1


def test_a_second_thread_waits_until_the_loops_that_a_loop_calls_are_made(monkeypatch):
    make, begun, go_on, said = _twice.make, threading.Event(), threading.Event(), []

    def slow_make():
        begun.set()
        go_on.wait(60)
        return make()

    monkeypatch.setattr(_twice, "make", slow_make)
    threads = [threading.Thread(target=lambda: said.append(_more(20))) for _ in range(2)]
    threads[0].start()
    assert begun.wait(60)
    threads[1].start()
    threads[1].join(1)  # time enough to go wrong
    go_on.set()
    for thread in threads:
        thread.join()
    assert said == [41, 41]
