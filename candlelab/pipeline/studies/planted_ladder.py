"""Monte Carlo check of the ladder from raw numbers to charts: trained nets on made-up worlds whose right answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from omegaconf import DictConfig
from torch import nn

from candlelab.config import build, compose, signature
from candlelab.core.files import make_folder
from candlelab.core.reading import Unreadable
from candlelab.core.tables import predictions_of
from candlelab.data.module import ChartData
from candlelab.evaluate.image_or_numbers import Contender, Decomposition, decompose
from candlelab.pipeline.scores.predictions import net_rows, prediction_table, write_table
from candlelab.pipeline.studies.ladder import contender, name_of, rung_of, trees_contender, trees_on
from candlelab.pipeline.training.fit import Ready, places, prepare

# A picture is a function of the numbers and adds no information: a part carries the gain when the models below it, of the ladder's
# size and fitted to these few rows, miss what the ones above find.
WORLD_OF = {
    "scaling": "height",  # linear in numbers scaled by the window's range; in raw ones a hundredth of what the level of prices varies by
    "capacity": "order",  # a product of two signs: no line sees it, two cuts of a tree do, and a picture has nothing to add
    "geometry": "colours",  # a product of three signs: no cut of a number helps before the third, but a drawing gives each bar a colour
    "nothing": "none",
}


@dataclass(frozen=True)
class Named:
    """What the ladder says of one world."""

    truth: str
    seed: int
    found: Decomposition

    @property
    def right(self) -> bool:
        """Whether it names the part that was planted."""
        return self.found.part == self.truth


def jobs_of_world(
    cfg: DictConfig, truth: str, seed: int, experiments: Sequence[str], settings: Sequence[str]
) -> list[DictConfig]:
    """Return one recipe per experiment on the world of a truth; market and first weights have the seed."""
    world = (f"data.source.world={WORLD_OF[truth]}", f"data.source.seed={seed}", f"seed={seed}")
    jobs = [compose("data=planted", f"experiment={each}", *settings, *world) for each in experiments]
    for job in jobs:
        job.trainer = cfg.trainer
    return jobs


def named_part(jobs: Sequence[DictConfig], folder: Path, truth: str, seed: int) -> Named:
    """Return what the ladder says of a world after training what is not in the folder yet."""
    known = [each for job in jobs for each in _candidates(job, folder)]
    label, interval = build(jobs[0], "data.label"), str(jobs[0].data.interval)
    found = decompose(
        known, horizon=label.horizon, interval=interval, confidence_level=jobs[0].evaluate.confidence_level
    )
    return Named(truth, seed, found)


def _candidates(job: DictConfig, folder: Path) -> list[Contender]:
    """The net of a recipe, and where it is linear, trees on the same numbers."""
    rung, name = rung_of(job), name_of(job, str(job.name))
    wanted = ["net", "trees"] if rung.endswith("linear") else ["net"]
    net, *trees = _answers(job, folder, wanted)
    return [contender(name, rung, [[net]]), *(trees_contender(name, rung, [table]) for table in trees)]


def _answers(job: DictConfig, folder: Path, wanted: Sequence[str]) -> list[pd.DataFrame]:
    """The stored predictions of a recipe, made first where one cannot be read."""
    files = [folder / f"{signature(job)}-{each}.parquet" for each in wanted]
    classes = len(build(job, "data.label").classes)
    try:
        return [predictions_of(file, classes=classes) for file in files]
    except Unreadable:
        ready = prepare(job)
        tables = [_of_net(ready)] + [trees_on(ready.parts.data, _scale_of(ready)) for _ in wanted[1:]]
        make_folder(folder)
        for file, table in zip(files, tables, strict=True):
            write_table(file, table)
        return [predictions_of(file, classes=classes) for file in files]


def _scale_of(ready: Ready) -> nn.Module:
    """The layer that scales windows in a net of the ladder."""
    return ready.parts.net.get_submodule("scale").cpu()


def _of_net(ready: Ready) -> pd.DataFrame:
    """Fit a net by its recipe and return its predictions."""
    data = ready.parts.data
    with TemporaryDirectory() as name:
        ready.trainer.fit(ready.learner, ChartData(data), places(Path(name)), resume=False)
    ready.learner.cpu()
    return prediction_table(data, {"net": net_rows(ready.learner, data, error=None)})
