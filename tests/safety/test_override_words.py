"""What is said of clumsy words tells what to write instead."""

import pytest
import tiny
from test_mistakes import answer


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("data=btc_1h.yaml", "did you mean 'btc_1h'?"),
        ("data=conf/data/BTC_1H", "did you mean 'btc_1h'?"),
        ("fetch", "write task=fetch"),
        ("model = fusion", "without spaces around ="),
        ("--model=fusion", "write model=fusion"),
        ("--data.window=8", "write data.window=8"),
        ("evaluate.threshold=0.5", "choose evaluate/threshold= one of exact, fixed, grid"),
        ("model.loss=focal", "write model/loss=focal"),
        ("data.symbols=BTCUSDT", "write data.symbols=[BTCUSDT]"),
        ("data.start=20200101", "quote it as data.start="),
        ("hydra.mode=SOMETIMES", "RUN, MULTIRUN"),
        ("data.window=???", "a value of ??? is none: give data.window"),
        ("model.optimizer.eps=0", "eps is 0; give a number between 0 and 1"),
        ("data.split.train=0,8", "decimals take a point"),
    ],
)
def test_a_clumsy_word_is_told_what_to_write(word, told):
    code, said = answer([*tiny.TINY, word])
    assert code == 2 and told in said and "full_key" not in said
