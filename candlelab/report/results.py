"""What the sections of a report read, and what each metric is called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from candlelab.report import formats

Words = Callable[[float | None], str]

QUALITY: dict[str, tuple[str, Words]] = {
    "accuracy": ("accuracy", formats.percent),
    "balanced_accuracy": ("balanced accuracy", formats.percent),
    "auroc": ("AUROC", formats.number),
    "auroc_direction": ("AUROC up or down", formats.number),
    "auroc_move": ("AUROC move or calm", formats.number),
    "f1_macro": ("macro-F1", formats.number),
    "mcc": ("MCC", formats.number),
    "auprc": ("AUPRC", formats.number),
    "log_loss": ("log loss", lambda value: formats.number(value, 4)),
    "brier": ("Brier", lambda value: formats.number(value, 4)),
    "ece": ("ECE", lambda value: formats.number(value, 4)),
}


def _percent_points(value: float | None) -> str:
    """A number that is a percentage already."""
    return formats.percent(None if value is None else value / 100)


def _ratio_words(value: float | None) -> str:
    return formats.number(value, 2)


# What a backtest says, in the order of the money table.
MONEY: dict[str, tuple[str, Words]] = {
    "sharpe_net_annual": ("Annualised Sharpe", _ratio_words),
    "return_net_pct": ("return", _percent_points),
    "return_gross_pct": ("before fees", _percent_points),
    "max_drawdown_pct": ("largest drawdown", _percent_points),
    "trades": ("trades", formats.count),
    "turnover": ("turnover", formats.number),
    "exposure": ("in the market", formats.percent),
}
FACTS_OF_MONEY: dict[str, tuple[str, Words]] = {
    "traded_right": ("right this often while in the market", formats.percent),
    "traded_breakeven": ("right this often there to pay the fees", formats.percent),
    "sharpe_timing_annual": ("Annualised Sharpe of timing, beyond holding at the same exposure", _ratio_words),
    "breakeven_accuracy": ("right this often to pay a round trip each bar", formats.percent),
    "mean_move_pct": ("mean move of a label", lambda value: formats.percent(None if value is None else value / 100, 2)),
    "psr": ("probability that the true Sharpe is above 0", formats.percent),
    "random_signal/p_value": ("as good with the same trades at random times, p", formats.number),
}


@dataclass(frozen=True)
class ReportData:
    """All that the sections read.

    metrics      flat: test/accuracy, val/…, baseline/<name>/…; a value may be None or absent.
    card         the data card: symbols, interval, …, parts {name: {samples, first, last, classes {name: count}}};
                 `title` and `about` {name: value} are optional.
    """

    metrics: Mapping[str, float | None]
    card: Mapping[str, Any]
    kind: str

    def get(self, name: str) -> float | None:
        """One metric; None when absent or not a finite number."""
        value = self.metrics.get(name)
        return None if formats.is_missing(value) else value

    def known(self, name: str) -> float:
        """A metric that is there."""
        value = self.get(name)
        assert value is not None, f"{name} is not known"
        return value

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""
        return tuple(next(iter(self.card["parts"].values()))["classes"])

    @property
    def baselines(self) -> list[str]:
        """Names of the baselines that have any score, in the order scored."""
        return list(dict.fromkeys(name.split("/")[1] for name in self.metrics if name.startswith("baseline/")))
