"""The plain choice: metrics.csv, written by the trainer itself, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class CsvLog:
    """No dashboard beside the run folder's metrics.csv. Its methods are what every log has."""

    def open(self, folder: Path) -> None:
        """Begin a run; its folder holds config.yaml."""

    def loggers(self, folder: Path) -> list[Any]:
        """Return the Lightning loggers of a run: none."""
        return []

    def finish(self, folder: Path) -> None:
        """Show what the finished run's folder holds."""

    def close(self, failed: bool) -> None:
        """End the run."""
