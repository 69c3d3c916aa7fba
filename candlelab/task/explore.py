"""Write the page on which a finished run can be looked at, bar by bar."""

from __future__ import annotations

from omegaconf import DictConfig

from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.scores.explorer import write_explorer


def explore(cfg: DictConfig, *, run: str) -> None:
    """Write explore.html of a finished run (task.run=FOLDER) from its predictions and bars; nothing is scored."""
    found = load_or_download(run)
    print(f"page {write_explorer(found, found.data)}", flush=True)
