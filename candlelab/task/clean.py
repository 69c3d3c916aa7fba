"""Remove what finished runs no longer need, and the oldest runs beyond a cap, after showing it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError
from candlelab.core.files import crosses_link


def clean(cfg: DictConfig, *, confirm: bool, days: float, keep: int | None) -> list[Path]:
    """Remove old checkpoints of finished runs (their weights stay in model.safetensors); only list them unless confirmed.

    days  a checkpoint, or a run beyond the cap, must be at least this old.
    keep  finished runs to keep, the newest of all studies: the others go whole; None keeps them all.
    """
    if days < 0:
        raise ConfigError(f"task.days is {days}: give 0 or more")
    if keep is not None and keep < 0:
        raise ConfigError(f"task.keep is {keep}: give 0 or more, or null to keep all runs")
    newest = time.time() - 86_400 * days
    outputs = Path(cfg.outputs)
    finished = _newest_first(
        [config.parent for config in outputs.glob(f"*/*/{runs.CONFIG}") if not crosses_link(config.parent, outputs)]
    )
    beyond = [folder for folder in ([] if keep is None else finished[keep:]) if _finished_at(folder) <= newest]
    checkpoints = [
        path
        for folder in finished
        if folder not in beyond
        for path in sorted((folder / "checkpoints").glob("*.ckpt"))
        if not crosses_link(path, outputs) and path.stat().st_mtime <= newest
    ]
    total = sum(_remove(path, confirm) for path in [*beyond, *checkpoints])
    closing = "freed" if confirm else "nothing removed; repeat with task.confirm=true to free"
    print(f"{len(beyond)} runs and {len(checkpoints)} checkpoints of finished runs: {closing} {total:.1f} MB")
    return [*beyond, *checkpoints]


def _newest_first(folders: list[Path]) -> list[Path]:
    """Return those of finished runs, the newest first."""
    return sorted(
        (folder for folder in folders if runs.state(folder) == "finished"),
        key=lambda folder: (-_finished_at(folder), folder),
    )


def _finished_at(folder: Path) -> float:
    """Return when a run finished, in seconds since 1970."""
    return (folder / runs.METRICS).stat().st_mtime


def _remove(path: Path, confirm: bool) -> float:
    """Say what goes, remove it if confirmed, and return its megabytes."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files) / 1e6
    print(f"{'removing' if confirm else 'would remove'} {path}  {size:.1f} MB")
    if confirm and path.is_dir():
        shutil.rmtree(path)
    elif confirm:
        path.unlink()
    return size
