"""Protocols of the components: what a source, label rule, split, net, loss … must be able to do.

A component is checked against its Protocol by candlelab.core.conformance, ours and those of extensions. What only some of a
kind can do is a Protocol of its own (`SymbolBySymbol`, `Redrawn`, `KnowsOptimum`, `HasDirections`, `Inspected`, `AsksMarket`,
`HasPixels`, `SaysWhat`), asked for with isinstance.

Dimensions: N tape rows, n samples, B batch, C channels, H height, W width, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from candlelab.core.batch import Batch, Output
    from candlelab.core.candles import Candles

Kind = Literal["forecast", "recognition"]


@runtime_checkable
class Source(Protocol):
    """Bars from somewhere."""

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the bars with start <= open time < end (ms UTC, None: no limit) of symbols ([]: all there are)."""
        ...


@runtime_checkable
class MadeUp(Protocol):
    """A source that makes its bars of its settings alone: the same settings and the same code always give the same bars."""

    from_settings_alone: bool


@runtime_checkable
class AsksMarket(Protocol):
    """A source with a market behind it that goes on: it can be asked what is there now, past every cache."""

    def live(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the finished bars with start <= open time < end (ms UTC, None: no limit) as the market gives them now."""
        ...

    def market_time(self) -> int:
        """Return the market's own time, ms UTC."""
        ...


@runtime_checkable
class SymbolBySymbol(Protocol):
    """A source whose bars of one symbol depend on no other symbol, and cost no more when they are asked for alone."""

    symbol_by_symbol: Literal[True]


@runtime_checkable
class Prefetches(Protocol):
    """A source that can bring the bars of many symbols to this machine before they are asked for one by one."""

    def prefetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> None:
        """Bring the bars into the cache, several symbols at a time; arguments as of `fetch`."""
        ...


@runtime_checkable
class Redrawn(Protocol):
    """A source whose training samples are new ones in every epoch."""

    def redraw(self, candles: Candles, ends: np.ndarray, epoch: int) -> None:
        """Replace in place the samples that end at rows `ends` by this epoch's."""
        ...


@runtime_checkable
class KnowsOptimum(Protocol):
    """A source that knows how well the best possible model would do."""

    def optimum(self, candles: Candles, rows: np.ndarray) -> dict[str, float]:
        """Return the best achievable accuracy and AUROC on the windows that end at `rows` (n,)."""
        ...


@runtime_checkable
class Inspected(Protocol):
    """A source that says after `fetch` what was wrong with the bars, one record per symbol and interval."""

    quality: list[Any]


@runtime_checkable
class Refreshable(Protocol):
    """A source that can ask for everything again, and says what had been restated."""

    refresh: bool
    changes: list[str]


@dataclass(frozen=True)
class Labels:
    """What a label rule returns: one entry per tape row; every array has shape (N,)."""

    label: np.ndarray  # int64 class index, -1 where there is none
    forward_return: np.ndarray  # float64 simple return to the close of `label_end`, NaN where there is none
    target: np.ndarray  # float64 forward log return / sigma, NaN where there is none
    sigma: np.ndarray  # float64 volatility of one bar known at this close, NaN at the start of a segment
    theta: np.ndarray  # float64 size of return that this row's class begins at, 0 for pure direction
    label_end: np.ndarray  # int64 last row the label looked at, -1 where there is none


@runtime_checkable
class LabelRule(Protocol):
    """What happened next (a forecast), or what is drawn (recognition)."""

    kind: Kind
    classes: tuple[str, ...]
    horizon: int  # bars the label looks ahead; 0 for recognition

    def __call__(self, candles: Candles, window: int) -> Labels:
        """Return the labels of every row."""
        ...


@runtime_checkable
class HasDirections(Protocol):
    """A label rule whose classes are followed, textbooks say, by a rise (1), a fall (-1) or neither (0)."""

    directions: tuple[int, ...]


@runtime_checkable
class Split(Protocol):
    """Training, validation and test in calendar time."""

    dated: bool  # the parts are cut at given dates: how many samples there are does not move them

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Return the part of each sample, (n,) int8: 0 train, 1 validation, 2 test, -1 dropped."""
        ...


@runtime_checkable
class Indicators(Protocol):
    """Numbers per bar that look back only."""

    names: tuple[str, ...]
    warmup: int  # bars before the first row that is known

    def __call__(self, candles: Candles) -> np.ndarray:
        """Return (N, F) float64, NaN in the warm-up of a segment."""
        ...


@runtime_checkable
class Scaling(Protocol):
    """Scaling fitted on training rows."""

    @property
    def fitted(self) -> bool:
        """Whether it has learnt."""
        ...

    def fit(self, values: np.ndarray) -> Any:
        """Learn from (n, F)."""
        ...

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return (N, F) scaled."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return what was fitted, as plain numbers."""
        ...


@runtime_checkable
class Caption(Protocol):
    """A window told in words."""

    warmup: int
    length: int  # tokens at most

    def __call__(self, candles: Candles, ends: np.ndarray, window: int) -> list[str]:
        """Return one text per window."""
        ...


@runtime_checkable
class InLevels(Protocol):
    """A caption that is one word of each of its fields, "name word" after "name word"."""

    warmup: int
    length: int

    @property
    def fields(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The name of each field and its words by level."""
        ...

    def levels(self, candles: Candles, ends: np.ndarray, window: int) -> np.ndarray:
        """Return the level of each field, (n, fields) uint8."""
        ...


@runtime_checkable
class StorageLike(Protocol):
    """Where pictures are kept."""

    path: Any  # Path or None


@runtime_checkable
class Renderer(Protocol):
    """A chart style."""

    window: int
    warmup: int
    shape: tuple[int, int, int]  # (C, H, W)
    storage: StorageLike
    two_colours: bool  # a store may keep one bit per pixel

    def draw(self, candles: Any, ends: Any) -> Any:
        """Return uint8 (B, C, H, W), the same kind of array as `ends`."""
        ...

    def recipe(self) -> dict[str, Any]:
        """Return every setting that can change a pixel."""
        ...


@runtime_checkable
class Net(Protocol):
    """A model: which inputs it reads, and what it says of a batch."""

    reads: Sequence[str]  # of image, caption, series

    def __call__(self, batch: Batch) -> Output:
        """Return raw logits (B, K), a forecast (B,), or both."""
        ...


@runtime_checkable
class PixelStatistics(Protocol):
    """Mean and deviation by which a net standardises pixels, part of its weights."""

    source: str  # training: they are fitted on training charts; backbone: they came with the weights

    def fit(self, mean: Any, std: Any) -> None:
        """Take mean and deviation per channel (C,), in units of 0 to 1."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return them as tensors by name."""
        ...

    def load_state_dict(self, state_dict: Any) -> Any:
        """Take them from such a dict."""
        ...


@runtime_checkable
class HasPixels(Protocol):
    """A net that standardises pixels by statistics of its own."""

    pixels: PixelStatistics


@runtime_checkable
class SaysWhat(Protocol):
    """A net that may be without classes and only forecast a number."""

    gives_logits: bool


@runtime_checkable
class HasOrigin(Protocol):
    """A net that says where its weights began."""

    weights_origin: str


@runtime_checkable
class Loss(Protocol):
    """What training makes small."""

    def __call__(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        """Return "loss" and its parts, each a scalar."""
        ...


@runtime_checkable
class OptimizerFactory(Protocol):
    """An optimizer and its learning rate schedule."""

    def configure(self, net: nn.Module, total_steps: int, steps_per_epoch: int) -> dict[str, Any]:
        """Return what LightningModule.configure_optimizers returns."""
        ...


@runtime_checkable
class TrainingData(Protocol):
    """A LightningDataModule that knows the length of its epochs and can begin within one."""

    @property
    def steps(self) -> int:
        """Batches of an epoch, whatever number of processes shares each."""
        ...

    def resume_at(self, place: tuple[int, int]) -> None:
        """Begin with an epoch and a number of its batches."""
        ...

    def first_batch(self) -> Batch:
        """Return a whole batch of the first training samples, on the CPU."""
        ...


@runtime_checkable
class RunLogger(Protocol):
    """A dashboard; whatever it raises, the run goes on."""

    def open(self, folder: Path) -> None:
        """Begin a run whose folder holds its config."""
        ...

    def loggers(self, folder: Path) -> list[Any]:
        """Return Lightning loggers."""
        ...

    def finish(self, folder: Path) -> None:
        """Show what the finished run's folder holds."""
        ...

    def close(self, failed: bool) -> None:
        """End the run."""
        ...


def gives_logits(net: Net) -> bool:
    """Return whether a net names classes; nets that do not say so do."""
    return net.gives_logits if isinstance(net, SaysWhat) else True


PROTOCOLS: dict[str, type] = {
    "data/source": Source,
    "data/label": LabelRule,
    "data/split": Split,
    "data/indicators": Indicators,
    "data/scaling": Scaling,
    "data/caption": Caption,
    "render": Renderer,
    "model/loss": Loss,
    "model/optimizer": OptimizerFactory,
    "trainer/logger": RunLogger,
}
