"""The demo: the same net on three markets of known truth, and one page that shows them side by side."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict

from candlelab import run as runs
from candlelab.config import ConfigError, run_folder
from candlelab.pipeline.scores.scoring import own_scores
from candlelab.pipeline.training.check import check_jobs
from candlelab.report.demo_page import Market, Truth, lesson_of, write_demo_page
from candlelab.task.train import train

WORLDS: dict[Truth, str] = {"nothing": "none", "simple": "reversal", "shape": "earlier_shape"}  # of data/source=planted
PAGE = "demo.html"


def demo(cfg: DictConfig, *, markets: list[Truth]) -> dict[str, Any]:
    """Train on each market, write outputs/<study>/demo.html, and print one line per market; finished runs are not repeated.

    markets  of nothing, simple and shape.
    """
    unknown = [each for each in markets if each not in WORLDS]
    if unknown or not markets:
        raise ConfigError(f"task.markets is {list(markets)}: give some of {', '.join(WORLDS)}")
    if "world" not in cfg.data.source:
        raise ConfigError("the demo trains on planted markets: use experiment=demo")
    jobs = {truth: job_on(cfg, truth) for truth in markets}
    check_jobs(list(jobs.values()))
    told = [_market(job, truth) for truth, job in jobs.items()]
    path = write_demo_page(Path(cfg.outputs) / cfg.study / PAGE, told)
    lessons: dict[str, Any] = {market.truth: lesson_of(market) for market in told}
    print("", *(f"{truth:<8} {lesson}" for truth, lesson in lessons.items()), f"\npage {path}", sep="\n", flush=True)
    return lessons


def job_on(cfg: DictConfig, truth: Truth) -> DictConfig:
    """Return the config of an ordinary training run on one of the markets."""
    job = copy.deepcopy(cfg)
    with open_dict(job):
        job.name, job.data.source.world = truth, WORLDS[truth]
    return job


def _market(job: DictConfig, truth: Truth) -> Market:
    print(f"\n=== {truth} ===", flush=True)
    train(job)
    run = runs.load_run(run_folder(job))
    charts = run.charts.get("images")
    chart = None if charts is None or not len(charts) else charts[0]
    link = f"{run.folder.name}/{runs.REPORT}"
    return Market(truth, own_scores(run), run.card, run.bayes.get("auroc"), chart, link)
