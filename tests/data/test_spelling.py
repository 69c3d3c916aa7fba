"""Captions by table: their levels are those of the array formula, their ids those of the tokenizer."""

import numpy as np
import pytest

from candlelab.core.errors import UserError
from candlelab.data import caption as captions
from candlelab.data.caption import FIELDS, Relative, encode, encode_windows, word_table
from candlelab.data.source.simulated import Simulated
from candlelab.data.spelling import pairwise_sum
from candlelab.data.tokenizer import ClosedTokenizer


class InPieces(ClosedTokenizer):
    """Splits long words, so that the words of a field have different numbers of tokens."""

    def many(self, texts: list[str]) -> list[list[int]]:
        return [
            [1, *(len(word) % 7 + k for word in text.split() for k in range(1 + len(word) // 4)), 2] for text in texts
        ]


class ByPlace(ClosedTokenizer):
    """Reads a word otherwise at another place."""

    def many(self, texts: list[str]) -> list[list[int]]:
        return [[1, *range(3, 3 + len(text.split())), 2] for text in texts]


def market(bars: int):
    settings = {"volatility": 0.01, "edge": 0.25, "feature": "close_position", "feature_window": 20}
    return Simulated(seed=5, bars=bars, **settings).fetch(["A"], "1h", None, None)


@pytest.mark.parametrize("window", [4, 7, 20, 131, 270])
def test_levels_in_one_pass_are_those_of_the_arrays(window, monkeypatch):
    candles, ends = market(1500), np.arange(300, 1500)
    ways = []
    for loop in (True, False):
        monkeypatch.setattr(captions, "at_hand", lambda numbers, loop=loop: loop)
        ways.append(captions.relative_levels(candles, ends, window))
    np.testing.assert_array_equal(*ways)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 127, 128, 129, 400])
def test_a_pairwise_sum_has_the_bits_of_numpys(count):
    values = np.random.default_rng(count).normal(size=(2, count))
    assert pairwise_sum(values[1]) == values.sum(axis=1)[1]


@pytest.mark.parametrize("tokenizer", [ClosedTokenizer(), InPieces()])
def test_ids_by_table_are_the_tokenizers_own(tokenizer, monkeypatch):
    monkeypatch.setattr(captions, "at_hand", lambda numbers: True)
    candles, ends, caption = market(900), np.arange(64, 900), Relative(length=64)
    texts = encode(caption(candles, ends, 20), tokenizer, 64)
    for made, told in zip(encode_windows(caption, candles, ends, 20, tokenizer), texts, strict=True):
        np.testing.assert_array_equal(made, told)
        assert made.dtype == told.dtype


def test_a_tokenizer_that_reads_words_by_their_place_has_no_table():
    assert word_table(FIELDS, ByPlace()) is None and word_table(FIELDS, InPieces()) is not None


def test_a_caption_by_table_is_never_cut_off(monkeypatch):
    monkeypatch.setattr(captions, "at_hand", lambda numbers: True)
    with pytest.raises(UserError, match=r"a caption has 26 tokens, more than data\.caption\.length=25"):
        encode_windows(Relative(length=25), market(300), np.arange(64, 300), 20, ClosedTokenizer())
