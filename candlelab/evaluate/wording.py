"""Numbers as the sentences of a verdict spell them."""

import math


def as_percent(share: float, digits: int = 1) -> str:
    """0.531 as 53.1 %."""
    return f"{100 * share:.{digits}f} %"


def percent_range(low: float, high: float) -> str:
    """Two shares as percent: 52.0 to 54.1."""
    return f"{100 * low:.1f} to {100 * high:.1f}"


def none_for_nan(value: float | None) -> float | None:
    """None for NaN."""
    return None if value is None or math.isnan(value) else float(value)
