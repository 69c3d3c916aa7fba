"""The processes of one training run on several devices (distributed data parallel): who this one is, and how they meet."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.strategies.strategy import Strategy
from pytorch_lightning.utilities import rank_zero_only


@dataclass(frozen=True)
class Ranks:
    """One process of `world`; the others are found at a port of this machine. Files, loggers and words belong to rank 0."""

    rank: int = 0
    world: int = 1
    port: int = 0

    def announce(self) -> None:
        """Let Lightning and the loggers know who this process is before there is a trainer."""
        setattr(rank_zero_only, "rank", self.rank)  # noqa: B010 - Lightning keeps it there, and no type knows of it

    def strategy(self) -> Strategy | str:
        """Return how gradients are shared: not at all, or by gloo on CPUs and NCCL on GPUs."""
        if self.world == 1:
            return "auto"
        return DDPStrategy(
            cluster_environment=_Environment(self), find_unused_parameters=True
        )  # a loss may leave a head out

    def threads(self) -> int:
        """Return how many threads this process may use, so that all together use no more than one process did."""
        return max(1, torch.get_num_threads() // self.world)


ALONE = Ranks()


class _Environment(LightningEnvironment):
    """Processes that are started by us, so Lightning starts none."""

    def __init__(self, ranks: Ranks):
        super().__init__()
        self._ranks = ranks

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        return self._ranks.port

    def local_rank(self) -> int:
        return self._ranks.rank

    def node_rank(self) -> int:
        return 0


def leave_group() -> None:
    """End the connection of the processes, so that the next run of this process can make its own."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
