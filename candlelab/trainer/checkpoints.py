"""Best and last checkpoints that a kill -9 can not spoil."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytorch_lightning as pl


class Checkpoints(pl.Callback):
    """Write checkpoints/best.ckpt when `monitor` improves and checkpoints/last.ckpt every epoch and every few minutes.

    Each is written under a temporary name and then moved into place, so a reader sees the old or the new one, whole.
    """

    def __init__(self, folder: Path, *, monitor: str, minutes: float):
        self.folder, self.monitor, self.minutes = Path(folder), monitor, minutes
        self.best_score, self.best_epoch = float("inf"), -1
        self.interrupted = False
        self._saved_at = time.monotonic()

    @property
    def best(self) -> Path:
        return self.folder / "best.ckpt"

    @property
    def last(self) -> Path:
        return self.folder / "last.ckpt"

    def state_dict(self) -> dict:
        return {"best_score": self.best_score, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: dict) -> None:
        self.best_score, self.best_epoch = state["best_score"], state["best_epoch"]

    def on_validation_end(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        score = trainer.callback_metrics.get(self.monitor)
        if trainer.sanity_checking or score is None or not float(score) < self.best_score:
            return
        self.best_score, self.best_epoch = float(score), trainer.current_epoch
        self._save(trainer, self.best)

    def on_train_epoch_end(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        self._save(trainer, self.last)

    def on_train_batch_end(self, trainer, learner, outputs, batch, batch_idx) -> None:
        if time.monotonic() - self._saved_at > 60 * self.minutes:
            self._save(trainer, self.last)

    def on_exception(self, trainer: pl.Trainer, learner: pl.LightningModule, exception: BaseException) -> None:
        if isinstance(exception, KeyboardInterrupt):
            self.interrupted = True
            self._save(trainer, self.last)

    def _save(self, trainer: pl.Trainer, path: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            os.replace(temporary, path)
        self._saved_at = time.monotonic()
