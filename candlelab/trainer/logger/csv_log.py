"""The plain choice: metrics.csv, written by the trainer itself, and nothing else."""

from __future__ import annotations

from pathlib import Path


class CsvLog:
    """No dashboard beside the run folder's metrics.csv."""

    def loggers(self, folder: Path) -> list:
        """Return the Lightning loggers of a run: none."""
        return []
