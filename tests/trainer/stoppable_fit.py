"""A fit of seconds that stops itself after some batches, in a process whose parent has imported everything but trained nothing."""

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch

from candlelab.data.loader import SampleLoader
from candlelab.pipeline.training.fit import places
from candlelab.trainer.logger.csv_log import CsvLog
from candlelab.trainer.module import Learner
from candlelab.trainer.trainer import Trainer

SAID = "said.txt"  # what a fit that came to its end says of itself


class Data(pl.LightningDataModule):
    """120 rows of noise to train on and 40 to validate, which stop the process after so many batches: by kill -9 or Ctrl-C."""

    def __init__(self, stop_at: int, how: str):
        super().__init__()
        self.stop_at, self.how, self.seen, self.resume_from, self.loader = stop_at, how, 0, (0, 0), None

    def train_dataloader(self):
        epoch = self.trainer.current_epoch
        first = self.resume_from[1] if self.resume_from[0] == epoch else 0
        self.loader = SampleLoader(np.arange(120), 16, 0, epoch=epoch, first=first)
        return self.loader

    def resume_at(self, place):
        self.resume_from = place
        if self.loader is not None and self.loader.epoch == place[0]:
            self.loader.first = place[1]

    def val_dataloader(self):
        return SampleLoader(np.arange(120, 160), 16, None)

    def on_after_batch_transfer(self, rows, dataloader_idx):
        self.seen += 1
        if self.seen == self.stop_at:
            os.kill(os.getpid(), signal.SIGKILL if self.how == "kill" else signal.SIGINT)
        x = torch.stack([torch.randn(8, generator=torch.Generator().manual_seed(int(row))) for row in rows])
        return {"x": x, "label": (x[:, 0] > 0).long(), "row": rows}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.dropout = torch.nn.Linear(8, 2), torch.nn.Dropout(0.3)

    def forward(self, batch):
        return {"logits": self.linear(self.dropout(batch["x"]))}


class Loss(torch.nn.Module):
    def forward(self, output, batch):
        return {"loss": torch.nn.functional.cross_entropy(output["logits"], batch["label"])}


class Recipe:
    def configure(self, net, total_steps, steps_per_epoch):
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.1, total_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


SETTINGS = {
    "max_epochs": 3,
    "max_steps": None,
    "patience": 9,
    "stop_above": None,
    "gradient_clip": 1.0,
    "precision": "device",
    "memory_format": "contiguous",
    "accelerator": "cpu",
    "devices": 1,
    "checkpoint_minutes": 0.0,
    "deterministic": True,
    "progress": "none",
}


def train(folder: Path, stop_at: int, how: str) -> None:
    """Train into a folder, and write down the sum of the weights and the epochs."""
    torch.manual_seed(0)
    learner = Learner(Net(), Loss(), Recipe(), classes=2, seed=0)
    fit = Trainer(**SETTINGS, logger=CsvLog()).fit(learner, Data(stop_at, how), places(folder), resume=True)
    (folder / SAID).write_text(f"{fit.learner.net.linear.weight.double().sum().item()} {fit.epochs} {fit.best_epoch}")


def trained(folder: Path, stop_at: int = 0, how: str = "kill") -> int:
    """Train in a process of its own, which stops itself at a batch (0: never); return its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["candlelab.pipeline.training.fit", "candlelab.trainer.trainer"])
    folder.mkdir(exist_ok=True)
    process = context.Process(target=train, args=(folder, stop_at, how))
    process.start()
    process.join(300)
    return process.exitcode
