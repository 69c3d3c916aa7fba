"""Captions: what they say, that they say nothing of the future, and that their tokens are exact."""

import numpy as np
import pandas as pd
import pytest

from candlelab.core.candles import Candles
from candlelab.data import caption as captions
from candlelab.data.caption import CandleFusion, Relative, encode, encode_windows
from candlelab.data.source.simulated import Simulated
from candlelab.data.tokenizer import ClosedTokenizer, load_tokenizer

HOUR = 3_600_000


def tape(open, high, low, close, volume):
    frame = {
        "open_time": np.arange(len(close)) * HOUR,
        "open": open,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
    }
    return Candles.from_frame(pd.DataFrame(frame), interval="1h")


def market(bars=600):
    settings = {
        "seed": 5,
        "bars": bars,
        "volatility": 0.01,
        "edge": 0.25,
        "feature": "close_position",
        "feature_window": 20,
    }
    return Simulated(**settings).fetch(["A"], "1h", None, None)


def changed(candles, after=None, price=1.0, volume=1.0):
    """The same tape with prices and volumes multiplied in every row, or in the rows behind `after` only."""
    frame = candles.to_frame()
    rows = slice(0 if after is None else after + 1, None)
    for name in ("open", "high", "low", "close"):
        frame.loc[rows, name] *= price
    frame.loc[rows, "volume"] *= volume
    return Candles.from_frame(frame, interval="1h")


def says_nothing_of_the_future(caption, candles):
    """Rewriting every bar after the last window's end changes no caption up to there."""
    ends = np.arange(60, 300, 7)
    rewritten = changed(candles, after=ends.max(), price=3.0, volume=9.0)
    short = candles.select(slice(0, ends.max() + 1))
    told = caption(candles, ends, 20)
    return told == caption(rewritten, ends, 20) == caption(short, ends, 20)


def test_candlefusion_writes_the_fields_in_their_order():
    candles = tape([100, 100], [101, 103], [99, 99.5], [100, 102], [1, 3])
    assert CandleFusion(length=128)(candles, np.array([1]), 2) == [
        "Candle: bullish, Price change: 2.00%, Open: 100.00, High: 103.00, Low: 99.50, Close: 102.00, Volume: high, "
        "Range: 3.50, Body size: 2.00, Upper shadow: 1.00, Lower shadow: 0.50"
    ]


def test_small_prices_keep_their_digits():
    candles = tape([2e-5], [2.5e-5], [1e-5], [1.5e-5], [1.0])
    assert "Open: 0.000020000, High: 0.000025000" in CandleFusion(length=128)(candles, np.array([0]), 1)[0]


def test_relative_tells_where_the_close_lies_in_the_range():
    close = np.array([10.0, 10.0, 20.0, 10.0, 17.4])
    candles = tape(close, close, close, close, np.ones(5))
    text = Relative(length=32)(candles, np.array([4]), 5)[0]
    assert "place 6" in text  # 7.4 of 10 is in the sixth eighth
    assert "top 2" in text and "bottom 1" in text and "candle flat" in text and "run 1" in text


def test_window_without_any_move_has_a_caption():
    flat = np.full(6, 5.0)
    text = Relative(length=32)(tape(flat, flat, flat, flat, np.zeros(6)), np.array([5]), 6)[0]
    assert "place 5" in text and "trend flat" in text and "run 0" in text


@pytest.mark.parametrize("factor", [3.7, 1 / 3, 1e-7, 1e6])
def test_relative_is_the_same_at_any_price_and_volume_scale(factor):
    candles, ends = market(), np.arange(40, 600)
    scaled = changed(candles, price=factor, volume=1 / factor)
    assert Relative(length=32)(candles, ends, 20) == Relative(length=32)(scaled, ends, 20)


@pytest.mark.parametrize("caption", [Relative(length=32), CandleFusion(length=128)])
def test_captions_say_nothing_of_the_future(caption):
    assert says_nothing_of_the_future(caption, market())


