"""candlelab: candles in, honest verdict out. The front door of the library; nothing heavy is imported before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    import torch
    from omegaconf import DictConfig

    from candlelab import audit as audit
    from candlelab.core.candles import Candles as Candles
    from candlelab.data.label.outcomes import Labels as Labels
    from candlelab.pipeline.charts import Charts as Charts
    from candlelab.pipeline.shown_run import ShownRun
    from candlelab.pipeline.stores import store as store
    from candlelab.render.storage.store import open_store as open_store

__version__ = "0.2.0"
__all__ = [
    "Candles",
    "Charts",
    "Labels",
    "audit",
    "build",
    "compose",
    "draw",
    "fetch",
    "label",
    "load_run",
    "open_store",
    "read",
    "store",
]


def read(path: str | Path, *, symbols: list[str] | None = None, interval: str = "auto", **settings: Any) -> Candles:
    """Return the bars of a csv, json, parquet or feather file, of a folder or a glob.

    symbols   None: all that the files hold.
    interval  "auto": the files' own; a coarser one is built from them.
    settings  of data/source=file, such as timezone="Europe/Berlin" or columns={"close": "Last"}.
    Raises UserError if a file or a symbol is not there, DataTrouble if the bars cannot be trusted.
    """
    from candlelab.pipeline import library

    return library.read(path, symbols or [], interval, settings)


def fetch(
    symbol: str | list[str],
    interval: str,
    start: str | None = None,
    end: str | None = None,
    *,
    source: str = "binance_vision",
    **settings: Any,
) -> Candles:
    """Return the bars with start <= open time < end of one symbol or several; what was fetched before comes from the cache.

    start, end  dates such as "2024-01-01", UTC.
    source      an option of data/source; settings are those of its yaml.
    Raises UserError for an unknown source, setting, symbol or interval, with the nearest known one.
    """
    from candlelab.pipeline import library

    return library.fetch_bars([symbol] if isinstance(symbol, str) else symbol, interval, start, end, source, settings)


@overload
def draw(
    candles: Candles | pd.DataFrame,
    ends: Any = None,
    style: str = "candles",
    size: int | None = 224,
    device: Literal["cpu"] = "cpu",
    **settings: Any,
) -> np.ndarray: ...


@overload
def draw(
    candles: Candles | pd.DataFrame,
    ends: Any = None,
    style: str = "candles",
    size: int | None = 224,
    *,
    device: str,
    **settings: Any,
) -> torch.Tensor: ...


def draw(
    candles: Candles | pd.DataFrame,
    ends: Any = None,
    style: str = "candles",
    size: int | None = 224,
    device: str = "cpu",
    **settings: Any,
) -> np.ndarray | torch.Tensor:
    """Return charts of windows as uint8 (B, C, H, W): a NumPy array on the CPU, a tensor on any other device.

    candles   a Candles table, or a DataFrame with times, open, high, low, close, volume.
    ends      row numbers of each window's last bar; None: every row that ends a whole window.
    style     an option of render=, such as candles, ohlc_bars, jkx_i20, line.
    size      pixels a side where the style leaves them open; a style with a size of its own keeps it.
    settings  of the style's yaml, such as window=48 or moving_averages=[3, 6].
    No row after an end is looked at. Raises UserError for unknown names, with the nearest known one, and for windows that
    would reach over a gap.
    """
    from candlelab.pipeline import library

    return library.draw(library.tape_from(candles), ends, library.chart_style(style, size, settings), device)


def label(candles: Candles | pd.DataFrame, rule: str = "direction", *, window: int = 48, **settings: Any) -> Labels:
    """Return the label of every row: class (-1 where there is none), forward return, last row that was looked at.

    rule      an option of data/label=, such as direction, three_class, triple_barrier.
    window    bars of the window; only recognition rules read it.
    settings  of the rule's yaml, such as horizon=5.
    Raises UserError for unknown names and settings, with the nearest known one.
    """
    from candlelab.pipeline import library

    return library.label(library.tape_from(candles), rule, window, settings)


def load_run(folder: str | Path) -> ShownRun:
    """Return the finished run in a folder, or published on the Hub as "user/name"; nothing is unpickled.

    It has .cfg .model .data .metrics .predictions .verdict .threshold .curves, shows itself in a notebook, and every figure
    of its report is a call: run.calibration(), run.equity(), run.figures(). Raises UserError if there is no finished run.
    """
    from candlelab.pipeline.load import load_or_download

    return load_or_download(folder)


def compose(*overrides: str) -> DictConfig:
    """Return the checked config that the command line would make of these overrides, such as "model=fusion", "seed=1".

    Raises UserError that lists every problem, each with the nearest valid name.
    """
    from candlelab.config import compose

    return compose(*overrides)


def build(cfg: DictConfig, key: str, *runtime: Any) -> Any:
    """Return the component at a key of a config, such as "render" or "data.label", its own components built first.

    runtime  what the program hands in, left of the `*` of the component's signature.
    Raises UserError for what a component refuses, with its address in front.
    """
    from candlelab.config import build

    return build(cfg, key, *runtime)


_ELSEWHERE = {
    "Candles": "candlelab.core.candles",
    "Charts": "candlelab.pipeline.charts",
    "Labels": "candlelab.data.label.outcomes",
    "open_store": "candlelab.render.storage.store",
    "store": "candlelab.pipeline.stores",
}


def __getattr__(name: str) -> Any:
    """Import what is not light when it is first asked for."""
    from importlib import import_module

    if name == "audit":
        return import_module("candlelab.audit")
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module 'candlelab' has no attribute '{name}'")
