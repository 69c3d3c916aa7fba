"""The one call of the room: which audit something asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from candlelab.audit.callables import audit_features
from candlelab.audit.markets import audit_bars
from candlelab.audit.record import Audit
from candlelab.audit.strategies import audit_predictions
from candlelab.core.candles import Candles
from candlelab.core.columns import PRICES
from candlelab.core.errors import UserError


def audited(
    what: Callable[[Any], Any] | Candles | pd.DataFrame, bars: Candles | pd.DataFrame | None = None, **more: Any
) -> Audit:
    """Return the audit of a function of bars, of bars, or of a table of predictions.

    bars  to try the function on. more: settings of `audit_features`, `audit_bars` or `audit_predictions`.
    Raises UserError for anything else.
    """
    if isinstance(what, Candles) or (isinstance(what, pd.DataFrame) and set(PRICES) <= set(what.columns)):
        return audit_bars(what, **more)
    if isinstance(what, pd.DataFrame):
        return audit_predictions(what, **more)
    if callable(what):
        if bars is None:
            raise UserError("a function of bars is tried on bars: give them as the second argument")
        return audit_features(what, bars, **more)
    raise UserError(
        f"a {type(what).__name__} cannot be audited here: give a function of bars, bars or a table of predictions; "
        "pictures, stores and runs are audited by task=audit"
    )
