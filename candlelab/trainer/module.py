"""One training step and one set of metrics for every model."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassAUROC

from candlelab.core.batch import Batch, Output, answers_of
from candlelab.core.contracts import OptimizerFactory
from candlelab.trainer.batch_norm import WholeBatchNorm

RANK_STEP = 7_368_787  # between the random seeds of two processes


class Learner(pl.LightningModule):
    """A net, its loss and its optimizer as one LightningModule.

    Randomness of step k (dropout, augmentation) is seeded by (seed, k), so a resumed run repeats an uninterrupted one. Of several
    processes each has its own randomness and its share of a batch; the figures of an epoch are those of all of them.
    """

    def __init__(
        self, net: nn.Module, loss: nn.Module | None, optimizer: OptimizerFactory | None, *, classes: int, seed: int
    ):
        super().__init__()
        self.net, self.loss, self.optimizer_recipe, self.seed = net, loss, optimizer, seed
        self.scores = nn.ModuleDict(
            {
                "accuracy": MulticlassAccuracy(classes, average="micro"),
                "balanced_accuracy": MulticlassAccuracy(classes, average="macro"),
                "auroc": MulticlassAUROC(classes),
            }
        )
        self.sums: dict[str, dict[str, list[Any]]] = {"train": {}, "val": {}}  # of each term its sum and its rows

    def forward(self, batch: Batch) -> Output:
        return self.net(batch)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        torch.manual_seed((self.seed * 1_000_003 + self.global_step + self.trainer.global_rank * RANK_STEP) % 2**63)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        if self.trainer.world_size == 1:
            terms = self.terms(batch, self.net(batch))
            self._add("train", terms, len(batch["row"]))
            return terms["loss"]
        loader: Any = self.trainer.train_dataloader
        weight = loader.weight(batch_idx)
        with WholeBatchNorm(counts=weight > 0):
            terms = self.terms(batch, self.net(batch))
        self._add("train", terms, len(batch["row"]) if weight else 0)
        return terms["loss"] * weight

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        output = self.net(batch)
        self._add("val", self.terms(batch, output), len(batch["row"]))
        if "logits" in output:
            known = batch["label"] >= 0
            for score in self.measures().values():
                score.update(output["logits"][known].float(), batch["label"][known])

    def on_validation_epoch_end(self) -> None:
        """Log the epoch: validation comes last in it, and callbacks look before the learner's own end of the epoch."""
        self._log_means("train")
        self._log_means("val")
        self.log("lr", self.trainer.optimizers[0].param_groups[0]["lr"])
        for name, score in self.measures().items():
            if score.update_called:
                self.log(f"val/{name}", score.compute())
            score.reset()

    def predict(self, batch: Batch) -> dict[str, Tensor]:
        """Return what the net says of one assembled batch, as `answers_of`."""
        return answers_of(self.net(batch))

    def configure_optimizers(self) -> Any:
        assert self.optimizer_recipe is not None, "this learner only answers"
        total = int(self.trainer.estimated_stepping_batches)
        return self.optimizer_recipe.configure(self.net, total, max(1, total // max(1, self.trainer.max_epochs or 1)))

    def terms(self, batch: Batch, output: Output) -> dict[str, Tensor]:
        """Return "loss" and its parts, each a scalar."""
        assert self.loss is not None, "this learner only answers"
        terms: dict[str, Tensor] = self.loss(output, batch)
        return terms

    def measures(self) -> dict[str, Metric]:
        """Return the scores of validation by name."""
        return {name: score for name, score in self.scores.items() if isinstance(score, Metric)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["sums"] = {
            part: {k: [float(x) for x in self._of_all(*v)] for k, v in sums.items()} for part, sums in self.sums.items()
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        first = self.trainer.global_rank == 0  # the sums are of all processes: only one of them goes on from there
        self.sums = {
            part: {k: list(v) if first else [0.0, 0] for k, v in sums.items()}
            for part, sums in checkpoint["sums"].items()
        }

    def _add(self, part: str, terms: dict[str, Tensor], rows: int) -> None:
        for name, value in terms.items():
            total = self.sums[part].setdefault(name, [0.0, 0])
            total[0] = total[0] + value.detach().double() * rows
            total[1] += rows

    def _log_means(self, part: str) -> None:
        sums = {name: self._of_all(*mine) for name, mine in self.sums[part].items()}
        self.log_dict(
            {
                f"{part}/{name}": torch.as_tensor(total / rows, dtype=torch.float32)
                for name, (total, rows) in sums.items()
            }
        )
        self.sums[part] = {}

    def _of_all(self, total: Tensor | float, rows: int) -> tuple[Tensor | float, float]:
        """Return a sum and its number of rows, added up over all processes of the run."""
        if self.trainer.world_size == 1:
            return total, rows
        both = torch.tensor([float(total), float(rows)], dtype=torch.float64, device=self.device)
        both = self.trainer.strategy.reduce(both, reduce_op="sum")
        return both[0], float(both[1])


def seed_generators(seed: int) -> None:
    """Seed the random number generators of Python, NumPy and torch."""
    pl.seed_everything(seed, verbose=False)
