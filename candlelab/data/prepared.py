"""A data set that is ready for any model: its tape, labels, windows and the part of each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.contracts import Indicators, LabelRule, Source
from candlelab.core.errors import UserError
from candlelab.data.label.outcomes import Labels, forward_returns
from candlelab.data.windows import valid_ends


@dataclass
class Prepared:
    """Everything of a data set that is the same for every model trained on it."""

    candles: Candles
    labels: Labels
    ends: np.ndarray  # (n,) int64 tape row of each sample's last bar
    part: np.ndarray  # (n,) int8 0 train, 1 validation, 2 test, -1 dropped
    source: Source
    warnings: tuple[str, ...] = ()  # what cannot be known of such data
    # captions per tokenizer, once one was asked for
    tokens: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


def sample_ends(
    candles: Candles,
    labels: Labels,
    rule: LabelRule,
    indicators: Indicators,
    *,
    window: int,
    warmup: int,
    stride: int,
    newest: int | None,
) -> np.ndarray:
    """Return the rows that end a window with a label, or on which a position earns; (n,) int64, of the `newest` only if given.

    Raises UserError if none has a label.
    """
    ends = valid_ends(candles, window=window, warmup=warmup, stride=stride)
    known = labels.label >= 0
    ends = ends[(known | _earning(candles, rule))[ends] & _indicators_known(candles, ends, indicators, window)]
    if newest is not None:
        ends = ends[np.sort(np.argsort(candles.time[ends], kind="stable")[-newest:])]
    if not known[ends].any():
        raise UserError(_too_short(candles, window, warmup, indicators))
    return ends


def _too_short(candles: Candles, window: int, warmup: int, indicators: Indicators) -> str:
    """The sentence on bars that hold no window: how many there are, how many in one piece, and what would help."""
    longest = int(candles.position.max()) + 1
    pieces = f", of which at most {longest} follow each other without a missing one" if longest < len(candles) else ""
    fewer = " or data/indicators=minimal, which need fewer before it" if 0 < warmup == indicators.warmup else ""
    return (
        f"no window of {window} bars with {warmup} bars before it and a label after it fits "
        f"into the {len(candles)} bars fetched{pieces}: use more data or a shorter data.window{fewer}"
    )


def _earning(candles: Candles, rule: LabelRule) -> np.ndarray:
    """Return the rows on which a position earns, (N,) bool: forecast rows with a whole horizon, dropped label or not."""
    if rule.kind != "forecast":
        return np.zeros(len(candles), bool)
    return np.isfinite(forward_returns(candles, rule.horizon))


def _indicators_known(candles: Candles, ends: np.ndarray, indicators: Indicators, window: int) -> np.ndarray:
    """Return which windows have all their indicators: where bars were removed, a warm-up can reach into the window."""
    if candles.missing is None or not indicators.names:
        return np.ones(len(ends), bool)
    unknown = np.isnan(indicators(candles)).any(1) & ~candles.missing
    total = np.concatenate([[0], np.cumsum(unknown)])
    return total[ends + 1] == total[ends + 1 - window]
