"""A data set that is ready for any model: its tape, labels, windows and the part of each."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from candlelab.core.blocks import blocks
from candlelab.core.candles import Candles
from candlelab.core.contracts import Indicators, LabelRule, Source
from candlelab.core.errors import UserError
from candlelab.core.mapped import Arrays, Ram, read_ahead
from candlelab.data.label.outcomes import Labels, forward_returns
from candlelab.data.windows import valid_ends

COLUMNS = tuple(column.name for column in fields(Labels))


@dataclass
class Prepared:
    """Everything of a data set that is the same for every model trained on it."""

    candles: Candles
    labels: Labels
    ends: np.ndarray  # (n,) int64 tape row of each sample's last bar
    part: np.ndarray  # (n,) int8 0 train, 1 validation, 2 test, -1 dropped
    source: Source
    warnings: tuple[str, ...] = ()  # what cannot be known of such data
    arrays: Arrays = field(default_factory=Ram)  # where what is as long as the tape is kept
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
    arrays: Arrays,
) -> np.ndarray:
    """Return the rows that end a window with a label, or on which a position earns; (n,) int64, of the `newest` only if given.

    Raises UserError if none has a label.
    """
    found = _Newest(candles.time, newest) if newest is not None else arrays.column(np.int64)
    for block in blocks(candles):
        part, label = candles.rows(block), labels.label[block]
        read_ahead(label)
        ends = valid_ends(part, window=window, warmup=warmup, stride=stride)
        kept = ((label >= 0) | _earning(part, rule))[ends] & _indicators_known(part, ends, indicators, window)
        found.append(ends[kept] + block.start)
    whole = found.whole()
    if not (labels.label[whole] >= 0).any():
        raise UserError(_too_short(candles, window, warmup, indicators))
    return whole


class _Newest:
    """A column that keeps the rows of the newest bars alone; of bars of one time those of the last symbols."""

    def __init__(self, time: np.ndarray, most: int) -> None:
        self._time, self._most, self._rows = time, most, np.zeros(0, np.int64)

    def append(self, values: np.ndarray) -> None:
        rows = np.concatenate([self._rows, values])
        self._rows = rows[np.sort(np.argsort(self._time[rows], kind="stable")[-self._most :])]

    def whole(self) -> np.ndarray:
        return self._rows


def labels_of_tape(rule: LabelRule, candles: Candles, window: int, arrays: Arrays) -> Labels:
    """Return the labels of every row, computed block by block; a rule looks at nothing outside of a row's segment."""
    cuts = list(blocks(candles))
    if len(cuts) < 2 and not arrays.in_files:
        return rule(candles, window)
    made = {
        name: arrays.empty((len(candles),), np.int64 if name in ("label", "label_end") else np.float64)
        for name in COLUMNS
    }
    for block in cuts:
        part = rule(candles.rows(block), window)
        for name, column in made.items():
            column[block] = getattr(part, name)
        end = made["label_end"][block]
        end[end >= 0] += block.start
    return Labels(**made)


def _too_short(candles: Candles, window: int, warmup: int, indicators: Indicators) -> str:
    """The sentence on bars that hold no window: how many there are, how many in one piece, and what would help."""
    longest = max(int(candles.rows(block).position.max()) + 1 for block in blocks(candles))
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
