"""Ray launcher: the jobs of a sweep as tasks of a Ray cluster, started again elsewhere when their node goes away."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hydra.core.utils import JobReturn
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import run_folder
from candlelab.core.errors import UserError
from candlelab.launch.board import Board
from candlelab.launch.depot import Depot, leave_token, settle
from candlelab.launch.one_job import data_here, expected
from candlelab.launch.remote_job import BUSY, Order, run_order
from candlelab.launch.side_by_side import SideBySide, job_text, note_death

PAUSE = 1.0  # seconds between two looks
AHEAD = 2  # jobs that wait in the cluster beside those that its nodes can run
TELEMETRY = "RAY_USAGE_STATS_ENABLED"
PASSED_ON = ("CANDLELAB_EXTENSIONS", "CANDLELAB_CONFIG_DIR", "HF_HUB_OFFLINE", "WANDB_MODE", "PYTHONPATH")


class RayLauncher(SideBySide):
    """Runs jobs on a Ray cluster, or on this machine; from nodes that do not see the outputs, runs are brought back.

    address    of a cluster, "auto" for the one that this machine belongs to; None: this machine alone.
    num_cpus   cores per job, which are its threads; num_gpus: GPUs per job, a fraction where several share one.
    memory_mb  that a job reserves; None: by the estimate of the sweep.
    retries    how often a job is started again whose node or process went away; it goes on from its checkpoint.
    shared     whether jobs write into the outputs of the command: True, where they cannot they refuse; False, each works in a
               folder of its node; "auto": by whether the node sees them.
    scratch    where such folders lie on the nodes; None: in their temporary folder.
    Raises UserError for numbers out of range.
    """

    def __init__(
        self,
        *,
        address: str | None,
        num_cpus: float,
        num_gpus: float,
        memory_mb: float | None,
        object_store_mb: float | None,
        retries: int,
        shared: bool | Literal["auto"],
        scratch: str | None,
    ):
        super().__init__()
        for name, value in (("num_cpus", num_cpus), ("num_gpus", num_gpus), ("retries", retries)):
            if value < 0:
                raise UserError(f"{name} is {value}; give 0 or more")
        for name, most in (("memory_mb", memory_mb), ("object_store_mb", object_store_mb)):
            if most is not None and most <= 0:
                raise UserError(f"{name} is {most}; give more than 0, or null")
        self._address, self._cpus, self._gpus = address, num_cpus, num_gpus
        self._memory, self._store, self._retries = memory_mb, object_store_mb, retries
        self._shared, self._scratch = shared, scratch

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs of some lines of overrides; runs that had come whole when an earlier command was killed are put in place first."""
        if job_overrides:
            from candlelab.config.command_line import check_overrides

            settle(Path(check_overrides(list(job_overrides[0]))[0].outputs))
        return super().launch(job_overrides, initial_job_idx)

    def run_all(self, jobs: Sequence[DictConfig]) -> None:
        """Keep the cluster busy until all jobs have ended; a cluster that was joined stays, one of this machine's own ends."""
        import ray

        self._join()
        try:
            with Board(jobs) as board:
                _Sweep(self, jobs, board, uuid.uuid4().hex).run()
        finally:
            ray.shutdown()

    @property
    def retries(self) -> int:
        """How often a job is started again whose process went away."""
        return self._retries

    def order(self, number: int, job: DictConfig, token: str) -> Order:
        """Return a job as it travels."""
        home = f"{socket.gethostname()} {Path(job.outputs).absolute()}"
        threads = max(1, int(self._cpus))
        return Order(number, job_text(job), threads, os.getcwd(), home, token, self._shared, self._scratch)

    def options(self, job: DictConfig) -> dict[str, Any]:
        """Return what one job asks of its node. Raises UserError if no node has that many cores or GPUs."""
        import ray

        asked = {"CPU": self._cpus, "GPU": self._gpus}
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not any(all(node.get(name, 0) >= value for name, value in asked.items()) for node in nodes):
            raise UserError(
                f"no node of the cluster has {self._cpus:g} CPUs and {self._gpus:g} GPUs: set hydra.launcher.num_cpus and num_gpus"
            )
        megabytes = self._memory if self._memory is not None else expected.get(run_folder(job), 0)
        most = max(node.get("memory", 0) for node in nodes)
        return {"num_cpus": self._cpus, "num_gpus": self._gpus, "memory": int(min(megabytes * 2**20, most))}

    def slots(self) -> int:
        """Return how many jobs the nodes can run at once by their cores and GPUs."""
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        fits = [
            min(node.get(name, 0) / asked for name, asked in (("CPU", self._cpus), ("GPU", self._gpus)) if asked)
            for node in nodes
            if self._cpus or self._gpus
        ]
        return max(1, int(sum(map(int, fits))))

    def _join(self) -> None:
        """Join the cluster, or begin one on this machine."""
        import ray

        os.environ.setdefault(TELEMETRY, "0")  # a cluster of our own tells nobody that it runs, unless it was asked to
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        own: dict[str, Any] = {} if self._address else {"include_dashboard": False}
        if self._store is not None and not self._address:
            own["object_store_memory"] = int(self._store * 2**20)
        try:
            ray.init(
                address=self._address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": env},
                ignore_reinit_error=True,
                **own,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UserError(
                f"there is no Ray cluster at hydra.launcher.address={self._address} ({' '.join(str(error).split())[:120]}): "
                "start one with ray start, or leave the address null"
            ) from None


@dataclass
class _Sweep:
    """The jobs of one launch: which wait, which are in the cluster, and how often each was started."""

    launcher: RayLauncher
    jobs: Sequence[DictConfig]
    board: Board
    token: str
    waiting: deque[int] = field(default_factory=deque)
    flying: dict[Any, int] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        """Send, wait, and send again what went away with its node."""
        import ray
        from ray.exceptions import RayError

        self.waiting = deque(range(len(self.jobs)))
        leave_token(Path(self.jobs[0].outputs), self.token)
        depot = _depot(self.jobs, self.token)
        try:
            while self.waiting or self.flying:
                while self.waiting and len(self.flying) < self.launcher.slots() + AHEAD:
                    self._send(self.waiting.popleft(), depot)
                ended, _ = ray.wait(list(self.flying), timeout=PAUSE)
                for number, where in ray.get(depot.taken.remote()):
                    self.board.started(number, where)
                for reference in ended:
                    self._ended(self.flying.pop(reference), reference)
                self.board.show()
        except KeyboardInterrupt:
            self._stop()
            raise
        finally:
            with suppress(RayError):  # the launcher's own node may be what went away
                ray.get(depot.close.remote())

    def _send(self, number: int, depot: Any) -> None:
        import ray

        job = self.jobs[number]
        self.tries[number] = self.tries.get(number, 0) + 1
        order = self.launcher.order(number, job, self.token)
        remote: Any = ray.remote
        sent = remote(max_retries=0, **self.launcher.options(job))(run_order)
        self.flying[sent.remote(order, self._data_of(job), depot)] = number

    def _data_of(self, job: DictConfig) -> Any:
        """Return the prepared data of a job in the object store, put there by the first job that reads them; None without."""
        import ray

        made = data_here(job)
        if made is None:
            return None
        key, prepared = made
        if key not in self.data:
            self.data = {key: ray.put((key, prepared))}  # jobs in the cluster hold those of before
        return self.data[key]

    def _ended(self, number: int, reference: Any) -> None:
        """Note how a job ended; one that went away with its node or process waits again."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        try:
            reason = ray.get(reference)
        except RayTaskError as error:
            raise error.cause if isinstance(error.cause, UserError) else error from None
        except RayError as error:
            reason = self._gone(number, type(error).__name__)
            if reason is None:
                return
        if reason == BUSY and self.tries[number] <= self.launcher.retries:
            self.waiting.append(number)  # its process of before has not ended yet
            return
        if reason is not None and reason != BUSY:
            note_death(self.jobs[number], reason, "")  # unless its folder tells why already
        self.board.ended(number, reason=reason)

    def _gone(self, number: int, how: str) -> str | None:
        """Let a job wait again whose process went away; the reason if that happened too often."""
        job = self.jobs[number]
        if self.tries[number] <= self.launcher.retries:
            self.waiting.appendleft(number)
            self.board.waits(number, f"lost ({how}): it goes on elsewhere from its checkpoint")
            return None
        note_death(job, f"its process went away {self.tries[number]} times ({how})", "")
        return runs.failure(run_folder(job)) or how

    def _stop(self) -> None:
        """Ask all jobs to write their checkpoints and end, and wait for them; a second Ctrl-C ends them at once."""
        import ray

        print("\nstopping all jobs after their step; Ctrl-C again stops at once", flush=True)
        try:
            for reference in self.flying:
                ray.cancel(reference, force=False, recursive=False)  # what a job asks of the depot goes on
            if self.flying:
                ray.wait(list(self.flying), num_returns=len(self.flying))
        except KeyboardInterrupt:
            for reference in self.flying:
                ray.cancel(reference, force=True)
            raise


def _depot(jobs: Sequence[DictConfig], token: str) -> Any:
    """Return the actor that jobs tell where they run and bring their runs to; it lives on the launcher's own node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    remote: Any = ray.remote
    return remote(num_cpus=0, scheduling_strategy=here)(Depot).remote([*map(job_text, jobs)], os.getcwd(), token)
