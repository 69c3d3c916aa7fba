"""What a data set says of itself: a table of its rows, what each earns, and the data card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from candlelab.core.candles import Candles
from candlelab.core.mapped import stretches
from candlelab.data.prepared import Prepared
from candlelab.data.split.parts import PARTS

if TYPE_CHECKING:
    from candlelab.data.samples import SampleSet


def prediction_rows(made: Prepared, samples: np.ndarray, part: str) -> pd.DataFrame:
    """Return what predictions.parquet says of each traded sample beside the model's own columns.

    `segment` begins anew where the tape's does and where samples of other parts lie in between.
    """
    ends, broken = made.ends[samples], np.diff(samples) > 1
    begins = np.append(True, broken | (np.diff(made.candles.segment[ends]) != 0))[: len(ends)]
    names = pd.Categorical.from_codes(made.candles.symbol[ends], made.candles.symbols)
    return pd.DataFrame(
        {
            "symbol": names,
            "time": made.candles.time[ends],
            "split": pd.Categorical([part] * len(ends)),
            "label": made.labels.label[ends],
            "forward_return": made.labels.forward_return[ends],
            "bar_return": bar_returns(made.candles, ends, broken=broken),
            "sigma": made.labels.sigma[ends],
            "segment": np.cumsum(begins, dtype=np.int32) - 1,
        }
    )


def bar_returns(candles: Candles, ends: np.ndarray, *, broken: np.ndarray) -> np.ndarray:
    """Return what a position decided at each end row earns until the next one's close; shape (n,), simple returns.

    The last row of a segment earns the return of the bar after it, 0 where the segment has none; so does a row before a place
    where samples of other parts lie in between: broken (n - 1,) bool.
    """
    following = np.append(ends[1:], -1)
    broken = np.append(broken, True) | (candles.segment[following] != candles.segment[ends])
    nxt = np.minimum(ends + 1, len(candles) - 1)
    nxt = np.where(candles.segment[nxt] == candles.segment[ends], nxt, ends)
    following = np.where(broken, nxt, following)
    moved = candles.close[following] / candles.close[ends] - 1
    return np.where(np.isnan(moved), 0.0, moved)


def data_card(data: SampleSet) -> dict[str, Any]:
    """Return the data card: symbols, span, bars, samples per part with dates and class balance."""
    made = data.prepared
    parts = {}
    for part in PARTS:
        ends = made.ends[data.samples(part)]
        counts = np.bincount(made.labels.label[ends], minlength=len(data.label.classes))
        dated = made.candles.time[ends if len(ends) else made.ends[data.traded(part)]]  # a sealed part has no labels
        parts[part] = {
            "samples": len(ends),
            "unlabelled": len(data.traded(part)) - len(ends),
            "first": _iso(dated.min()),
            "last": _iso(dated.max()),
            "classes": dict(zip(data.label.classes, counts.tolist(), strict=True)),
        }
    return {
        "symbols": list(made.candles.symbols),
        "interval": data.interval,
        "also_trained_on": list(data.intervals[1:]),
        "bars": len(made.candles),
        "segments": int(made.candles.segment[-1]) + 1,
        "first": _iso(min(part.min() for part in stretches(made.candles.time))),
        "last": _iso(max(part.max() for part in stretches(made.candles.time))),
        "window": data.window,
        "warmup": data.warmup,
        "dropped_samples": int((made.part < 0).sum()),
        "parts": parts,
        "label": type(data.label).__name__,
        "kind": data.label.kind,
        "horizon": data.label.horizon,
        "fingerprint": data.fingerprint,
    }


def _iso(ms: int) -> str:
    return pd.Timestamp(int(ms), unit="ms").isoformat()
