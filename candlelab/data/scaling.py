"""Standard, min-max and robust scaling of columns: fitted by scikit-learn on training rows, stored as plain numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np

from candlelab.core.errors import UserError


class _Scaler(ABC):
    """(x - centre) / scale per column, then clipped to [-clip, clip].

    A constant column is only centred. NaN stays NaN.
    """

    kind = ""

    def __init__(self, *, clip: float | None):
        if clip is not None and not clip > 0:
            raise UserError(f"clip is {clip}; set it above 0, or to null for no clipping.")
        self.clip = clip
        self.centre: np.ndarray | None = None
        self.scale: np.ndarray | None = None

    @property
    def fitted(self) -> bool:
        """Whether centre and scale are known."""
        return self.centre is not None

    def fit(self, values: np.ndarray) -> Self:
        """Take centre and scale from rows (n, F), which must be training rows; rows with NaN or infinity are left out.

        Raises UserError if no complete row is left.
        """
        complete = np.isfinite(values).all(axis=1)
        rows = values if complete.all() else values[complete]
        if not len(rows):
            raise UserError(
                "no complete training row to fit the scaling on; use more bars before the split or fewer indicators."
            )
        centre, scale = self._measure(rows)
        negligible = scale <= 1e-12 * np.maximum(np.abs(centre), 1.0)  # round-off of a constant column
        self.centre, self.scale = centre, np.where(negligible, 1.0, scale)
        return self

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Scaled copy of (…, F) values."""
        centre, scale = self._known()
        if values.shape[-1] != len(centre):
            raise UserError(
                f"the scaling was fitted on {len(centre)} columns and got {values.shape[-1]}; use the same indicators."
            )
        out = (values - centre) / scale
        return out if self.clip is None else np.clip(out, -self.clip, self.clip, out=out)

    def to_dict(self) -> dict[str, Any]:
        """All that `from_dict` needs, as numbers and words that JSON keeps exactly."""
        centre, scale = self._known()
        return {"kind": self.kind, "clip": self.clip, "centre": centre.tolist(), "scale": scale.tolist()}

    def _known(self) -> tuple[np.ndarray, np.ndarray]:
        assert self.centre is not None and self.scale is not None, "fit before use"
        return self.centre, self.scale

    @abstractmethod
    def _measure(self, rows) -> tuple[np.ndarray, np.ndarray]:
        """Return centre and scale of each column."""


class Standard(_Scaler):
    """Mean 0 and standard deviation 1 on the training rows."""

    kind = "standard"

    def _measure(self, rows):
        from sklearn.preprocessing import StandardScaler

        fitted = StandardScaler().fit(rows)
        return fitted.mean_, np.sqrt(fitted.var_)


class MinMax(_Scaler):
    """0 to 1 on the training rows; later rows may lie outside."""

    kind = "minmax"

    def _measure(self, rows):
        from sklearn.preprocessing import MinMaxScaler

        fitted = MinMaxScaler().fit(rows)
        return fitted.data_min_, fitted.data_range_


class Robust(_Scaler):
    """Median 0 and interquartile range 1 on the training rows."""

    kind = "robust"

    def _measure(self, rows):
        from sklearn.preprocessing import RobustScaler

        fitted = RobustScaler().fit(rows)
        return fitted.center_, fitted.scale_


class Unscaled(_Scaler):
    """The numbers as they are, for nets that scale each window by itself."""

    kind = "none"

    def _measure(self, rows):
        return np.zeros(rows.shape[1]), np.ones(rows.shape[1])


def from_dict(stored: dict[str, Any]) -> _Scaler:
    """The fitted scaler that `to_dict` wrote."""
    kinds = {kind.kind: kind for kind in (Standard, MinMax, Robust, Unscaled)}
    if stored["kind"] not in kinds:
        raise UserError(f"the stored scaling is {stored['kind']!r}; it should be one of {', '.join(kinds)}.")
    scaler = kinds[stored["kind"]](clip=stored["clip"])
    scaler.centre, scaler.scale = np.asarray(stored["centre"], float), np.asarray(stored["scale"], float)
    return scaler
