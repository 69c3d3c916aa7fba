"""Fit, stop, resume: a run that was killed ends like one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = """
import os, sys, numpy as np, torch, pytorch_lightning as pl
from pathlib import Path
from candlelab.data.loader import SampleLoader
from candlelab.trainer.logger.csv_log import CsvLog
from candlelab.trainer.module import Learner
from candlelab.pipeline.training.fit import places
from candlelab.trainer.trainer import Trainer
folder, stop_at, how = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

class Data(pl.LightningDataModule):
    resume_from, seen = (0, 0), 0
    def train_dataloader(self):
        epoch = self.trainer.current_epoch
        first = self.resume_from[1] if self.resume_from[0] == epoch else 0
        self.loader = SampleLoader(np.arange(120), 16, 0, epoch=epoch, first=first)
        return self.loader
    def resume_at(self, place):
        self.resume_from = place
        if getattr(self, "loader", None) is not None and self.loader.epoch == place[0]:
            self.loader.first = place[1]
    def val_dataloader(self):
        return SampleLoader(np.arange(120, 160), 16, None)
    def on_after_batch_transfer(self, rows, dataloader_idx):
        self.seen += 1
        if self.seen == stop_at:
            os._exit(9) if how == "kill" else os.kill(os.getpid(), 2)
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
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.1, total_steps), "interval": "step"}}

torch.manual_seed(0)
trainer = Trainer(max_epochs=3, max_steps=None, patience=9, stop_above=None, gradient_clip=1.0,
                  precision="auto", accelerator="cpu", devices=1, checkpoint_minutes=0.0,
                  deterministic=True, progress="none", logger=CsvLog())
fit = trainer.fit(Learner(Net(), Loss(), Recipe(), classes=2, seed=0), Data(), places(folder), resume=True)
print(fit.learner.net.linear.weight.double().sum().item(), fit.epochs, fit.best_epoch)
"""


def fit(folder: Path, stop_at: int = 0, how: str = "kill") -> subprocess.CompletedProcess:
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), str(stop_at), how],
        capture_output=True,
        text=True,
        env={**os.environ},
        timeout=300,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return fit(folder).stdout, pd.read_csv(folder / "metrics.csv")


@pytest.mark.parametrize("how", ["kill", "interrupt"])
def test_a_stopped_run_ends_like_an_uninterrupted_one(whole, tmp_path, how):
    assert fit(tmp_path, 17, how).returncode != 0 and (tmp_path / "checkpoints" / "last.ckpt").exists()
    assert fit(tmp_path).stdout.splitlines()[-1] == whole[0].splitlines()[-1]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "metrics.csv"), whole[1])


def test_a_stop_leaves_no_half_written_checkpoint(tmp_path):
    fit(tmp_path, 9)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir() if p.suffix == ".ckpt"] != []
