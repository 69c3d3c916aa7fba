"""The parts of a run's report below the verdict, each made from the scores, the predictions and the data card."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from candlelab.evaluate import figures, formats
from candlelab.evaluate.figures import Estimate, Figure, Reference
from candlelab.evaluate.page import Chart, Gallery, Section, Table, png, share_cell

FACTS = ("symbols", "interval", "first", "last", "bars", "segments", "window", "warmup", "label", "kind", "horizon", "dropped_samples")
Words = Callable[[float | None], str]

QUALITY: dict[str, tuple[str, Words]] = {
    "accuracy": ("accuracy", formats.percent),
    "balanced_accuracy": ("balanced accuracy", formats.percent),
    "auroc": ("AUROC", formats.number),
    "auroc_direction": ("AUROC up or down", formats.number),
    "auroc_move": ("AUROC move or calm", formats.number),
    "f1_macro": ("macro-F1", formats.number),
    "mcc": ("MCC", formats.number),
    "auprc": ("AUPRC", formats.number),
    "log_loss": ("log loss", lambda value: formats.number(value, 4)),
    "brier": ("Brier", lambda value: formats.number(value, 4)),
    "ece": ("ECE", lambda value: formats.number(value, 4)),
}
MONEY: dict[str, tuple[str, Words]] = {
    "sharpe_net": ("Sharpe a year, after fees", lambda value: formats.number(value, 2)),
    "psr": ("probability that the true Sharpe is above 0", formats.percent),
    "turnover": ("turnover per bar", lambda value: formats.number(value, 3)),
    "max_drawdown_pct": ("largest drawdown", lambda value: formats.percent(None if value is None else value / 100)),
    "breakeven_accuracy": ("break-even accuracy", formats.percent),
    "trades": ("trades", formats.count),
}


@dataclass(frozen=True)
class Results:
    """All that the sections read.

    metrics      flat: test/accuracy, val/…, baseline/<name>/…; a value may be None or absent.
    predictions  the table of all models on the same rows.
    card         the data card: symbols, interval, …, parts {name: {samples, first, last, classes {name: count}}};
                 `title` and `about` {name: value} are optional.
    """

    metrics: Mapping[str, float | None]
    predictions: pd.DataFrame
    card: Mapping[str, Any]
    kind: str

    def get(self, name: str) -> float | None:
        """One metric; None when absent or not a finite number."""
        value = self.metrics.get(name)
        return None if formats.missing(value) else value

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""
        return tuple(next(iter(self.card["parts"].values()))["classes"])

    @property
    def baselines(self) -> list[str]:
        """Names of the baselines that have any score, in the order scored."""
        return list(dict.fromkeys(name.split("/")[1] for name in self.metrics if name.startswith("baseline/")))

    def rows(self, split: str) -> pd.DataFrame:
        """The model's own labelled predictions of one split."""
        table = self.predictions
        return table[(table["model"] == "net") & (table["split"] == split) & (table["label"] >= 0)]

    def answers(self, rows: pd.DataFrame) -> np.ndarray:
        """Most probable class of each row; (n,) int."""
        return rows[[f"p_{place}" for place in range(len(self.classes))]].to_numpy().argmax(axis=1)


def data(results: Results) -> Section:
    """What went in: the data card and how many of each label every part holds."""
    card = results.card
    facts = [(name.replace("_", " "), formats.plain(card[name])) for name in FACTS if card.get(name) is not None]
    facts += [(str(name).replace("_", " "), formats.plain(value)) for name, value in card.get("about", {}).items()]
    parts = card["parts"]
    rows = [["windows", *(formats.count(part["samples"]) for part in parts.values())]]
    rows += [[word, *(str(part.get(word, ""))[:10] for part in parts.values())] for word in ("first", "last")]
    rows += [[name, *(share_cell(part["classes"][name], sum(part["classes"].values())) for part in parts.values())] for name in results.classes]
    table = Table(["", *parts], rows, "Parts and label balance.", "In time order. Whoever always answers the commonest label is right as often as its share.")
    return Section("Data", facts=facts, tables=[table])


