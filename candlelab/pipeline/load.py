"""Load a run from a folder or from the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path

from candlelab import run as runs
from candlelab.pipeline.scores.shown_run import ShownRun


def load_or_download(folder: str | Path) -> ShownRun:
    """Return the finished run in a folder, or published on the Hub as "user/name".

    Raises UserError, naming the nearest run, if there is none or it never finished.
    """
    path = Path(folder)
    if not path.exists() and str(folder).count("/") == 1 and not str(folder).startswith((".", "outputs")):
        from candlelab.export.hub import download_run

        path = download_run(str(folder))
    return ShownRun(runs.load_run(path).folder)
