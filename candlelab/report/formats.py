"""Numbers as people read them: 53.1 %, 52.0–54.1, 1.2 M; a missing number is a dash, never a zero."""

from typing import Any, TypeGuard

from candlelab.evaluate.leaderboard import is_missing as is_missing

DASH = "–"
THIN = "\u202f"
MINUS = "\u2212"


def is_known(value: Any) -> TypeGuard[float]:
    """True for a number that is neither NaN nor infinite."""
    return not is_missing(value)


def number(value: float | None, digits: int = 3) -> str:
    """A plain decimal with a true minus sign; `–` when missing."""
    if not is_known(value):
        return DASH
    text = f"{value:,.{digits}f}".replace(",", THIN)
    return text.replace("-", MINUS) if float(f"{value:.{digits}f}") else text.replace("-", "")


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage: 0.531 -> `53.1 %`."""
    return number(100 * value, digits) + THIN + "%" if is_known(value) else DASH


def points(value: float | None, digits: int = 1) -> str:
    """A difference of two percentages: 0.012 -> `+1.2 points`."""
    if not is_known(value):
        return DASH
    return ("+" if value > 0 else "") + number(100 * value, digits) + THIN + "points"


def signed(value: float | None, digits: int = 3) -> str:
    """A difference: 0.012 -> `+0.012`."""
    return ("+" if is_known(value) and value > 0 else "") + number(value, digits)


def interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """Two fractions as the ends of a percentage interval: `52.0–54.1`; empty when missing."""
    if not (is_known(low) and is_known(high)):
        return ""
    return f"{number(100 * low, digits)}{' to ' if low < 0 else DASH}{number(100 * high, digits)}"


def count(value: float | None) -> str:
    """A whole number in groups of three."""
    return f"{round(value):,}".replace(",", THIN) if is_known(value) else DASH


def short(value: float | None) -> str:
    """A count with a suffix, three digits: 86.6 M, 2.1 k, 512."""
    if not is_known(value):
        return DASH
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{THIN}{suffix}"
    return f"{value:.3g}"


def seconds(value: float | None) -> str:
    """A duration: 0.4 s, 42 s, 3 min 20 s, 2 h 05 min."""
    if not is_known(value):
        return DASH
    if value < 100:
        return f"{value:.2g}{THIN}s" if value < 10 else f"{value:.0f}{THIN}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{THIN}min {rest:02d}{THIN}s"
    return f"{minutes // 60}{THIN}h {minutes % 60:02d}{THIN}min"


def megabytes(value: float | None) -> str:
    """An amount of memory given in MB: 512 MB, 1.15 GB."""
    if not is_known(value):
        return DASH
    return f"{value:.0f}{THIN}MB" if value < 1000 else f"{value / 1000:.3g}{THIN}GB"


def milliseconds(value: float | None) -> str:
    """A latency: 0.42 ms, 13.8 ms, 210 ms."""
    return DASH if is_missing(value) else f"{value:.3g}{THIN}ms"


def as_text(value: Any) -> str:
    """Whatever stands in a data card or provenance table, as text."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: DASH}[value]
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return DASH if is_missing(value) else f"{value:.6g}".replace("-", MINUS)
    if isinstance(value, dict):
        return ", ".join(f"{name} {as_text(item)}" for name, item in value.items() if item is not None)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)
