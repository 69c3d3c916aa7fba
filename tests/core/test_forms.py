"""What the files of a run may hold."""

import pytest

from candlelab.core.forms import curves_trouble


@pytest.mark.parametrize("column", [True, 0.5, None, "x", {}])
def test_a_curve_whose_column_is_no_list_is_refused(column):
    whole = {"equity": {name: [0.0, 1.0] for name in ("time", "net", "gross", "buy_and_hold")}}
    assert curves_trouble(whole) is None
    assert "different lengths" in curves_trouble({"equity": whole["equity"] | {"net": column}})
