"""Remove what finished runs no longer need, after showing it."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from candlelab import run as runs


def clean(cfg: DictConfig, *, confirm: bool) -> list[Path]:
    """Remove the checkpoints of finished runs (their weights stay in model.safetensors); only list them unless confirmed."""
    found = [path for config in sorted(Path(cfg.outputs).glob(f"*/*/{runs.CONFIG}")) if runs.state(config.parent) == "finished"
             for path in sorted((config.parent / "checkpoints").glob("*.ckpt"))]
    total = sum(path.stat().st_size for path in found) / 1e6
    for path in found:
        print(f"{'removing' if confirm else 'would remove'} {path}  {path.stat().st_size / 1e6:.1f} MB")
        if confirm:
            path.unlink()
    closing = "freed" if confirm else "nothing removed; repeat with task.confirm=true to free"
    print(f"{len(found)} checkpoints of finished runs: {closing} {total:.1f} MB")
    return found
