"""What can be wrong with a data set, a pipeline or a table of predictions.

`candlelab.audit(what, …)` asks for it in one call: the room is the function.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from candlelab.audit.record import Audit
    from candlelab.core.candles import Candles


class _Room(ModuleType):
    """This module, which can be called; Python has no other way to give a package and a function one name."""

    def __call__(
        self,
        what: Callable[[Any], Any] | Candles | pd.DataFrame,
        bars: Candles | pd.DataFrame | None = None,
        **more: Any,
    ) -> Audit:
        """Return the audit of a function of bars (with `bars` to try it on), of bars, or of a table of predictions.

        more  as of `callables.audit_features`, `markets.audit_bars`, `strategies.audit_predictions`.
        """
        from candlelab.audit.front import audited

        return audited(what, bars, **more)


sys.modules[__name__].__class__ = _Room
