"""How fast charts are drawn and stored, beside a constant fill, PIL, mplfinance and the HDF5 layout of Crypto Classifier."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from candlelab import config
from candlelab.render.bars import Tape, gather_bars
from candlelab.render.raster import cupy_works
from candlelab.render.storage.build import build_store
from candlelab.render.storage.store import Store

STYLES = {  # what is overridden in each style's preset
    "ohlc_bars": {"window": 100},
    "candles": {"window": 30, "height": 224, "width": 224},
    "candles_plain": {"window": 30, "height": 64, "width": 64},
    "jkx_i5": {},
    "jkx_i20": {},
    "jkx_i60": {},
    "line": {"window": 100, "height": 224, "width": 224},
    "gramian": {"window": 100, "size": 224},
}
STORES: dict[str, dict[str, int]] = {"zarr": {}, "hdf5": {}, "npz": {}, "png": {}}
BATCH = 64 << 20  # bytes of pictures per measurement, beyond every cache
SLOW = ("torch", "numpy")  # ways that are measured on every eighth picture, three times


def bench_render(*, rounds: int = 300, stored: int = 8192) -> dict[str, Any]:
    """Return images per second and ratios of one run: {"styles": {name: {…}}, "stores": {name: {…}}}.

    Ratios are taken between the best of `rounds` alternating measurements in this process. constant: NumPy's fill of as
    much memory, one thread. PIL: the same runs of ink, drawn with ImageDraw. mplfinance: the same window, same size.
    stored: pictures written to each store; reads are batches of 256 at random.
    """
    tape = market(200_000)
    styles = {name: bench_style(name, tape, rounds) for name in STYLES}
    styles["jkx_i20"]["images_ratio_to_ohlc_bars"] = (
        styles["jkx_i20"]["numba"]["images_per_second"] / styles["ohlc_bars"]["numba"]["images_per_second"]
    )
    return {"styles": styles, "stores": bench_stores(tape, stored)}


def market(rows: int) -> SimpleNamespace:
    """Return a tape of a random walk of one-minute bars, each with its high and low from sixteen steps inside it."""
    rng = np.random.default_rng(0)
    path = np.exp(np.cumsum(rng.normal(0, 2e-4, rows * 16))).reshape(rows, 16) * 20_000
    return SimpleNamespace(
        open=path[:, 0].copy(),
        high=path.max(axis=1),
        low=path.min(axis=1),
        close=path[:, -1].copy(),
        volume=rng.lognormal(size=rows),
        missing=None,
    )


def renderer_of(style: str, **settings: Any) -> Any:
    """Return the renderer of a preset with some settings changed."""
    overrides = [f"render.{name}={value}" for name, value in settings.items()]
    return config.build(config.compose(f"render={style}", *overrides), "render")


def bench_style(style: str, tape: Any, rounds: int) -> dict[str, Any]:
    """Return rates and ratios of one style, per fill."""
    renderer = renderer_of(style, **STYLES[style])
    size = int(np.prod(renderer.shape))
    count = min(BATCH // size, 8192)
    ends = np.sort(np.random.default_rng(1).integers(300, len(tape.close), count))
    memory = np.zeros((count, *renderer.shape), np.uint8)
    fills = {
        fill: renderer_of(style, **STYLES[style], **({} if fill == "numpy" else {"fill": fill}))
        for fill in fills_of(renderer)
    }
    quick = {fill: lambda r=r: r.draw(tape, ends) for fill, r in fills.items() if fill not in SLOW}
    seconds = alternating({"constant": lambda: memory.fill(255), **quick}, rounds)
    some = ends[::8]
    seconds |= {
        fill: best_of(lambda r=r: r.draw(tape, some)) * count / len(some) for fill, r in fills.items() if fill in SLOW
    }
    slow = {"pil": pil_seconds(renderer, tape, ends[:32]), "mplfinance": mplfinance_seconds(renderer, tape, ends[:4])}
    figures = {
        "shape": "x".join(map(str, renderer.shape)),
        "constant_gigabytes_per_second": memory.nbytes / seconds["constant"] / 1e9,
    }
    for fill in fills:
        each = seconds[fill] / count
        figures[fill] = {
            "images_per_second": 1 / each,
            "gigabytes_per_second": size / each / 1e9,
            "ratio_to_constant": seconds["constant"] / seconds[fill],
            **{f"ratio_to_{name}": took / each for name, took in slow.items() if took},
        }
    return figures


def fills_of(renderer: Any) -> list[str]:
    """Return the fills that can be measured here."""
    if not hasattr(renderer, "canvas"):
        return ["numpy"]
    return ["numba", "torch", *(["cupy"] if cupy_works() else [])]


def alternating(ways: dict[str, Callable[..., Any]], rounds: int) -> dict[str, float]:
    """Return the shortest time of each way, all measured in turn so that other programs disturb them alike."""
    best = dict.fromkeys(ways, np.inf)
    for turn in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if turn:  # the first turn compiles and touches the memory
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def pil_seconds(renderer: Any, tape: Any, ends: np.ndarray) -> float | None:
    """Return how long PIL takes for one picture; None for a style that is no drawing."""
    from PIL import Image, ImageDraw

    if not hasattr(renderer, "canvas"):
        return None
    board = renderer.canvas
    colours = [tuple(colour) if len(colour) == 3 else int(colour[0]) for colour in board.palette.tolist()]

    def draw(end: int) -> None:
        spans = renderer.geometry(gather_bars(Tape.of(tape), np.array([end]), renderer.window + renderer.warmup))
        image = Image.new("RGB" if renderer.shape[0] == 3 else "L", (board.width, board.height), colours[0])
        pen = ImageDraw.Draw(image)
        for left, right, top, bottom, ink in zip(
            board.left, board.right, spans.top[0], spans.bottom[0], spans.ink[0], strict=True
        ):
            if top <= bottom:
                pen.rectangle((left, top, right - 1, bottom), fill=colours[ink])

    def draw_all() -> None:
        for end in ends:
            draw(int(end))

    return best_of(draw_all) / len(ends)


def mplfinance_seconds(renderer: Any, tape: Any, ends: np.ndarray) -> float:
    """Return how long mplfinance takes for a picture of the same windows and size, with volume and two averages."""
    _, height, width = renderer.shape
    styled = renderer_of("styled", window=renderer.window, height=max(height, 32), width=max(width, 32))
    return best_of(lambda: styled.draw(tape, ends), repeats=2) / len(ends)


def best_of(work: Callable[..., Any], repeats: int = 3) -> float:
    """Return the shortest of several runs, after one that does not count; seconds."""
    return alternating({"work": work}, repeats)["work"]


def bench_stores(tape: Any, count: int) -> dict[str, Any]:
    """Return writing (drawing included) and random reading of 100-bar ohlc_bars in each store, and the same in Crypto Classifier's."""
    renderer = renderer_of("ohlc_bars", **STYLES["ohlc_bars"])
    ends = 300 + np.arange(count)
    numbers = np.random.default_rng(2).permutation(count)[:256]
    with tempfile.TemporaryDirectory(prefix="candlelab-bench-") as folder:
        figures = {
            "crypto_classifier": bench_hdf5_rows(renderer, tape, ends[: min(count, 512)], Path(folder) / "001.h5")
        }
        for kind in STORES:
            figures[kind] = bench_store(renderer, tape, ends, kind, numbers, Path(folder) / kind)
    base = figures["crypto_classifier"]
    for name, row in figures.items():
        row |= (
            {
                "write_ratio": row["written_per_second"] / base["written_per_second"],
                "read_ratio": row["read_per_second"] / base["read_per_second"],
                "size_ratio": row["bytes_per_image"] / base["bytes_per_image"],
            }
            if name != "crypto_classifier"
            else {}
        )
    return figures


