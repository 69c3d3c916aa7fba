"""A chart through mplfinance: for reports and people, four thousand times slower than `candles`."""

from __future__ import annotations

from threading import Lock
from typing import Any, Literal

import numpy as np
from array_api_compat import is_torch_array

from candlelab.core.contracts import StorageLike
from candlelab.core.errors import UserError
from candlelab.render.bars import Bars
from candlelab.render.scale import bar_heights, downward_scale, extent, snapped
from candlelab.render.style import Missing, Style, check_sides, from_numpy

DPI = 100
LEVELS = 10_000  # prices and volumes are drawn as whole levels, so that no unit of price moves a pixel
_lock = Lock()  # matplotlib is not made for threads


class Styled(Style):
    """Windows as mplfinance draws them, RGB; versions of matplotlib differ in their pixels.

    height, width    pixels.
    look             a style of mplfinance.
    form             candle, ohlc, line or hollow_and_filled.
    volume           whether there is a volume panel.
    moving_averages  lengths in bars, computed inside the window: the first points are missing.
    There are no axes: prices and dates in a picture would tell a net when it is.
    """

    height: int
    width: int
    look: str
    volume: bool
    moving_averages: list[int]

    def __init__(
        self,
        *,
        window: int,
        height: int,
        width: int,
        look: str,
        form: Literal["candle", "ohlc", "line", "hollow_and_filled"],
        volume: bool,
        moving_averages: list[int],
        missing: Missing,
        storage: StorageLike,
    ):
        super().__init__(window, missing, storage)
        check_sides(16, height=height, width=width)
        _plotter(look)
        self.height, self.width, self.look, self.form = height, width, look, form
        self.volume, self.moving_averages = volume, moving_averages
        self.shape = (3, height, width)

    def recipe(self) -> dict[str, Any]:
        """Return the settings and the versions of the drawing libraries: both can change a pixel."""
        import matplotlib
        import mplfinance

        return super().recipe() | {"matplotlib": matplotlib.__version__, "mplfinance": mplfinance.__version__}

    def pixels(self, bars: Bars) -> Any:
        """Return the pictures, uint8 (B, 3, height, width); drawn one by one on the CPU."""
        if is_torch_array(bars.close):
            on_cpu = Bars(*(None if column is None else column.cpu().numpy() for column in bars))
            return from_numpy(self.pixels(on_cpu)).to(bars.close.device)
        bars = bars.last(self.window)
        levels = self._levels(bars)
        shown = np.ones(bars.close.shape, bool) if bars.shown is None else bars.shown
        images = [self._picture(window, bars_shown) for window, bars_shown in zip(levels, shown, strict=True)]
        return np.stack(images) if images else np.empty((0, *self.shape), np.uint8)

    def _levels(self, bars: Bars) -> np.ndarray:
        """Return open, high, low, close and volume as levels 0 … LEVELS; (B, 5, window)."""
        scale = downward_scale(*extent([bars.low], [bars.high], bars.shown), LEVELS + 1)
        prices = [LEVELS - np.round(snapped(price, scale)) for price in bars[:4]]
        return np.stack([*prices, bar_heights(bars.volume, LEVELS, bars.shown)], axis=1)

    def _picture(self, levels: np.ndarray, shown: np.ndarray) -> np.ndarray:
        import matplotlib.pyplot as plt
        import pandas as pd

        table = pd.DataFrame(
            dict(zip(("Open", "High", "Low", "Close", "Volume"), levels, strict=True)),
            index=pd.date_range("2000-01-01", periods=self.window, freq="h"),
        )
        table.loc[~shown, ["Open", "High", "Low", "Close"]] = np.nan
        with _lock:
            figure = self._figure(table)
            canvas = figure.canvas
            canvas.draw()
            picture = np.asarray(canvas.buffer_rgba())[..., :3].transpose(2, 0, 1).copy()
            plt.close(figure)
        return picture

    def _figure(self, table):
        import matplotlib

        matplotlib.use("Agg", force=False)
        averages = {"mav": tuple(self.moving_averages)} if self.moving_averages else {}
        panel = {"volume_ylim": (0, LEVELS), "volume": True} if self.volume else {}
        figure, _ = _plotter(self.look).plot(
            table,
            type=self.form,
            style=self.look,
            figsize=(self.width / DPI, self.height / DPI),
            axisoff=True,
            returnfig=True,
            ylim=(-0.02 * LEVELS, 1.02 * LEVELS),
            xlim=(-0.7, self.window - 0.3),
            tight_layout=True,
            warn_too_much_data=self.window + 1,
            **averages,
            **panel,
        )
        figure.set_dpi(DPI)
        return figure


def _plotter(look: str):
    """Return mplfinance. Raises UserError if it is not installed or does not know the look."""
    try:
        import mplfinance
    except ImportError:
        raise UserError("render=styled draws with mplfinance, which is not installed: pip install mplfinance") from None
    if look not in mplfinance.available_styles():
        raise UserError(f"look is '{look}': mplfinance has {', '.join(mplfinance.available_styles())}")
    return mplfinance
