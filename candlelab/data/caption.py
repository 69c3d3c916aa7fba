"""A window told in words, for text models: captions, and the token ids of many windows.

A caption reads bars up to the window's last and no others. Token ids are made once for all windows, never per batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from candlelab.core.columns import OHLCV
from candlelab.core.compiled import at_hand
from candlelab.core.contracts import InLevels
from candlelab.core.errors import UserError
from candlelab.data.indicators.windowed import present_rows
from candlelab.data.spelling import longest_row, window_levels, write_tokens

if TYPE_CHECKING:
    from candlelab.core.candles import Candles
    from candlelab.core.contracts import Caption
    from candlelab.data.tokenizer import Tokenizer

CHUNK = 16_384  # windows worked on at a time, so that memory does not grow with the tape
LONGEST = 2_048  # tokens; attention keeps a number for every pair of them

SIZES, SIZE_EDGES = ("tiny", "small", "medium", "large", "huge"), (0.1, 0.5, 1.0, 2.0)
SHADOWS, SHADOW_EDGES = ("none", "short", "long"), (0.1, 0.4)
TRENDS, TREND_EDGES = ("plunge", "fall", "flat", "rise", "soar"), (-1.0, -0.3, 0.3, 1.0)
SWINGS = ("calm", "usual", "wild")
VOLUMES, RATIO_EDGES = ("low", "usual", "high"), (0.6, 1.5)
EDGES = (SIZE_EDGES, SHADOW_EDGES, tuple(np.arange(1, 8) / 8), TREND_EDGES, RATIO_EDGES)
CANDLES = ("down", "flat", "up")
NUMBERS = tuple(str(k) for k in range(10))
SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
_NAMES = (
    "candle",
    "body",
    "upper",
    "lower",
    "place",
    "trend",
    "recent",
    "volatility",
    "volume",
    "run",
    "top",
    "bottom",
)
_FUSION = (
    "bullish",
    "bearish",
    "doji",
    "price",
    "change",
    "open",
    "close",
    "normal",
    "range",
    "size",
    "shadow",
    ",",
    ":",
    ".",
    "%",
    "-",
)
VOCABULARY = tuple(dict.fromkeys(
    (*SPECIAL, *NUMBERS, *_NAMES, *CANDLES, *SIZES, *SHADOWS, *TRENDS, *SWINGS, *VOLUMES, *_FUSION)
))  # fmt: skip


class CandleFusion:
    """The sentence of CandleFusion about the last candle, in its order and its two decimals.

    Two repairs: `Volume: high` is decided against the window's mean (the original never had one to compare with), and prices
    below 1 get the decimals they need.
    """

    warmup = 0

    def __init__(self, *, length: int):
        self.length: int = _length(length)

    def __call__(self, candles: Candles, ends: np.ndarray, window: int) -> list[str]:
        """One caption per window, ends (n,)."""
        texts: list[str] = []
        for first in range(0, len(ends), CHUNK):
            rows = present_rows(candles, ends[first : first + CHUNK], window)
            last, typical = rows[:, -1], candles.volume[rows].mean(axis=1)
            columns = (getattr(candles, name)[last].tolist() for name in OHLCV)
            texts.extend(_fusion_sentence(*bar) for bar in zip(*columns, typical.tolist(), strict=True))
        return texts


class Relative:
    """Scale-free words: the same market at another price level, or in another volume unit, gets the same caption.

    It tells of the last candle (colour, body and shadows, in units of the window's mean move), the place of the close in the
    window's range in eighths (1 is the bottom), the trend of the window and of its last quarter in units of a random walk,
    volatility and volume against the window's own, the run of moves of one sign, and in which quarter of the window (4 is the
    newest) its top and bottom lie.
    """

    warmup = 0

    def __init__(self, *, length: int):
        self.length: int = _length(length)

    def __call__(self, candles: Candles, ends: np.ndarray, window: int) -> list[str]:
        """One caption per window, ends (n,); ValueError if the window is shorter than 4 bars."""
        texts: list[str] = []
        for first in range(0, len(ends), CHUNK):
            texts.extend(_phrases(self.levels(candles, ends[first : first + CHUNK], window)))
        return texts

    @property
    def fields(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The name of each field and its words by level; a caption is one of each, in this order."""
        return FIELDS

    def levels(self, candles: Candles, ends: np.ndarray, window: int) -> np.ndarray:
        """Level of each field, (n, fields) uint8; UserError if the window is shorter than 4 bars."""
        return relative_levels(candles, ends, window)


# one field per line: its name in the caption, its words by level
FIELDS = (
    ("candle", CANDLES),
    ("body", SIZES),
    ("upper", SHADOWS),
    ("lower", SHADOWS),
    ("place", NUMBERS[1:9]),
    ("trend", TRENDS),
    ("recent", TRENDS),
    ("volatility", SWINGS),
    ("volume", VOLUMES),
    ("run", NUMBERS[0:6]),
    ("top", NUMBERS[1:5]),
    ("bottom", NUMBERS[1:5]),
)


