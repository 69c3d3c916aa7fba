"""One training step and one set of metrics for every model."""

from __future__ import annotations

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy, MulticlassAUROC

from candlelab.core.batch import Batch, Output


class Learner(pl.LightningModule):
    """A net, its loss and its optimizer as one LightningModule.

    Randomness of step k (dropout, augmentation) is seeded by (seed, k), so a resumed run repeats an uninterrupted one.
    """

    def __init__(self, net: nn.Module, loss: nn.Module, optimizer, *, classes: int, seed: int):
        super().__init__()
        self.net, self.loss, self.optimizer_recipe, self.seed = net, loss, optimizer, seed
        self.scores = nn.ModuleDict({"accuracy": MulticlassAccuracy(classes, average="micro"),
                                     "balanced_accuracy": MulticlassAccuracy(classes, average="macro"),
                                     "auroc": MulticlassAUROC(classes)})
        self.sums: dict[str, dict[str, float]] = {"train": {}, "val": {}}

    def forward(self, batch: Batch) -> Output:
        return self.net(batch)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        torch.manual_seed((self.seed * 1_000_003 + self.global_step) % 2**63)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        terms = self.loss(self.net(batch), batch)
        self._add("train", terms, len(batch["row"]))
        return terms["loss"]

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        output = self.net(batch)
        self._add("val", self.loss(output, batch), len(batch["row"]))
        if "logits" in output:
            known = batch["label"] >= 0
            for score in self.scores.values():
                score.update(output["logits"][known].float(), batch["label"][known])

    def on_validation_epoch_end(self) -> None:
        """Log the epoch: validation comes last in it, and callbacks look before the learner's own end of the epoch."""
        self._log_means("train")
        self._log_means("val")
        self.log("lr", self.optimizers().param_groups[0]["lr"])
        for name, score in self.scores.items():
            if score.update_called:
                self.log(f"val/{name}", score.compute())
            score.reset()

    def predict(self, batch: Batch) -> dict[str, Tensor]:
        """Return "probabilities" (B, K) and/or "forecast" (B,), float64 on the CPU, of one assembled batch."""
        output = self.net(batch)
        said = {}
        if "logits" in output:
            said["probabilities"] = output["logits"].double().softmax(-1).cpu()
        if "forecast" in output:
            said["forecast"] = output["forecast"].double().cpu()
        return said

    def configure_optimizers(self) -> dict:
        total = int(self.trainer.estimated_stepping_batches)
        return self.optimizer_recipe.configure(self.net, total, max(1, total // max(1, self.trainer.max_epochs)))

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["sums"] = {part: {k: [float(x) for x in v] for k, v in sums.items()} for part, sums in self.sums.items()}

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self.sums = {part: {k: list(v) for k, v in sums.items()} for part, sums in checkpoint["sums"].items()}

    def _add(self, part: str, terms: dict[str, Tensor], rows: int) -> None:
        for name, value in terms.items():
            total = self.sums[part].setdefault(name, [0.0, 0])
            total[0] = total[0] + value.detach().double() * rows
            total[1] += rows

    def _log_means(self, part: str) -> None:
        self.log_dict({f"{part}/{name}": torch.as_tensor(total / rows, dtype=torch.float32)
                       for name, (total, rows) in self.sums[part].items()})
        self.sums[part] = {}
