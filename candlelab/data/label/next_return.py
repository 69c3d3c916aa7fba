"""Regression target: the forward return in units of volatility."""

from __future__ import annotations

from candlelab.data.label.direction import Direction


class NextReturn(Direction):
    """The forward return in units of past volatility, as a number to regress on; the class beside it is its sign."""

    mode = "regression"
