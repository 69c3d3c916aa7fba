"""The Lightning Trainer as candlelab uses it: early stopping, checkpoints, resume, loggers."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from candlelab.core.contracts import RunLogger, TrainingData
from candlelab.core.errors import UserError
from candlelab.core.run_log import RunLog
from candlelab.trainer.allocator import has_room_to_keep, keep_freed_memory
from candlelab.trainer.checkpoints import Checkpoints, Places, usable
from candlelab.trainer.devices import check_devices
from candlelab.trainer.logger.guarded import guarded
from candlelab.trainer.module import Learner
from candlelab.trainer.progress import EpochTable, RunProgress
from candlelab.trainer.pruning import Pruned, Pruning
from candlelab.trainer.ranks import ALONE, Ranks, leave_group
from candlelab.trainer.step_choice import FORMATS, MemoryFormat, Precision, StepMode, choice_of_run, choose, ways
from candlelab.trainer.writer import CheckpointWriter

MONITOR = "val/loss"
SILENT = RunLog(None)


class Diverged(UserError):
    """The loss was never a number: there are no weights to keep."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"training diverged: no epoch of '{folder}' had a finite validation loss; lower model.optimizer.lr, set "
            "trainer.gradient_clip=1 or trainer.precision=32-true, and train again with resume=never"
        )


@dataclass(frozen=True)
class Fit:
    """What a training run cost; `learner` carries the best weights.

    seconds           of training and validation; training_seconds and samples_per_second leave validation out.
    """

    learner: Learner
    epochs: int
    best_epoch: int
    seconds: float
    training_seconds: float
    samples_per_second: float


