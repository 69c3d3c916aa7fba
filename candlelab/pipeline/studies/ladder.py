"""The ladder of a study: which of its models read raw numbers, scaled numbers and charts, and trees beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig
from torch import nn

from candlelab import run as runs
from candlelab.core.files import make_folder
from candlelab.core.reading import Unreadable
from candlelab.core.tables import predictions_of
from candlelab.data.samples import SampleSet
from candlelab.evaluate import metrics
from candlelab.evaluate.baselines import Features, gradient_boosting
from candlelab.evaluate.image_or_numbers import Contender, Decomposition, Rung, decompose
from candlelab.evaluate.pairs import probabilities_of
from candlelab.pipeline.scores.predictions import EVALUATED, prediction_table, write_table
from candlelab.pipeline.studies.records import Model

RAW_BARS = "candlelab.data.indicators.bars.RawBars"
LOGISTIC, CNN_1D, CNN_SMALL = (f"candlelab.model.{name}" for name in ("logistic", "cnn_1d", "cnn_small"))
TREES = "trees"  # folder of a study with what trees say
RUNGS: dict[tuple[bool, bool], Rung] = {
    (False, False): "raw, linear",
    (False, True): "raw, curved",
    (True, False): "scaled, linear",
    (True, True): "scaled, curved",
}  # whether numbers are scaled, and whether the net bends
WANTED: tuple[Rung, ...] = ("raw, linear", "scaled, linear", "chart")  # without which there is no ladder


def decompositions(study: Path, models: Sequence[Model]) -> dict[str, Decomposition]:
    """Return {data set: which part carries the gain} for each data set of a study on which a whole ladder was trained."""
    by_data: dict[str, list[Model]] = defaultdict(list)
    for model in models:
        if model.records[0].task.kind == "forecast":
            by_data[model.data].append(model)
    found = {}
    for data, some in by_data.items():
        if {rung_of(model.records[0].first.recipe) for model in some} >= set(WANTED):
            first = some[0].records[0]
            found[data] = decompose(
                [each for model in some for each in contenders_of(study, model)],
                horizon=first.task.horizon,
                interval=first.task.interval,
                confidence_level=first.evaluation.confidence_level,
            )
    return found


def rung_of(recipe: DictConfig) -> Rung:
    """Return where the net of a recipe stands on the ladder."""
    net, data = recipe.model.net, recipe.data
    module = str(net["_target_"]).rsplit(".", 1)[0]
    numbers = data.get("indicators", {}).get("_target_") == RAW_BARS
    if module in (LOGISTIC, CNN_1D) and numbers:
        return RUNGS[net["scale"] != "none", module == CNN_1D]
    return "chart" if module == CNN_SMALL else "net"


def name_of(recipe: DictConfig, model: str) -> str:
    """Return a short name of a model of the ladder: its net and what it reads; the study's name of any other."""
    rung, net = rung_of(recipe), recipe.model.net
    if rung == "net":
        return model
    if rung == "chart":
        return f"small CNN, {str(recipe.render['_target_']).rsplit('.', 1)[-1]}"
    words = {"none": "raw numbers", "image": "scaled by the range", "volatility": "scaled by volatility"}
    kind = "1-D CNN" if rung.endswith("curved") else "logistic"
    return f"{kind}, {words.get(net['scale'], net['scale'])}"


def contenders_of(study: Path, model: Model) -> list[Contender]:
    """Return a model as a candidate, and where it is linear on numbers, trees on the same numbers."""
    recipe = model.records[0].first.recipe
    rung, name = rung_of(recipe), name_of(recipe, model.name)
    own = contender(name, rung, [[_net_of(run) for run in record.folds.values()] for record in model.records])
    if not rung.endswith("linear"):
        return [own]
    return [own, trees_contender(name, rung, [trees_beside(study, run) for run in model.records[0].folds.values()])]


def trees_contender(name: str, rung: Rung, folds: Sequence[pd.DataFrame]) -> Contender:
    """Return trees as a candidate, from what they say on the numbers of a logistic regression of some name and rung."""
    curved: Rung = "raw, curved" if rung.startswith("raw") else "scaled, curved"
    return contender(name.replace("logistic", "trees"), curved, [folds])


def _net_of(run: runs.Run) -> pd.DataFrame:
    table = run.predictions
    return table[table["model"] == "net"]


def contender(name: str, rung: Rung, seeds: Sequence[Sequence[pd.DataFrame]]) -> Contender:
    """Return a candidate from the tables of its folds, seed by seed."""
    known = [_area(table[table["split"] == "validation"]) for folds in seeds for table in folds]
    return Contender(name, rung, float(np.nanmean(known)), [_joined(folds) for folds in seeds])


def _joined(folds: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Labelled test rows of all folds, each row once."""
    tests = [table[(table["split"] == "test") & (table["label"] >= 0)] for table in folds]
    whole = pd.concat([table.assign(segment=k, symbol=table["symbol"].astype(str)) for k, table in enumerate(tests)])
    return whole.drop_duplicates(["symbol", "time"])


def _area(table: pd.DataFrame) -> float:
    """AUROC of up against down of the labelled rows."""
    table = table[table["label"] >= 0]
    p, label = probabilities_of(table), table["label"].to_numpy()
    moved = metrics.direction_rows(label, p.shape[1], table["forward_return"].to_numpy())
    return metrics.auroc_direction(label, p, moved)


def trees_beside(study: Path, run: runs.Run) -> pd.DataFrame:
    """Return what gradient-boosted trees say on the very numbers that a run's logistic regression was given; fitted once."""
    place = study / TREES / f"{run.folder.name}.parquet"
    classes = len(run.preprocessing["classes"])
    try:
        return predictions_of(place, classes=classes)
    except Unreadable:
        make_folder(place.parent)
        write_table(place, trees_on(run.data, run.model.scale))
        return predictions_of(place, classes=classes)


def trees_on(data: SampleSet, scale: nn.Module) -> pd.DataFrame:
    """Return the predictions of gradient-boosted trees on windows as the layer `scale` gives them, as the net of a table."""
    classes, train = len(data.label.classes), _numbers(scale, data, data.samples("train"))
    parts = {part: _numbers(scale, data, data.traded(part)) for part in EVALUATED}
    answers = {
        part: (gradient_boosting(train, parts["validation"], rows, classes, 0), np.full(len(rows.label), np.nan))
        for part, rows in parts.items()
    }
    return prediction_table(data, {"net": answers})


def _numbers(scale: nn.Module, data: SampleSet, samples: np.ndarray) -> Features:
    """The scaled windows of some samples, flattened, as the net's first layer gets them."""
    found = []
    with torch.inference_mode():
        for first in range(0, len(samples), 4096):
            batch = data.assemble(torch.from_numpy(samples[first : first + 4096]))
            found.append(scale(batch["series"]).flatten(1).numpy())
    label = data.prepared.labels.label[data.prepared.ends[samples]]
    none = np.zeros(len(samples))
    return Features(np.concatenate(found), none.astype(int), none[:, None], label)
