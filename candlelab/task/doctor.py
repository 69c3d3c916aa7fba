"""Look at the machine and say what candlelab can do here and what is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.table import Table

from candlelab.pipeline.studies.console import print_table
from candlelab.run import environment

EXTRAS = {
    "binance": ("binance", "data/source=binance_api"),
    "ccxt": ("ccxt", "data/source=ccxt"),
    "huggingface_hub": ("hub", "task=publish, pretrained weights"),
    "datasets": ("hub", "task=publish of data sets"),
    "wandb": ("wandb", "trainer/logger=wandb"),
    "tensorboard": ("tensorboard", "trainer/logger=tensorboard"),
    "onnxruntime": ("onnx", "task=export, task.engine=onnx"),
    "onnxscript": ("onnx", "task=export"),
    "captum": ("explain", "heat maps"),
    "gradio": ("demo", "task=serve"),
    "optuna": ("optuna", "hydra/sweeper=optuna"),
    "ray": ("ray", "hydra/launcher=ray"),
    "cupy": ("cuda13", "render.fill=cupy"),
}
TOKENS = ("HF_TOKEN", "WANDB_API_KEY")


def doctor(cfg: DictConfig) -> dict[str, Any]:
    """Print versions, devices, optional packages, tokens (only whether they are set) and disk space; return them."""
    here = environment()
    found = {
        "python": here["python"],
        "processor": here["processor"],
        "cpus": here["cpus"],
        "gpus": gpus(),
        **here["packages"],
    }
    table = Table("what", "state", title="candlelab doctor", title_justify="left")
    for name, value in found.items():
        table.add_row(name, "missing" if value is None else str(value))
    for package, (extra, use) in EXTRAS.items():
        there = importlib.util.find_spec(package) is not None
        found[package] = there
        table.add_row(package, "installed" if there else f"missing: pip install 'candlelab[{extra}]' for {use}")
    for token in TOKENS:
        table.add_row(token, "set" if os.environ.get(token) else "not set")
    free = shutil.disk_usage(_existing(Path(cfg.outputs))).free
    table.add_row("free disk", f"{free / 2**30:.1f} GiB for '{cfg.outputs}'")
    print_table(table)
    return found


def gpus() -> str:
    """Return the names of the accelerators torch sees, or "none"."""
    import torch

    if torch.cuda.is_available():
        return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    return "Apple MPS" if torch.backends.mps.is_available() else "none: training and drawing use the CPU"


def _existing(path: Path) -> Path:
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path
