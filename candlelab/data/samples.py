"""A data set as numbered samples: bars, labels, windows and parts, and the inputs that a net reads of them."""

from __future__ import annotations

import copy
import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd

from candlelab.core.batch import Batch, Shapes
from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.contracts import Caption, Indicators, LabelRule, Redrawn, Renderer, Scaling, Source, Split
from candlelab.core.local import Place
from candlelab.core.mapped import Arrays, Ram, stretches
from candlelab.data.baseline_inputs import baseline_inputs
from candlelab.data.indicators.auto import Auto
from candlelab.data.indicators.blockwise import IndicatorBlocks, training_values
from candlelab.data.inputs import Inputs, stored_inputs
from candlelab.data.prepared import Prepared, labels_of_tape, sample_ends
from candlelab.data.rows import data_card, prediction_rows
from candlelab.data.settings import check_dates, check_share_removed, check_sizes
from candlelab.data.split.parts import DROPPED, PARTS, TEST, TRAIN, VALIDATION, sampled
from candlelab.data.tape import at_interval, checked_intervals, fetch_held
from candlelab.data.tokenizer import ClosedTokenizer, Tokenizer

if TYPE_CHECKING:
    import torch

    from candlelab.data.batches import DeviceBatches

SCALED = 1 << 18  # rows that are scaled at a time
OF_PARTS = ("series", "tokens")  # what belongs to the parts it was made with