def quality(results: Results) -> Section:
    """The model beside every baseline, on the same rows."""
    chance = 1 / len(results.classes)
    references = [Reference(chance, "chance")]
    if (bayes := results.get("bayes/accuracy")) is not None:
        references.append(Reference(bayes, "best possible", "bayes"))
    plots = [_comparison(results, "accuracy", references, formats.percent), _comparison(results, "auroc", [Reference(0.5, "chance")], formats.number)]
    if results.get("test/auroc_direction") is not None:
        plots.append(_comparison(results, "auroc_direction", [Reference(0.5, "chance")], formats.number))
    lead = "Everything below was answered on the same test rows. The bar around each dot is the 95 % interval, widened for overlapping labels."
    if bayes is not None:
        lead += f" The market is simulated: nobody can be right more often than {formats.percent(bayes)}."
    return Section("Model and baselines", lead, figures=[plot for plot in plots if plot], tables=[_quality_table(results)])


def _comparison(results: Results, metric: str, references: Sequence[Reference], words: Words) -> Figure | None:
    """Dots with intervals of one metric; None when the model has no such score."""
    if results.get(f"test/{metric}") is None:
        return None
    named = [("this model", f"test/{metric}", "model")] + [(name, f"baseline/{name}/{metric}", "base") for name in results.baselines]
    rows = [Estimate(name.replace("_", " "), results.get(key), results.get(f"{key}_low"), results.get(f"{key}_high"), kind) for name, key, kind in named if results.get(key) is not None]
    title, note = QUALITY[metric][0], {"accuracy": "How often the answer was right.", "auroc": "How well the scores rank the classes; 0.5 is a coin.", "auroc_direction": "Among the bars that moved: up told from down. Only this is about direction."}[metric]
    return figures.comparison(rows, references, title=title[0].upper() + title[1:], note=note, axis=title, words=words)


def _quality_table(results: Results) -> Table:
    """One row per model, one column per metric that anybody has."""
    sources = [("this model", "test/"), *((name.replace("_", " "), f"baseline/{name}/") for name in results.baselines)]
    shown = QUALITY | ({} if results.kind == "recognition" else {"sharpe_net": ("Sharpe after fees", MONEY["sharpe_net"][1])})
    columns = [metric for metric in shown if any(results.get(source + metric) is not None for _, source in sources)]
    rows = []
    for name, source in sources:
        interval = formats.interval(results.get(source + "accuracy_low"), results.get(source + "accuracy_high"))
        rows.append([name, interval or formats.DASH, *(shown[metric][1](results.get(source + metric)) for metric in columns)])
    return Table(["on the test rows", "95 % of accuracy", *(shown[metric][0] for metric in columns)], rows, marked=(0,))


def errors(results: Results) -> Section:
    """Which classes are confused, whether confidence means anything, and precision and recall per class."""
    rows = results.rows("test")
    if not len(rows):
        return Section("Where it errs")
    size, label, answer = len(results.classes), rows["label"].to_numpy(), results.answers(rows)
    matrix = np.bincount(label * size + answer, minlength=size * size).reshape(size, size)
    right, told, true = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    body = [[name, formats.percent(_ratio(right[k], told[k])), formats.percent(_ratio(right[k], true[k])), formats.count(true[k]), formats.count(told[k])] for k, name in enumerate(results.classes)]
    table = Table(["class", "precision", "recall", "true cases", "answered"], body)
    confidence = rows[[f"p_{place}" for place in range(size)]].to_numpy().max(axis=1)
    return Section("Where it errs", figures=[figures.confusion(matrix, results.classes, column_word="answer"), figures.reliability(*_bins(confidence, label == answer))], tables=[table])


def _ratio(part: float, whole: float) -> float | None:
    """None instead of a division by zero."""
    return float(part / whole) if whole else None