def test_a_caption_of_the_next_bar_is_caught():
    class Broken(Relative):
        def __call__(self, candles, ends, window):
            return super().__call__(candles, np.minimum(ends + 1, len(candles) - 1), window)

    assert not says_nothing_of_the_future(Broken(length=32), market())


def test_removed_bars_are_told_by_the_last_one_left():
    candles = market(40)
    columns = {k: getattr(candles, k).copy() for k in ("open", "high", "low", "close", "volume")}
    for column in columns.values():
        column[38:] = np.nan
    missing = np.arange(40) >= 38
    gone = Candles.build(
        symbols=("A",), intervals=("1h",), symbol=candles.symbol, time=candles.time, missing=missing, **columns
    )
    sentence = CandleFusion(length=128)
    head = [
        text.split(", Volume")[0]
        for text in (sentence(gone, np.array([39]), 9)[0], sentence(candles, np.array([37]), 9)[0])
    ]
    assert head[0] == head[1] and "nan" not in Relative(length=32)(gone, np.array([39]), 9)[0]


def test_every_word_of_every_caption_is_in_the_closed_vocabulary():
    candles, ends = market(), np.arange(40, 600)
    for caption in (Relative(length=32), CandleFusion(length=128)):
        ids, mask = encode(caption(candles, ends, 20), ClosedTokenizer(), caption.length)
        assert not (ids == captions.VOCABULARY.index("[UNK]")).any() and (ids[~mask] == 0).all()


def test_closed_tokenizer_spells_words_and_digits():
    ids, mask = encode(["Close: 1.5", "moon"], ClosedTokenizer(), 7)
    words = [[captions.VOCABULARY[k] for k in row] for row in ids]
    assert words[0] == ["[CLS]", "close", ":", "1", ".", "5", "[SEP]"]
    assert words[1][:4] == ["[CLS]", "[UNK]", "[SEP]", "[PAD]"] and mask.sum(1).tolist() == [7, 3]


def test_equal_texts_are_tokenised_once():
    class Counting(ClosedTokenizer):
        def many(self, texts):
            self.asked = len(texts)
            return super().many(texts)

    tokenizer = Counting()
    ids, _ = encode(["up", "down", "up"], tokenizer, 4)
    assert tokenizer.asked == 2 and np.array_equal(ids[0], ids[2]) and not np.array_equal(ids[0], ids[1])


def test_too_long_caption_is_refused_not_cut():
    with pytest.raises(ValueError, match=r"5 tokens.*data\.caption\.length=4"):
        encode(["up up up"], ClosedTokenizer(), 4)


def test_tokens_made_in_chunks_equal_tokens_made_at_once(monkeypatch):
    monkeypatch.setattr(captions, "CHUNK", 100)
    candles, ends, caption = market(), np.arange(40, 600), Relative(length=32)
    once = encode(caption(candles, ends, 20), ClosedTokenizer(), 32)
    for whole, chunked in zip(once, encode_windows(caption, candles, ends, 20, ClosedTokenizer()), strict=True):
        assert np.array_equal(whole, chunked) and whole.dtype == chunked.dtype


def test_bert_tokenizer_of_a_local_folder_reads_its_vocabulary(tmp_path):
    words = [*captions.SPECIAL, "[MASK]", *captions.VOCABULARY[4:]]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = load_tokenizer(str(tmp_path))
    ids, _ = encode(["candle up"], tokenizer, 4)
    assert [words[k] for k in ids[0]] == ["[CLS]", "candle", "up", "[SEP]"] and len(tokenizer) == len(words)


def test_folder_without_a_vocabulary_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"vocab\.txt"):
        load_tokenizer(str(tmp_path))


def test_unreachable_tokenizer_is_told_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match=r"could not be reached.*pretrained=false"):
        load_tokenizer("nobody/no-such-bert")
