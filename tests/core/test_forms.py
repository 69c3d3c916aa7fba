"""What the files of a run may hold."""

import pytest

from candlelab.core import forms
from candlelab.core.reading import Unreadable, objection
from candlelab.core.tables import metrics_of


@pytest.mark.parametrize("column", [True, 0.5, None, "x", {}])
def test_a_curve_whose_column_is_no_list_is_refused(column):
    whole = {"equity": {name: [0.0, 1.0] for name in ("time", "net", "gross", "buy_and_hold")}}
    form = {"equity": forms.CURVES["equity?"]}
    assert objection(whole, form) is None
    assert "equity.net" in objection({"equity": whole["equity"] | {"net": column}}, form)


def test_a_table_that_a_parser_refuses_in_two_lines_is_one_sentence(tmp_path):
    (tmp_path / "table.csv").write_text('{\n "a": [1,\n 2, 3, 4]\n}')
    with pytest.raises(Unreadable) as refused:
        metrics_of(tmp_path / "table.csv", cure="repeat it")
    assert "\n" not in str(refused.value)


def test_a_whole_position_that_no_score_reached_is_no_damage():
    assert objection({"threshold": None, "held": {"full": None}}, forms.THRESHOLD) is None
