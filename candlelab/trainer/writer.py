"""Asynchronous checkpoints: the training step takes a snapshot, a thread of its own brings it to the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor

from candlelab.core import files


class CheckpointWriter(TorchCheckpointIO):
    """Writes checkpoints beside the training: of each file at most one at a time, in the order they were asked for.

    A file is written under a temporary name, flushed and moved into place; what `kept` names is moved aside first, not replaced.
    What the disk refused is raised at the next write or in `wait`, as CannotWrite.
    """

    def __init__(self, kept: Mapping[Path, Path]):
        self._kept = dict(kept)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._under_way: dict[Path, Future[None]] = {}
        self._snapshots: dict[Path, _Snapshot] = {}

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Copy a checkpoint and return; it is on the disk after `wait`."""
        path = Path(path)
        self._collect(path)
        copied = self._snapshots.setdefault(path, _Snapshot()).of(checkpoint)
        self._under_way[path] = self._pool.submit(self._write, copied, path)

    def wait(self) -> None:
        """Return when all that was asked for is on the disk. Raises CannotWrite."""
        while self._under_way:
            self._under_way.pop(next(iter(self._under_way))).result()
        self._snapshots.clear()

    def _collect(self, path: Path) -> None:
        """Wait for the file's last write; raise what it, or another one that has ended, was refused."""
        ended = [each for each, write in self._under_way.items() if each == path or write.done()]
        for each in ended:
            self._under_way.pop(each).result()

    def _write(self, checkpoint: dict[str, Any], path: Path) -> None:
        with files.atomic(path) as temporary:
            with open(
                temporary, "wb"
            ) as file:  # an OSError stays one: torch's own writer makes all of them RuntimeErrors
                torch.save(checkpoint, file)
            if path in self._kept and path.exists():
                files.sync(temporary)
                os.replace(path, self._kept[path])


class _Snapshot:
    """Copies of the tensors of a checkpoint in the memory of the copies before: fresh pages take longer than the copying."""

    def __init__(self) -> None:
        self._copies: list[Tensor] = []

    def of(self, checkpoint: dict[str, Any]) -> dict[str, Any]:
        """Return the checkpoint with every tensor copied into memory of the CPU; what it copied before is overwritten."""
        before, self._copies = iter(self._copies), []
        copied: dict[str, Any] = apply_to_collection(
            checkpoint, Tensor, lambda tensor: self._copy(tensor, next(before, None))
        )
        return copied

    def _copy(self, tensor: Tensor, place: Tensor | None) -> Tensor:
        tensor = tensor.detach()
        fits = place is not None and (place.shape, place.dtype, place.stride()) == (
            tensor.shape,
            tensor.dtype,
            tensor.stride(),
        )
        self._copies.append(place.copy_(tensor) if place is not None and fits else tensor.to("cpu", copy=True))
        return self._copies[-1]
