"""Show a finished run in the dashboard of trainer/logger, with what came after training: heat maps, exports, new scores."""

from __future__ import annotations

from omegaconf import DictConfig

from candlelab.config import ConfigError, build
from candlelab.core.errors import UserError
from candlelab.pipeline.load import load_or_download

SHOWN = (
    "metrics",
    "preprocessing",
    "test",
    "curves",
    "verdict",
    "charts",
)  # read by dashboards as they are: checked here


def dashboard(cfg: DictConfig, *, run: str) -> None:
    """Open the run's own dashboard again, or one if it had none, and write everything its folder holds.

    Raises ConfigError where trainer/logger is no dashboard.
    """
    from candlelab.trainer.logger.csv_log import CsvLog
    from candlelab.trainer.logger.guarded import watched

    log = build(cfg, "trainer.logger")
    if isinstance(log, CsvLog):
        raise ConfigError(
            "trainer/logger=csv is no dashboard: choose trainer/logger=wandb or trainer/logger=tensorboard"
        )
    found = load_or_download(run)
    if not all(getattr(found, part) is not None for part in SHOWN) or not found.metrics:
        raise UserError(
            f"the run in '{found.folder}' has no scores to show: score it again with task=report task.run=…"
        )
    with watched(log, found.folder):
        print(f"showing {found.folder}", flush=True)
