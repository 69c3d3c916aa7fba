"""Tables of predictions: names are numbers of categories, in the file and in memory."""

import pandas as pd
import pytest

from candlelab.core.reading import Unreadable
from candlelab.core.tables import TEXTS, predictions_of
from candlelab.pipeline.scores.predictions import write_table


def table(**other):
    made = {"model": "net", "symbol": "B", "time": [1, 2], "split": ["validation", "test"], "label": [0, 1]}
    numbers = dict.fromkeys(("forward_return", "bar_return", "sigma", "forecast", "p_0", "p_1"), 0.5)
    return pd.DataFrame(made | numbers | {"segment": 0} | other)


def test_names_are_kept_once_and_sort_as_texts(tmp_path):
    write_table(tmp_path / "p.parquet", table(symbol=["B", "A"]))
    read = predictions_of(tmp_path / "p.parquet", classes=2)
    assert {read[name].dtype.name for name in TEXTS} == {"category"}
    assert read["symbol"].cat.categories.tolist() == ["A", "B"] and read["symbol"].tolist() == ["B", "A"]


def test_a_table_with_a_text_in_every_row_is_read_alike(tmp_path):
    table().to_parquet(tmp_path / "old.parquet")
    write_table(tmp_path / "new.parquet", table())
    old, new = (predictions_of(tmp_path / f"{name}.parquet", classes=2) for name in ("old", "new"))
    pd.testing.assert_frame_equal(old, new)


@pytest.mark.parametrize("kind", ["category", "int64"])
def test_models_that_are_numbers_are_refused(tmp_path, kind):
    table(model=pd.Series([1, 2], dtype=kind)).to_parquet(tmp_path / "p.parquet")
    with pytest.raises(Unreadable, match="column model is of int64"):
        predictions_of(tmp_path / "p.parquet", classes=2)
