"""ChartData: source, windows, labels, split and renderer become batches."""

from __future__ import annotations

import copy
import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch

from candlelab.core.batch import Batch, Shapes
from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.contracts import Caption, Indicators, LabelRule, Redrawn, Renderer, Scaling, Source, Split
from candlelab.core.errors import UserError
from candlelab.data.device_tape import DeviceTape, gather_rows
from candlelab.data.indicators.auto import Auto, settled
from candlelab.data.indicators.windowed import plain_numbers
from candlelab.data.inputs import Inputs
from candlelab.data.label.outcomes import forward_returns
from candlelab.data.loader import SampleLoader
from candlelab.data.prepared import Prepared
from candlelab.data.rows import data_card, prediction_rows
from candlelab.data.scaling import from_dict as scaling_from_dict
from candlelab.data.settings import check_dates, check_share_removed, check_sizes
from candlelab.data.split.parts import DROPPED, PARTS, TEST, TRAIN, VALIDATION
from candlelab.data.tape import at_interval, checked_intervals, fetch_tape
from candlelab.data.tokenizer import ClosedTokenizer, Tokenizer, stored_tokenizer
from candlelab.data.windows import valid_ends


class ChartData(pl.LightningDataModule):
    """Batches of one data set.

    renderer   draws (B, C, H, W) uint8 charts from the tape; its warm-up counts for every model, so that all models of a
               study see the same rows.
    interval   several: windows of all of them train, those of the first are validated and tested.
    Raises UserError for settings out of range and for data that leave a part of the split empty.
    """

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
    ):
        super().__init__()
        check_sizes(window=window, stride=stride, max_samples=max_samples, batch_size=batch_size)
        check_dates(start, end)
        check_share_removed(thin)
        self.renderer, self.source, self.label, self.split = renderer, source, label, split
        self._asked_indicators, self.scaling, self.caption = indicators, scaling, caption
        self.symbols, self.intervals = list(symbols), checked_intervals(interval, resample)
        self.start, self.end, self.resample, self.thin = start, end, resample, thin
        self.window, self.stride, self.max_samples = window, stride, max_samples
        self.batch_size, self.seed = batch_size, seed
        self.reads: tuple[str, ...] = ()
        self.resume_from = (0, 0)  # epoch and number of its batches already trained on
        self._training: SampleLoader | None = None
        self.tokenizer: Tokenizer = ClosedTokenizer()
        self._tapes: dict[str, DeviceTape] = {}

    @property
    def inputs(self) -> Inputs:
        """What makes the net's inputs; prediction and calibration make them again from what the run stores."""
        return Inputs(
            self.reads, self.window, self.renderer, self.indicators, self.scaling, self.caption, self.tokenizer
        )

    def having(self, **parts: Any) -> Self:
        """Return the same data with other parts: any of reads, renderer, tokenizer, batch_size, scaling, indicators, prepared.

        What is known already is kept but the series and tokens, which belong to the parts they were made with.
        """
        other = copy.copy(self)
        for made in ("series", "tokens"):
            other.__dict__.pop(made, None)
        other.__dict__ |= parts | {"_tapes": {}, "_training": None}
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
            image=tuple(self.renderer.shape) if self.renderer else None,
            caption=self.caption.length,
            vocabulary=len(self.tokenizer),
            series=(self.window, len(self.indicators.names)),
        )

    @cached_property
    def prepared(self) -> Prepared:
        """The tape, its labels and the split; fetched and computed once."""
        candles = self.tape
        labels = self.label(candles, self.window)
        ends = valid_ends(candles, window=self.window, warmup=self.warmup, stride=self.stride)
        known = labels.label >= 0
        ends = ends[(known | self._earns(candles))[ends] & self._indicators_known(candles, ends)]
        if self.max_samples is not None:
            newest = np.argsort(candles.time[ends], kind="stable")[-self.max_samples :]
            ends = ends[np.sort(newest)]
        if not known[ends].any():
            raise UserError(
                f"no window of {self.window} bars with {self.warmup} bars before it and a label after it fits "
                f"into the {len(candles)} bars fetched: use more data or a shorter data.window"
            )
        first = ends - (self.window + self.warmup - 1)
        part = self.split(candles, ends, labels.label_end[ends], first)
        if len(self.intervals) > 1:
            part[(part != TRAIN) & ~at_interval(candles, self.intervals[0])[ends]] = DROPPED
        keep = known[ends] | (part == VALIDATION) | (part == TEST)
        return Prepared(candles, labels, ends[keep], part[keep], self.source)

    def _earns(self, candles: Candles) -> np.ndarray:
        """Return the rows on which a position earns, (N,) bool: forecast rows with a whole horizon, dropped label or not."""
        if self.label.kind != "forecast":
            return np.zeros(len(candles), bool)
        return np.isfinite(forward_returns(candles, self.label.horizon))

    def _indicators_known(self, candles: Candles, ends: np.ndarray) -> np.ndarray:
        """Return which windows have all their indicators: where bars were removed, a warm-up can reach into the window."""
        if candles.missing is None or not self.indicators.names:
            return np.ones(len(ends), bool)
        unknown = np.isnan(self.indicators(candles)).any(1) & ~candles.missing
        total = np.concatenate([[0], np.cumsum(unknown)])
        return total[ends + 1] == total[ends + 1 - self.window]

    @cached_property
    def tape(self) -> Candles:
        """The bars as configured: fetched, coarsened and thinned."""
        return fetch_tape(
            self.source,
            self.symbols,
            self.intervals,
            (self.start, self.end),
            coarser=self.resample,
            holes=self.thin,
            seed=self.seed,
        )

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
            digest.update(np.ascontiguousarray(column).data)
        return digest.hexdigest()[:16]

    @cached_property
    def series(self) -> np.ndarray:
        """Return the scaled indicators of every tape row; shape (N, F), float32, scaler fitted on training bars.

        Rows of the warm-up and of removed bars are 0, the centre of a standard scale.
        """
        values = self.indicators(self.prepared.candles)
        if not self.scaling.fitted:
            self.scaling.fit(values[self._training_rows()])
        return np.nan_to_num(self.inputs.scaled(values))

    def _training_rows(self) -> np.ndarray:
        """Return a mask of the tape rows inside a training window; shape (N,)."""
        ends = self.prepared.ends[self.samples("train")]
        marks = np.zeros(len(self.prepared.candles) + 1, np.int64)
        np.add.at(marks, ends - self.window + 1, 1)
        np.add.at(marks, ends + 1, -1)
        return np.cumsum(marks[:-1]) > 0

    @cached_property
    def tokens(self) -> tuple[np.ndarray, np.ndarray]:
        """Return token ids (n, L) and their mask (n, L) of every sample's caption; each text is tokenised once."""
        made, key = self.prepared, self.tokenizer.key
        if key not in made.tokens:
            made.tokens[key] = self.inputs.tokens(made.candles, made.ends)
        return made.tokens[key]

    def restored(self, stored: dict, vocabulary: Path) -> Self:
        """Return the data with what a finished run fitted: its scaler and its tokenizer, whose file in the run is `vocabulary`."""
        parts = {
            "reads": tuple(stored["reads"]),
            "batch_size": stored["batch_size"],
            "indicators": settled(self._asked_indicators, stored["features"]),
        }
        if stored["scaling"] is not None:
            parts["scaling"] = scaling_from_dict(stored["scaling"])
        if "caption" in stored["reads"]:
            parts["tokenizer"] = stored_tokenizer(stored["tokenizer"], vocabulary)
        return self.having(**parts)

    @cached_property
    def class_counts(self) -> torch.Tensor:
        """Return how many training samples each class has; shape (K,)."""
        labels = self.prepared.labels.label[self.prepared.ends[self.samples("train")]]
        return torch.from_numpy(np.bincount(labels, minlength=len(self.label.classes)))

    def pixel_statistics(self, most: int = 1024) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and standard deviation per channel of training charts in [0, 1]; shapes (C,)."""
        rows = self.samples("train")
        rows = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
        charts = torch.from_numpy(self.charts(self.prepared.ends[rows])).double() / 255
        return charts.mean((0, 2, 3)).float(), charts.std((0, 2, 3)).clamp_min(1e-3).float()

    def charts(self, ends: np.ndarray) -> np.ndarray:
        """Return the charts of some end rows; shape (B, C, H, W), uint8."""
        return self.inputs.charts(self.prepared.candles, ends)

    def features(self, samples: np.ndarray) -> dict[str, np.ndarray]:
        """Return the windows of some samples as the numbers that baselines read.

        numbers (n, 2 window + 5), last_class (n,) as in `last_classes`, volatility (n, 2) log mean |return| of the window and
        log range of its last bar, label (n,).
        """
        made = self.prepared
        ends = made.ends[samples]
        tape = made.candles
        numbers = plain_numbers(tape, ends, self.window)
        mean_move = np.abs(numbers[:, : self.window]).mean(1) * _positive(made.labels.sigma[ends])
        last_range = np.log(tape.high[ends] / tape.low[ends])
        volatility = np.stack([np.log(np.maximum(mean_move, 1e-8)), np.log(np.maximum(last_range, 1e-8))], 1)
        return {
            "numbers": numbers,
            "last_class": self.last_classes(ends),
            "volatility": np.nan_to_num(volatility),
            "label": made.labels.label[ends],
        }

    def last_classes(self, ends: np.ndarray) -> np.ndarray:
        """Return what is known at each end row of the class of the bars just seen; shape (n,), -1 where nothing is.

        Forecasts with a neutral class: the label of the row a horizon ago, which looked no further than the end row. Else the
        side of the last bar: first class down, last class up.
        """
        made, horizon, last = self.prepared, self.label.horizon, len(self.label.classes) - 1
        tape, rule = made.candles, self.label.kind == "forecast" and last > 1
        before = np.maximum(ends - (horizon if rule else 1), 0)
        if rule:
            known = (ends >= horizon) & (tape.segment[before] == tape.segment[ends])
            return np.where(known, made.labels.label[before], -1)
        side = np.sign(np.nan_to_num(tape.close[ends] / tape.close[before] - 1))
        return np.where(side > 0, last, np.where(side < 0, 0, -1))

    def train_dataloader(self) -> SampleLoader:
        epoch = self.trainer.current_epoch if self.trainer else 0
        self._stream(epoch)
        first = self.resume_from[1] if self.resume_from[0] == epoch else 0
        rank, world = self._place()
        self._training = SampleLoader(
            self.samples("train"), self.batch_size, self.seed, epoch=epoch, first=first, rank=rank, world=world
        )
        return self._training

    def resume_at(self, place: tuple[int, int]) -> None:
        """Begin with an epoch and a number of its batches; the first epoch's loader was made before anyone knew the place."""
        self.resume_from = place
        if self._training is not None and self._training.epoch == place[0]:
            self._training.first = place[1]

    def _stream(self, epoch: int) -> None:
        """Where the source makes new samples for every epoch, put this epoch's in place of the last one's."""
        if not isinstance(self.source, Redrawn):
            return
        _ = self.fingerprint, "series" in self.reads and self.series  # both belong to the first samples
        self.source.redraw(self.prepared.candles, self.prepared.ends[self.samples("train")], epoch)
        self._tapes.clear()
        self.__dict__.pop("series", None)

    def val_dataloader(self) -> SampleLoader:
        rank, world = self._place()
        mine = self.samples("validation")[rank::world]
        if not len(mine):
            raise UserError(
                f"{world} processes share {len(self.samples('validation'))} validation windows: use fewer trainer.devices"
            )
        return SampleLoader(mine, self.batch_size, None)

    def _place(self) -> tuple[int, int]:
        """Return (this process's number, how many processes train this run)."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def test_dataloader(self) -> SampleLoader:
        return SampleLoader(self.samples("test"), self.batch_size, None)

    def on_after_batch_transfer(self, batch: torch.Tensor, dataloader_idx: int) -> Batch:
        return self.assemble(batch)

    def assemble(self, samples: torch.Tensor) -> Batch:
        """Return the batch of some sample numbers on their device, with only what the net reads."""
        tape = self._tape(samples.device)
        rows = tape.ends[samples]
        batch: Batch = {
            "row": rows,
            "label": tape.label[rows],
            "forward_return": tape.forward_return[rows],
            "target": tape.target[rows],
        }
        if "image" in self.reads:
            batch["image"] = self._draw(tape, rows)
        if "series" in self.reads:
            batch["series"] = gather_rows(tape.series, rows, self.window)
        if "caption" in self.reads:
            batch["caption"], batch["caption_mask"] = tape.ids[samples].long(), tape.mask[samples]
        return batch

    def _draw(self, tape: DeviceTape, rows: torch.Tensor) -> torch.Tensor:
        if rows.device.type == "cpu":
            return torch.from_numpy(self.charts(rows.numpy()))
        return self.renderer.draw(tape, rows)

    def _tape(self, device: torch.device) -> DeviceTape:
        key = str(device)
        if key not in self._tapes:
            self._tapes[key] = DeviceTape(self, device)
        return self._tapes[key]

    def rows(self, part: str) -> pd.DataFrame:
        """Return what predictions.parquet says of each traded sample beside the model's own columns."""
        return prediction_rows(self.prepared, self.traded(part), part)

    def describe(self) -> dict:
        """Return the data card: symbols, span, bars, samples per part with dates and class balance."""
        return data_card(self)


def _positive(sigma: np.ndarray) -> np.ndarray:
    return np.where(sigma > 0, sigma, 1.0)
