"""Axes and names of a study's figures: no tick says what its neighbour says, no name loses its end."""

import re

import numpy as np
import pytest

from candlelab.evaluate.pairs import Pair
from candlelab.report import formats
from candlelab.report.figures import Estimate, Reference, comparison_figure
from candlelab.report.sections import by_epoch, provenance
from candlelab.report.study_figures import bars, scatter
from candlelab.report.study_sections import comparisons
from candlelab.report.svg import name_lines, row_height

LONG = "mobilenetv3_small_100 window=15 threshold=0.25"


def across(seconds):
    points = [(value, Estimate("net", 0.5, 0.49, 0.51, "model")) for value in seconds]
    made = scatter(
        points, [Reference(0.5, "chance")], title="", note="", across="training time", words_x=formats.seconds
    )
    words = re.findall(r'y="\d+\.\d" text-anchor="middle">([^<]+)</text>', str(made.svg))
    return [word for word in words if word != "training time"]


@pytest.mark.parametrize("seconds", [(83, 124), (50, 70), (3500, 9000), (0.2, 0.5), (70, 71), (40, 90000)])
def test_no_two_ticks_of_an_axis_of_times_say_the_same(seconds):
    words = across(seconds)
    assert len(words) == len(set(words)) > 0


def test_a_long_name_is_broken_between_its_words_and_loses_none():
    assert name_lines(LONG) == ["mobilenetv3_small_100", "window=15", "threshold=0.25"]
    assert name_lines("random forest") == ["random forest"]


def test_a_word_longer_than_a_line_keeps_its_beginning_and_its_end():
    assert name_lines("cnn_lstm_attention_without_gate") == ["cnn_lstm_att…hout_gate"]


def test_rows_are_as_high_as_the_name_with_the_most_lines():
    assert [row_height(["net"]), row_height(["net", LONG])] == [25, 55]


@pytest.mark.parametrize("figure", ["bars", "dots"])
def test_a_setting_that_tells_two_models_apart_is_legible(figure):
    names = [LONG, LONG.replace("15", "30")]
    if figure == "bars":
        svg = bars([(name, 1.0) for name in names], title="", note="", words=formats.number).svg
    else:
        rows = [Estimate(name, 0.5, 0.49, 0.51, "model") for name in names]
        svg = comparison_figure(rows, [], title="", note="", axis="accuracy", words=formats.percent).svg
    assert {"window=15", "window=30"} <= set(re.findall(r">([^<]+)</text>", str(svg)))


def test_ticks_of_sizes_differ_too():
    points = [(value, Estimate("net", 0.5, 0.49, 0.51, "model")) for value in np.array([1.5e6, 1.6e6])]
    made = scatter(points, [], title="", note="", across="parameters", words_x=formats.short)
    words = re.findall(r'text-anchor="middle">([^<]+)</text>', str(made.svg))
    assert len(words) == len(set(words))


def test_epochs_are_counted_as_the_progress_counts_them():
    epochs, columns = by_epoch([{"epoch": 0.0, "val/loss": 0.7}, {"epoch": 1.0, "val/loss": 0.6}])
    assert epochs.tolist() == [1, 2] and columns["val/loss"].tolist() == [0.7, 0.6]


def test_provenance_has_no_empty_rows():
    (table,) = provenance({"commit": "abc", "extensions": [], "dirty": False}).tables
    assert [row[0] for row in table.rows] == ["commit", "dirty"]


def test_a_note_begins_with_a_capital():
    pair = Pair("a", "b", 0.01, 0.0, 0.02, 0.04, 0.04)
    (table,) = comparisons([pair], ["a", "b"], "balanced_accuracy").tables
    assert table.note.startswith("Balanced accuracy of the row")
