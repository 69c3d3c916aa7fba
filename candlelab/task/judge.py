"""Judge predictions that were made elsewhere: verdict, report and metrics, as for a run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from omegaconf import DictConfig, OmegaConf

from candlelab import run as runs
from candlelab.config import build, plain
from candlelab.core.errors import UserError
from candlelab.core.files import sha256_of
from candlelab.data.picture_data import PictureData
from candlelab.pipeline.judging.alignment import Times
from candlelab.pipeline.judging.judged import Judgement, judge_predictions
from candlelab.pipeline.judging.prediction_files import Reader, read_predictions

FOLDER = "judged"


def judge_file(
    cfg: DictConfig,
    *,
    predictions: str,
    reader: Reader,
    times: Times,
    test_start: str | None,
    suspect: Literal["refuse", "tell"],
) -> Judgement:
    """Print the verdict on a file of predictions and write its report; bars, label and window are those of `data`.

    The folder is outputs/judged/<name of the file>-<8 hex of its content>.
    Raises UserError for a file without predictions, times without bars, and predictions that look into the future.
    """
    path = Path(predictions)
    told = read_predictions(path, reader)
    data = build(cfg, "data", build(cfg, "render") if cfg.get("render") else None)
    if isinstance(data, PictureData):
        raise UserError("judge needs bars: choose data= with candles, not given pictures")
    made = judge_predictions(
        told,
        data,
        build(cfg, "evaluate"),
        times=times,
        test_start=test_start,
        suspect=suspect,
        seed=cfg.seed,
    )
    digest = sha256_of(path)
    folder = Path(cfg.outputs, FOLDER, f"{path.name.split('.')[0] or 'table'}-{digest[:8]}")
    provenance = runs.environment() | {"predictions": {"file": path.name, "sha256": digest}}
    provenance["config"] = OmegaConf.to_yaml(OmegaConf.create({key: plain(cfg)[key] for key in ("data", "evaluate")}))
    page = made.write(folder, provenance=provenance, title=path.name)
    print("\n".join([*made.notes, "", *made.lines(), "", f"report {page}"]), flush=True)
    return made