def bench_store(
    renderer: Any, tape: Any, ends: np.ndarray, kind: str, numbers: np.ndarray, path: Path
) -> dict[str, Any]:
    """Return rates and bytes of one kind of store."""
    storage = config.build(config.compose(f"render/storage={kind}"), "render.storage")
    start = time.perf_counter()
    store = build_store(tape, ends, renderer, storage, {}, path, progress=None)
    written = time.perf_counter() - start
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    assert np.array_equal(store[numbers], renderer.draw(tape, ends[numbers]))
    read = best_of(lambda: Store(store.path, store.manifest)[numbers])
    return {
        "written_per_second": len(ends) / written,
        "read_per_second": len(numbers) / read,
        "bytes_per_image": size / len(ends),
    }


def bench_hdf5_rows(renderer: Any, tape: Any, ends: np.ndarray, path: Path) -> dict[str, Any]:
    """Return the same for float32 pictures in HDF5, gzip 4, one picture per chunk, as Crypto Classifier wrote them."""
    import h5py

    start = time.perf_counter()
    with h5py.File(path, "w") as file:
        shape = renderer.shape[1:]
        form = {"dtype": "float32", "chunks": (1, *shape), "compression": "gzip", "compression_opts": 4}
        images = file.create_dataset("images", shape=(0, *shape), maxshape=(None, *shape), **form)
        for first in range(0, len(ends), 256):
            drawn = renderer.draw(tape, ends[first : first + 256])[:, 0] / np.float32(255)
            images.resize(first + len(drawn), axis=0)
            images[first:] = drawn
    written = time.perf_counter() - start
    rows = np.random.default_rng(3).permutation(len(ends))[:256]

    def read() -> None:
        with h5py.File(path, "r") as file:
            for row in rows:
                file["images"][int(row)]

    return {
        "written_per_second": len(ends) / written,
        "read_per_second": len(rows) / best_of(read, 2),
        "bytes_per_image": path.stat().st_size / len(ends),
    }
