"""The pictures that a page draws are those that the nets saw, pixel for pixel."""

import numpy as np
import pytest
from explorer_cases import market
from page_scripts import in_node, needs_node

from candlelab.config import build, compose
from candlelab.report.explorer.pictures import drawable

DRAW = "(many) => many.map(({ recipe, bars }) => candlelab.spans.draw(recipe, bars).pixels)"
STYLES = ("candles", "candles_grey", "candles_plain", "gramian", "jkx_i20", "jkx_i5", "jkx_i60", "line", "ohlc_bars")


def windows(candles, renderer, ends):
    """What a page holds of the windows that end at some rows."""
    length, made = renderer.window + renderer.warmup, []
    for end in ends:
        rows = slice(end - length + 1, end + 1)
        shown = None if candles.missing is None else (~candles.missing[rows]).astype(int).tolist()
        columns = {name: getattr(candles, name)[rows] for name in ("open", "high", "low", "close", "volume")}
        told = {name: np.nan_to_num(values).tolist() for name, values in columns.items()}
        made.append({"recipe": drawable(renderer.recipe()), "bars": told | {"shown": shown}})
    return made


@needs_node
@pytest.mark.parametrize("missing", [(), (110, 111, 130, 168, 169)], ids=["whole", "with holes"])
@pytest.mark.parametrize("style", STYLES)
def test_a_page_draws_what_the_net_saw(style, missing):
    candles = market(220, missing)
    renderer = build(compose(f"render={style}", "data.window=20", "model=cnn_small"), "render")
    ends = np.array([125, 140, 170, 219])
    drawn = in_node(DRAW, windows(candles, renderer, ends), "spans")
    assert np.array_equal(np.array(drawn, np.uint8).reshape(-1, *renderer.shape), renderer.draw(candles, ends))
