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
    from candlelab.pipeline.inputs.charts import Charts as Charts
    from candlelab.pipeline.inputs.stores import store as store
    from candlelab.pipeline.judging.judged import Judgement as Judgement
    from candlelab.pipeline.scores.shown_run import ShownRun
    from candlelab.render.storage.store import open_store as open_store

__version__ = "0.2.0"
__all__ = [
    "Candles",
    "Charts",
    "Judgement",
    "Labels",
    "audit",
    "build",
    "compose",
    "draw",
    "fetch",
    "judge",
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


def judge(
    predictions: str | Path | pd.DataFrame,
    candles: Candles | pd.DataFrame,
    *,
    label: str | None = None,
    window: int = 48,
    times: Literal["open", "close"] = "open",
    test_start: str | None = None,
    reader: Literal["auto", "plain", "freqtrade", "positions", "kronos", "qlib"] = "auto",
    suspect: Literal["refuse", "tell"] = "refuse",
    label_settings: dict[str, Any] | None = None,
    **evaluate: Any,
) -> Judgement:
    """Return the verdict on predictions that were made anywhere: information, beyond simple rules, money after fees.

    predictions  a table or a csv or parquet file with a time, a symbol if there are several, and one of: p_up; p_down,
                 p_neutral, p_up; signal (-1, 0, 1); forecast (log return). Also freqtrade's trades, a position series, a
                 Kronos forecast table, Qlib's scores.
    candles      the bars they were made for, and earlier ones: on those before the first prediction the baselines are fitted.
    label        what came next: an option of data/label; None: three_class for three probabilities, else direction.
    times        whether times are opens or closes of the bar at whose close was decided.
    test_start   from when on the verdict counts; before it the threshold is chosen. None: the later half.
    evaluate     settings of evaluate, such as fee_bps=5.
    Raises UserError for unknown names, times without bars, and predictions that look into the future, with the first such bar.
    """
    from candlelab.core.refusals import core_alone

    with core_alone():
        from candlelab.pipeline.judging import call as judge_call
    how = judge_call.How(label, label_settings or {}, window, times, test_start, reader, suspect)
    return judge_call.judge_table(predictions, candles, how, evaluate)


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
    "Charts": "candlelab.pipeline.inputs.charts",
    "Judgement": "candlelab.pipeline.judging.judged",
    "Labels": "candlelab.data.label.outcomes",
    "open_store": "candlelab.render.storage.store",
    "store": "candlelab.pipeline.inputs.stores",
}


def __getattr__(name: str) -> Any:
    """Import what is not light when it is first asked for."""
    from importlib import import_module

    if name == "audit":
        return import_module("candlelab.audit")
    if name in _ELSEWHERE:
        from candlelab.core.refusals import core_alone

        with core_alone():
            return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module 'candlelab' has no attribute '{name}'")
