"""The long middle of a training run: fit, predict, score, write."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig
from safetensors.torch import save

from candlelab import run as runs
from candlelab.config import build
from candlelab.core import files
from candlelab.core.contracts import HasPixels
from candlelab.core.run_log import RunLog, duration
from candlelab.data.batches import pixel_statistics
from candlelab.data.module import ChartData
from candlelab.evaluate.forecast import expected_range
from candlelab.pipeline.inputs.assemble import Parts, assemble, preprocessing
from candlelab.pipeline.scores.explorer import score_and_explore
from candlelab.pipeline.scores.predictions import forecast_errors, net_rows, prediction_table, write_table
from candlelab.pipeline.scores.scoring import bayes_of
from candlelab.pipeline.scores.trust import checked_card
from candlelab.pipeline.training.baselines import baseline_rows
from candlelab.pipeline.training.difficulty import right_by_difficulty
from candlelab.pipeline.training.estimate import guess_of_run
from candlelab.pipeline.training.instrument import examine
from candlelab.pipeline.training.measure import PeakMemory, costs
from candlelab.pipeline.training.ranks import others
from candlelab.pipeline.training.seal import seal
from candlelab.trainer.checkpoints import Places

if TYPE_CHECKING:
    import pandas as pd

    from candlelab.trainer.module import Learner
    from candlelab.trainer.trainer import Fit, Trainer


@dataclass(frozen=True)
class Ready:
    """Everything that a fit needs, made before its folder: what can fail has failed by then."""

    trainer: Trainer
    parts: Parts
    learner: Learner


def prepare(cfg: DictConfig) -> Ready:
    """Build the trainer, fetch the data and build the net for them; raises UserError for what the person can mend."""
    return Ready(build(cfg, "trainer"), *learner_for(cfg))


def fit_and_score(cfg: DictConfig, folder: Path, ready: Ready, log: RunLog) -> tuple[dict[str, Any], str]:
    """Return the final metrics and the verdict's lines; everything else lies in the folder, and in what the logger shows."""
    from candlelab.trainer.logger.guarded import watched

    with watched(ready.trainer.logger, folder):
        return _fit_and_score(cfg, folder, ready, log)


def _fit_and_score(cfg: DictConfig, folder: Path, ready: Ready, log: RunLog) -> tuple[dict[str, Any], str]:
    trainer, parts, learner = ready.trainer, ready.parts, ready.learner
    log.say(_data_lines(parts.data))
    guess = guess_of_run(cfg, parts.data)
    log.say(
        f"at most {duration(max(1, guess.seconds))} on this CPU and {guess.megabytes:,.0f} MB, by one step of the net and without early stopping"
    )
    with PeakMemory() as memory, others(trainer, parts.data, folder) as ranks:
        fit = trainer.fit(
            learner, ChartData(parts.data), places(folder), resume=cfg.resume != "never", ranks=ranks, log=log
        )
    log.say(
        f"trained {fit.epochs} epochs in {duration(fit.seconds)}; the weights of epoch {fit.best_epoch + 1} are kept, where the running "
        "mean of the validation loss is lowest; now baselines, scores and report"
    )
    learner.cpu()
    error = save_model(parts, learner, folder)
    extra: dict[str, Any] = dict(_fit_figures(fit, memory.megabytes))
    if cfg.evaluate.sealed:
        extra |= costs(parts, folder, fit.seconds)
        return seal(cfg, folder, parts, learner, error=error, costs=extra, epochs=fit.epochs)
    write_answers(cfg, folder, parts, learner, error=error, epochs=fit.epochs)
    return score_and_explore(runs.Run(folder), cfg, extra=extra | costs(parts, folder, fit.seconds), data=parts.data)


def write_answers(
    cfg: DictConfig, folder: Path, parts: Parts, learner: Learner, *, error: float | None, epochs: int
) -> pd.DataFrame:
    """Write what a run says of validation and test, and what can be known of data and net; return the predictions."""
    found = examine(parts, learner, cfg, epochs, folder)
    if found is not None:
        runs.write_json(folder / runs.INSTRUMENT, asdict(found))
    answers = {"net": net_rows(learner, parts.data, error=error)} | baseline_rows(parts.data, seed=cfg.seed)
    table = prediction_table(parts.data, answers)
    write_table(folder / runs.PREDICTIONS, table)
    runs.write_json(folder / runs.BAYES, bayes_of(parts.data))
    runs.write_json(folder / runs.DIFFICULTY, right_by_difficulty(cfg, learner, parts.data))
    return table


def _fit_figures(fit: Fit, megabytes: float) -> dict[str, float]:
    """Return what the fit cost, as figures of metrics.json."""
    return {
        "fit/epochs": fit.epochs,
        "fit/best_epoch": fit.best_epoch,
        "fit/seconds": fit.seconds,
        "fit/epoch_seconds": fit.seconds / max(1, fit.epochs),
        "fit/samples_per_second": fit.samples_per_second,
        "fit/peak_memory_mb": megabytes,
    }


def learner_for(cfg: DictConfig) -> tuple[Parts, Learner]:
    """Return the parts of a run and the Learner around them, the same in every process that trains it."""
    from candlelab.trainer.module import Learner, seed_generators

    seed_generators(cfg.seed)
    parts = assemble(cfg)
    if isinstance(parts.net, HasPixels) and parts.net.pixels.source == "training":
        parts.net.pixels.fit(*pixel_statistics(parts.data))
    return parts, Learner(parts.net, parts.loss, parts.optimizer, classes=len(parts.data.label.classes), seed=cfg.seed)


def places(folder: Path) -> Places:
    """Return where the trainer writes in a run folder."""
    return Places(folder, *(folder / name for name in (runs.EPOCHS, runs.BEST, runs.LAST, runs.PREVIOUS, runs.STEP)))


def save_model(parts: Parts, learner: Learner, folder: Path) -> float | None:
    """Write weights and preprocessing; return the standard deviation of the forecast's error, None without a forecast."""
    weights = {name: value.contiguous() for name, value in parts.net.state_dict().items()}
    files.write_bytes(folder / runs.WEIGHTS, save(weights))
    errors = forecast_errors(learner, parts.data)
    error = None if errors is None else float(errors.std())
    fitted = {"forecast_error": error, "forecast_range": None if errors is None else expected_range(errors)}
    parts.data.tokenizer.save(folder / runs.TOKENIZER)
    runs.write_json(folder / runs.PREPROCESSING, preprocessing(parts) | fitted)
    runs.write_json(folder / runs.DATA, checked_card(parts.data))
    return error


def _data_lines(data) -> str:
    """Return one line per part of the split: windows, dates, shares of the classes."""
    lines, card = [], data.describe()
    for name, part in card["parts"].items():
        shares = ", ".join(f"{k} {v / part['samples']:.1%}" for k, v in part["classes"].items() if part["samples"])
        span = (
            "in no known order"
            if card.get("time_order") == "unknown"
            else f"{part['first'][:10]} to {part['last'][:10]}"
        )
        lines.append(
            f"{name:<10} {part['samples'] or part['unlabelled']:>9,} windows  {span}  {shares or 'labels sealed'}"
        )
    return "\n".join(lines)
