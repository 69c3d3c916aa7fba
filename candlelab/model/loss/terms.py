"""Means that skip rows without a label, and the class-weight vector: shared by the losses."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from candlelab.core.batch import Batch, Output
from candlelab.core.errors import UserError

Weights = str | list[float]


def class_weight_vector(class_weights: Weights, counts: Tensor | None) -> Tensor | None:
    """The vector alpha, one weight per class, or None for equal weights.

    class_weights  "none"; "balanced" = inverse frequency of `counts`, mean 1; or the numbers themselves.
    counts    (K,) training labels per class.
    Raises UserError if a class has no training row, or the numbers are not K non-negative ones.
    """
    if isinstance(class_weights, str):
        return {"none": _equal, "balanced": _balanced}[_known(class_weights)](counts)
    alpha = torch.tensor([float(w) for w in class_weights])
    if (alpha < 0).any() or not (alpha > 0).any():
        raise UserError(f"class_weights is {list(class_weights)}; weights must be zero or more, one of them more.")
    if counts is not None and len(counts) != len(alpha):
        raise UserError(
            f"class_weights has {len(alpha)} numbers but the label has {len(counts)} classes; give one per class."
        )
    return alpha


def _known(weights: str) -> str:
    if weights not in ("none", "balanced"):
        raise UserError(f"class_weights is {weights!r}; give none, balanced or a list with one number per class.")
    return weights


def _equal(counts: Tensor | None) -> None:
    return None


def _balanced(counts: Tensor | None) -> Tensor:
    if counts is None:
        raise UserError(
            "class_weights=balanced needs the class counts of the training part; this task has none, use none."
        )
    if bool((counts == 0).any()):
        raise UserError(
            f"the training part has class counts {[int(c) for c in counts]}; every class needs a row, or set model.loss.class_weight_vector=none."
        )
    inverse = counts.sum() / counts.double()
    return (inverse / inverse.mean()).float()


def focal_terms(logits: Tensor, label: Tensor, gamma: float) -> Tensor:
    """(1 - p_y)^gamma · -ln p_y per row, from raw logits; (B,). gamma 0 is cross-entropy (Lin et al. 2017, eq. 4)."""
    surprise = F.cross_entropy(logits.float(), label.clamp_min(0), reduction="none")
    if gamma == 0:
        return surprise
    # expm1 keeps 1 - p_y exact where p_y rounds to one; the floor keeps its power differentiable for gamma below 1.
    miss = -torch.expm1(-surprise)
    return miss.clamp_min(torch.finfo(miss.dtype).tiny) ** gamma * surprise


def labelled_mean(values: Tensor, label: Tensor, alpha: Tensor | None, reduction: str) -> Tensor:
    """Mean of alpha_y · values over rows with a label; 0 if there is none.

    reduction   "mean" divides by the rows, "weighted_mean" by the sum of their weights.
    """
    present = (label >= 0).to(values.dtype)
    weight = present if alpha is None else present * alpha.to(values)[label.clamp_min(0)]
    total = weight if reduction == "weighted_mean" else present
    return (values * weight).sum() / total.sum().clamp_min(torch.finfo(values.dtype).tiny)


def forecast_mean(values: Tensor, target: Tensor) -> Tensor:
    """Mean of values over rows whose target is a number; 0 if there is none."""
    present = target.isfinite()
    return torch.where(present, values, 0.0).sum() / present.sum().clamp_min(1)


def known_target(batch: Batch) -> Tensor:
    """The standardised target with 0 where it is not a number, so that no NaN reaches a gradient."""
    return torch.nan_to_num(batch["target"].float(), nan=0.0, posinf=0.0, neginf=0.0)


def logits_of(output: Output, loss: str) -> Tensor:
    """The raw logits; ValueError if the net only forecasts."""
    if "logits" not in output:
        raise UserError(
            f"this net gives a forecast and no classes, which model/loss={loss} cannot score; choose model/loss=mse."
        )
    return output["logits"]


def forecast_of(output: Output, loss: str) -> Tensor:
    """The forecast in standardised units; ValueError if the net only classifies."""
    if "forecast" not in output:
        raise UserError(
            f"this net gives no forecast, which model/loss={loss} needs; choose model/loss=cross_entropy or focal."
        )
    return output["forecast"].float()


def check_gamma(gamma: float) -> None:
    """Raise ValueError unless gamma is 0 or more."""
    if not gamma >= 0:
        raise UserError(f"gamma is {gamma}; give 0 (cross-entropy) or more.")
