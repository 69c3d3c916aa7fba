"""What every made-up market checks: how many bars, how restless, under which names."""

from __future__ import annotations

from candlelab.core.errors import UserError

MOST_BARS = 50_000_000  # of all symbols; 2 GB of prices
CALMEST, WILDEST = 1e-6, 0.05


def check_bars(count: float, setting: str) -> None:
    """Raise UserError unless there is at least one bar and no more than can be held; infinity where the end decides."""
    if not 1 <= count <= MOST_BARS and count != float("inf"):
        raise UserError(f"{setting} is {count:,.0f}; set it to 1 or more, and at most {MOST_BARS:,}.")


def check_volatility(volatility: float) -> None:
    """Raise UserError unless prices move, and by less than they are worth."""
    if not CALMEST <= volatility <= WILDEST:
        raise UserError(f"volatility is {volatility}; set it between {CALMEST} and {WILDEST}.")


def market_names(symbols: list[str], bars: int) -> list[str]:
    """Return the names of the markets to make, sorted; raises UserError for none, or for more bars than can be held."""
    names = sorted(set(symbols))
    if not names:
        raise UserError("data.symbols is []: name at least one made-up market, such as data.symbols=[SIM].")
    check_bars(len(names) * bars, f"data.symbols asks for {len(names):,} markets of {bars:,} bars: their sum")
    return names
