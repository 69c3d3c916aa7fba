"""Fit the model, choose the threshold on validation, score once on test, write the report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError, build, plain, run_folder
from candlelab.core.files import CannotWrite
from candlelab.core.run_log import RunLog
from candlelab.pipeline.inputs.stamp import bars_stamp, joined

if TYPE_CHECKING:
    from candlelab.pipeline.training.fit import Ready


def check(jobs: list[DictConfig]) -> None:
    """Raise ConfigError with what can be known to be wrong with the jobs of a sweep before the first of them starts."""
    from candlelab.pipeline.training.check import check_jobs

    check_jobs(jobs)


def prepare_data(job: DictConfig) -> tuple[str, Any] | None:
    """Prepare the data of a job in this process, and import what trains it; return their key and them, None where each job makes its own."""
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401 - of the baselines: else each job would import them for itself

    import candlelab.trainer.module
    import candlelab.trainer.trainer  # noqa: F401
    from candlelab.pipeline.inputs.shared import shareable_data
    from candlelab.pipeline.training import fit  # noqa: F401

    return shareable_data(job)


def hold_data(key: str, data: Any) -> None:
    """Let the jobs of this process read data that another process prepared."""
    from candlelab.pipeline.inputs.shared import hold_prepared

    hold_prepared(key, data)


def come_home(folder: Path, outputs: Path) -> None:
    """Renew what a run that was trained on another machine says of its place, before it is put into this outputs folder."""
    from candlelab.pipeline.scores.passport import renew_place

    renew_place(folder, outputs)


def train(cfg: DictConfig) -> dict[str, Any]:
    """Return the metrics of the run this config names; a finished run is not repeated, an interrupted one goes on.

    The folder is made when everything is there to train: a mistake leaves none.
    """
    folder = run_folder(cfg)
    if folder.is_dir():
        with runs.locked(folder):
            finished = _earlier(cfg, folder)
        if finished is not None:
            return finished
    from candlelab.pipeline.training.check import check_job
    from candlelab.pipeline.training.fit import prepare

    check_job(cfg)
    stamp = bars_stamp(cfg)  # of before: what changes while the bars are made is noticed later
    ready = prepare(cfg)
    with runs.locked(folder):
        finished = _earlier(cfg, folder)  # another process may have trained it while the data were fetched
        return _fit(cfg, folder, ready, stamp) if finished is None else finished


def _earlier(cfg: DictConfig, folder: Path) -> dict[str, Any] | None:
    """Return the metrics of a run that is finished already; None where there is something to train."""
    state = runs.state(folder)
    if state == "finished" and cfg.resume != "never":
        return _already_finished(cfg, folder)
    if state == "sealed" and cfg.resume != "never":
        return _already_sealed(folder)
    if state == "failed" and cfg.resume == "auto":
        raise ConfigError(f"the run in '{folder}' failed before ({runs.failure(folder)}): repeat it with resume=retry")
    return None


def _fit(cfg: DictConfig, folder: Path, ready: Ready, stamp: str | None) -> dict[str, Any]:
    from candlelab.pipeline.training.fit import fit_and_score
    from candlelab.trainer.pruning import Pruned

    resumed = runs.state(folder) == "interrupted" and cfg.resume != "never"
    if cfg.resume == "never":
        runs.forget(folder)
    log = RunLog(folder / runs.LOG)
    log.say(f"run {folder}" + ("  (resumed)" if resumed else ""))
    started = time.monotonic()
    runs.start(folder, cfg, joined(stamp, ready.parts.data.fingerprint))
    try:
        with _ending_noted(log):
            metrics, verdict = fit_and_score(cfg, folder, ready, log)
    except Pruned as early:
        log.say(f"{early}; the same command without it goes on")
        return {}
    spent = f"({time.monotonic() - started:.0f} s, peak memory {metrics['fit/peak_memory_mb']:.0f} MB)"
    log.say(f"\n{verdict}\n\n{_place(folder)}   {spent}")
    return metrics


def _place(folder: Path) -> str:
    return f"run {folder}" if runs.state(folder) == "sealed" else f"report {folder / runs.REPORT}"


@contextmanager
def _ending_noted(log: RunLog) -> Iterator[None]:
    """Note in the log of the run why it ended early."""
    try:
        yield
    except BaseException as ending:
        with suppress(CannotWrite):  # the same disk refuses this line, too
            log.note(f"ended by {type(ending).__name__}: {ending}")
        raise


def _already_sealed(folder: Path) -> dict[str, Any]:
    """Say what is known of a sealed run; nothing but task=unseal reads its test labels."""
    from candlelab.pipeline.training.seal import sealed_words

    print("\n".join([f"run {folder} is sealed: nothing to do", *sealed_words(folder)]), flush=True)
    return {}


def _already_finished(cfg: DictConfig, folder: Path) -> dict[str, Any]:
    """Return the metrics of a finished run after making sure that its data are still the same."""
    run = runs.load_run(folder)
    _check_data(cfg, run)
    if plain(cfg)["evaluate"] != runs.read_part(
        folder, runs.EVALUATE
    ):  # ours is checked; theirs need not be built to differ
        from candlelab.pipeline.scores.what_if import WhatIf, rescore

        print(f"run {folder} is finished: only scored again with other evaluate settings", flush=True)
        asked = WhatIf(run, plain(cfg)["evaluate"])
        metrics, lines = rescore(asked)
        print("\n".join(["", *lines, "", f"report {asked.folder / runs.REPORT}"]), flush=True)
        return metrics
    print(
        f"run {folder} is finished: nothing to do (train again with resume=never)\nreport {folder / runs.REPORT}",
        flush=True,
    )
    return run.metrics


def _check_data(cfg: DictConfig, run: runs.Run) -> None:
    """Raise ConfigError unless a finished run's data are still what they were."""
    then, stamp = run.preprocessing["data_hash"], bars_stamp(cfg)
    if stamp is not None and joined(stamp, then) == run.environment.get("bars"):
        return
    from candlelab.pipeline.inputs.shared import share_prepared

    data = share_prepared(cfg, build(cfg, "data", build(cfg, "render") if cfg.get("render") else None))
    if data.fingerprint != then:
        raise ConfigError(
            f"the run in '{run.folder}' is finished, but its data have changed since ({then} then, {data.fingerprint} now): "
            "train again with resume=never, or under another study="
        )
