"""Remove what finished runs no longer need, after showing it."""

from __future__ import annotations

import time
from pathlib import Path

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError


def clean(cfg: DictConfig, *, confirm: bool, days: float) -> list[Path]:
    """Remove old checkpoints of finished runs (their weights stay in model.safetensors); only list them unless confirmed.

    days  a checkpoint must be at least this old.
    """
    if days < 0:
        raise ConfigError(f"task.days is {days}: give 0 or more")
    newest = time.time() - 86_400 * days
    found = [path for config in sorted(Path(cfg.outputs).glob(f"*/*/{runs.CONFIG}")) if runs.state(config.parent) == "finished"
             for path in sorted((config.parent / "checkpoints").glob("*.ckpt")) if path.stat().st_mtime <= newest]
    total = sum(path.stat().st_size for path in found) / 1e6
    for path in found:
        print(f"{'removing' if confirm else 'would remove'} {path}  {path.stat().st_size / 1e6:.1f} MB")
        if confirm:
            path.unlink()
    closing = "freed" if confirm else "nothing removed; repeat with task.confirm=true to free"
    print(f"{len(found)} checkpoints of finished runs: {closing} {total:.1f} MB")
    return found
