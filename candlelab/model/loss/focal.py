"""Focal loss on raw logits, with a weight per class."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from candlelab.core.batch import Batch, Output
from candlelab.model.loss.terms import check_gamma, class_weight_vector, focal_terms, labelled_mean, logits_of


class Focal(nn.Module):
    """Mean of -alpha_y (1 - p_y)^gamma ln p_y over rows with a label (Lin et al. 2017).

    alpha is a vector: a single number would only rescale the learning rate.
    """

    gamma: float

    alpha: Tensor | None

    def __init__(
        self,
        class_counts: Tensor | None,
        *,
        gamma: float,
        class_weights: Literal["none", "balanced"] | list[float],
        reduction: Literal["mean", "weighted_mean"],
    ) -> None:
        super().__init__()
        check_gamma(gamma)
        self.register_buffer("alpha", class_weight_vector(class_weights, class_counts), persistent=False)
        self.gamma, self.reduction = gamma, reduction

    def forward(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        values = focal_terms(logits_of(output, "focal"), batch["label"], self.gamma)
        loss = labelled_mean(values, batch["label"], self.alpha, self.reduction)
        return {"loss": loss, "focal": loss.detach()}
