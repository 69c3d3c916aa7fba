"""Best and last checkpoints that a kill -9 can not spoil, and a Ctrl-C that loses nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytorch_lightning as pl


class Checkpoints(pl.Callback):
    """Write checkpoints/best.ckpt when `monitor` improves and checkpoints/last.ckpt every epoch and every few minutes.

    Each is written under a temporary name and then moved into place, so a reader sees the old or the new one, whole.
    Ctrl-C is obeyed after the batch it falls into, once last.ckpt is written; a second one at once.
    """

    def __init__(self, folder: Path, *, monitor: str, minutes: float):
        self.folder, self.monitor, self.minutes = Path(folder), monitor, minutes
        self.best_score, self.best_epoch = float("inf"), -1
        self.place = (0, 0)  # epoch and number of its batches done
        self.interrupted = False
        self._saved_at = time.monotonic()
        self._handler = None

    @property
    def best(self) -> Path:
        return self.folder / "best.ckpt"

    @property
    def last(self) -> Path:
        return self.folder / "last.ckpt"

    def state_dict(self) -> dict:
        return {"best_score": self.best_score, "best_epoch": self.best_epoch, "place": list(self.place)}

    def load_state_dict(self, state: dict) -> None:
        self.best_score, self.best_epoch, self.place = state["best_score"], state["best_epoch"], tuple(state["place"])

    def on_fit_start(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        trainer.datamodule.resume_at(self.place)
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGINT, self._ask_to_stop)

    def teardown(self, trainer: pl.Trainer, learner: pl.LightningModule, stage: str) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            self._handler = None

    def _ask_to_stop(self, number, frame) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        print("\nstopping after this step; Ctrl-C again stops at once", flush=True)

    def on_validation_end(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        score = trainer.callback_metrics.get(self.monitor)
        if score is not None and float(score) < self.best_score:
            self.best_score, self.best_epoch = float(score), trainer.current_epoch
            self._save(trainer, self.best)

    def on_train_batch_end(self, trainer, learner, outputs, batch, batch_idx) -> None:
        self.place = (trainer.current_epoch, batch_idx + 1)
        whole = batch_idx + 1 >= trainer.num_training_batches
        due = self.interrupted or time.monotonic() - self._saved_at > 60 * self.minutes
        if _any(trainer, due) and not whole:
            self._save(trainer, self.last)

    def on_train_epoch_end(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        self.place = (trainer.current_epoch + 1, 0)
        self._save(trainer, self.last)

    def _save(self, trainer: pl.Trainer, path: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            os.replace(temporary, path)
        self._saved_at = time.monotonic()
        self.interrupted = _any(trainer, self.interrupted)
        if self.interrupted and path == self.last:
            raise KeyboardInterrupt


def _any(trainer: pl.Trainer, mine: bool) -> bool:
    """Return whether any process of the run says so: all of them must save together, or none."""
    return trainer.strategy.reduce_boolean_decision(mine, all=False) if trainer.world_size > 1 else mine
