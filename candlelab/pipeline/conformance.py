"""Contract tests of an extension's components: each option of its conf is built from its yaml and put through its paces.

For the tests of a package beside candlelab: `pytest.mark.parametrize("check", checks("my_lab"), ids=str)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from candlelab.config import ConfigError, build, compose
from candlelab.config.catalogue import groups_of
from candlelab.config.search_path import roots
from candlelab.core.batch import Batch
from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.conformance import attributes, lacks, protocol_of

WORLD = ("data=simulated", "data.source.bars=300", "data.window=16", "pretrained=false")  # small and offline
START, END = 1_577_836_800_000, 1_580_515_200_000  # January 2020
BREAK = 200  # the row from which the future is rewritten


@dataclass(frozen=True)
class Check:
    """One option of an extension: call it to test it; it raises AssertionError that says what the component does wrong."""

    group: str
    option: str

    def __str__(self) -> str:
        return f"{self.group}/{self.option}"

    def __call__(self) -> None:
        cfg = compose(*WORLD, f"{self.group}={self.option}")
        key, kind = self.group.replace("/", "."), protocol_of(self.group)
        if kind is not None:
            component = build(cfg, key, *_handed(self.group))
            missing = lacks(type(component), kind) + [
                f"{n}: missing" for n in attributes(kind) if not hasattr(component, n)
            ]
            assert not missing, f"{self}: {'; '.join(missing)}"
        if self.group in CHECKS:
            CHECKS[self.group](cfg)


def checks(package: str) -> list[Check]:
    """Return one check for every option that a declared package's conf/ brings. Raises ConfigError if it brings none."""
    root = roots().get(package)
    if root is None:
        raise ConfigError(
            f"'{package}' brings no conf/ folder, or is not declared as an extension of candlelab: install it"
        )
    return [Check(group, option) for group, options in groups_of(root).items() for option in options]


def _handed(group: str) -> tuple[Any, ...]:
    return (None,) if group == "model/loss" else ()


def _tape() -> Candles:
    return build(compose(*WORLD), "data.source").fetch(["SIM"], "1h", START, END)


def _rewritten(tape: Candles) -> Candles:
    """Return the tape with another future from BREAK on: nothing before it may change."""
    after = np.arange(len(tape)) >= BREAK
    factor = np.where(after, 1.5, 1.0)
    return replace(tape, **{name: getattr(tape, name) * factor for name in OHLCV})


def _check_source(cfg) -> None:
    first, again = (build(cfg, "data.source").fetch(["SIM"], "1h", START, END) for _ in range(2))
    assert isinstance(first, Candles), "fetch returns no Candles"
    assert len(first), "fetch returns no bars of January 2020"
    assert first.time.min() >= START and first.time.max() < END, "bars outside start <= open time < end"
    same = all(np.array_equal(getattr(first, name), getattr(again, name)) for name in ("time", *OHLCV))
    assert same, "the same question has two answers"


def _check_label(cfg) -> None:
    rule, tape, window = build(cfg, "data.label"), _tape(), cfg.data.window
    made, again, other = rule(tape, window), rule(tape, window), rule(_rewritten(tape), window)
    classes = len(rule.classes)
    assert made.label.shape == made.label_end.shape == (len(tape),), "not one label per row"
    assert ((made.label >= -1) & (made.label < classes)).all(), f"classes outside -1 to {classes - 1}"
    assert np.array_equal(made.label, again.label), "the same bars have two labels"
    known = (made.label >= 0) & (made.label_end < BREAK)
    assert (made.label[known] == other.label[known]).all(), "a label depends on bars after its label_end"
    ahead = made.label_end - np.arange(len(tape))
    assert (ahead[made.label >= 0] >= (rule.kind == "forecast")).all(), "label_end is not where the label looked"


def _check_style(cfg) -> None:
    style, tape = build(cfg, "render"), _tape()
    ends = np.arange(style.window + style.warmup, BREAK, 7)
    drawn, other = style.draw(tape, ends), style.draw(_rewritten(tape), ends)
    assert drawn.dtype == np.uint8 and drawn.shape == (len(ends), *style.shape), "charts of another shape than declared"
    assert np.array_equal(drawn, other), "a chart shows bars after its window"
    assert drawn.min() < drawn.max(), "every pixel is equal"


def _check_indicators(cfg) -> None:
    rule, tape = build(cfg, "data.indicators"), _tape()
    made, other = rule(tape), rule(_rewritten(tape))
    assert made.shape == (len(tape), len(rule.names)), "not one column per name"
    assert np.array_equal(made[:BREAK], other[:BREAK], equal_nan=True), "a number depends on later bars"
    assert np.isfinite(made[rule.warmup :]).all(), "numbers that are not finite after the warm-up"


def _check_net(cfg) -> None:
    import torch

    from candlelab.pipeline.inputs.assemble import assemble

    parts = assemble(cfg)
    data, net = parts.data, parts.net
    batch = data.assemble(torch.from_numpy(data.samples("train")[:8]))
    said = net.train()(batch)
    assert {"logits", "forecast"} & set(said), "the net says neither logits nor forecast"
    assert all(bool(value.isfinite().all()) for name, value in said.items() if name in ("logits", "forecast"))
    if "logits" in said:
        assert said["logits"].shape == (len(batch["label"]), data.shapes.classes), "logits are not (B, K)"
    parts.loss(said, batch)["loss"].backward()
    learnt = [p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters() if p.requires_grad]
    assert learnt and all(learnt), "a parameter gets no gradient, or none that is finite"


def _check_loss(cfg) -> None:
    import torch

    loss = build(cfg, "model.loss", torch.tensor([10, 10]))
    logits = torch.zeros(6, 2, requires_grad=True)
    label = torch.tensor([0, 1, 0, 1, -1, -1])
    batch: Batch = {"label": label, "target": torch.zeros(6), "forward_return": torch.zeros(6)}
    value = loss({"logits": logits, "forecast": logits[:, 0]}, batch)["loss"]
    assert value.ndim == 0 and bool(value.isfinite()), "the loss is no finite number"
    value.backward()
    assert logits.grad is not None and not bool(logits.grad[4:].any()), "rows without a label count"


def _composes(cfg) -> None:
    """A preset: that it composes and is checked is all that can be said of it."""


CHECKS: dict[str, Callable[..., Any]] = {
    "data/source": _check_source,
    "data/label": _check_label,
    "data/indicators": _check_indicators,
    "render": _check_style,
    "model": _check_net,
    "model/loss": _check_loss,
    "experiment": _composes,
}