class Trainer:
    """Fits a Learner into a run folder and resumes what was interrupted there.

    max_steps   caps max_epochs at the whole epochs that fit into so many steps (at least one); None: no cap.
    patience    epochs without a lower validation loss before training stops.
    stop_above  bounds on the running mean of the validation loss, one per epoch; a search prunes by them. None: train to the end.
    precision   "device": bf16 mixed on accelerators that have it, else 32 bit. "auto": the same, but on one CPU bf16 mixed, too, where a
                short measurement finds it clearly faster and its gradients agree.
    memory_format  of the net's images and kernels. "auto": on one CPU what a short measurement finds clearly faster, elsewhere contiguous.
    Raises UserError for settings out of range; Pruned where stop_above ends it early; KeyboardInterrupt after Ctrl-C, once a checkpoint is written.
    """

    max_epochs: int
    max_steps: int | None
    patience: int
    stop_above: list[float | None]
    gradient_clip: float
    accelerator: str
    devices: int | str
    minutes: float
    deterministic: bool
    logger: RunLogger

    def __init__(
        self,
        *,
        max_epochs: int,
        max_steps: int | None,
        patience: int,
        stop_above: list[float | None] | None,
        gradient_clip: float,
        precision: Literal["device", "auto", "32-true", "bf16-mixed", "16-mixed"],
        memory_format: Literal["auto", "contiguous", "channels_last"],
        accelerator: str,
        devices: int | str,
        checkpoint_minutes: float,
        deterministic: bool,
        progress: Literal["auto", "bar", "lines", "none"],
        logger: RunLogger,
    ):
        for name, value in (("max_epochs", max_epochs), ("max_steps", max_steps), ("patience", patience)):
            if value is not None and value < 1:
                raise UserError(f"{name} is {value}; give 1 or more")
        for name, amount in (("gradient_clip", gradient_clip), ("checkpoint_minutes", checkpoint_minutes)):
            if amount < 0:
                raise UserError(f"{name} is {amount}; give 0 or more")
        check_devices(accelerator, devices)
        self.max_epochs, self.max_steps, self.patience, self.gradient_clip = (
            max_epochs,
            max_steps,
            patience,
            gradient_clip,
        )
        self.stop_above = stop_above or []
        self.precision, self.memory_format = precision, memory_format
        self.accelerator, self.devices = accelerator, devices
        self.minutes, self.deterministic, self.progress, self.logger = (
            checkpoint_minutes,
            deterministic,
            progress,
            logger,
        )

    def processes(self) -> int:
        """Return how many processes train: one per device. Raises UserError for devices that are not there."""
        if self.devices in (1, "1"):
            return 1
        try:
            return pl.Trainer(
                accelerator=self.accelerator,
                devices=self.devices,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            ).num_devices
        except (MisconfigurationException, RuntimeError) as error:
            raise UserError(
                f"trainer.devices={self.devices} with trainer.accelerator={self.accelerator} cannot be: "
                f"{' '.join(str(error).split())}"
            ) from None

    def fit(
        self,
        learner: Learner,
        data: pl.LightningDataModule,
        places: Places,
        *,
        resume: bool,
        ranks: Ranks = ALONE,
        log: RunLog = SILENT,
    ) -> Fit:
        """Train, then load the weights of the lowest validation loss, as a running mean, back into the learner.

        ranks  this process among those that train the same run; each takes its share of every batch.
        log    where the progress is noted beside the terminal.
        """
        checkpoints = Checkpoints(places, monitor=MONITOR, minutes=self.minutes)
        table, clock = EpochTable(places.epochs), _Clock()
        pruning = Pruning(table, self.stop_above, MONITOR)
        shown = [RunProgress(self._progress(), log)] if ranks.rank == 0 else []
        watching = [table, clock, *shown, checkpoints, pruning]
        step = self._step(learner, data, places, ranks, log)
        learner.net.to(memory_format=FORMATS[step.memory_format])
        trainer = self._lightning(places.folder, watching, data, step, ranks, checkpoints.writer)
        if trainer.strategy.root_device.type == "cpu" and has_room_to_keep():
            keep_freed_memory()
        last = usable(places, learner) if resume else None
        with _fewer_threads(ranks), _written_in_the_end(checkpoints, clock):
            trainer.fit(learner, datamodule=data, ckpt_path=last, weights_only=True)
        _refuse_unfinished(checkpoints, pruning)
        weights = torch.load(places.best, map_location="cpu", weights_only=True)["state_dict"]
        learner.load_state_dict(weights, strict=True)
        learner.net.to(memory_format=torch.contiguous_format)  # what answers computes as every reader of the run does
        return Fit(
            learner,
            epochs=len(table.rows),
            best_epoch=checkpoints.best_epoch,
            seconds=clock.seconds,
            training_seconds=clock.training,
            samples_per_second=ranks.world * clock.samples / max(clock.training, 1e-9),
        )

    def _epochs(self, data: pl.LightningDataModule) -> int:
        if self.max_steps is None:
            return self.max_epochs
        assert isinstance(data, TrainingData)
        return max(1, min(self.max_epochs, self.max_steps // data.steps))

    def _step(
        self, learner: Learner, data: pl.LightningDataModule, places: Places, ranks: Ranks, log: RunLog
    ) -> StepMode:
        """Return how steps are computed: as asked, or as a measurement that is written down and told finds best."""
        precisions: list[Precision] = [self._precision()]
        formats: list[MemoryFormat] = ["contiguous" if self.memory_format == "auto" else self.memory_format]
        if ranks.world > 1 or not self._on_cpu() or "auto" not in (self.precision, self.memory_format):
            return StepMode(precisions[0], formats[0])  # processes of a run must not come to different choices
        assert isinstance(data, TrainingData) and learner.loss is not None
        net, loss = learner.net, learner.loss
        with torch.random.fork_rng(devices=[]):
            batch = data.first_batch()
        precisions += ["bf16-mixed"] if self.precision == "auto" else []
        formats += ["channels_last"] if self.memory_format == "auto" and "image" in batch else []
        planned = self._epochs(data) * data.steps
        asked = ways(precisions, formats)
        choice = choice_of_run(places.step, lambda: choose(net, loss, batch, asked, planned=planned))
        log.say(choice.words())
        return choice.step

    def _on_cpu(self) -> bool:
        return self.accelerator == "cpu" or (self.accelerator == "auto" and not torch.accelerator.is_available())

    def _lightning(
        self,
        folder: Path,
        callbacks: list[Any],
        data: pl.LightningDataModule,
        step: StepMode,
        ranks: Ranks,
        writer: CheckpointWriter,
    ) -> pl.Trainer:
        _quieten()
        stop = EarlyStopping(MONITOR, patience=self.patience, mode="min", check_finite=True)
        return pl.Trainer(
            max_epochs=self._epochs(data),
            accelerator=self.accelerator,
            devices=self.devices,
            strategy=ranks.strategy(),
            precision=step.precision,
            gradient_clip_val=self.gradient_clip or None,
            callbacks=[stop, *callbacks],
            plugins=[writer],
            logger=self._loggers(folder),
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            deterministic=self.deterministic or None,
            default_root_dir=str(folder),
            log_every_n_steps=50,
            inference_mode=True,
        )

    def _progress(self) -> Literal["bar", "lines", "none"]:
        """Return how progress is shown: "bar", "lines" or "none"."""
        if self.progress != "auto":
            return self.progress
        return "bar" if sys.stdout.isatty() else "lines"

    def _precision(self) -> Precision:
        if self.precision != "auto" and self.precision != "device":
            return self.precision
        if self.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available() and torch.cuda.is_bf16_supported():
            return "bf16-mixed"
        return "32-true"

    def _loggers(self, folder: Path) -> list[Any]:
        return guarded(self.logger, folder)


class _Clock(pl.Callback):
    """Time and samples of training, carried over a resume; `training` counts from each epoch's start to its validation."""

    def __init__(self):
        self.seconds, self.training, self.samples = 0.0, 0.0, 0
        self._begin = self._since = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds + time.monotonic() - self._begin,
            "training": self.training,
            "samples": self.samples,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seconds, self.training, self.samples = state["seconds"], state["training"], state["samples"]

    def on_train_start(self, trainer, learner) -> None:
        self._begin = self._since = time.monotonic()

    def on_train_epoch_start(self, trainer, learner) -> None:
        self._since = time.monotonic()

    def on_train_batch_end(self, trainer, learner, outputs, batch, batch_idx) -> None:
        self.samples += len(batch["row"])
        now = time.monotonic()
        self.training, self._since = self.training + now - self._since, now

    def on_validation_end(self, trainer, learner) -> None:
        self._since = time.monotonic()

    def on_train_end(self, trainer, learner) -> None:
        self.seconds += time.monotonic() - self._begin

    def add(self, work: Callable[[], None]) -> None:
        """Do what belongs to the training after its end, and count it."""
        begin = time.monotonic()
        work()
        self.seconds += time.monotonic() - begin


def _refuse_unfinished(checkpoints: Checkpoints, pruning: Pruning) -> None:
    """Raise what ended a training before it has weights to keep."""
    if checkpoints.interrupted:
        raise checkpoints.stop or KeyboardInterrupt
    if pruning.epoch is not None:
        raise Pruned(pruning.epoch)
    if checkpoints.best_epoch < 0:
        raise Diverged(checkpoints.places.folder)


@contextmanager
def _written_in_the_end(checkpoints: Checkpoints, clock: _Clock) -> Iterator[None]:
    """Bring every checkpoint to the disk, whatever ends a training; a stop that was asked for is no end of the process yet."""
    try:
        yield
    except SystemExit:
        if not checkpoints.interrupted:
            raise
    finally:
        leave_group()
        clock.add(checkpoints.writer.wait)


@contextmanager
def _fewer_threads(ranks: Ranks) -> Iterator[None]:
    """Share this machine's threads among the processes of the run, while they train."""
    before = torch.get_num_threads()
    torch.set_num_threads(ranks.threads())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _quieten() -> None:
    """Silence Lightning's advice that does not fit loaders of row numbers."""
    import logging

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")  # the learner adds up the processes' figures itself
    warnings.filterwarnings("ignore", message=".*find_unused_parameters.*")
    warnings.filterwarnings("ignore", message=".*Trying to infer the `batch_size`.*")
