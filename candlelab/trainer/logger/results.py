"""What a finished run's folder says, as curves and pictures for dashboards; nothing here imports one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from candlelab.core import run_files as names
from candlelab.core.yaml_text import plain_text_of

POINTS = 200  # of a curve
SECRET = re.compile(r"(^|_)(token|secret|password|passwd|apikey|key|credential)s?($|_)", re.IGNORECASE)


@dataclass(frozen=True)
class CurveLines:
    """Lines over one axis: name -> (x (n,), y (n,))."""

    name: str
    across: str
    lines: dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class RunSummary:
    """A finished run as its files tell it."""

    folder: Path

    def read(self, name: str) -> dict[str, Any]:
        """Return a JSON file of the run, {} where there is none."""
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The final metrics that have a value."""
        return {name: value for name, value in self.read(names.METRICS).items() if value is not None}

    @cached_property
    def classes(self) -> list[str]:
        """Class names in label order."""
        return self.read(names.PREPROCESSING)["classes"]

    @cached_property
    def test(self) -> pd.DataFrame:
        """The net's labelled test rows, in the order in which the file of charts numbers them."""
        table = pd.read_parquet(self.folder / names.PREDICTIONS)
        return table[(table.model == "net") & (table.split == "test") & (table.label >= 0)].reset_index(drop=True)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """(n, K) of the test rows."""
        return self.test.filter(regex=r"^p_\d+$").to_numpy()

    @cached_property
    def charts(self) -> tuple[np.ndarray, np.ndarray]:
        """Charts (n, C, H, W) uint8 and the test rows (n,) they belong to; empty where the net saw none."""
        path = self.folder / names.CHARTS
        if not path.exists():
            return np.empty((0, 1, 1, 1), np.uint8), np.empty(0, np.int64)
        with np.load(path, allow_pickle=False) as pack:
            return pack["images"], pack["rows"]

    def answers(self, rows: np.ndarray) -> list[dict[str, Any]]:
        """Return what the net said of some test rows, one dict each."""
        found = []
        for row in rows:
            line, p = self.test.iloc[row], self.probabilities[row]
            found.append(
                {
                    "time": str(pd.Timestamp(line.time, unit="ms")),
                    "symbol": str(line.symbol),
                    "label": self.classes[int(line.label)],
                    "answer": self.classes[int(p.argmax())],
                    "confidence": float(p.max()),
                    "forward_return": float(line.forward_return),
                }
            )
        return found

    def curves(self) -> list[CurveLines]:
        """Return precision-recall, ROC, reliability, threshold and equity curves; the last two only of a forecast."""
        stored = self.read(names.CURVES)
        found = [*self._by_class(), self._reliability(stored["calibration"])]
        if "threshold" in stored:
            money = {name: np.asarray(values, float) for name, values in stored["threshold"].items()}
            found.append(
                CurveLines("threshold", "threshold", {k: (money["threshold"], money[k]) for k in ("val", "test")})
            )
        if "equity" in stored:
            money = {name: np.asarray(values, float) for name, values in stored["equity"].items()}
            days = (money["time"] - money["time"][0]) / 86_400_000
            found.append(CurveLines("equity", "days", {k: (days, money[k]) for k in ("net", "gross", "buy_and_hold")}))
        return [CurveLines(c.name, c.across, {k: _thin(*line) for k, line in c.lines.items()}) for c in found]

    def confusion(self) -> np.ndarray:
        """(K, K) counts, rows true."""
        return np.asarray(self.read(names.CURVES)["confusion"]["counts"])

    def _by_class(self) -> list[CurveLines]:
        label, p = self.test.label.to_numpy(), self.probabilities
        known = label >= 0
        roc, pr = {}, {}
        for k, name in enumerate(self.classes):
            hit = (label[known] == k)[np.argsort(-p[known, k], kind="stable")]
            right, wrong = np.cumsum(hit), np.cumsum(~hit)
            if right[-1] and wrong[-1]:
                roc[name] = np.r_[0, wrong / wrong[-1]], np.r_[0, right / right[-1]]
                pr[name] = right / right[-1], right / (right + wrong)
        return [CurveLines("precision_recall", "recall", pr), CurveLines("roc", "false positive rate", roc)]

    def _reliability(self, bins: dict[str, Any]) -> CurveLines:
        confidence, accuracy = np.asarray(bins["confidence"], float), np.asarray(bins["accuracy"], float)
        return CurveLines(
            "reliability", "confidence", {"observed": (confidence, accuracy), "perfect": (confidence, confidence)}
        )


def _thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    keep = (
        known[np.unique(np.linspace(0, len(known) - 1, min(POINTS, len(known))).astype(int))] if len(known) else known
    )
    return x[keep], y[keep]


def rgb_of(image: np.ndarray) -> np.ndarray:
    """Return a chart (C, H, W) as (H, W, 3) uint8."""
    return np.repeat(image, 3 // len(image), axis=0).transpose(1, 2, 0)


def figure(curve: CurveLines):
    """Return a curve drawn by matplotlib."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(5, 4), layout="constrained")
    axes = drawing.subplots()
    for name, (x, y) in curve.lines.items():
        axes.plot(x, y, label=name)
    axes.set(title=curve.name, xlabel=curve.across)
    axes.legend()
    return drawing


def heat_map(counts: np.ndarray, classes: list[str]):
    """Return the confusion counts (K, K) as a heat map: shares of each true class."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(5, 4), layout="constrained")
    axes = drawing.subplots()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    axes.set(
        xticks=range(len(classes)),
        yticks=range(len(classes)),
        xticklabels=classes,
        yticklabels=classes,
        xlabel="answer",
        ylabel="truth",
    )
    for (row, column), share in np.ndenumerate(shares):
        axes.text(column, row, f"{share:.0%}", ha="center", va="center", color="white" if share > 0.6 else "black")
    return drawing


def config_of(folder: Path) -> dict[str, Any]:
    """Return the run's config without anything whose name sounds like a secret."""
    return _public(yaml.safe_load(plain_text_of(folder / names.CONFIG)))


def _public(node):
    if isinstance(node, dict):
        return {k: _public(v) for k, v in node.items() if not (isinstance(v, str) and SECRET.search(str(k)))}
    return [_public(v) for v in node] if isinstance(node, list) else node
