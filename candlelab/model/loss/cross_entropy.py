"""Softmax cross-entropy on raw logits."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from candlelab.core.batch import Batch, Output
from candlelab.model.layers import check_fraction
from candlelab.model.loss.terms import class_weight_vector, labelled_mean, logits_of


class CrossEntropy(nn.Module):
    """Mean of -alpha_y ln p_y over rows with a label; label_smoothing mixes the label with the uniform distribution."""

    label_smoothing: float

    alpha: Tensor | None

    def __init__(
        self,
        class_counts: Tensor | None,
        *,
        class_weights: Literal["none", "balanced"] | list[float],
        reduction: Literal["mean", "weighted_mean"],
        label_smoothing: float,
    ) -> None:
        super().__init__()
        check_fraction(label_smoothing, "label_smoothing")
        self.register_buffer("alpha", class_weight_vector(class_weights, class_counts), persistent=False)
        self.reduction, self.label_smoothing = reduction, label_smoothing

    def forward(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        label = batch["label"]
        logits = logits_of(output, "cross_entropy").float()
        surprise = F.cross_entropy(logits, label.clamp_min(0), reduction="none", label_smoothing=self.label_smoothing)
        loss = labelled_mean(surprise, label, self.alpha, self.reduction)
        return {"loss": loss, "cross_entropy": loss.detach()}
