"""Best and last checkpoints that a kill -9 can not spoil, and a Ctrl-C, SIGTERM or SIGHUP that loses nothing."""

from __future__ import annotations

import signal
import threading
import time
import zipfile
import zlib
from _pickle import UnpicklingError  # what torch.load(weights_only=True) raises at anything but weights
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_only

from candlelab.core.epochs import renewed
from candlelab.core.errors import Stopped
from candlelab.core.terminal import ASKED
from candlelab.trainer.writer import CheckpointWriter


@dataclass(frozen=True)
class Places:
    """Where a training run writes: its folder, the table of its epochs, its checkpoints, and how its steps were chosen to be computed."""

    folder: Path
    epochs: Path
    best: Path
    last: Path
    previous: Path
    step: Path


class Checkpoints(pl.Callback):
    """Write the weights to places.best when the running mean of `monitor` improves, and all of the training to places.last.

    The last is written every epoch and every few minutes; the one before stays as places.previous.

    Training goes on while `writer` writes, which whoever fits must hand to Lightning and wait for in the end, whatever ended it.
    Ctrl-C, SIGTERM and SIGHUP are obeyed after the batch they fall into, once last.ckpt is written; a second one at once.
    """

    place: tuple[int, int]

    places: Places
    writer: CheckpointWriter
    monitor: str
    minutes: float
    best_score: float
    best_epoch: int

    def __init__(self, places: Places, *, monitor: str, minutes: float):
        self.places, self.monitor, self.minutes = places, monitor, minutes
        self.writer = CheckpointWriter({places.last: places.previous})
        self.best_score, self.best_epoch = float("inf"), -1
        self.mean: float | None = None  # running mean of the monitored score over epochs
        self.place = (0, 0)  # epoch and number of its batches done
        self.interrupted: bool = False  # this process or another one of the run was asked to stop
        self.stop: Stopped | None = None  # what asked this one
        self._saved_at = time.monotonic()
        self._handlers: dict[int, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        return {
            "best_score": self.best_score,
            "mean": self.mean,
            "best_epoch": self.best_epoch,
            "place": list(self.place),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best_score, self.best_epoch, self.place = state["best_score"], state["best_epoch"], tuple(state["place"])
        self.mean = state.get("mean")

    def on_fit_start(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        data: Any = getattr(trainer, "datamodule", None)  # Lightning sets it in `fit`
        data.resume_at(self.place)

    def on_train_start(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        """Take the signals over: Lightning has set its own handlers by now, which end the process in silence."""
        if threading.current_thread() is threading.main_thread():
            wanted = [number for number in (signal.SIGINT, *ASKED) if signal.getsignal(number) is not signal.SIG_IGN]
            self._handlers = {number: signal.signal(number, self._ask_to_stop) for number in wanted}

    def teardown(self, trainer: pl.Trainer, learner: pl.LightningModule, stage: str) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def _ask_to_stop(self, number, frame) -> None:
        again, self.interrupted, self.stop = self.interrupted, True, Stopped(number)
        if again:
            raise self.stop
        print("\nstopping after this step; Ctrl-C again stops at once", flush=True)

    def on_validation_end(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        score = trainer.callback_metrics.get(self.monitor)
        if score is None:
            return
        self.mean = renewed(self.mean, float(score))
        if self.mean < self.best_score:
            self.best_score, self.best_epoch = self.mean, trainer.current_epoch
            self._save(trainer, self.places.best)

    def on_train_batch_end(self, trainer: Any, learner: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.place = (trainer.current_epoch, batch_idx + 1)
        whole = batch_idx + 1 >= trainer.num_training_batches
        due = self.interrupted or time.monotonic() - self._saved_at > 60 * self.minutes
        if _any(trainer, due) and not whole:
            self._save(trainer, self.places.last)

    def on_train_epoch_end(self, trainer: pl.Trainer, learner: pl.LightningModule) -> None:
        self.place = (trainer.current_epoch + 1, 0)
        self._save(trainer, self.places.last)

    def _save(self, trainer: pl.Trainer, path: Path) -> None:
        only_weights = path == self.places.best  # nothing goes on from it: a third of the bytes of last.ckpt
        trainer.save_checkpoint(path, weights_only=only_weights)  # of several processes the first one writes
        self._saved_at = time.monotonic()
        self.interrupted = _any(trainer, self.interrupted)
        if self.interrupted and path == self.places.last:
            raise self.stop or KeyboardInterrupt


def usable(places: Places, learner: pl.LightningModule) -> Path | None:
    """Return the newest checkpoint that training can go on from, None to start afresh; what is broken is told and passed over.

    Where an epoch was validated and its best weights are not whole there is nothing to go on from: a later epoch need not
    beat them again.
    """
    fitting = {name: tuple(value.shape) for name, value in learner.state_dict().items()}
    newest = [path for path in (places.last, places.previous) if path.exists()]
    for path in newest:
        told, stored = _trouble(path, fitting)
        if told is None and _has_best(stored):
            told, _ = _trouble(places.best, fitting)
        if told is None:
            return path
        _say(f"{told}: {'the one before it is tried' if path != newest[-1] else 'training starts afresh'}")
    return None


@rank_zero_only
def _say(words: str) -> None:
    print(words, flush=True)


def _has_best(stored: dict) -> bool:
    """Whether a checkpoint was written after an epoch was validated."""
    return stored.get("callbacks", {}).get(Checkpoints.__qualname__, {}).get("best_epoch", 0) >= 0


def _trouble(path: Path, fitting: dict[str, tuple[int, ...]]) -> tuple[str | None, dict]:
    """Return why a file is no whole checkpoint of a model with these weights, None if it is, and what it holds.

    Every record is compared with its checksum.
    """
    try:
        with zipfile.ZipFile(path) as pack:
            packed = sum(record.file_size for record in pack.infolist()) > path.stat().st_size
            broken = "it would unpack to more than it is" if packed else pack.testzip()  # torch packs nothing
        if broken is not None:
            return f"the checkpoint {path} is damaged ({broken})", {}
        stored = torch.load(path, map_location="cpu", weights_only=True)
        found = {name: tuple(value.shape) for name, value in stored["state_dict"].items()}
    except FileNotFoundError:
        return f"the checkpoint {path} is missing", {}
    except (
        OSError,
        EOFError,
        RuntimeError,
        UnpicklingError,
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        NotImplementedError,
    ) as error:
        return f"the checkpoint {path} is damaged ({' '.join(str(error).split())[:100] or type(error).__name__})", {}
    return (None if found == fitting else f"the checkpoint {path} is of another model"), stored


def _any(trainer: pl.Trainer, mine: bool) -> bool:
    """Return whether any process of the run says so: all of them must save together, or none."""
    return trainer.strategy.reduce_boolean_decision(mine, all=False) if trainer.world_size > 1 else mine
