"""Class and forecast learned together."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from candlelab.core.batch import Batch, Output
from candlelab.core.errors import UserError
from candlelab.model.loss.terms import (
    check_gamma,
    class_weight_vector,
    focal_terms,
    forecast_mean,
    forecast_of,
    known_target,
    labelled_mean,
    logits_of,
)


class Joint(nn.Module):
    """Focal classification (gamma 0: cross-entropy) plus forecast_weight times smooth L1 on the standardised target.

    The target is in units of past volatility, so both terms are of order one (docs/methods.md, section 5); both are reported.
    """

    gamma: float
    forecast_weight: float
    beta: float

    alpha: Tensor | None

    def __init__(
        self,
        class_counts: Tensor | None,
        *,
        gamma: float,
        class_weights: Literal["none", "balanced"] | list[float],
        reduction: Literal["mean", "weighted_mean"],
        forecast_weight: float,
        beta: float,
    ) -> None:
        super().__init__()
        check_gamma(gamma)
        if forecast_weight < 0 or beta <= 0:
            raise UserError(
                f"forecast_weight is {forecast_weight} and beta {beta}; the first must be 0 or more, the second above 0."
            )
        self.register_buffer("alpha", class_weight_vector(class_weights, class_counts), persistent=False)
        self.gamma, self.reduction = gamma, reduction
        self.forecast_weight, self.beta = forecast_weight, beta

    def forward(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        label = batch["label"]
        values = focal_terms(logits_of(output, "joint"), label, self.gamma)
        classification = labelled_mean(values, label, self.alpha, self.reduction)
        misses = F.smooth_l1_loss(forecast_of(output, "joint"), known_target(batch), reduction="none", beta=self.beta)
        regression = forecast_mean(misses, batch["target"])
        return {
            "loss": classification + self.forecast_weight * regression,
            "classification": classification.detach(),
            "regression": regression.detach(),
        }
