"""Bars from files on this machine: csv, json lines, parquet, feather, packed or not; one file or many, one symbol or many."""

from __future__ import annotations

import sys
from typing import Literal

from candlelab.core.candles import Candles
from candlelab.core.local import Place
from candlelab.market.files import find_files, load_files, source_lines
from candlelab.market.quality import Quality
from candlelab.market.table import Reading


class File:
    """Read bars from `path`: a file, a folder, a glob, or a list of them; after `fetch`, `quality` says what was found.

    columns      meaning -> the file's own name of a column, where it is not one people use.
    timezone     of times that name none.
    time_format  strptime codes, or s, ms, us, ns; None: told from the values.
    max_bytes    of one file, unpacked.
    """

    path: Place | list[Place]

    def __init__(
        self,
        *,
        path: Place | list[Place],
        columns: dict[str, str | int | None],
        timezone: str,
        time_format: str | None,
        max_bytes: int,
        misaligned: Literal["drop", "snap", "refuse"],
        last_bar: Literal["keep", "drop"],
    ):
        self.path, self.misaligned, self.last_bar = path, misaligned, last_bar
        self.reading: Reading = Reading(
            {name: str(own) for name, own in columns.items() if own is not None}, timezone, time_format, max_bytes
        )
        self.quality: list[Quality] = []

    @classmethod
    def plain(cls, path: str) -> File:
        """Return the source of a file that speaks for itself."""
        usual = Reading()
        return cls(
            path=path,
            columns={},
            timezone=usual.timezone,
            time_format=None,
            max_bytes=usual.max_bytes,
            misaligned="drop",
            last_bar="keep",
        )

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the bars of `symbols` (empty: all the files hold) with start <= open time < end, ms UTC.

        interval  the files' own or a coarser one, which is then built from them; auto: the files' own.
        What was taken is printed, and what start and end leave out. Raises UserError if a file, a symbol or the interval is
        not there, DataTrouble if the bars cannot be trusted.
        """
        asked = [self.path] if isinstance(self.path, str) else self.path
        paths = [path for text in asked for path in find_files(text)]
        tape, self.quality = load_files(
            paths,
            symbols,
            interval,
            start,
            end,
            misaligned=self.misaligned,
            last_bar=self.last_bar,
            reading=self.reading,
        )
        print(*source_lines(tape, paths, self.quality), sep="\n", file=sys.stderr)
        return tape
