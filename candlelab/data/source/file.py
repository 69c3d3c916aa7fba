"""Bars from files on this machine: csv, csv.gz, parquet; one file or many, one symbol or many."""

from __future__ import annotations

from typing import Literal

from candlelab.core.candles import Candles
from candlelab.market.files import find_files, load_files
from candlelab.market.quality import Quality


class File:
    """Read bars from `path`: a file, a folder, a glob, or a list of them; after `fetch`, `quality` says what was found."""

    def __init__(self, *, path: str | list[str], misaligned: Literal["drop", "snap", "refuse"],
                 last_bar: Literal["keep", "drop"]):
        self.path, self.misaligned, self.last_bar = path, misaligned, last_bar
        self.quality: list[Quality] = []

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the bars of `symbols` (empty: all the files hold) with start <= open time < end, ms UTC.

        interval  the files' own or a coarser one, which is then built from them.
        Raises ValueError if a file, a symbol or the interval is not there, DataTrouble if the bars cannot be trusted.
        """
        asked = [self.path] if isinstance(self.path, str) else self.path
        paths = [path for text in asked for path in find_files(text)]
        tape, self.quality = load_files(paths, symbols, interval, start, end, misaligned=self.misaligned,
                                        last_bar=self.last_bar)
        return tape
