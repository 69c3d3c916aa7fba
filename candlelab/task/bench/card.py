"""What a CUDA card draws and trains: equal bytes, images per second against its own copy, live drawing against ready tensors."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from candlelab.config import compose
from candlelab.core.batch import Batch
from candlelab.data.module import ChartData
from candlelab.pipeline.inputs.assemble import Parts, assemble
from candlelab.pipeline.training.batch_size import auto_batch_size
from candlelab.render.raster import cupy_works
from candlelab.task.bench.render import STYLES, market, renderer_of

COPIED = 1 << 30  # bytes of the copy that is the card's own measure
DRAWN = 1 << 29  # bytes of pictures per measurement
YEARS = 2_100_000  # charts: four years of minutes
PIECE = 8192  # of them drawn at a time
BACKBONES = (
    "mobilenetv3_small",
    "ghostnet_100",
    "edgenext_xx_small",
    "efficientnet_b0",
    "levit_128s",
    "resnet_50",
    "swin_tiny",
    "convnext_tiny",
    "vit_base",
)
NETS: dict[str, tuple[str, ...]] = {
    "cnn_small": (),
    "fusion_small": (),
    "fusion": ("model.net.pretrained=false", "model.net.tokenizer=closed"),
    **dict.fromkeys(BACKBONES, ("model.net.pretrained=false",)),
}
BATCHES = 25  # of an epoch, ready or drawn


def bench_card(*, rounds: int = 3) -> dict[str, Any]:
    """Return the figures of the CUDA card, or one line where there is none.

    copy_gigabytes_per_second  bytes of a tensor copied on the card, read and written once each, counted once.
    share_of_copy  bytes of pictures per second over that. ready: the same nets over batches that lie on the card already.
    """
    if not torch.cuda.is_available():
        return {"card": "torch sees no CUDA card here"}
    speed = copy_speed(rounds)
    return {
        "card": torch.cuda.get_device_name(),
        "copy_gigabytes_per_second": speed / 1e9,
        "styles": {name: drawn(name, speed, rounds) for name in STYLES if name != "gramian"},
        "four_years_of_minutes_seconds": years(),
        "nets": {name: stepped(name, *words, rounds=rounds) for name, words in NETS.items()},
    }


def copy_speed(rounds: int) -> float:
    """Return bytes per second of copying a tensor on the card."""
    one = torch.empty(COPIED, dtype=torch.uint8, device="cuda")
    other = torch.empty_like(one)
    return COPIED / card_seconds(lambda: other.copy_(one), 10 * rounds)


def on_card(rows: int) -> SimpleNamespace:
    """Return the made-up market of the drawing bench, its columns on the card."""
    tape = vars(market(rows))
    return SimpleNamespace(**{k: None if v is None else torch.from_numpy(v).cuda() for k, v in tape.items()})


def drawn(style: str, speed: float, rounds: int) -> dict[str, Any]:
    """Return equality with the CPU's bytes and rates of one style, for each fill of the card."""
    tape, figures = on_card(200_000), {}
    rng, plain = np.random.default_rng(1), renderer_of(style, **STYLES[style])
    size = int(np.prod(plain.shape))
    ends = rng.integers(300, 200_000, min(DRAWN // size, 1 << 17))
    there = torch.from_numpy(ends).cuda()
    expected = torch.from_numpy(plain.draw(market(200_000), ends[:512]))
    for fill in ("torch", *(["cupy"] if cupy_works() else [])):
        renderer = renderer_of(style, **STYLES[style], fill=fill)
        equal = torch.equal(renderer.draw(tape, there[:512]).cpu(), expected)
        took = card_seconds(partial(in_pieces, renderer, tape, there), rounds)
        rate = len(ends) / took
        figures[fill] = {"equal_bytes": equal, "images_per_second": rate, "share_of_copy": rate * size / speed}
    return figures


def in_pieces(renderer: Any, tape: Any, ends: torch.Tensor) -> None:
    """Draw many charts, a piece at a time: what lies between geometry and pixels has to fit the card."""
    for piece in ends.split(PIECE):
        renderer.draw(tape, piece)


def years() -> float:
    """Return seconds to draw four years of minutes as colour candles of 224 pixels on the card."""
    tape, renderer = on_card(YEARS + 100), renderer_of("candles", **STYLES["candles"])
    ends = torch.arange(100, 100 + YEARS, device="cuda")
    return card_seconds(lambda: in_pieces(renderer, tape, ends), 1)


def stepped(model: str, *words: str, rounds: int) -> dict[str, Any]:
    """Return samples per second of a loop over drawn batches and over ready ones, their ratio, and the memory at its highest."""
    torch.manual_seed(0)
    cfg = compose("data=simulated", "data.source.bars=6000", "render=candles", f"model={model}", *words)
    parts = assemble(cfg)
    size = auto_batch_size(parts)
    numbers = [batch.cuda() for batch in list(ChartData(parts.data).train_dataloader())[:BATCHES]]
    parts.net.cuda(), parts.loss.cuda()
    torch.cuda.reset_peak_memory_stats()
    plain, live = _raced(parts, numbers, rounds)
    rows = sum(len(batch) for batch in numbers)
    figures = {
        "batch": parts.data.rows_per_batch,
        "automatic_batch": size,
        "ready_samples_per_second": rows / plain,
        "live_samples_per_second": rows / live,
        "live_ratio": plain / live,
        "peak_gigabytes": torch.cuda.max_memory_allocated() / 1e9,
    }
    parts.net.cpu()
    gc.collect()
    torch.cuda.empty_cache()
    return figures


def _raced(parts: Parts, numbers: list[torch.Tensor], rounds: int) -> tuple[float, float]:
    """Return the shortest time of an epoch over ready batches and over drawn ones, measured in turn."""
    step = autocast_step(parts, len(numbers))
    ready = [parts.data.assemble(rows) for rows in numbers]

    def drawn_anew() -> None:
        for rows in numbers:
            step(parts.data.assemble(rows))

    def as_they_are() -> None:
        for batch in ready:
            step(batch)

    plain, live = zip(
        *((card_seconds(as_they_are, 1), card_seconds(drawn_anew, 1)) for _ in range(rounds)), strict=True
    )
    return min(plain), min(live)


def autocast_step(parts: Parts, total_steps: int) -> Callable[[Batch], None]:
    """Return a function that trains one step in bf16 as the trainer does on a card, clipping included."""
    optimizer = parts.optimizer.configure(parts.net, total_steps, total_steps)["optimizer"]
    parts.net.train()

    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        with torch.autocast("cuda", torch.bfloat16):
            output = parts.net(batch)
        parts.loss(output, batch)["loss"].backward()
        torch.nn.utils.clip_grad_norm_(parts.net.parameters(), 1.0)
        optimizer.step()

    return step


def card_seconds(work: Callable[[], Any], rounds: int) -> float:
    """Return the shortest time of some work on the card, after one that does not count."""
    best = np.inf
    for turn in range(rounds + 1):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        if turn:
            best = min(best, time.perf_counter() - start)
    return float(best)
