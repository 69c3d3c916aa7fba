"""What launchers share that run the jobs of a sweep side by side: which jobs are left, and what is said of them meanwhile."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import plain, run_folder
from candlelab.launch.one_job import is_done, refused, run_noted


class Died(Exception):
    """The process of a job ended without a word."""


class SideBySide(Launcher):
    """Runs what is left of a sweep in other processes; a job that has a result is only looked at, here, as a plain sweep does.

    A failed job is noted in its folder and the others go on.
    """

    config: DictConfig | None

    def __init__(self) -> None:
        self.config = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs of some lines of overrides; what came of each stands in its folder."""
        from candlelab.config.command_line import check_overrides

        jobs = [check_overrides(list(words))[0] for words in job_overrides]
        left = [job for job in jobs if not (is_done(job) and job.resume != "never")]
        for job in jobs:
            if job not in left and (reason := run_noted(job)) is not None:
                refused.append(reason)
        if left:
            self.run_all(left)
        return [JobReturn(status=JobStatus.COMPLETED) for _ in jobs]

    @abstractmethod
    def run_all(self, jobs: Sequence[DictConfig]) -> None:
        """Run all of them to their ends; KeyboardInterrupt once every job has written its checkpoint and ended."""


def job_text(job: DictConfig) -> str:
    """Return the resolved config of a job as JSON: what travels to another process."""
    return json.dumps(plain(job))


def note_death(job: DictConfig, how: str, words: str) -> None:
    """Note in a job's folder that its process ended without doing so; words: the last that it wrote."""
    folder = run_folder(job)
    if runs.state(folder) not in ("finished", "sealed", "failed"):
        runs.note_failure(folder, Died(how), words)


def last_words(job: DictConfig) -> str:
    """Return the newest line of a run's log, without its time; "" before there is one."""
    path = run_folder(job) / runs.LOG
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 2000))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return lines[-1].partition(" ")[2] if lines else ""