def _bins(confidence: np.ndarray, hit: np.ndarray, count: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean confidence, share right and number of rows in `count` bins of equally many rows."""
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, count) if len(part)]
    return tuple(np.array(column) for column in zip(*[(confidence[part].mean(), hit[part].mean(), len(part)) for part in parts]))


def symbols(results: Results) -> Section:
    """One row per symbol, when there are several."""
    rows = results.rows("test")
    if rows["symbol"].nunique() < 2:
        return Section("Symbols")
    n, effective = results.get("test/n") or len(rows), results.get("test/n_eff") or len(rows)
    body = []
    for symbol, part in rows.groupby("symbol", sort=True):
        hit = results.answers(part) == part["label"].to_numpy()
        error = 1.96 * np.sqrt(max(hit.mean() * (1 - hit.mean()), 1e-9) / (len(hit) * effective / n))
        common = np.bincount(part["label"], minlength=len(results.classes)).max() / len(part)
        body.append([symbol, formats.count(len(part)), formats.percent(hit.mean()), formats.interval(max(hit.mean() - error, 0), min(hit.mean() + error, 1)), formats.percent(common)])
    return Section("Symbols", "With many symbols one of them looks good by luck: read the intervals, not the ranking.",
                   tables=[Table(["symbol", "test rows", "accuracy", "95 %", "commonest label"], body)])


def money(results: Results, curves: Mapping[str, Any], threshold: Mapping[str, Any]) -> Section:
    """What the signals earned after fees, and how the threshold was chosen."""
    plots = []
    if "threshold" in curves:
        plots.append(figures.threshold_curve(*(curves["threshold"][name] for name in ("threshold", "val", "test")), threshold.get("threshold")))
    if "equity" in curves:
        curve = curves["equity"]
        named = [("hold", "buy and hold", np.asarray(curve["buy_and_hold"], float)), ("model", "this model", np.asarray(curve["net"], float))]
        plots.append(figures.equity(curve["time"], named))
        plots.append(figures.drawdown(curve["time"], [(kind, name, values / np.maximum.accumulate(values) - 1) for kind, name, values in named]))
    facts = [(label, words(results.get(f"test/{name}"))) for name, (label, words) in MONEY.items() if f"test/{name}" in results.metrics]
    return Section("Money", "Decided at the close of a bar, held from the next one, fees on every change of position.", facts=facts, figures=plots)


def charts(results: Results, pictures: Sequence[tuple[np.ndarray, Mapping[str, Any]]]) -> Section:
    """Charts the model got right and wrong; captions hold label, answer, and optionally confidence, symbol, time (ms UTC)."""
    made = [_chart(image, caption) for image, caption in pictures]
    groups = [Gallery("Right", [chart for chart in made if chart.right]), Gallery("Wrong", [chart for chart in made if not chart.right])]
    return Section("What it saw", "Test charts exactly as the model received them.", galleries=[group for group in groups if group.charts])


def _chart(image: np.ndarray, caption: Mapping[str, Any]) -> Chart:
    """One picture with its caption in words."""
    label, answer = str(caption["label"]), str(caption["answer"])
    confidence = caption.get("confidence")
    lines = [label if label == answer else f"was {label}"]
    when = caption.get("time")
    stamp = "" if when is None else str(np.datetime64(int(when), "ms"))[:16].replace("T", " ")
    lines.append(" ".join(part for part in (str(caption.get("symbol", "")), stamp) if part))
    title = answer if formats.missing(confidence) else f"{answer}, {formats.percent(confidence, 0)} sure"
    return Chart(png(image), image.shape[2], image.shape[1], title, tuple(line for line in lines[label == answer:] if line), label == answer)


def training(results: Results, log: Path) -> Section:
    """Loss and metrics per epoch from metrics.csv; nothing when the file is not there."""
    if not log.is_file():
        return Section("Training")
    epoch, columns = read_log(log)
    shown = [("loss", "Loss", formats.number), ("accuracy", "Accuracy", formats.percent), ("auroc", "AUROC", formats.number)]
    plots = []
    for name, title, words in shown:
        curves = [(kind, word, columns[f"{split}/{name}"]) for split, word, kind in (("train", "training", "base"), ("val", "validation", "model")) if f"{split}/{name}" in columns]
        if curves and len(epoch) > 1:
            plots.append(figures.training(epoch, curves, title=title, note="", words=words))
    facts = [("epochs", formats.count(results.get("fit/epochs"))), ("time", formats.seconds(results.get("fit/seconds"))), ("samples per second", formats.short(results.get("fit/samples_per_second"))),
             ("peak memory", formats.short(results.get("fit/peak_memory_mb")) + formats.THIN + "MB"), ("parameters", formats.short(results.get("net/parameters")))]
    return Section("Training", facts=[fact for fact in facts if not fact[1].startswith(formats.DASH)], figures=plots)


def read_log(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Epoch numbers (E,) and per column the last value written in each epoch (E,), NaN where none was."""
    with open(path, newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line.get("epoch")]
    epochs = sorted({int(float(line["epoch"])) for line in lines})
    columns: dict[str, np.ndarray] = {}
    for line in lines:
        place = epochs.index(int(float(line["epoch"])))
        for name, text in line.items():
            if name and text and "/" in name:
                columns.setdefault(name, np.full(len(epochs), np.nan))[place] = float(text)
    return np.array(epochs, dtype=float), columns


def provenance(results: Results, entries: Mapping[str, Any]) -> Section:
    """Where every number came from: commit, versions, data hash, machine."""
    rows = [[str(name).replace("_", " "), formats.plain(value)] for name, value in entries.items() if name != "config"]
    return Section("Provenance", tables=[Table((), rows)] if rows else [])