class SampleSet:
    """The samples of one data set, with all that is fitted on its training part.

    renderer   draws (B, C, H, W) uint8 charts from the tape; its warm-up counts for every model, so that all models of a
               study see the same rows.
    memory     where the tape and what is as long lie: ram, mapped (in files of `scratch`), or auto: mapped where it would fill
               more than half of the memory.
    interval   several: windows of all of them train, those of the first are validated and tested.
    Raises UserError for settings out of range and for data that leave a part of the split empty.
    """

    renderer: Renderer | None
    source: Source
    label: LabelRule
    split: Split
    scaling: Scaling
    caption: Caption
    symbols: list[str]
    intervals: tuple[str, ...]
    start: str | None
    end: str | None
    resample: str | None
    thin: float
    window: int
    stride: int
    max_samples: int | None
    seed: int

    def __init__(
        self,
        renderer: Renderer | None,
        *,
        source: Source,
        label: LabelRule,
        split: Split,
        indicators: Indicators,
        scaling: Scaling,
        caption: Caption,
        symbols: list[str],
        interval: str | list[str],
        start: str | None,
        end: str | None,
        resample: str | None,
        thin: float,
        window: int,
        stride: int,
        max_samples: int | None,
        batch_size: int | Literal["auto"],
        seed: int,
        memory: Literal["auto", "mapped", "ram"],
        scratch: Place,
    ):
        check_sizes(window=window, stride=stride, max_samples=max_samples, batch_size=batch_size)
        check_dates(start, end)
        check_share_removed(thin)
        self.renderer, self.source, self.label, self.split = renderer, source, label, split
        self._asked_indicators, self.scaling, self.caption = indicators, scaling, caption
        self.symbols, self.intervals = list(symbols), checked_intervals(interval, resample)
        self.start, self.end, self.resample, self.thin = start, end, resample, thin
        self.window, self.stride, self.max_samples = window, stride, max_samples
        self.batch_size, self.seed = batch_size, seed
        self.memory, self.scratch = memory, Path(scratch)
        self._arrays: Arrays = Ram()
        self.reads: tuple[str, ...] = ()
        self.tokenizer: Tokenizer = ClosedTokenizer()
        self._batches: dict[str, DeviceBatches] = {}

    @property
    def inputs(self) -> Inputs:
        """What makes the net's inputs; prediction and calibration make them again from what the run stores."""
        return Inputs(
            self.reads, self.window, self.renderer, self.indicators, self.scaling, self.caption, self.tokenizer
        )

    @property
    def chart_renderer(self) -> Renderer:
        """What draws the charts of a data set that has some."""
        assert self.renderer is not None, "render=null draws no charts"
        return self.renderer

    @property
    def rows_per_batch(self) -> int:
        """The batch size, once `auto` is settled."""
        assert self.batch_size != "auto", "the batch size is chosen when the net is there"
        return self.batch_size

    def having(self, **parts: Any) -> Self:
        """Return the same data with other parts: any of reads, renderer, tokenizer, batch_size, scaling, indicators, prepared.

        What is known already is kept but the series and tokens, which belong to the parts they were made with.
        """
        other = copy.copy(self)
        for made in OF_PARTS:
            other.__dict__.pop(made, None)
        other.__dict__ |= parts | {"_batches": {}}
        return other

    @property
    def warmup(self) -> int:
        """Bars needed before each window, whatever the model reads."""
        drawn = self.renderer.window - self.window + self.renderer.warmup if self.renderer else 0
        return max(drawn, self.indicators.warmup, self.caption.warmup)

    @property
    def shapes(self) -> Shapes:
        """What a net must know before it is built; no data is read for it."""
        return Shapes(
            classes=len(self.label.classes),
            image=self.renderer.shape if self.renderer else None,
            caption=self.caption.length,
            vocabulary=len(self.tokenizer),
            series=(self.window, len(self.indicators.names)),
        )

    @cached_property
    def prepared(self) -> Prepared:
        """The tape, its labels and the split; fetched and computed once."""
        candles, window = self.tape, self.window
        arrays = self._arrays
        labels = labels_of_tape(self.label, candles, window, arrays)
        ends = sample_ends(
            candles,
            labels,
            self.label,
            self.indicators,
            window=window,
            warmup=self.warmup,
            stride=self.stride,
            newest=None if self.split.dated else self.max_samples,
            arrays=arrays,
        )
        part = self.split(candles, ends, labels.label_end[ends], ends - (window + self.warmup - 1))
        if self.max_samples is not None and self.split.dated:
            kept = sampled(part, candles.time[ends], self.max_samples)
            ends, part = ends[kept], part[kept]
        if len(self.intervals) > 1:
            part[(part != TRAIN) & ~at_interval(candles, self.intervals[0])[ends]] = DROPPED
        keep = (labels.label[ends] >= 0) | (part == VALIDATION) | (part == TEST)
        return Prepared(candles, labels, ends[keep], part[keep], self.source, arrays=arrays)

    @cached_property
    def tape(self) -> Candles:
        """The bars as configured: fetched, coarsened and thinned."""
        candles, self._arrays = fetch_held(
            self.source,
            self.symbols,
            self.intervals,
            (self.start, self.end),
            coarser=self.resample,
            holes=self.thin,
            seed=self.seed,
            where=self.memory,
            folder=self.scratch,
        )
        return candles

    @cached_property
    def indicators(self) -> Indicators:
        """What makes numbers of bars; `auto` is settled here, by the tape."""
        asked = self._asked_indicators
        return asked.chosen(self.tape, self.window) if isinstance(asked, Auto) else asked

    @property
    def interval(self) -> str:
        """The interval that is tested."""
        whole = self.prepared.candles.interval
        return self.intervals[0] if whole == "mixed" and len(self.intervals) > 1 else whole

    def samples(self, part: str) -> np.ndarray:
        """Return the numbers of the labelled samples of "train", "validation" or "test"; shape (n,), int64."""
        made = self.prepared
        return np.flatnonzero((made.part == PARTS[part]) & (made.labels.label[made.ends] >= 0))

    def traded(self, part: str) -> np.ndarray:
        """Return the numbers of a part's samples on which a position earns, those without a label included; (n,), int64."""
        return np.flatnonzero(self.prepared.part == PARTS[part])

    @cached_property
    def fingerprint(self) -> str:
        """Return 16 hex digits of every bar and every split decision."""
        made = self.prepared
        digest = hashlib.sha256("|".join((*made.candles.symbols, *made.candles.intervals)).encode())
        for column in (made.candles.time, *(getattr(made.candles, name) for name in OHLCV), made.ends, made.part):
            for part in stretches(np.ascontiguousarray(column)):
                digest.update(part.data)
        return digest.hexdigest()[:16]

    @cached_property
    def series(self) -> np.ndarray:
        """Return the scaled indicators of every tape row; shape (N, F), float32, scaler fitted on training bars.

        Rows of the warm-up and of removed bars are 0, the centre of a standard scale.
        """
        made = self.prepared
        numbers = IndicatorBlocks(made.candles, self.indicators)
        if not self.scaling.fitted:
            self.scaling.fit(training_values(numbers, self._fitted_on(), self.window))
        out = made.arrays.empty((len(made.candles), len(self.indicators.names)), np.float32)
        for block, values in numbers:
            for first in range(0, len(values), SCALED):  # in double precision until it is written: not all rows at once
                some = slice(first, first + SCALED)
                out[block][some] = np.nan_to_num(self.inputs.scaled(values[some]))
        return out

    def _fitted_on(self) -> np.ndarray:
        """Return the rows that end the windows whose bars the scaling is fitted on; (n,), ascending."""
        return self.prepared.ends[self.samples("train")]

    def tokens_of(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return token ids (n, L) and their mask (n, L) of some samples: of all made once, where the tape lies in memory."""
        if self.prepared.arrays.in_files:
            return self.inputs.tokens(self.prepared.candles, self.prepared.ends[samples])
        ids, mask = self.tokens
        return ids[samples], mask[samples]

    @cached_property
    def tokens(self) -> tuple[np.ndarray, np.ndarray]:
        """Return token ids (n, L) and their mask (n, L) of every sample's caption; each text is tokenised once."""
        made, key = self.prepared, self.tokenizer.key
        if key not in made.tokens:
            made.tokens[key] = self.inputs.tokens(made.candles, made.ends)
        return made.tokens[key]

    def restored(self, stored: dict[str, Any], vocabulary: Path) -> Self:
        """Return the data with what a finished run fitted: its scaler and its tokenizer, whose file in the run is `vocabulary`."""
        fitted = stored_inputs(
            stored, vocabulary, renderer=self.renderer, indicators=self._asked_indicators, caption=self.caption
        )
        parts = {"scaling": fitted.scaling, "tokenizer": fitted.tokenizer, "indicators": fitted.indicators}
        known = {name: part for name, part in parts.items() if part is not None}
        return self.having(reads=fitted.reads, batch_size=stored["batch_size"], **known)

    @cached_property
    def class_counts(self) -> np.ndarray:
        """Return how many training samples each class has; shape (K,), int64."""
        labels = self.prepared.labels.label[self.prepared.ends[self.samples("train")]]
        return np.bincount(labels, minlength=len(self.label.classes))

    def charts(self, ends: np.ndarray) -> np.ndarray:
        """Return the charts of some end rows; shape (B, C, H, W), uint8."""
        return self.inputs.charts(self.prepared.candles, ends)

    def features(self, samples: np.ndarray) -> dict[str, np.ndarray]:
        """Return what baselines read of some samples, as `baseline_inputs`."""
        return baseline_inputs(self.prepared, samples, self.label, self.window)

    def assemble(self, samples: torch.Tensor) -> Batch:
        """Return the batch of some sample numbers on their device, with only what the net reads."""
        key = str(samples.device)
        if key not in self._batches:
            from candlelab.data.batches import DeviceBatches

            self._batches[key] = DeviceBatches(self, samples.device)
        return self._batches[key].batch(samples)

    def redraw(self, epoch: int) -> None:
        """Where the source makes new samples for every epoch, put this epoch's in place of the last one's."""
        if not isinstance(self.source, Redrawn):
            return
        _ = self.fingerprint, "series" in self.reads and self.series  # both belong to the first samples
        self.source.redraw(self.prepared.candles, self.prepared.ends[self.samples("train")], epoch)
        self._batches.clear()
        self.__dict__.pop("series", None)

    def rows(self, part: str) -> pd.DataFrame:
        """Return what predictions.parquet says of each traded sample beside the model's own columns."""
        return prediction_rows(self.prepared, self.traded(part), part)

    def describe(self) -> dict[str, Any]:
        """Return the data card: symbols, span, bars, samples per part with dates and class balance."""
        return data_card(self)
