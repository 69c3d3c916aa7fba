"""Drawing against a constant fill on as many threads, in warm and in cold memory; small batches; the fixed cost of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from candlelab.render import memory, style
from candlelab.task.bench._goals import Row, reaches, stays_within, told
from candlelab.task.bench.render import alternating, market, mplfinance_seconds, renderer_of

SHARES: tuple[tuple[str, dict[str, Any], dict[int, float]], ...] = (
    ("ohlc_bars", {"window": 100}, {64: 0.95, 256: 0.8}),
    ("candles", {"window": 64, "height": 224, "width": 224}, {64: 0.6}),
    ("jkx_i20", {}, {64: 0.2}),
)
SMALL = (64, 8)
GRAMIAN: dict[str, Any] = {"window": 64, "size": 224}


def bench_drawing(*, rounds: int = 100, tape_rows: int = 200_000) -> dict[str, Any]:
    """Return the rows of drawing: shares of a fill of as much memory on as many threads, and what small batches cost.

    warm: memory of earlier pictures is used again, as training does; cold: every page is fresh, for both sides.
    """
    tape, rows = market(tape_rows), []
    for name, settings, goals in SHARES:
        for megabytes, goal in goals.items():
            rows += _shares(name, settings, tape, megabytes << 20, goal, rounds)
    rows += [_times_mplfinance(tape, rounds), _gramian(tape, rounds)]
    for count in SMALL:
        rows += _small_batch(tape, count, rounds)
    return told([*rows, _fixed_cost(tape, rounds)])


def _shares(name: str, settings: dict[str, Any], tape: Any, size: int, goal: float, rounds: int) -> list[Row]:
    renderer = renderer_of(name, **settings)
    count = size // int(np.prod(renderer.shape))
    ends = np.sort(np.random.default_rng(1).integers(300, len(tape.close), count))
    board = np.zeros((count, *renderer.shape), np.uint8)
    ways: dict[str, Callable[[], Any]] = {
        "warm fill": lambda: fill_in_threads(board),
        "warm": lambda: renderer.draw(tape, ends),
        "cold fill": lambda: fill_in_threads(np.empty_like(board)),
        "cold": lambda: _cold(renderer, tape, ends),
    }
    seconds = alternating(ways, max(3, rounds * (64 << 20) // max(size, 1) // 2))
    memory.release()
    threads = f"a constant fill of {size >> 20} MB on {style.workers()} threads"
    shape = "x".join(map(str, renderer.shape[1:]))
    return [
        reaches(f"{name} {shape}, {state} memory", seconds[f"{state} fill"] / seconds[state], goal, against=threads)
        for state in ("warm", "cold")
    ]


def fill_in_threads(board: np.ndarray) -> None:
    """Write a constant into memory on all threads that draw."""
    size = max(1, -(-len(board) // (4 * style.workers())))

    def piece(start: int) -> None:
        board[start : start + size] = 255

    style.for_each(piece, range(0, len(board), size))


def _cold(renderer: Any, tape: Any, ends: np.ndarray) -> None:
    memory.release()
    renderer.draw(tape, ends)


def _times_mplfinance(tape: Any, rounds: int) -> Row:
    renderer = renderer_of("candles", window=64, height=224, width=224)
    ends = 300 + np.arange(448)
    seconds = alternating({"draw": lambda: renderer.draw(tape, ends)}, rounds)["draw"] / len(ends)
    return reaches(
        "candles 224x224", mplfinance_seconds(renderer, tape, ends[:4]) / seconds, 4000, against="mplfinance"
    )


def _gramian(tape: Any, rounds: int) -> Row:
    renderer, plain = renderer_of("gramian", **GRAMIAN), renderer_of("gramian", **GRAMIAN)
    vars(plain)["one_pass"] = lambda tape: None
    ends = 300 + np.arange(256)
    ways = {name: (lambda r=r: r.draw(tape, ends)) for name, r in (("loop", renderer), ("arrays", plain))}
    seconds = alternating(ways, max(3, rounds // 4))
    return reaches("gramian 224x224", seconds["arrays"] / seconds["loop"], 5, against="the same in array operations")


def _small_batch(tape: Any, count: int, rounds: int) -> list[Row]:
    rows, many = [], style.workers()
    for name, settings in (
        ("ohlc_bars", {"window": 100}),
        ("candles", {"window": 64, "height": 224, "width": 224}),
        ("jkx_i5", {}),
    ):
        renderer, ends = renderer_of(name, **settings), 300 + np.arange(count)
        alone = lambda r=renderer, e=ends: _on_one_thread(r, tape, e)  # noqa: E731 - a way to be timed
        seconds = alternating({"all": lambda r=renderer, e=ends: r.draw(tape, e), "one": alone}, rounds * 5)
        rows.append(
            stays_within(
                f"a batch of {count} {name}, {many} threads",
                seconds["all"] / seconds["one"],
                1.05,
                against="one thread",
            )
        )
    return rows


def _on_one_thread(renderer: Any, tape: Any, ends: np.ndarray) -> None:
    limit, style.ALONE = style.ALONE, 1 << 62
    try:
        renderer.draw(tape, ends)
    finally:
        style.ALONE = limit


def _fixed_cost(tape: Any, rounds: int) -> Row:
    """The time of a call that does not depend on how much is drawn: of one picture and of 65, the line's start."""
    renderer = renderer_of("jkx_i5")
    one, more = (300 + np.arange(count) for count in (1, 65))
    seconds = alternating(
        {"one": lambda: renderer.draw(tape, one), "more": lambda: renderer.draw(tape, more)}, rounds * 20
    )
    each = (seconds["more"] - seconds["one"]) / 64
    return stays_within("fixed cost of a call, jkx_i5", 1e6 * (seconds["one"] - each), 20, unit="us")
