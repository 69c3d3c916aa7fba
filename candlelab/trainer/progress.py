"""One progress of a whole training run, for a terminal and for log files; and the table of epochs."""

from __future__ import annotations

import csv
import io
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
from rich.console import Console

from candlelab.core import files
from candlelab.core.progress import ProgressBars
from candlelab.core.run_log import RunLog, duration

MEASURES = {"val/auroc": ("val AUROC", max), "val/loss": ("val loss", min)}  # the first one that a run has is shown
TENTHS = 10  # lines of a log


class RunProgress(pl.Callback):
    """Say where a training run is: epoch 2/10 · 14 of 41 · val AUROC .53 (best .54) · 3 min left.

    On a terminal as one line with a bar for all epochs; elsewhere as a line per tenth of the whole and one per epoch. The log
    of the run gets these lines either way. The time left is that of all epochs: training may stop earlier.
    """

    notes: RunLog
    console: Console | None

    def __init__(self, kind: Literal["bar", "lines", "none"], log: RunLog, console: Console | None = None):
        self.kind, self.notes, self.console = kind, log, console  # Lightning takes the name `log` for itself
        self.seen: dict[str, tuple[float, float]] = {}  # measure -> its last value and its best
        self._tenth, self._bar = -1, 0
        self._bars: ProgressBars | None = None
        self._open = ExitStack()

    def state_dict(self) -> dict[str, Any]:
        return {"seen": {name: list(pair) for name, pair in self.seen.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen = {name: tuple(pair) for name, pair in state["seen"].items()}

    def on_train_start(self, trainer: pl.Trainer, learner: Any) -> None:
        self._began, self._first = time.monotonic(), trainer.global_step
        self._total = max(1, int(trainer.estimated_stepping_batches))
        if self.kind == "bar":
            self._bars = self._open.enter_context(ProgressBars(self.console or Console()))
            self._bar = self._bars.add("", self._total, "")

    def on_train_batch_end(self, trainer: pl.Trainer, learner: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        text = self.line(trainer, batch_idx + 1)
        if self._bars is not None:
            self._bars.reach(self._bar, trainer.global_step, text)
        tenth = TENTHS * trainer.global_step // self._total
        if tenth != self._tenth:
            self._tenth = tenth
            self._tell(text)

    def on_validation_end(self, trainer: pl.Trainer, learner: Any) -> None:
        for name, (_, better) in MEASURES.items():
            if name in trainer.callback_metrics:
                value = float(trainer.callback_metrics[name])
                self.seen[name] = value, better(value, self.seen[name][1]) if name in self.seen else value
        self._tell(self.line(trainer, int(trainer.num_training_batches)))

    def teardown(self, trainer: pl.Trainer, learner: Any, stage: str) -> None:
        self._open.close()

    def line(self, trainer: pl.Trainer, batches: int) -> str:
        """Return where the run is after so many batches of the epoch."""
        words = [
            f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}",
            f"{batches} of {trainer.num_training_batches}",
        ]
        shown = next((name for name in MEASURES if name in self.seen), None)
        if shown is not None:
            last, best = self.seen[shown]
            words.append(f"{MEASURES[shown][0]} {_short(last)} (best {_short(best)})")
        done = max(1, trainer.global_step - self._first)
        left = (time.monotonic() - self._began) / done * (self._total - trainer.global_step)
        return " · ".join([*words, f"{duration(left)} left"])

    def _tell(self, text: str) -> None:
        """To the log, and where there is no bar to the output."""
        (self.notes.say if self.kind == "lines" else self.notes.note)(text)


def _short(value: float) -> str:
    """Three digits without the zero before the point: .534, 1.25."""
    return f"{value:.3f}".removeprefix("0") if abs(value) < 1 else f"{value:.2f}"


class EpochTable(pl.Callback):
    """Keep a table of epochs (CSV): one row per epoch, rewritten whole, so that a resumed run has neither gaps nor doubles."""

    rows: list[Any]

    path: Path

    def __init__(self, path: Path):
        self.path = Path(path)
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows = list(state["rows"])

    def on_train_epoch_end(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        row: dict[str, float] = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        row |= {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows = [r for r in self.rows if r["epoch"] != row["epoch"]] + [row]
        if trainer.is_global_zero:
            self._write()

    def _write(self) -> None:
        memory = io.StringIO(newline="")
        table = csv.DictWriter(memory, list(dict.fromkeys(name for row in self.rows for name in row)))
        table.writeheader()
        table.writerows(self.rows)
        files.write_text(self.path, memory.getvalue())
