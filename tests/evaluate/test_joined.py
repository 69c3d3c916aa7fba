"""Folds joined into one track record say, to the digit, what the concatenated tables say."""

import numpy as np
import pandas as pd
import pytest
from score_cases import CLASSES, evaluation, predictions

from candlelab.evaluate.joined import join_folds, settled_rows
from candlelab.evaluate.table import SETTLED, Task

HOUR = 3_600_000
TASK = Task(1, "1h", "forecast", CLASSES[2])


def judged(table):
    return evaluation().score(table, horizon=1, interval="1h", kind="forecast", classes=CLASSES[2])


def folds_of(table, count=3):
    """The test rows cut into blocks of time, each with the same validation rows, its segments numbered anew."""
    time = np.unique(table.loc[table["split"] == "test", "time"])
    blocks = [set(part) for part in np.array_split(time, count)]
    inside = [(table["split"] == "validation") | table["time"].isin(block) for block in blocks]
    return {k: table[rows].assign(segment=lambda part: part["segment"] % 2) for k, rows in enumerate(inside)}


@pytest.fixture(scope="module", params=[1, 2])
def table(request):
    return predictions(edge=0.4, rows=900, symbols=request.param)


def joined(folds):
    return join_folds({k: settled_rows(evaluation(), part, TASK) for k, part in folds.items()}, "1h")


def test_joined_folds_equal_the_whole_record_to_the_digit(table):
    (path,), whole = joined(folds_of(table)), judged(table).metrics
    found = judged(path).metrics
    same = {k: v for k, v in whole.items() if not k.startswith("val/") and not k.startswith("test/forecast_coverage")}
    assert {name: found.get(name) for name in same} == same


def test_a_joined_verdict_is_the_one_of_the_whole_record(table):
    (path,) = joined(folds_of(table))
    one, other = judged(path).verdict, judged(table).verdict
    assert (one.information, one.beyond_baseline, one.smallest_edge) == (
        other.information,
        other.beyond_baseline,
        other.smallest_edge,
    )
    assert (one.money.answer, one.money.value, one.money.low) == (
        other.money.answer,
        other.money.value,
        other.money.low,
    )


def test_the_order_of_the_folds_changes_nothing(table):
    folds = {k: settled_rows(evaluation(), part, TASK) for k, part in folds_of(table).items()}
    pd.testing.assert_frame_equal(join_folds(folds, "1h")[0], join_folds(dict(reversed(folds.items())), "1h")[0])


def test_each_fold_trades_by_the_threshold_of_its_own_validation(table):
    folds = folds_of(table)
    flat = folds[1]["split"] == "validation"
    folds[1] = folds[1].assign(bar_return=folds[1]["bar_return"].where(~flat, -folds[1]["bar_return"].abs()))
    (path,) = joined(folds)
    settled = path[path["model"] == "net"].groupby("fold")[SETTLED].first()
    assert settled[0] == settled[2] != settled[1]


def test_positions_are_kept_over_the_border_of_two_folds():
    table = predictions(edge=0.4, rows=900)
    (path,) = joined(folds_of(table))
    assert path["segment"].nunique() == 1


def test_a_hole_between_two_folds_ends_the_chain():
    folds = folds_of(predictions(edge=0.4, rows=900))
    last = folds[0]["time"].max()
    folds[0] = folds[0][folds[0]["time"] < last]
    assert joined(folds)[0]["segment"].nunique() == 2


def test_combinations_make_complete_paths_in_the_order_of_their_numbers():
    time = HOUR * np.arange(3)
    groups = {0: (0, 1), 1: (0, 2), 2: (1, 2)}  # three groups of one row, two of them tested at a time
    folds = {
        k: pd.DataFrame({"model": "net", "symbol": "A", "segment": 0, "time": time[list(rows)], "said": k})
        for k, rows in groups.items()
    }
    first, second = join_folds(folds, "1h")
    assert list(first["said"]) == [0, 0, 1] and list(second["said"]) == [1, 2, 2]


def test_a_path_that_lacks_rows_is_left_out():
    time = HOUR * np.arange(3)
    folds = {
        k: pd.DataFrame({"model": "net", "symbol": "A", "segment": 0, "time": time[list(rows)], "said": k})
        for k, rows in {0: (0, 1), 1: (0, 2)}.items()
    }
    assert len(join_folds(folds, "1h")) == 1


def test_a_fold_without_a_threshold_trades_nothing(table):
    folds = {k: settled_rows(evaluation(), part, TASK) for k, part in folds_of(table).items()}
    idle = {k: part.assign(**{SETTLED: np.inf}) for k, part in folds.items()}
    found = judged(join_folds(idle, "1h")[0])
    assert found.metrics["test/trades"] == 0 and found.verdict.money.answer == "not shown"
