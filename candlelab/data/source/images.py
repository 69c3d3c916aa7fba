"""Labelled pictures from a folder or the Hugging Face Hub: other people's charts instead of bars."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.data.pictures import INDEXES, SUFFIXES, PictureSet, find_pictures
from candlelab.data.source.huggingface import snapshot


class Images:
    """A set of pictures with labels, and texts, times and next closes where it has them.

    path  a folder here, or user/name of a dataset on the hub.
    """

    path: str
    revision: str
    timeout: float

    def __init__(self, *, path: str, revision: str, timeout: float):
        if timeout <= 0:
            raise UserError(f"timeout is {timeout}: give seconds above 0")
        self.path, self.revision, self.timeout = path, revision, timeout

    @cached_property
    def pictures(self) -> PictureSet:
        """The pictures, found once. Raises UserError if there are none or they have no labels, DataTrouble without hub and cache."""
        folder = Path(self.path).expanduser()
        if not folder.is_dir():
            if folder.exists() or self.path.count("/") != 1 or self.path.startswith((".", "/", "~")):
                raise UserError(
                    f"'{self.path}' is no folder of pictures: set data.source.path to one, or to user/name of a dataset on the hub"
                )
            folder = snapshot(
                self.path, self.revision, [f"*{suffix}" for suffix in (*INDEXES, *SUFFIXES)], self.timeout
            )
        return find_pictures(folder)

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Raise UserError: pictures hold no bars."""
        raise UserError(
            f"'{self.path}' holds pictures, and no bars can be had from them: data/source=images goes with data=pictures"
        )
