"""A run tests its own net: dead units, constant answers, gradients, and an edge planted on the same bars."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from omegaconf import DictConfig, open_dict
from torch import Tensor, nn

from candlelab.config import build
from candlelab.core.batch import Batch, Output, answers_of
from candlelab.core.bayes import share_of_the_way
from candlelab.data.split.parts import DROPPED, TRAIN
from candlelab.evaluate.instrument import TIMES, Instrument
from candlelab.evaluate.metrics import smallest_accuracy
from candlelab.pipeline.inputs.assemble import Parts
from candlelab.pipeline.scores.predictions import predict_samples

if TYPE_CHECKING:
    from candlelab.data.prepared import Prepared
    from candlelab.data.samples import SampleSet

LOOKED_AT = 512  # charts on which units and answers are looked at
STILL = 1e-6  # a unit or an answer that varies less says nothing
FEWEST = 0.1  # share of a layer's units below which the layer counts as dead
FEWEST_ROWS = 2  # of the newest candle, below which it has no shadows
TINY = 1e-12
SUREST = 0.95  # accuracy of a planted edge at most
TWO_SIDED = 1.96  # of the interval that the smallest edge is told for
CSV_LOG = "candlelab.trainer.logger.csv_log.CsvLog"  # nobody wants the control on a dashboard
CHEAP = 0.25  # share of the fit that the control may cost unless asked for more
GATES = (
    "SqueezeExcite",
    "SEModule",
    "EffectiveSEModule",
)  # weigh channels by whole-chart means: a still gate lets all pass
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Hardswish)
BY_NAME = ("GELU", "GELUActivation", "Swish", "HardSwish")  # what timm and transformers call their own


def examine(parts: Parts, learner, cfg: DictConfig, epochs: int, folder: Path) -> Instrument | None:
    """Return what the net is worth as an instrument after so many epochs; None for recognition, whose own score says so."""
    if parts.data.label.kind != "forecast":
        return None
    faults = faults_of(parts, learner)
    effort = {"off": 0.0, "auto": CHEAP, "full": 1.0}[cfg.evaluate.positive_control]
    if faults or not effort:
        return Instrument(tuple(faults), None, None, None, 0.0)
    return control(cfg, parts.data, folder, epochs=epochs, effort=effort)


def faults_of(parts: Parts, learner) -> list[str]:
    """Return in words what keeps a trained net from seeing: nothing where all is well."""
    batch = parts.data.assemble(torch.from_numpy(_some(parts.data, "train")))
    learner.eval()  # a pass in training mode would move the running statistics of a net that is already saved
    with watched_units(learner.net) as shares:  # one pass tells all: of a short fit each costs as much as an epoch
        output = learner.net(batch)
    silent = no_gradient(learner.net, parts.loss(output, batch)["loss"])
    said = answers_of(cast("Output", {name: value.detach() for name, value in output.items()}))
    found = [*illegible(parts.data), *blank_channels(batch.get("image")), *dead_layers(shares), *one_answer(said)]
    return found + (silent or nothing_learnt(said, batch["label"]))


def illegible(data: SampleSet) -> list[str]:
    """Say so if the charts are so low that half of the newest candles have no room for shadows."""
    if "image" not in data.reads:
        return []
    assert data.renderer is not None, "a net that reads charts has a renderer"
    tape, ends = data.prepared.candles, data.prepared.ends[_some(data, "train")]
    window = ends[:, None] - np.arange(data.renderer.window)
    top, bottom = tape.high[window], tape.low[window]
    spans = (top[:, 0] - bottom[:, 0]) / np.maximum(top.max(1) - bottom.min(1), TINY)
    low = data.renderer.shape[1] * np.median(spans) < FEWEST_ROWS
    return [f"half of the candles are less than {FEWEST_ROWS} rows high"] if low else []


def blank_channels(image: Tensor | None) -> list[str]:
    """Name the colour channels (B, C, H, W) in which no chart shows anything."""
    if image is None:
        return []
    spread = image.float().flatten(2).std((0, 2))
    return [f"channel {k} of the charts is blank" for k in (spread < STILL).nonzero().flatten().tolist()]


def dead_layers(shares: Mapping[str, float]) -> list[str]:
    """Name the hidden layers in which fewer than a tenth of the units answer differently to different charts, see `live_units`."""
    return [
        f"{100 * share:.0f} % of the units after {name} are alive" for name, share in shares.items() if share < FEWEST
    ]


def live_units(net: nn.Module, batch: Batch) -> dict[str, float]:
    """Return {activation: share of its units that vary over charts and places}, the net in evaluation mode."""
    was_training = net.training
    net.eval()
    with torch.inference_mode(), watched_units(net) as shares:
        net(batch)
    net.train(was_training)
    return shares


@contextmanager
def watched_units(net: nn.Module) -> Iterator[dict[str, float]]:
    """Yield a dict into which every pass of the net writes {activation: share of its units that vary over charts and places}."""
    shares: dict[str, float] = {}
    gates = tuple(f"{name}." for name, module in net.named_modules() if type(module).__name__ in GATES)
    watched = [
        (name, module)
        for name, module in net.named_modules()
        if (isinstance(module, ACTIVATIONS) or type(module).__name__ in BY_NAME) and not name.startswith(gates)
    ]
    hooks = [module.register_forward_hook(_note(shares, name)) for name, module in watched]
    try:
        yield shares
    finally:
        for hook in hooks:
            hook.remove()


def _note(shares: dict[str, float], name: str):
    """A hook that notes the share of units that vary; of (B, T, D) or (B, C, T) the axis that is worse off."""

    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        axes = (1, 2) if output.ndim == 3 else (1,)
        shares[name] = min(float((_spread(output, axis) > STILL).float().mean()) for axis in axes)

    return hook


def _spread(output: Tensor, axis: int) -> Tensor:
    """Range of each unit over everything else."""
    rows = output.detach().float().movedim(axis, 0).flatten(1)
    return rows.amax(1) - rows.amin(1)


def one_answer(said: Mapping[str, Tensor]) -> list[str]:
    """Say so if the net answers all charts alike."""
    spread = max(float(values.float().std(0).max()) for values in said.values())
    return ["it gives one and the same answer to every chart"] if spread < STILL else []


def no_gradient(net: nn.Module, loss: Tensor) -> list[str]:
    """Say so if fewer than half of the trainable matrices get a gradient of a loss."""
    net.zero_grad(set_to_none=True)
    loss.backward()
    matrices = [p for p in net.parameters() if p.requires_grad and p.ndim > 1]
    reached = sum(p.grad is not None and bool(p.grad.isfinite().all()) and bool(p.grad.any()) for p in matrices)
    net.zero_grad(set_to_none=True)
    return [f"{reached} of {len(matrices)} weight matrices get a gradient"] if reached < len(matrices) / 2 else []


def nothing_learnt(said: Mapping[str, Tensor], label: Tensor) -> list[str]:
    """Say so if its training rows are no less of a surprise to the net than to their own class shares."""
    if "probabilities" not in said or not len(label):
        return []
    p = said["probabilities"].clamp_min(1e-12)
    share = p.mean(0)
    surprise, prior = (
        -values[label.cpu()].log().mean() if values.ndim == 1 else -values.gather(1, label.cpu()[:, None]).log().mean()
        for values in (p, share)
    )
    return ["its training rows surprise it as much as chance"] if float(surprise) >= float(prior) else []


def control(cfg: DictConfig, data: SampleSet, folder: Path, *, epochs: int, effort: float) -> Instrument | None:
    """Train the same recipe on the same bars with an edge planted there, and say how far it gets.

    The edge is three times the smallest that the test rows could show to a perfect eye: a net that keeps a third of it shows it
    as surely. At the smallest itself even trees keep too little of what ten thousand noisy labels tell.

    The planted rule: the next close goes against the last candle, whose colour every chart, caption and sequence shows.
    """
    from candlelab.data.module import ChartData
    from candlelab.pipeline.training.fit import learner_for, places

    size = smallest_accuracy(_independent(data), TWO_SIDED)
    if not np.isfinite(size):
        return Instrument((), None, None, None, 0.0)
    parts, learner = learner_for(cfg)
    planted = min(0.5 + TIMES * (size - 0.5), SUREST)
    made, p = plant(parts.data.prepared, len(parts.data.label.classes), planted - 0.5, seed=cfg.seed)
    made, rows = keep(made, min(1.0, effort * epochs))
    data = parts.data.having(prepared=made)
    short = copy.deepcopy(cfg)
    with open_dict(short):
        short.trainer.max_epochs, short.trainer.progress, short.trainer.devices = (
            max(1, round(effort * epochs)),
            "none",
            1,
        )
        short.trainer.logger = {"_target_": CSV_LOG}
    place = places(folder / "control")
    build(short, "trainer").fit(learner, ChartData(data), place, resume=False)
    shutil.rmtree(place.folder)
    learner.cpu()
    samples = data.samples("test")
    share = share_of_the_way(direction(predict_samples(learner, data, samples)), p[samples])
    return Instrument((), float(size), float(planted), float(share), rows * max(1, round(effort * epochs)) / epochs)


def plant(made: Prepared, classes: int, edge: float, *, seed: int) -> tuple[Prepared, np.ndarray]:
    """Return the data with new directions of the rows that moved, up with 0.5 + edge after a falling candle, and P(up) (n,)."""
    tape, ends, top = made.candles, made.ends, classes - 1
    p = 0.5 - edge * np.sign(tape.close[ends] - tape.open[ends])
    up = np.random.default_rng([seed, len(ends)]).random(len(ends)) < p
    label, target, change = (
        made.arrays.copy(getattr(made.labels, name)) for name in ("label", "target", "forward_return")
    )
    flipped = ((label[ends] == top) & ~up) | ((label[ends] == 0) & up)
    label[ends] = np.where(flipped, top - label[ends], label[ends])
    for column in (target, change):
        column[ends] = np.where(flipped, -column[ends], column[ends])
    return replace(made, labels=replace(made.labels, label=label, target=target, forward_return=change)), p


def keep(made: Prepared, share: float) -> tuple[Prepared, float]:
    """Return the data with only the newest share of the training rows in the training part, and the share."""
    if share >= 1:
        return made, share
    part = made.part.copy()
    train = np.flatnonzero(part == TRAIN)
    part[train[: round((1 - share) * len(train))]] = DROPPED
    return replace(made, part=part), share


def direction(said: dict[str, np.ndarray]) -> np.ndarray:
    """One number per row, larger for up: the forecast, or the odds of the last class against the first; (n,)."""
    if "probabilities" not in said:
        return said["forecast"]
    p = said["probabilities"]
    return np.log(p[:, -1] + 1e-12) - np.log(p[:, 0] + 1e-12)


def _independent(data: SampleSet) -> float:
    """How many independent rows that moved the test part is worth, about: overlapping labels count once."""
    samples = data.samples("test")
    label = data.prepared.labels.label[data.prepared.ends[samples]]
    moved = np.isin(label, (0, len(data.label.classes) - 1)).sum()
    return float(moved) * min(1.0, data.stride / max(1, data.label.horizon))


def _some(data: SampleSet, part: str) -> np.ndarray:
    samples = data.samples(part)
    return samples[:: max(1, len(samples) // LOOKED_AT)][:LOOKED_AT]
