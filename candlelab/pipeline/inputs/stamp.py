"""Provenance hash of made-up bars: settings, code and versions; where it is the same they need not be made again to compare them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from candlelab.config import build, plain
from candlelab.core.contracts import MadeUp
from candlelab.core.machine import processor

PACKAGE = Path(__file__).resolve().parents[2]
ROOMS = ("core", "market", "data", "render")  # whose code makes bars, labels, windows and parts
VERSIONS = ("numpy", "numba", "scipy", "pandas")
OURS = "candlelab."


def bars_stamp(cfg: DictConfig) -> str | None:
    """Return a hash of everything that made-up bars and their samples depend on, 64 hex digits.

    None for bars from outside, which can change while nothing here does, and where code of an extension takes part.
    """
    settings: dict[str, Any] = {name: plain(cfg).get(name) for name in ("data", "render")}
    if isinstance(settings["data"], dict):
        settings["data"] = {key: value for key, value in settings["data"].items() if key != "scratch"}  # a place alone
    if any(not target.startswith(OURS) for target in _targets(settings)):
        return None
    source = build(cfg, "data.source") if settings["data"].get("source") else None
    if not (isinstance(source, MadeUp) and source.from_settings_alone):
        return None
    told = [json.dumps(settings, sort_keys=True), processor(), *(f"{name} {_version(name)}" for name in VERSIONS)]
    digest = hashlib.sha256("\n".join(told).encode())
    for path in sorted(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def joined(stamp: str | None, data_hash: str) -> str | None:
    """Return one hash of a stamp and of the fingerprint of the data that were made under it; None without a stamp."""
    return None if stamp is None else hashlib.sha256(f"{stamp} {data_hash}".encode()).hexdigest()


def _targets(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield str(node["_target_"])
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _targets(part)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except ModuleNotFoundError:  # PackageNotFoundError is one
        return None
