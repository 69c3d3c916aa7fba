"""Every figure of a report as a method that returns it, for notebooks and pages of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from candlelab.core.errors import UserError

if TYPE_CHECKING:  # a run is also loaded where neither reports nor statistics are installed
    import pandas as pd

    from candlelab.evaluate.score import Scores
    from candlelab.report.figures import Figure


class ReportFigures:
    """Figures of one score. Whoever inherits says what was scored by `figure_inputs`."""

    def figure_inputs(self) -> tuple[Scores, pd.DataFrame, Mapping[str, Any], Sequence[Mapping[str, float]]]:
        """Return the scores, the table of predictions, the data card and the rows of the training curves."""
        raise NotImplementedError

    def figures(self) -> dict[str, Figure]:
        """Return every figure of the report by its title."""
        from candlelab.report import money_section, sections
        from candlelab.report.results import ReportData

        scores, predictions, card, epochs = self.figure_inputs()
        results = ReportData(scores.metrics, card, scores.verdict.kind)
        made = [
            sections.quality(results, predictions),
            sections.errors(results, scores.curves, predictions),
            sections.training_section(results, epochs),
        ]
        if scores.verdict.kind == "forecast":
            made.append(money_section.money(results, scores.curves, scores.threshold, scores.trades))
        return {figure.title: figure for section in made for figure in section.figures}

    def figure(self, title: str) -> Figure:
        """Return the figure with this title. Raises UserError, naming those that exist, if this score has none such."""
        found = self.figures()
        if title not in found:
            raise UserError(f"there is no figure '{title}' here: this score has {', '.join(found) or 'none'}")
        return found[title]

    def accuracy(self) -> Figure:
        """Return the accuracy beside every baseline's, with intervals."""
        return self.figure("Accuracy")

    def versus(self) -> Figure:
        """Return the difference to each baseline on the same rows, with intervals."""
        return self.figure("This model minus …")

    def confusion(self) -> Figure:
        """Return the confusion matrix of the test rows."""
        return self.figure("Confusion matrix")

    def calibration(self) -> Figure:
        """Return stated confidence against the share that was right (reliability diagram)."""
        return self.figure("Calibration")

    def over_time(self) -> Figure:
        """Return the accuracy by stretch of the test period."""
        return self.figure("Over time")

    def threshold_curve(self) -> Figure:
        """Return the Sharpe ratio after fees by threshold, on validation and on test."""
        return self.figure("Threshold")

    def equity(self) -> Figure:
        """Return the growth of one unit, before and after fees, beside buy and hold."""
        return self.figure("Equity")

    def drawdown(self) -> Figure:
        """Return the fall from the highest equity so far."""
        return self.figure("Drawdown")

    def fees(self) -> Figure:
        """Return the Sharpe ratio of the same trades by cost."""
        return self.figure("Fees")

    def rolling_sharpe(self) -> Figure:
        """Return the annualised Sharpe ratio of the days before each moment."""
        return self.figure("Rolling Sharpe")

    def months(self) -> Figure:
        """Return the net return of every month."""
        return self.figure("Months")
