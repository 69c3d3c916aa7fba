"""Gramian angular fields: the one style that is no drawing."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
from array_api_compat import array_namespace, device

from candlelab.core.contracts import StorageLike
from candlelab.core.errors import UserError
from candlelab.render import kernels
from candlelab.render.bars import Bars, Tape
from candlelab.render.scale import FLAT, SNAP, extent
from candlelab.render.style import Missing, OnePass, Style, check_sides

Field = Literal["gasf", "gadf"]


class Gramian(Style):
    """The fields of Wang and Oates (2015) of the closes, one channel each (docs/methods.md, section 2.3).

    The closes are scaled to [0, 1]: with [-1, 1] a path and its mirror image would have the same summation field.
    size    pixels per side; at least the window, each bar takes its share of rows and columns.
    fields  gasf: cos(φi + φj), gadf: sin(φi - φj), φ = arccos of the scaled close; -1 … 1 becomes 0 … 255.
    A flat window has 1/2 everywhere before the arccos; rows and columns of missing bars are 0.
    """

    fields: list[Field]
    bar_of_pixel: np.ndarray

    size: int

    def __init__(self, *, window: int, size: int, fields: list[Field], missing: Missing, storage: StorageLike):
        super().__init__(window, missing, storage)
        check_sides(size=size)
        if size < window or not fields:
            raise UserError(
                f"size={size} and fields={fields}: give at least {window} pixels for {window} bars and one field"
            )
        self.size, self.fields = size, fields
        self.shape = (len(fields), size, size)
        self.bar_of_pixel = np.arange(size) * window // size

    def pixels(self, bars: Bars) -> Any:
        """Return the fields, uint8 (B, C, size, size)."""
        now = bars.last(self.window)
        xp = array_namespace(now.close)
        shown = now.and_number(now.close)
        cosine = self._scaled(xp, now.close, shown)
        sine = xp.sqrt(1 - cosine * cosine)
        fields = xp.stack([FIELDS[name](cosine, sine) for name in self.fields], axis=1)
        levels = xp.astype(xp.round(xp.round((fields + 1) * (127.5 * SNAP)) / SNAP), xp.uint8)
        if shown is not None:
            levels = xp.where((shown[:, :, None] & shown[:, None, :])[:, None], levels, xp.zeros_like(levels))
        pixel = xp.asarray(self.bar_of_pixel, device=device(levels))
        return levels[:, :, pixel][:, :, :, pixel]

    def one_pass(self, tape: Tape) -> OnePass:
        """Return the machine code for these pictures."""
        sums = np.array([name == "gasf" for name in self.fields])
        return partial(kernels.draw_gramian, tape.close, self.window, self.bar_of_pixel, sums)

    def _scaled(self, xp, close, shown):
        """Return the closes in [0, 1], snapped to multiples of 2^-20 so that no unit of price changes them."""
        low, high = extent([close], [close], shown)
        span = high - low
        flat = ~(span > FLAT * high)
        if shown is not None:
            close = xp.where(shown, close, low)
        share = xp.round((close - low) / xp.where(flat, high, span) * SNAP) / SNAP
        return xp.where(flat, xp.full_like(share, 0.5), share)


FIELDS = {
    "gasf": lambda cosine, sine: cosine[:, :, None] * cosine[:, None, :] - sine[:, :, None] * sine[:, None, :],
    "gadf": lambda cosine, sine: sine[:, :, None] * cosine[:, None, :] - cosine[:, :, None] * sine[:, None, :],
}
