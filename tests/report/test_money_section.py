"""What the report says of trades and fees."""

import numpy as np
from score_cases import predictions, score

from candlelab.evaluate.threshold.fixed import Fixed
from candlelab.report import money_figures, money_section
from candlelab.report.results import ReportData

CARD = {"parts": {"test": {"classes": {"down": 1, "up": 1}}}}


def section(found):
    return money_section.money(ReportData(found.metrics, CARD, "forecast"), found.curves, found.threshold, found.trades)


def test_the_money_section_shows_fees_months_trades_and_drawdowns():
    made = section(score(predictions(edge=0.3, rows=3000), threshold=Fixed(score="confidence", value=0.5)))
    assert {"Fees", "Months", "Rolling Sharpe", "Equity"} <= {plot.title for plot in made.figures}
    assert [table.title for table in made.tables][-2:] == ["Trades.", "Drawdowns."]


def test_a_run_that_stays_flat_shows_no_trades():
    made = section(score(predictions(edge=0.0, rows=900), fee_bps=50.0))
    assert "Nothing is traded: no threshold earns anything" in made.lead
    assert not {"Trades.", "Drawdowns."} & {table.title for table in made.tables}


def test_the_break_even_fee_is_marked():
    curve = {"bps": np.linspace(0, 20, 41), "sharpe": np.linspace(3, -3, 41)}
    assert "break-even 10.0 bp" in money_figures.fee_curve_figure(curve, 5.0, 10.0).svg
    assert "lose even without fees" in money_figures.fee_curve_figure(curve, 5.0, -1.0).note