def relative_levels(candles: Candles, ends: np.ndarray, window: int) -> np.ndarray:
    """Level of each field of a relative caption, (n, fields) uint8; FIELDS gives their names and words."""
    if window < 4:
        raise UserError(f"a relative caption needs a window of 4 bars or more, not {window}; set data.window.")
    if candles.missing is None and len(ends) and at_hand(len(ends) * window):
        return _levels_by_loop(candles, ends, window)
    rows = present_rows(candles, ends, window)
    high, low, volume = candles.high[rows], candles.low[rows], candles.volume[rows]
    moves = np.diff(np.log(candles.close[rows]), axis=1)
    last = rows[:, -1]
    opened, closed = candles.open[last], candles.close[last]
    typical = np.abs(moves).mean(axis=1)
    typical[typical == 0] = 1.0
    quarter = max(2, window // 4)
    levels = (
        np.sign(closed - opened) + 1,
        _level(np.abs(np.log(closed / opened)) / typical, SIZE_EDGES),
        _level(_share(high[:, -1] - np.maximum(opened, closed), high[:, -1] - low[:, -1]), SHADOW_EDGES),
        _level(_share(np.minimum(opened, closed) - low[:, -1], high[:, -1] - low[:, -1]), SHADOW_EDGES),
        _level(_place(closed, high, low), np.arange(1, 8) / 8),
        _level(moves.sum(axis=1) / (typical * np.sqrt(window - 1)), TREND_EDGES),
        _level(moves[:, -quarter:].sum(axis=1) / (typical * np.sqrt(quarter)), TREND_EDGES),
        _level(np.abs(moves[:, -quarter:]).mean(axis=1) / typical, RATIO_EDGES),
        _level(_share(volume[:, -1], volume.mean(axis=1)), RATIO_EDGES),
        _run(moves),
        high.argmax(axis=1) * 4 // window,
        low.argmin(axis=1) * 4 // window,
    )
    return np.stack(levels, axis=1).astype(np.uint8)


def _levels_by_loop(candles: Candles, ends: np.ndarray, window: int) -> np.ndarray:
    """The same levels, to the last bit, in one pass over the tape."""
    part = slice(int(ends.min()) - window + 1, int(ends.max()) + 1)
    assert part.start >= 0, "a window begins before the tape"
    most = max(map(len, EDGES))
    edges = np.array([[*row, *[np.inf] * (most - len(row))] for row in EDGES])
    opened, closed = candles.open[ends], candles.close[ends]
    levels = np.empty((len(ends), len(FIELDS)), np.uint8)
    tape = np.log(candles.close[part]), candles.high[part], candles.low[part], candles.volume[part]
    ends = np.asarray(ends, np.int64) - part.start
    window_levels(*tape, opened, closed, np.abs(np.log(closed / opened)), ends, window, edges, levels)
    return levels


def encode(texts: list[str], tokenizer: Tokenizer, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Token ids (n, length) and their mask (n, length) bool; ids are int16, or int32 for a large vocabulary.

    Equal texts are tokenised once. Raises UserError instead of cutting a text off.
    """
    seen: dict[str, int] = {}
    place = np.fromiter((seen.setdefault(text, len(seen)) for text in texts), np.int64, count=len(texts))
    lists = tokenizer.many(list(seen)) if seen else []
    sizes = np.fromiter(map(len, lists), np.int64, count=len(lists))
    _check_length(sizes.max(initial=0), length)
    mask = np.arange(length) < sizes[:, None]
    ids: np.ndarray = np.full(mask.shape, tokenizer.pad, dtype=_kind(tokenizer))
    ids[mask] = np.fromiter((token for row in lists for token in row), ids.dtype, count=int(sizes.sum()))
    return ids[place], mask[place]


def encode_windows(
    caption: Caption, candles: Candles, ends: np.ndarray, window: int, tokenizer: Tokenizer
) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and mask of the captions of many windows, as `encode`, without ever holding all the texts.

    Captions that are made of levels have their ids from a table, where every word keeps its tokens beside others.
    """
    if isinstance(caption, InLevels) and at_hand(len(ends) * window):
        table = word_table(caption.fields, tokenizer)
        if table is not None:
            return _by_table(caption, candles, ends, window, table, tokenizer)
    ids = mask = np.zeros((0, caption.length), dtype=np.int16)
    for first in range(0, len(ends), CHUNK):
        some = slice(first, min(first + CHUNK, len(ends)))
        part, part_mask = encode(caption(candles, ends[some], window), tokenizer, caption.length)
        if not first:
            ids, mask = np.empty((len(ends), caption.length), part.dtype), np.empty((len(ends), caption.length), bool)
        ids[some], mask[some] = part, part_mask
    return ids, mask


class WordTable(NamedTuple):
    """Token ids of each word of each field of a caption, (fields, words, most), how many each has, and the first and last of all."""

    ids: np.ndarray
    sizes: np.ndarray
    begin: int
    stop: int


def word_table(fields: tuple[tuple[str, tuple[str, ...]], ...], tokenizer: Tokenizer) -> WordTable | None:
    """Return the table of a tokenizer; None if it reads words otherwise beside others than alone."""
    found = [tokenizer.many([f"{name} {word}" for word in words]) for name, words in fields]
    begin, stop = found[0][0][0], found[0][0][-1]
    inner = [[row[1:-1] for row in rows] for rows in found]
    most, longest = max(map(len, inner)), max(len(row) for rows in inner for row in rows)
    ids, sizes = np.zeros((len(fields), most, longest), np.int32), np.zeros((len(fields), most), np.int64)
    for field, rows in enumerate(inner):
        for word, row in enumerate(rows):
            ids[field, word, : len(row)], sizes[field, word] = row, len(row)
    for k in range(most):  # so many captions say every word
        text = " ".join(f"{name} {words[k % len(words)]}" for name, words in fields)
        alone = [token for rows in inner for token in rows[k % len(rows)]]
        if tokenizer.many([text])[0] != [begin, *alone, stop]:
            return None
    return WordTable(ids, sizes, begin, stop)


def _by_table(
    caption: InLevels, candles: Candles, ends: np.ndarray, window: int, table: WordTable, tokenizer: Tokenizer
) -> tuple[np.ndarray, np.ndarray]:
    """Return token ids and mask as `encode_windows`."""
    ids: np.ndarray = np.full((len(ends), caption.length), tokenizer.pad, _kind(tokenizer))
    mask = np.zeros(ids.shape, bool)
    for first in range(0, len(ends), CHUNK):
        some = slice(first, first + CHUNK)
        levels = caption.levels(candles, ends[some], window)
        _check_length(longest_row(levels, table.sizes), caption.length)
        write_tokens(levels, *table, ids[some], mask[some])
    return ids, mask


def _kind(tokenizer: Tokenizer) -> type:
    return np.int16 if len(tokenizer) <= 32_767 else np.int32


def _check_length(longest: int, length: int) -> None:
    if longest > length:
        raise UserError(
            f"a caption has {longest} tokens, more than data.caption.length={length}; set it to {longest} or more."
        )


def _fusion_sentence(opened, high, low, close, volume, typical) -> str:
    kind = "bullish" if close > opened else "bearish" if close < opened else "doji"
    d = 2 if close >= 1 else 4 - int(np.floor(np.log10(close)))
    return (
        f"Candle: {kind}, Price change: {(close / opened - 1) * 100:.2f}%, "
        f"Open: {opened:.{d}f}, High: {high:.{d}f}, Low: {low:.{d}f}, Close: {close:.{d}f}, "
        f"Volume: {'high' if volume > typical else 'normal'}, Range: {high - low:.{d}f}, Body size: {abs(close - opened):.{d}f}, "
        f"Upper shadow: {high - max(opened, close):.{d}f}, Lower shadow: {min(opened, close) - low:.{d}f}"
    )


def _phrases(levels) -> list[str]:
    """Captions of rows of levels; each distinct row is written once."""
    radix = np.cumprod([1, *(len(words) for _, words in FIELDS[:-1])], dtype=np.int64)
    _, first, back = np.unique(levels @ radix, return_index=True, return_inverse=True)
    tables = [[f"{name} {word}" for word in words] for name, words in FIELDS]
    texts = [" ".join(table[k] for table, k in zip(tables, row, strict=True)) for row in levels[first].tolist()]
    return [texts[k] for k in back.tolist()]


def _level(values, edges) -> np.ndarray:
    """How many edges each value has reached; values are snapped first, so that float noise decides no tie."""
    return np.searchsorted(edges, np.rint(values * 2.0**20) / 2.0**20, side="right")


def _share(part, whole) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _place(closed, high, low) -> np.ndarray:
    """Where the close lies in the window's range, 0 to 1; 0.5 in a window without range."""
    bottom, top = low.min(axis=1), high.max(axis=1)
    return np.divide(closed - bottom, top - bottom, out=np.full_like(closed, 0.5), where=top > bottom)


def _run(moves) -> np.ndarray:
    """How many of the newest moves have the sign of the last, 0 to 5; 0 if the last close did not move."""
    signs = np.sign(moves[:, ::-1][:, :5])
    same = np.cumprod(signs == signs[:, :1], axis=1).sum(axis=1)
    return np.where(signs[:, 0] == 0, 0, same)


def _length(value) -> int:
    if not 8 <= value <= LONGEST:
        raise UserError(f"length is {value} tokens; set it to 8 or more, at most {LONGEST}.")
    return value
