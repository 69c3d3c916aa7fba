"""The pictures that a page draws are those that the nets saw, pixel for pixel."""

import numpy as np
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
def test_a_page_draws_what_nets_saw_of_whole_windows_and_of_those_with_holes():
    given, expected = [], []
    for style in STYLES:
        renderer = build(compose(f"render={style}", "data.window=20", "model=cnn_small"), "render")
        for missing in ((), (110, 111, 130, 168, 169)):
            candles, ends = market(220, missing), np.array([125, 140, 170, 219])
            given += windows(candles, renderer, ends)
            expected += [(style, missing, picture) for picture in renderer.draw(candles, ends)]
    drawn = in_node(DRAW, given, "spans")
    wrong = [
        told for pixels, (*told, picture) in zip(drawn, expected, strict=True) if pixels != picture.ravel().tolist()
    ]
    assert len(drawn) == 8 * len(STYLES) and wrong == []
