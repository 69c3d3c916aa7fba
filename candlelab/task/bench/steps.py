"""What precision and memory format do for a training step on the CPU, and whether measuring them is worth its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from candlelab.config import compose
from candlelab.core.batch import Batch
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.task.bench._goals import Row, reaches, stays_within, told
from candlelab.task.bench.backbones import MOBILENET
from candlelab.task.bench.pipeline import plain_step
from candlelab.task.bench.render import alternating
from candlelab.trainer.step_choice import FORMATS, SECONDS, SHARE, StepMode, choose, ways

RESNET = tuple(word.replace("mobilenetv3_small_100", "resnet18") for word in MOBILENET)
NETS = {
    "mobilenetv3_small": MOBILENET,
    "resnet18": RESNET,
    "cnn_small": ("model=cnn_small", "data=simulated", "data.source.bars=1200"),
}
ASKED = ways(["32-true", "bf16-mixed"], ["contiguous", "channels_last"])
PLANNED = 2_000  # steps of the fit that the choice is made for


def bench_steps(*, rounds: int = 2, rows: int = 32) -> dict[str, Any]:
    """Return the rows of the training step of three nets: each way of computing it against the plain one, and what auto chooses.

    rows  of the batch. All ways of a net take turns, optimizer and clipping counted.
    """
    return told([row for name, words in NETS.items() for row in _of_net(name, words, rounds, rows)])


def _of_net(name: str, words: tuple[str, ...], rounds: int, rows: int) -> list[Row]:
    batch = _batch(words, rows)
    seconds = alternating({_word(mode): _step(words, mode, batch) for mode in ASKED}, rounds)
    plain, against = seconds[_word(ASKED[0])], "the same in 32 bit, contiguous"
    made = [
        reaches(f"a step of {name}, {_word(mode)}", plain / seconds[_word(mode)], 1.0, against=against)
        for mode in ASKED[1:]
    ]
    parts = assemble(compose(*words))
    begin = time.perf_counter()
    choice = choose(parts.net, parts.loss, batch, ASKED, planned=PLANNED)
    spent = time.perf_counter() - begin
    chosen = f"a step of {name} as auto chooses it: {_word(choice.step)}"
    allowed = max(SECONDS, SHARE * PLANNED * plain)
    return [
        *made,
        reaches(chosen, plain / seconds[_word(choice.step)], 1.0, against=against),
        stays_within(f"choosing it for {name}", spent / allowed, 1.0, against="a second, or 1 % of 2,000 steps"),
    ]


def _batch(words: tuple[str, ...], rows: int) -> Batch:
    data = assemble(compose(*words)).data
    return data.assemble(torch.from_numpy(data.samples("train")[:rows]))


def _step(words: tuple[str, ...], mode: StepMode, batch: Batch) -> Callable[[], None]:
    """Return a whole training step of a net of its own in plain PyTorch, computed in one of the ways."""
    torch.manual_seed(0)
    parts = assemble(compose(*words))
    parts.net.to(memory_format=FORMATS[mode.memory_format])
    step = plain_step(parts, total_steps=1000)

    def one() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=mode.precision == "bf16-mixed"):
            step(batch)

    return one


def _word(mode: StepMode) -> str:
    return f"{mode.precision} {mode.memory_format}"
