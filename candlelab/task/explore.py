"""Write the page on which a finished run can be looked at, bar by bar, or the runs of a study side by side."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.scores.explorer import write_explorer


def explore(cfg: DictConfig, *, run: str | list[str] | None) -> None:
    """Write explore.html of a finished run (task.run=FOLDER), of several of one study, or of a whole study (study=NAME).

    Nothing is scored or trained: predictions, scores and bars are read as they are.
    """
    if isinstance(run, str):
        found = load_or_download(run)
        print(f"page {write_explorer(found, found.data)}", flush=True)
        return
    from candlelab.pipeline.studies.explorer import explore_study

    study = Path(cfg.outputs) / cfg.study
    chosen = runs.runs_in(study) if run is None else [runs.load_run(each).folder for each in run]
    if not chosen:
        raise ConfigError(
            f"there are no runs in '{study}': give task.run=FOLDER, task.run=[FOLDER,FOLDER], or the name of a study with study=NAME"
        )
    studies = {path.parent for path in chosen}
    if len(studies) > 1:
        names = ", ".join(sorted(str(each) for each in studies))
        raise ConfigError(f"the runs lie in several studies ({names}): choose runs of one")
    print(f"page {explore_study(studies.pop(), chosen)}", flush=True)
