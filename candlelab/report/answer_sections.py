"""What a net says beside its classes: the coming close, against no change at all, and the windows that a recogniser does not name."""

from collections.abc import Mapping
from typing import Any

from candlelab.report import formats
from candlelab.report.page import Section, Table
from candlelab.report.results import ReportData

ERRORS = {"this model": ("forecast_mae_pct", "forecast_rmse_pct"), "no change": ("naive_mae_pct", "naive_rmse_pct")}


def forecast(results: ReportData) -> Section:
    """Error of the predicted close beside the naive one; empty for a net that forecasts nothing."""
    if results.get("test/forecast_mae_pct") is None:
        return Section("Forecast of the close")
    rows = [
        [name, *(formats.percent(_share(results.get(f"test/{key}")), 3) for key in keys)]
        for name, keys in ERRORS.items()
    ]
    table = Table(
        ["", "mean absolute error", "root mean squared error"], rows, "Error in percent of the price.", marked=(0,)
    )
    return Section("Forecast of the close", forecast_sentence(results.metrics) or "", tables=[table])


def forecast_sentence(metrics: Mapping[str, Any]) -> str | None:
    """The error of the forecast against no change, with its interval, in one sentence; None without a forecast."""
    own, naive, gain = (
        metrics.get(f"test/{name}") for name in ("forecast_mae_pct", "naive_mae_pct", "forecast_gain_pct")
    )
    if formats.is_missing(own) or formats.is_missing(gain):
        return None
    low, high = metrics.get("test/forecast_gain_pct_low"), metrics.get("test/forecast_gain_pct_high")
    word, interval = "not shown to be better than", ""
    if formats.is_known(low) and formats.is_known(high):
        interval = f" (95 %: {low:+.3f} to {high:+.3f})"
        word = word if low <= 0 <= high else "better than" if low > 0 else "worse than"
    inside = metrics.get("test/forecast_coverage")
    covered = (
        f" {100 * inside:.1f} % of the closes lay in the range expected for 95 %." if formats.is_known(inside) else ""
    )
    return (
        f"Predicted close: off by {own:.3f} % of the price on average, and no change at all by {naive:.3f} %: {word} the naive forecast, "
        f"a gain of {gain:+.3f} points{interval}.{covered}"
    )


def named_section(results: ReportData, threshold: Mapping[str, Any]) -> Section:
    """How much a recogniser names, and how rightly; empty for forecasts and for runs that never abstain."""
    return (
        Section("Where it is silent", facts=_named_facts(results, threshold))
        if threshold.get("rule") == "abstain"
        else Section("Where it is silent")
    )


def _named_facts(results: ReportData, threshold: Mapping[str, Any]) -> list[tuple[str, str]]:
    least = threshold.get("threshold")
    sure = "none on validation: it names nothing" if least is None else formats.percent(least)
    facts = [
        ("confidence asked for", sure),
        ("so that right on validation", f"{formats.percent(threshold.get('min_precision'))} of names"),
    ]
    interval = formats.interval(results.get("test/named_accuracy_low"), results.get("test/named_accuracy_high"))
    right = formats.percent(results.get("test/named_accuracy")) + (f" ({interval})" if interval else "")
    return [*facts, ("test windows named", formats.percent(results.get("test/named"))), ("right where named", right)]


def named_sentence(metrics: Mapping[str, Any], threshold: Mapping[str, Any]) -> str | None:
    """What a recogniser names of the test windows, in one sentence; None for forecasts."""
    if threshold.get("rule") != "abstain":
        return None
    least, share, right = threshold.get("threshold"), metrics.get("test/named"), metrics.get("test/named_accuracy")
    if least is None:
        return f"It names nothing: at no confidence were {100 * threshold['min_precision']:.0f} % of its names right on validation."
    told = f", and is right on {100 * right:.1f} % of those" if formats.is_known(right) else ""
    return f"It names what it sees on {100 * (share or 0):.1f} % of the test windows, where it is at least {100 * least:.1f} % sure{told}."


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100
