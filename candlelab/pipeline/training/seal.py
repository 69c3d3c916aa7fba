"""Sealed runs: everything is fixed before a test label is read, and opened once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig, open_dict

from candlelab import run as runs
from candlelab.config import build, plain
from candlelab.core.errors import UserError
from candlelab.core.files import sha256_of
from candlelab.core.reading import json_of
from candlelab.core.times import iso
from candlelab.core.trial_ledger import append_trial, read_ledger
from candlelab.evaluate.validation import validate
from candlelab.pipeline.inputs.assemble import Parts
from candlelab.pipeline.scores.conduct import SEALING
from candlelab.pipeline.scores.explorer import score_and_explore
from candlelab.pipeline.scores.looks import UNSEALED, outputs_of
from candlelab.pipeline.scores.predictions import net_rows, prediction_table, write_table
from candlelab.pipeline.scores.scoring import score_and_report
from candlelab.pipeline.scores.trust import checked_card

if TYPE_CHECKING:
    from candlelab.trainer.module import Learner

FIXED = (runs.CONFIG, runs.WEIGHTS, runs.PREPROCESSING, runs.PREDICTIONS)  # predictions: those of validation
FORM = {
    "files": {...: str},
    "evaluate": dict,
    "threshold": (None, float, int),
    "error": (None, float, int),
    "validation": dict,
    "costs": dict,
    "epochs": int,
}
ONLY = ("validation",)
CLOSE = 1e-4  # of a probability


def seal(
    cfg: DictConfig,
    folder: Path,
    parts: Parts,
    learner: Learner,
    *,
    error: float | None,
    costs: dict[str, Any],
    epochs: int,
) -> tuple[dict[str, Any], str]:
    """Write what is fixed from now on into sealed.json and the ledger; return the scores on validation and what to say.

    costs   figures of the fit, for the metrics of the later score; epochs that the net was trained, for its positive control.
    """
    data = parts.data
    answers = {"net": net_rows(learner, data, error=error, parts=ONLY)}
    table = prediction_table(data, answers, ONLY)
    write_table(folder / runs.PREDICTIONS, table)
    settings = plain(cfg)["evaluate"]
    label = data.label
    metrics, threshold = validate(
        build({"evaluate": settings}, "evaluate"),
        table,
        horizon=label.horizon,
        interval=data.interval,
        kind=label.kind,
        classes=label.classes,
        stride=data.stride,
    )
    told = {
        "files": {name: sha256_of(folder / name) for name in FIXED},
        "evaluate": settings,
        "threshold": threshold,
        "error": error,
        "validation": metrics,
        "costs": costs,
        "epochs": epochs,
    }
    runs.write_json(folder / runs.SEALED, told)
    line = {"time": iso(int(time.time() * 1000)), "study": folder.parent.name, "run": folder.name, "state": SEALING}
    append_trial(folder.absolute().parents[1], line | {"sealed": sha256_of(folder / runs.SEALED)})
    return metrics | costs, "\n".join(_words_of(folder, metrics, threshold))


def _words_of(folder: Path, metrics: dict[str, Any], threshold: float | None) -> list[str]:
    """Return what a terminal says of a run that is sealed."""
    name = "balanced_accuracy" if metrics.get("val/auroc_direction") is None else "auroc_direction"
    score = metrics.get(f"val/{name}")
    value = "not available" if score is None else f"{score:.3f}"
    chosen = "no threshold trades" if threshold is None else f"the threshold is {threshold:.4g}"
    return [
        f"Sealed: no test label was read. On validation: {name.replace('_', ' ')} {value}, {chosen}.",
        f"Score it once, when nothing will be changed any more: python -m candlelab task=unseal task.run={folder}",
    ]


def sealed_words(folder: Path) -> list[str]:
    """Return the same of a run that was sealed earlier."""
    told = json_of(folder / runs.SEALED, FORM, cure=runs.CURE)
    return _words_of(folder, told["validation"], told["threshold"])


def unseal(folder: Path) -> tuple[dict[str, Any], str]:
    """Score a sealed run on its test part, write its report and the look into the ledger; return metrics and words.

    A run that was unsealed before is scored again from its predictions, and its verdict says so.
    Raises UserError if anything that was fixed has changed since.
    """
    told = checked_seal(folder)
    run = runs.Run(folder)
    cfg = run.cfg
    with open_dict(cfg):
        cfg.evaluate = told["evaluate"]
    if runs.state(folder) == "finished":
        return score_and_report(run, cfg, extra=run.costs, data=None, state=UNSEALED)
    parts, learner = _opened(run, cfg)
    _predict(run, cfg, parts, learner, told)
    return score_and_explore(runs.Run(folder), cfg, extra=told["costs"], data=parts.data, state=UNSEALED)


def checked_seal(folder: Path) -> dict[str, Any]:
    """Return sealed.json; raises UserError unless it and what it fixed are as they were."""
    if not (folder / runs.SEALED).is_file():
        raise UserError(
            f"the run in '{folder}' was not sealed: evaluate.sealed=true trains one whose test labels stay unread"
        )
    told = json_of(folder / runs.SEALED, FORM, cure=runs.CURE)
    digest = sha256_of(folder / runs.SEALED)
    if not any(entry.get("sealed") == digest for entry in read_ledger(outputs_of(runs.Run(folder))).entries):
        raise UserError(f"'{folder / runs.SEALED}' is not the seal that the ledger of trials names: {runs.CURE}")
    fixed = [name for name in FIXED if name != runs.PREDICTIONS or runs.state(folder) == "sealed"]
    changed = [
        name for name in fixed if not (folder / name).is_file() or sha256_of(folder / name) != told["files"][name]
    ]
    if changed:
        raise UserError(f"{', '.join(changed)} in '{folder}' changed after the run was sealed: {runs.CURE}")
    return told


def _opened(run: runs.Run, cfg: DictConfig) -> tuple[Parts, Learner]:
    """The parts with every label, and the learner with the weights that were sealed."""
    from candlelab.pipeline.training.fit import learner_for

    whole = cfg.copy()
    with open_dict(whole):
        whole.evaluate.sealed = False
    parts, learner = learner_for(whole)
    learner.net.load_state_dict(run.model.state_dict())
    if parts.data.fingerprint != run.preprocessing["data_hash"]:
        raise UserError(
            f"the bars have changed since the run in '{run.folder}' was sealed ({run.preprocessing['data_hash']} then, "
            f"{parts.data.fingerprint} now): bring back the same bars, or train it again with resume=never"
        )
    return parts, learner


def _predict(run: runs.Run, cfg: DictConfig, parts: Parts, learner: Learner, told: dict[str, Any]) -> None:
    """Write what a training run writes that needs the test part."""
    from candlelab.pipeline.training.fit import write_answers

    before = pd.read_parquet(run.folder / runs.PREDICTIONS)  # its hash stands in the seal
    runs.write_json(run.folder / runs.DATA, checked_card(parts.data))
    whole = cfg.copy()
    with open_dict(whole):
        whole.evaluate.sealed = False
    table = write_answers(whole, run.folder, parts, learner, error=told["error"], epochs=told["epochs"])
    after = table[(table.model == "net") & (table.split == "validation")]
    names = [name for name in before if name.startswith("p_")]
    if not np.allclose(before[names], after[names], rtol=0, atol=CLOSE):
        raise UserError(
            f"the weights in '{run.folder}' no longer say of validation what they said when they were sealed: {runs.CURE}"
        )
