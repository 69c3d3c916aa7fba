"""What the files of a run must agree on."""

import pytest

from candlelab.core import agreement

SOURCE = {"_target_": "candlelab.data.source.simulated.Simulated", "bars": 700}
DATA = {"source": SOURCE, "symbols": ["SIM"], "interval": "1h", "start": None, "end": None}


@pytest.mark.parametrize(
    "change",
    [
        {"source": SOURCE | {"bars": 10**9}},
        {"symbols": [f"S{k}" for k in range(5000)]},
        {"source": SOURCE | {"bars": None}, "end": "2900-01-01"},
        {"source": {"samples": 10**6, "window": 60, "history": 60}},
    ],
)
def test_a_market_that_would_fill_the_memory_is_not_made_up(change):
    assert agreement.too_much({"data": DATA}) is None
    assert "makes up" in agreement.too_much({"data": DATA | change})


def test_a_number_of_layers_that_nobody_trains_is_refused_by_its_name():
    tree = {"data": DATA, "model": {"net": {"blocks": [{"image_layers": 10**9}]}}}
    assert "model.net.blocks.image_layers is 1,000,000,000" in agreement.too_much(tree)


def test_a_confusion_that_is_no_square_of_the_classes_is_refused():
    curves = {"confusion": {"counts": [[1, 2], [3]]}, "calibration": {}}
    assert "2 x 2" in agreement.of_curves(curves, 2)


def test_a_chart_that_was_drawn_otherwise_than_the_config_asks_is_named():
    render = {"_target_": "candlelab.render.candles.CandleChart", "height": 16, "storage": {}}
    wrong = [name for name, said, asked in agreement._of_chart({}, render) if said != asked]
    assert wrong == ["renderer.style", "renderer.height"]
