"""Windows and charts that the tests of the drawing share."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from candlelab import config
from candlelab.config.catalogue import with_parts
from candlelab.render.storage.live import Live

CONF = Path(__file__).parents[1] / "conf" / "render"
COLUMNS = ("open", "high", "low", "close", "volume")


def chart(style: str, **changes):
    """Return the renderer of conf/render/<style>.yaml with 20 bars, 64 pixels and the given changes."""
    settings = with_parts(CONF / f"{style}.yaml")
    target = config.locate(settings.pop("_target_"))
    bars = settings["window"] if isinstance(settings["window"], int) else 20
    settings = {
        k: bars if str(v) in ("${data.window}", "${render.window}") else 64 if "image_size" in str(v) else v
        for k, v in settings.items()
    }
    return target(**{**settings, "storage": Live(), **changes})


def walk(rows: int = 200, seed: int = 0, tick: float = 0.01) -> SimpleNamespace:
    """Return a tape of a random walk on a grid of ticks; whole numbers decide it, so no library version can move it."""
    state, steps = seed * 7919 + 1, []
    for _ in range(rows * 6):
        state = (1103515245 * state + 12345) % 2**31
        steps.append(state >> 16)
    draw = np.array(steps).reshape(rows, 6)
    close = 10_000 + np.cumsum(draw[:, 0] % 41 - 20)
    open_ = np.roll(close, 1) + draw[:, 1] % 5 - 2
    open_[0] = close[0]
    high, low = np.maximum(open_, close) + draw[:, 2] % 17, np.minimum(open_, close) - draw[:, 3] % 17
    prices = {"open": open_ * tick, "high": high * tick, "low": low * tick, "close": close * tick}
    return SimpleNamespace(**prices, volume=(draw[:, 4] % 1000).astype(float), missing=None)


def changed(tape, **columns) -> SimpleNamespace:
    """Return a copy of the tape with some columns replaced."""
    return SimpleNamespace(**{**{k: None if v is None else v.copy() for k, v in vars(tape).items()}, **columns})
