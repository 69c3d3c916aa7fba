"""The library's front door: candles in, charts, labels and batches out, by the names and with the checks of the config."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from candlelab.config import ConfigError, build, compose, groups, hint, plain
from candlelab.config.search_path import stamp
from candlelab.core.candles import Candles
from candlelab.core.contracts import LabelRule, Renderer
from candlelab.core.errors import UserError
from candlelab.core.interval import to_time
from candlelab.data.label.outcomes import Labels
from candlelab.data.windows import valid_ends
from candlelab.render.bars import Tape

if TYPE_CHECKING:
    import torch

SMALL = "model=cnn_small"  # any recipe that reads charts will do: only one part of the config is built
TIMES = ("time", "timestamp", "date", "datetime", "open time")


def component(group: str, name: str, settings: dict[str, Any], *words: str) -> Any:
    """Return the option `name` of a config group, built with some settings other than its yaml's.

    words  further overrides that the yaml's defaults follow, such as model.image_size=64.
    Raises ConfigError, with the nearest name, for an unknown option or setting, and for values of the wrong type.
    """
    key = group.replace("/", ".")
    nested: Any = deepcopy(_node(group, str(name), words, stamp())) | settings
    for part in reversed(key.split(".")):
        nested = {part: nested}
    return build(nested, key)


@lru_cache(maxsize=64)
def _node(group: str, name: str, words: tuple[str, ...], stamped: tuple[tuple[str, str, int], ...]) -> dict[str, Any]:
    """Return what the yaml of an option holds, resolved; composing takes as long as drawing ten thousand charts."""
    known = groups()[group]
    if name not in known:
        raise ConfigError(f"{group}={name}: no such option{hint(name, known)}")
    tree = plain(compose(SMALL, f"{group}={name}", *words))
    return reduce(lambda node, key: node[key], group.split("/"), tree)


def tape_from(candles: Candles | pd.DataFrame) -> Candles:
    """Return the tape of a table of bars: open_time (or a column or index of times), open, high, low, close, volume."""
    if isinstance(candles, Candles):
        return candles
    table = candles.rename(columns=lambda name: str(name).strip().lower())
    if "open_time" not in table:
        time = next((name for name in TIMES if name in table), None)
        if time is not None:
            table = table.assign(open_time=table[time])
        elif isinstance(table.index, pd.DatetimeIndex):
            table = table.assign(open_time=table.index)
    return Candles.from_frame(table.reset_index(drop=True))


def read(path: str | Path, symbols: list[str], interval: str, settings: dict[str, Any]) -> Candles:
    """Return the bars of a file, a folder or a glob."""
    source = component("data/source", "file", {"path": str(path)} | settings, "data.source.path=x")
    return source.fetch(symbols, interval, None, None)


def fetch_bars(
    symbols: list[str], interval: str, start: str | None, end: str | None, source: str, settings: dict[str, Any]
) -> Candles:
    """Return bars of an exchange or another source."""
    first, last = to_time(start), to_time(end)
    return component("data/source", source, settings).fetch(symbols, interval, first, last)


def chart_style(style: str, size: int | None, settings: dict[str, Any]) -> Renderer:
    """Return a chart style; size in pixels a side where the style leaves it open."""
    return component("render", style, settings, *([] if size is None else [f"model.image_size={int(size)}"]))


def draw(candles: Candles, ends: Any, style: Renderer, device: str) -> np.ndarray | torch.Tensor:
    """Return the charts of windows; uint8 (B, C, H, W), NumPy on the CPU, a tensor on any other device."""
    rows = rows_to_draw(candles, ends, style.window, style.warmup)
    if device == "cpu":
        return style.draw(candles, rows)
    import torch

    place = torch_device(device)
    columns = Tape(
        *(None if c is None else torch.from_numpy(np.ascontiguousarray(c)).to(place) for c in Tape.of(candles))
    )
    return style.draw(columns, torch.from_numpy(rows).to(place))


def torch_device(name: str) -> Any:
    """Return a torch device. Raises UserError if this machine has none such."""
    import torch

    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"device is '{name}': torch sees no GPU here; use device=\"cpu\"")
    try:
        return torch.device(name)
    except RuntimeError:
        raise UserError(f"device is '{name}': give cpu, cuda or cuda:1") from None


def rows_to_draw(candles: Candles, ends: Any, window: int, warmup: int) -> np.ndarray:
    """Return row numbers (n,) int64; None means every row that ends a whole window. Raises UserError for others."""
    if ends is None:
        return valid_ends(candles, window=window, warmup=warmup, stride=1)
    rows = np.atleast_1d(np.asarray(ends))
    if rows.dtype.kind not in "iu" or rows.ndim != 1:
        raise UserError(f"ends is an array of {rows.dtype}: give row numbers of the last bar of each window")
    bad = (rows < 0) | (rows >= len(candles))
    if not bad.any():
        bad = candles.position[rows] < window + warmup - 1
    if bad.any():
        row = int(rows[bad.argmax()])
        raise UserError(
            f"no window of {window} bars with {warmup} before it ends at row {row} of {len(candles)}: it would leave the "
            "table or reach over a gap; leave ends out to draw all that are whole"
        )
    return rows.astype(np.int64)


def label_rule(name: str, settings: dict[str, Any]) -> LabelRule:
    """Return a label rule."""
    return component("data/label", name, settings)


def label(candles: Candles, name: str, window: int, settings: dict[str, Any]) -> Labels:
    """Return the labels of every row."""
    rule: Any = label_rule(name, settings)
    return rule(candles, window)
