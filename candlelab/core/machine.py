"""Provenance: versions, hardware and git commit that a result depends on beside config and data."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

CONTAINER = ("memory.max", "memory/memory.limit_in_bytes")  # where Linux keeps the limit of a container
PACKAGES = (
    "torch",
    "timm",
    "transformers",
    "pytorch-lightning",
    "numpy",
    "pandas",
    "numba",
    "scikit-learn",
    "hydra-core",
)


def environment_of(version: str) -> dict[str, Any]:
    """Return what a result depends on beside config and data: code, versions, hardware; `version` is candlelab's."""
    versions: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    commit, dirty = _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain"))
    return {
        "candlelab": version,
        "commit": commit,
        "dirty": dirty if commit else None,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "packages": versions,
        "command": " ".join(["python -m candlelab", *sys.argv[1:]]),
    }


def _git(*words: str) -> str | None:
    here = Path(__file__).resolve().parents[1]
    if not (here.parent / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def processor() -> str:
    """Return the name of this machine's processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def memory() -> int:
    """Return the bytes of memory that this process may use: the machine's, or what its container allows; no limit where nobody says."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        whole = 2**62
    return min(whole, *(_limit(Path("/sys/fs/cgroup", name)) for name in CONTAINER))


def _limit(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # no such container, or one without a limit ("max")
        return 2**62
