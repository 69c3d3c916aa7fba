"""Progress for people and for log files, and the table of epochs."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import pytorch_lightning as pl


class TenthLines(pl.Callback):
    """Print one line per tenth of the whole training, for output that is no terminal."""

    def __init__(self):
        self._printed = -1
        self._started = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, learner, outputs, batch, batch_idx) -> None:
        total = max(1, int(trainer.estimated_stepping_batches))
        tenth = 10 * trainer.global_step // total
        if tenth == self._printed:
            return
        self._printed = tenth
        seconds = time.monotonic() - self._started
        print(f"training {10 * tenth:3d} %  epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  "
              f"step {trainer.global_step}/{total}  {seconds:.0f} s", flush=True)


class EpochTable(pl.Callback):
    """Keep metrics.csv: one row per epoch, rewritten whole, so that a resumed run has neither gaps nor doubles."""

    def __init__(self, path: Path):
        self.path, self.rows = Path(path), []

    def state_dict(self) -> dict:
        return {"rows": self.rows}

    def load_state_dict(self, state: dict) -> None:
        self.rows = list(state["rows"])

    def on_train_epoch_end(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        row |= {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows = [r for r in self.rows if r["epoch"] != row["epoch"]] + [row]
        if trainer.is_global_zero:
            self._write()

    def _write(self) -> None:
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        temporary = self.path.with_suffix(".tmp")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, names)
            table.writeheader()
            table.writerows(self.rows)
        os.replace(temporary, self.path)
