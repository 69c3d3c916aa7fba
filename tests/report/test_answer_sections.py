"""What a report says of forecasts, of silence, and of the direction of patterns."""

import numpy as np
import pandas as pd

from candlelab.report import answer_sections, sections
from candlelab.report.results import ReportData

GAIN = {
    "test/forecast_mae_pct": 0.5,
    "test/naive_mae_pct": 0.6,
    "test/forecast_gain_pct": 0.1,
    "test/forecast_gain_pct_low": 0.02,
    "test/forecast_gain_pct_high": 0.18,
    "test/forecast_rmse_pct": 0.7,
    "test/naive_rmse_pct": 0.8,
    "test/forecast_coverage": 0.93,
}
CARD = {
    "parts": {"test": {"classes": {"double_top": 3, "none": 2}}},
    "directions": {"double_top": "bearish", "none": "neutral"},
}


def test_a_forecast_is_held_against_no_change():
    said = answer_sections.forecast_sentence(GAIN)
    assert (
        "off by 0.500 % of the price" in said and "no change at all by 0.600 %: better than the naive forecast" in said
    )
    assert "+0.100 points (95 %: +0.020 to +0.180)" in said and "93.0 % of the closes" in said


def test_what_is_not_shown_is_not_claimed():
    doubtful = GAIN | {"test/forecast_gain_pct_low": -0.01}
    assert "not shown to be better than the naive" in answer_sections.forecast_sentence(doubtful)
    assert "worse than the naive" in answer_sections.forecast_sentence(
        GAIN | {"test/forecast_gain_pct_low": -0.3, "test/forecast_gain_pct_high": -0.1}
    )


def test_a_net_without_forecast_has_no_such_section():
    assert (
        answer_sections.forecast_sentence({}) is None
        and not answer_sections.forecast(ReportData({}, CARD, "recognition")).filled
    )


def test_the_section_shows_both_errors():
    table = answer_sections.forecast(ReportData(GAIN, CARD, "recognition")).tables[0]
    assert [row[0] for row in table.rows] == ["this model", "no change"] and table.rows[1][1].startswith("0.600")


def test_a_recogniser_says_how_much_it_names():
    threshold = {"rule": "abstain", "threshold": 0.7, "min_precision": 0.8}
    said = answer_sections.named_sentence({"test/named": 0.25, "test/named_accuracy": 0.9}, threshold)
    assert (
        said
        == "It names what it sees on 25.0 % of the test windows, where it is at least 70.0 % sure, and is right on 90.0 % of those."
    )
    assert "names nothing" in answer_sections.named_sentence({}, threshold | {"threshold": None})
    assert answer_sections.named_sentence({}, {"rule": "exact"}) is None


def test_classes_of_patterns_stand_with_their_direction():
    empty = pd.DataFrame({"model": [], "split": [], "label": [], "p_0": [], "p_1": [], "time": []})
    table = sections.errors(ReportData({}, CARD, "recognition"), {"confusion": {"counts": np.eye(2)}}, empty).tables[0]
    assert table.head[1] == "textbooks expect" and [row[1] for row in table.rows] == ["bearish", "neutral"]
