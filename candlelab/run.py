"""A run is a folder: write it, load it back, list the runs of a study. Nothing in it is ever unpickled."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from candlelab.config import ConfigError, build, hint, plain, problems, several
from candlelab.config.stored import read_stored, without_places
from candlelab.core import files
from candlelab.core.origin import is_ours, mark_of

ORIGIN = "origin.json"  # says that this account trained the run
METRICS, CONFIG, PREPROCESSING = "metrics.json", "config.yaml", "preprocessing.json"
LOG = "log.txt"
TOKENIZER = "tokenizer.json"  # of captions, where the weights came with a vocabulary of their own
EVALUATE, THRESHOLD, CURVES, VERDICT, PER_SYMBOL = "evaluate.json", "threshold.json", "curves.json", "verdict.json", "per_symbol.csv"
REPORT, SCORES, TRADES = "report.html", "scores", "trades.csv"
WEIGHTS, PREDICTIONS, FAILED, LAST = "model.safetensors", "predictions.parquet", "failed.txt", "checkpoints/last.ckpt"
PACKAGES = ("torch", "timm", "transformers", "pytorch-lightning", "numpy", "pandas", "numba", "scikit-learn", "hydra-core")


@dataclass(frozen=True)
class Run:
    """One finished run, read from its folder.

    cfg          the resolved config.
    model        the net with its best weights, in evaluation mode, on the CPU.
    data         its ChartData, with the scaler that was fitted in training.
    metrics      the flat dict of metrics.json.
    predictions  the table that every evaluation reads (pandas).
    """

    folder: Path

    @cached_property
    def ours(self) -> bool:
        """Whether this person trained it; then its own files, folders and addresses may be used."""
        return is_ours(_bytes(self.folder / CONFIG), _mark(self.folder))

    @cached_property
    def recipe(self) -> DictConfig:
        """The stored config, unchecked: each part is checked when it is built. Of a run from elsewhere, without its places."""
        tree = read_stored(self.folder / CONFIG)
        return OmegaConf.create(tree if self.ours else without_places(tree))

    @cached_property
    def cfg(self) -> DictConfig:
        problem = [line for line in problems(plain(self.recipe)) if self.ours or ": missing; give " not in line]
        if problem:
            raise ConfigError(f"'{self.folder / CONFIG}': {several(problem)}")
        return self.recipe

    @cached_property
    def metrics(self) -> dict:
        return read_json(self.folder / METRICS)

    @cached_property
    def preprocessing(self) -> dict:
        return read_json(self.folder / PREPROCESSING)

    @cached_property
    def environment(self) -> dict:
        return read_json(self.folder / "environment.json")

    @cached_property
    def predictions(self):
        import pandas as pd
        return pd.read_parquet(self.folder / PREDICTIONS)

    @cached_property
    def trades(self):
        """What the run's own score traded on its test rows (pandas), None for recognition."""
        import pandas as pd
        path = self.folder / TRADES
        return pd.read_csv(path) if path.exists() else None

    @cached_property
    def data(self):
        renderer = build(self.cfg, "render") if self.cfg.get("render") else None
        data = build(self.cfg, "data", renderer)
        data.reads = tuple(self.preprocessing["reads"])
        data.load_preprocessing(self.preprocessing, self.folder / TOKENIZER)
        return data

    @cached_property
    def model(self):
        from safetensors.torch import load_file

        from candlelab.core.batch import Shapes
        shapes = Shapes(**{k: tuple(v) if isinstance(v, list) else v for k, v in self.preprocessing["shapes"].items()})
        cfg = self.cfg.copy()
        if OmegaConf.select(cfg, "model.net.pretrained"):
            cfg.model.net.pretrained = False
        net = build(cfg, "model.net", shapes)
        net.load_state_dict(load_file(self.folder / WEIGHTS), strict=True)
        return net.eval()


def load_run(folder: str | Path) -> Run:
    """Return the finished run in a folder.

    Raises ConfigError, naming the nearest run, if there is none or it never finished.
    """
    path = Path(folder)
    if not (path / CONFIG).exists():
        raise ConfigError(f"there is no run in '{folder}'{hint(path.name, [r.name for r in runs_in(path.parent)])}")
    if not (path / METRICS).exists():
        raise ConfigError(f"the run in '{folder}' has not finished: start the same command again to complete it")
    for inner in path.rglob("*"):
        if inner.is_symlink() and inner.is_dir() and not inner.resolve().is_relative_to(path.resolve()):
            raise ConfigError(f"'{inner}' is a symbolic link out of the run: nothing is read or written through it; remove it")
    return Run(path)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _mark(folder: Path) -> str | None:
    """Return the origin mark of a run; None where there is none."""
    try:
        return json.loads((folder / ORIGIN).read_text(encoding="utf-8")).get("mark")
    except (OSError, ValueError, AttributeError):
        return None


def state(folder: Path) -> str:
    """Return "finished", "failed", "interrupted" or "new"."""
    for name, word in ((METRICS, "finished"), (FAILED, "failed"), (LAST, "interrupted"), (CONFIG, "interrupted")):
        if (folder / name).exists():
            return word
    return "new"


def runs_in(study: Path) -> list[Path]:
    """Return the folders of a study that hold a run in any state, sorted by name."""
    return sorted(p.parent for p in study.glob(f"*/{CONFIG}")) if study.is_dir() else []


def start(folder: Path, cfg: DictConfig) -> None:
    """Make the run folder with its config and environment; a note of an earlier failure goes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FAILED).unlink(missing_ok=True)
    text = OmegaConf.to_yaml(OmegaConf.create(plain(cfg)))
    write_text(folder / CONFIG, text)
    write_json(folder / ORIGIN, {"mark": mark_of(text.encode("utf-8"))})
    write_json(folder / "environment.json", environment())


def environment() -> dict:
    """Return what a result depends on beside config and data: code, versions, hardware."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    commit, dirty = _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain"))
    return {"candlelab": _version(), "commit": commit, "dirty": dirty if commit else None, "python": platform.python_version(),
            "platform": platform.platform(), "processor": _processor(), "cpus": os.cpu_count(), "packages": versions,
            "command": _command()}


def _version() -> str:
    from candlelab import __version__
    return __version__


def _command() -> str:
    return " ".join(["python -m candlelab", *sys.argv[1:]])


def _git(*words: str) -> str | None:
    here = Path(__file__).resolve().parent
    if not (here.parent / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def write_json(path: Path, value: dict) -> None:
    """Write JSON under a temporary name, then move it into place; NaN becomes null."""
    write_text(path, json.dumps(_without_nan(value), indent=1, sort_keys=False, allow_nan=False) + "\n")


def _without_nan(value):
    if isinstance(value, dict):
        return {str(k): _without_nan(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    return None if isinstance(value, float) and value - value != 0 else value


def write_text(path: Path, text: str) -> None:
    """Write text atomically."""
    files.write_text(path, text)


def read_json(path: Path) -> dict:
    """Return a JSON object; raises ConfigError if the file is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"'{path}' is missing: the run is incomplete, start its command again") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"'{path}' is no valid JSON ({error}): the run is damaged, train it again") from None
