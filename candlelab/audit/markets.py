"""Market data audit: one coin under two names, redenominations, unclosed bars, survivorship, and bars no exchange made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from candlelab.audit.findings import suspicious_bars
from candlelab.audit.probes import where
from candlelab.audit.record import Audit, AuditFinding, Severity, audit_of
from candlelab.audit.tape import resampled_side, unclosed, unmarked_gaps
from candlelab.core.candles import Candles
from candlelab.core.times import iso

SAME = 0.9995  # correlation of log returns from which two symbols are one coin
ALIKE = 0.9  # share of their returns that differ by less than a hundredth of what is usual
FEWEST = 50  # common bars
MANY = 8  # symbols from which it is odd that none has died
YEARS = 1.0
DAY = 86_400_000
FROM_THE_FUTURE = ("linearly interpolated bars",)
CURES = {
    "linearly interpolated bars": "fetch these bars again, or cut the tape there: a hole is honest",
    "forward-filled bars": "drop them, so that a new segment begins",
    "bars without a trade": "drop them where the exchange was down",
    "bars with more decimals than the tick": "fetch these bars from one exchange",
    "bars of another venue": "fetch these bars from the exchange of the others",
    "bars of a changed feed": "cut the tape where the feed changes",
}


def audit_bars(
    bars: Candles | pd.DataFrame, *, known_at: int | None = None, finer: Candles | pd.DataFrame | None = None
) -> Audit:
    """Return what is wrong with bars.

    known_at  moment (ms UTC) at which they were stored; None: now, so that only bars of the future are unclosed.
    finer     bars of the same symbols at a finer interval, from which they may have been made.
    """
    candles = bars if isinstance(bars, Candles) else Candles.from_frame(bars)
    moment = int(pd.Timestamp.now(tz="UTC").timestamp() * 1000) if known_at is None else known_at
    checks = [
        ("bars that no exchange made", list(made_up_bars(candles))),
        ("one coin under two names", list(two_names(candles))),
        ("redenominations", list(redenominations(candles))),
        ("unclosed last bar", list(unclosed(candles, moment))),
        ("gaps inside segments", list(unmarked_gaps(candles))),
        ("survivorship", list(survivorship(candles))),
    ]
    unchecked = []
    if finer is None:
        unchecked.append(("resampling", "no finer bars were given"))
    else:
        fine = finer if isinstance(finer, Candles) else Candles.from_frame(finer)
        checks.append(("resampling", list(resampled_side(fine, candles))))
    return audit_of(f"{len(candles):,} bars", "these bars cannot support a forecast claim", checks, unchecked)


def made_up_bars(candles: Candles) -> Iterator[AuditFinding]:
    """Yield a finding for each kind of bars that no exchange can have made, with the first of them."""
    for found in suspicious_bars(candles):
        severity: Severity = "leak" if found.kind in FROM_THE_FUTURE else "doubt" if found.shakes else "note"
        yield AuditFinding(
            found.kind,
            severity,
            f"candles, {found.symbol} at {iso(found.first)}",
            f"{found.bars:,} bars ({100 * found.share:.2g} %): {found.means}",
            CURES[found.kind],
            value=found.share,
        )


def two_names(candles: Candles) -> Iterator[AuditFinding]:
    """Yield a finding for each pair of symbols whose returns at the same times are the same."""
    if len(candles.symbols) < 2:
        return
    returns = _returns(candles)
    correlation = returns.corr(min_periods=FEWEST).to_numpy()
    for one, two in zip(*np.nonzero(np.triu(correlation > SAME, 1)), strict=True):
        pair = returns.iloc[:, [one, two]].dropna()
        apart = (pair.iloc[:, 0] - pair.iloc[:, 1]).abs() < 0.05 * pair.iloc[:, 0].std()
        if apart.mean() >= ALIKE:
            names = returns.columns[one], returns.columns[two]
            yield AuditFinding(
                "one coin under two names",
                "leak",
                f"candles, {names[0]} and {names[1]} at {iso(int(pair.index[0]))}",
                f"{len(pair):,} returns agree (correlation {correlation[one, two]:.5f}): what is trained on one is tested on the "
                "other, and intervals count every bar twice",
                f"leave out {names[1]}",
                value=float(correlation[one, two]),
            )


def _returns(candles: Candles) -> pd.DataFrame:
    """Log returns inside segments, one column per symbol, one row per time."""
    step = np.diff(np.log(candles.close), prepend=np.nan)
    step[np.append(True, candles.segment[1:] != candles.segment[:-1])] = np.nan
    table = pd.DataFrame({"time": candles.time, "symbol": candles.symbol, "step": step})
    wide = table.pivot(index="time", columns="symbol", values="step")
    return wide.set_axis([candles.symbols[code] for code in wide.columns], axis=1)


def redenominations(candles: Candles) -> Iterator[AuditFinding]:
    """Yield a finding for each place where a price is multiplied by a power of ten from one bar to the next."""
    jump = np.log10(candles.open[1:] / candles.close[:-1])
    same = candles.symbol[1:] == candles.symbol[:-1]
    whole = np.abs(jump - np.rint(jump)) < 0.1
    for row in (np.flatnonzero(same & whole & (np.abs(jump) > 0.85)) + 1).tolist():
        crossed = candles.segment[row] == candles.segment[row - 1]
        yield AuditFinding(
            "redenomination",
            "doubt" if crossed else "note",
            f"candles, {where(candles, row)}",
            f"the price is multiplied by {candles.open[row] / candles.close[row - 1]:.4g} from one bar to the next"
            + (": that return was never earned" if crossed else ", and a new segment begins there"),
            "begin a new segment there, or bring the bars before it to the new unit",
        )


def survivorship(candles: Candles) -> Iterator[AuditFinding]:
    """Yield a finding if many symbols over more than a year are all alive at the end."""
    last = candles.time.max()
    ends = np.array([candles.time[candles.symbol == code].max() for code in range(len(candles.symbols))])
    years = (last - candles.time.min()) / (365 * DAY)
    if len(ends) >= MANY and years >= YEARS and (ends >= last - 7 * DAY).all():
        yield AuditFinding(
            "survivorship",
            "doubt",
            f"candles, {len(ends)} symbols at {iso(int(last))}",
            f"all of them are alive after {years:.1f} years: those that died were left out, and whoever picks the living knows the end",
            "take the symbols that were listed at the start, dead ones too",
            value=1.0,
        )
