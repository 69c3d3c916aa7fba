"""TensorBoard files in the run folder: metrics while it trains, curves and charts when it ends."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from candlelab.core import run_files as names
from candlelab.core.errors import UserError
from candlelab.trainer.logger.guarded import Metrics
from candlelab.trainer.logger.results import RunSummary, config_of, figure, heat_map, rgb_of

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

# beside some six hundred of baselines and bounds
HEADLINE = (
    "test/accuracy",
    "test/balanced_accuracy",
    "test/auroc",
    "test/mcc",
    "test/sharpe_net_annual",
    "test/return_net_pct",
    "test/trades",
    "fit/seconds",
)


class TensorboardLog:
    """Write event files into <run>/tensorboard; look with `tensorboard --logdir outputs`.

    Raises UserError if tensorboard is not installed.
    """

    def __init__(self, *, charts: int):
        if charts < 0:
            raise UserError(f"charts is {charts}: give 0 or more")
        if importlib.util.find_spec("tensorboard") is None:
            raise UserError(
                "trainer/logger=tensorboard needs tensorboard: pip install candlelab[tensorboard], or choose trainer/logger=csv"
            )
        self.charts = charts
        self.writer: SummaryWriter | None = None

    def open(self, folder: Path) -> None:
        """Begin an event file with the config as its first text."""
        import yaml
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(Path(folder) / names.BOARD))
        text = yaml.safe_dump(config_of(Path(folder)), sort_keys=False)
        self.writer.add_text("config", "    " + text.replace("\n", "\n    "))

    def loggers(self, folder: Path) -> list[Any]:
        """Return the Lightning logger of the open run."""
        if self.writer is None:
            self.open(folder)
        return [Metrics(self._write)]

    def _write(self, metrics: dict[str, Any], step: int | None) -> None:
        assert self.writer is not None, "opened before anything is written"
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, step)

    def finish(self, folder: Path) -> None:
        """Show the verdict, final metrics, curves and charts of a finished run."""
        if self.writer is None:
            return
        results = RunSummary(Path(folder))
        self.writer.add_text("verdict", "\n\n".join(results.read(names.VERDICT).get("lines", [])))
        self._final(results.metrics)
        for curve in results.curves():
            self.writer.add_figure(curve.name, figure(curve))
        self.writer.add_figure("heat_map/confusion", heat_map(results.confusion(), results.classes))
        images, rows = results.charts
        for image, said in list(zip(images, results.answers(rows), strict=True))[: self.charts]:
            name = f"charts/{said['symbol']} {said['time']} {said['label']}, answered {said['answer']}"
            self.writer.add_image(name, rgb_of(image), dataformats="HWC")

    def _final(self, metrics: dict[str, float]) -> None:
        """Show the few figures that are asked for first as numbers of their own, all of them as one table."""
        assert self.writer is not None, "opened before anything is shown"
        for name in HEADLINE:
            if name in metrics:
                self.writer.add_scalar(f"final/{name}", metrics[name])
        rows = "\n".join(f"| {name} | {value:.6g} |" for name, value in sorted(metrics.items()))
        self.writer.add_text("metrics", f"| metric | value |\n|---|---|\n{rows}")

    def close(self, failed: bool) -> None:
        """Close the event file."""
        if self.writer is not None:
            writer, self.writer = self.writer, None
            writer.close()
