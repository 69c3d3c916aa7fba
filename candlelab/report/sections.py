"""The parts of a run's report below the verdict, each made from the scores, the predictions and the data card."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from candlelab.evaluate.intervals import wilson
from candlelab.evaluate.verdict import measure_of
from candlelab.report import figures, formats
from candlelab.report.figures import Estimate, Figure, Reference
from candlelab.report.page import AnsweredChart, Gallery, Section, Table, png_uri, share_cell
from candlelab.report.results import QUALITY, ReportData, Words

FACTS = (
    "symbols",
    "interval",
    "first",
    "last",
    "bars",
    "segments",
    "window",
    "warmup",
    "label",
    "horizon",
    "dropped_samples",
)


def data(results: ReportData) -> Section:
    """What went in: the data card and how many of each label every part holds."""
    card = results.card
    facts = [
        (name.replace("_", " "), formats.as_text(card[name])[: 10 if name in ("first", "last") else None])
        for name in FACTS
        if card.get(name) is not None
    ]
    facts += [("leak audit", _audited(card["audit"]))] if "audit" in card else []
    facts += [(str(name).replace("_", " "), formats.as_text(value)) for name, value in card.get("about", {}).items()]
    parts = card["parts"]
    rows = [["windows", *(formats.count(part["samples"]) for part in parts.values())]]
    if any(part.get("unlabelled") for part in parts.values()):
        rows += [["traded without a label", *(formats.count(part.get("unlabelled", 0)) for part in parts.values())]]
    rows += [[word, *(str(part.get(word, ""))[:10] for part in parts.values())] for word in ("first", "last")]
    rows += [
        [
            name.replace("_", " "),
            *(share_cell(part["classes"][name], sum(part["classes"].values())) for part in parts.values()),
        ]
        for name in results.classes
    ]
    table = Table(
        ["", *parts],
        rows,
        "Parts and label balance.",
        "In time order. Whoever always answers the commonest label is right as often as its share.",
    )
    return Section("Data", _soundness(card), facts=facts, tables=[table, *_findings(card)])


def _audited(told: Mapping[str, Any]) -> str:
    """What the run's own audit says, in one line."""
    leaks = [each["name"] for each in told["findings"] if each["severity"] == "leak"]
    passed = f"passed: {', '.join(told['clean'])}" if told["clean"] else "no check could be made"
    return f"FAILED: {', '.join(leaks)}; {passed}" if leaks else passed


def _soundness(card: Mapping[str, Any]) -> str:
    """Whether anything is wrong with the bars, in a sentence; empty for a card that does not say."""
    if "quality" not in card:
        return ""
    shaking = sum(found["shakes"] for found in card["quality"])
    if not card["quality"]:
        return "Nothing is wrong with these bars as far as can be seen: no holes, copies, filled, interpolated or foreign bars."
    return (
        f"{shaking} of {len(card['quality'])} findings in these bars can change the verdict."
        if shaking
        else ("What was found in these bars does not change the verdict.")
    )


def _findings(card: Mapping[str, Any]) -> list[Table]:
    """What was found in the bars, those findings first that can change the verdict."""
    found = sorted(card.get("quality", ()), key=lambda finding: not finding["shakes"])
    if not found:
        return []
    body = [
        [
            each["kind"],
            each["symbol"],
            formats.count(each["bars"]),
            formats.percent(each["share"], 2),
            each["first"],
            "yes" if each["shakes"] else "no",
            each["means"],
        ]
        for each in found
    ]
    head = ["", "symbol", "bars", "share", "first bar", "can change the verdict", "what it means"]
    return [
        Table(
            head,
            body,
            "What was found in the bars.",
            "By the reader of the bars, and by what no exchange can do.",
            prose=True,
        )
    ]


def quality(results: ReportData, predictions: pd.DataFrame, difficulty: Sequence[Mapping[str, Any]] = ()) -> Section:
    """The model beside every baseline, on the same rows."""
    size = len(results.classes)
    accuracy = [
        Reference(0.5, "chance")
        if size == 2
        else Reference(
            max(results.get(f"test/class_share/{name}") or 1 / size for name in results.classes), "commonest label"
        )
    ]
    bayes = results.get("bayes/accuracy")
    if bayes is not None:
        accuracy.append(Reference(bayes, "best possible", "bayes"))
    coin = [Reference(0.5, "chance")]
    ranking = ["auroc"] if results.kind == "recognition" else ["auroc_direction", "auroc_move"][: size - 1]
    plots = [_comparison(results, "accuracy", accuracy, formats.percent), _versus(results)]
    plots += [_comparison(results, metric, coin, formats.number) for metric in ranking]
    if size > 2:
        plots.append(_comparison(results, "balanced_accuracy", [Reference(1 / size, "chance")], formats.percent))
    plots += [
        _stability(results, predictions) if results.kind == "forecast" else None,
        figures.by_difficulty(difficulty, 1 / size),
    ]
    lead = "All answers are to the same test rows. The bar around each dot is the 95 % interval, widened for overlapping labels."
    if bayes is not None:
        lead += f" The market is simulated: in the long run nobody is right more often than {formats.percent(bayes)}."
    return Section(
        "Model and baselines",
        lead,
        figures=[plot for plot in plots if plot],
        tables=[table for table in [_quality_table(results)] if table.rows],
    )


NOTES = {
    "accuracy": "How often the answer was right.",
    "balanced_accuracy": "The mean over the classes, so that the common ones do not hide the rare.",
    "auroc": "How well the scores rank the classes; 0.5 is a coin.",
    "auroc_direction": "Up told from down among the bars that moved; 0.5 is a coin. Only this is about direction.",
    "auroc_move": "Moves told from calm: knowing the volatility, not the direction.",
}


def _comparison(results: ReportData, metric: str, references: Sequence[Reference], words: Words) -> Figure | None:
    """Dots with intervals of one metric; None when the model has no such score."""
    if results.get(f"test/{metric}") is None:
        return None
    named = [("this model", f"test/{metric}", "model")] + [
        (name, f"baseline/{name}/{metric}", "base") for name in results.baselines
    ]
    rows = [
        Estimate(
            name.replace("_", " "), results.known(key), results.get(f"{key}_low"), results.get(f"{key}_high"), kind
        )
        for name, key, kind in named
        if results.get(key) is not None
    ]
    title = QUALITY[metric][0]
    return figures.comparison_figure(
        rows, references, title=title[0].upper() + title[1:], note=NOTES[metric], axis=title, words=words
    )


def _versus(results: ReportData) -> Figure | None:
    """The model minus each baseline, row by row, by what the verdict compares; None without such differences."""
    measure, words = measure_of(results.kind), formats.points if results.kind == "recognition" else formats.signed
    named = [(name.replace("_", " "), f"versus/{name}/{measure}") for name in results.baselines]
    rows = [
        Estimate(name, results.known(key), results.get(f"{key}_low"), results.get(f"{key}_high"), "model")
        for name, key in named
        if results.get(key) is not None
    ]
    if not rows:
        return None
    note = "Right of the line the model is better; a bar that touches the line shows no difference."
    title = QUALITY[measure][0]
    return figures.comparison_figure(
        rows,
        [Reference(0.0, "as good", "zero")],
        title="This model minus …",
        note=f"Difference in {title} on the same rows. {note}",
        axis=f"difference in {title}",
        words=words,
    )


def _quality_table(results: ReportData) -> Table:
    """One row per model, one column per metric that anybody has."""
    two = len(results.classes) == 2 or results.kind == "recognition"
    shown = {name: words for name, words in QUALITY.items() if not (two and name in ("auroc_direction", "auroc_move"))}
    return side_by_side(
        results, shown, formats.interval, "All scores.", "The model and the baselines on the test rows."
    )


def side_by_side(
    results: ReportData, shown: Mapping[str, tuple[str, Words]], interval: Callable[..., str], title: str, note: str
) -> Table:
    """The model and all who have any of these scores, the first score with its 95 % interval."""
    sources = {"this model": "test/"} | {name.replace("_", " "): f"baseline/{name}/" for name in results.baselines}
    have = [name for name in shown if any(results.get(source + name) is not None for source in sources.values())]
    rows = []
    for model, source in sources.items():
        cells = [shown[name][1](results.get(source + name)) for name in have]
        if any(cell != formats.DASH for cell in cells):
            ends = [results.get(f"{source}{have[0]}_{end}") for end in ("low", "high")]
            rows.append([model, cells[0], interval(*ends) or formats.DASH, *cells[1:]])
    head = [shown[name][0] for name in have]
    return Table(["", *head[:1], "95 %", *head[1:]], rows, title, note, marked=(0,))


def errors(results: ReportData, curves: Mapping[str, Any], predictions: pd.DataFrame) -> Section:
    """Which classes are confused, whether confidence means anything, and precision and recall per class."""
    plots, tables = [], []
    matrix = np.array(curves.get("confusion", {}).get("counts", []))
    if matrix.sum():
        plots.append(figures.confusion_figure(matrix, results.classes))
        told, true = matrix.sum(axis=0), matrix.sum(axis=1)
        rates = [
            [formats.percent(results.get(f"test/{rate}/{name}")) for rate in ("precision", "recall", "f1")]
            for name in results.classes
        ]
        sides = results.card.get("directions") or {}
        body = [
            [
                name.replace("_", " "),
                *([sides[name]] if sides else []),
                *rates[place],
                formats.count(true[place]),
                formats.count(told[place]),
            ]
            for place, name in enumerate(results.classes)
        ]
        side = ["textbooks expect"] if sides else []
        tables.append(Table(["class", *side, "precision", "recall", "F1", "true cases", "answered"], body))
    confidence, hit, _ = _net_rows(results, predictions)
    if len(hit):
        plots.append(figures.reliability(*_bins(confidence, hit)))
    return Section("Where it errs", figures=plots, tables=tables)


def _net_rows(results: ReportData, predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence, whether right, and time of the model's labelled test rows; (n,) each."""
    rows = predictions[(predictions["model"] == "net") & (predictions["split"] == "test") & (predictions["label"] >= 0)]
    p = rows[[f"p_{place}" for place in range(len(results.classes))]].to_numpy(float)
    return p.max(axis=1), p.argmax(axis=1) == rows["label"].to_numpy(), rows["time"].to_numpy(float)


def _bins(confidence: np.ndarray, hit: np.ndarray, count: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean confidence, share right and number of rows in `count` groups of equally many rows."""
    parts = [part for part in np.array_split(np.argsort(confidence, kind="stable"), count) if len(part)]
    sure, right = (np.array([column[part].mean() for part in parts]) for column in (confidence, hit))
    return sure, right, np.array([len(part) for part in parts])


def _stability(results: ReportData, predictions: pd.DataFrame, stretches: int = 12) -> Figure | None:
    """Accuracy in twelve equally long stretches of the test period, with intervals from the effective size."""
    _, hit, time = _net_rows(results, predictions)
    if len(hit) < 20 * stretches:
        return None
    part = np.minimum((stretches * (time - time.min()) / max(np.ptp(time), 1)).astype(int), stretches - 1)
    shrink = (results.get("test/n_eff") or len(hit)) / len(hit)
    found = [
        (
            time[part == k].mean(),
            hit[part == k].mean(),
            *wilson(hit[part == k].mean(), shrink * (part == k).sum(), 0.95),
        )
        for k in range(stretches)
        if (part == k).sum() >= 20
    ]
    when, accuracy, low, high = (np.array(column) for column in zip(*found, strict=True))
    return figures.over_time(
        when,
        accuracy,
        low,
        high,
        [Reference(float(hit.mean()), "mean")],
        title="Over time",
        note="Accuracy by stretch of the test period; dashed: the mean. An edge that lives in one stretch is luck or a regime.",
    )


def charts(pictures: Sequence[tuple[np.ndarray, Mapping[str, Any]]]) -> Section:
    """Charts the model got right and wrong; captions hold label, answer, and optionally confidence, symbol, time (ms UTC)."""
    made = [_chart(image, caption) for image, caption in pictures]
    groups = [
        Gallery("Right", [chart for chart in made if chart.right]),
        Gallery("Wrong", [chart for chart in made if not chart.right]),
    ]
    return Section(
        "What it saw",
        "Test charts exactly as the model received them.",
        galleries=[group for group in groups if group.charts],
    )


def explained(maps: Mapping[str, Any]) -> Section:
    """Heat maps of the trained net above those of one that learnt nothing; empty without maps."""
    lead = "Red: what spoke for the answer (Grad-CAM, element-wise). Below, the same net with random weights: where both look alike, "
    lead += f"the map shows the picture and not what was learnt. Their mean rank correlation is {formats.signed(maps.get('likeness', 0.0))}."
    titles = {"learnt": "Trained", "random": "Random weights, for comparison"}
    groups = [
        Gallery(title, [_chart(*pair) for pair in maps[name]]) for name, title in titles.items() if maps.get(name)
    ]
    return Section("Where it looked", lead, galleries=groups)


def _chart(image: np.ndarray, caption: Mapping[str, Any]) -> AnsweredChart:
    """One picture with its caption in words."""
    label, answer = (str(caption[name]).replace("_", " ") for name in ("label", "answer"))
    right = label == answer
    confidence = caption.get("confidence")
    lines = [] if right else [f"was {label}"]
    when = caption.get("time")
    stamp = "" if when is None else str(np.datetime64(int(when), "ms"))[:16].replace("T", " ")
    lines.append(" ".join(part for part in (str(caption.get("symbol", "")), stamp) if part))
    lines += [f"words that spoke for it: {caption['words']}"] if caption.get("words") else []
    side = f" ({caption['direction']})" if caption.get("direction") else ""
    title = (
        f"{answer}{side}"
        if formats.is_missing(confidence)
        else f"{answer}{side}, {formats.percent(confidence, 0)} sure"
    )
    return AnsweredChart(
        png_uri(image), image.shape[2], image.shape[1], title, tuple(line for line in lines if line), right
    )


def training_section(results: ReportData, rows: Sequence[Mapping[str, float]]) -> Section:
    """Loss and metrics per epoch; nothing without rows."""
    if not rows:
        return Section("Training")
    epoch, columns = by_epoch(rows)
    shown = [
        ("loss", "Loss", formats.number),
        ("accuracy", "Accuracy", formats.percent),
        ("auroc", "AUROC", formats.number),
    ]
    plots = []
    for name, title, words in shown:
        curves = [
            (kind, word, columns[f"{split}/{name}"])
            for split, word, kind in (("train", "training", "base"), ("val", "validation", "model"))
            if f"{split}/{name}" in columns
        ]
        if curves and len(epoch) > 1:
            plots.append(figures.training_figure(epoch, curves, title=title, note="", words=words))
    facts = [
        ("epochs", formats.count(results.get("fit/epochs"))),
        ("time", formats.seconds(results.get("fit/seconds"))),
        ("time of an epoch", formats.seconds(results.get("fit/epoch_seconds"))),
        ("samples per second", formats.short(results.get("fit/samples_per_second"))),
        ("peak memory", formats.megabytes(results.get("fit/peak_memory_mb"))),
        ("parameters", formats.short(results.get("net/parameters"))),
        ("operations per window", operations(results.get("net/parameters"), results.get("net/flops"))),
    ]
    return Section("Training", facts=[fact for fact in facts if not fact[1].startswith(formats.DASH)], figures=plots)


def operations(parameters: float | None, flops: float | None) -> str:
    """The FLOPs of one answer; said to be uncounted where a net has a layer that nobody counts."""
    return "not counted" if flops is None and parameters is not None else formats.short(flops)


def by_epoch(rows: Sequence[Mapping[str, float]]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Epochs counted from 1 (E,), as the progress counts them, and per column the last value written in each epoch (E,), NaN where none was."""
    epochs = sorted({int(row["epoch"]) for row in rows})
    columns: dict[str, np.ndarray] = {}
    for row in rows:
        place = epochs.index(int(row["epoch"]))
        for name, value in row.items():
            if "/" in name:
                columns.setdefault(name, np.full(len(epochs), np.nan))[place] = value
    return np.array(epochs, dtype=float) + 1, columns


def provenance(entries: Mapping[str, Any]) -> Section:
    """Where every number came from: commit, versions, data hash, machine."""
    told = {name: value for name, value in entries.items() if value not in ((), [], {}, "")}
    rows = [[str(name).replace("_", " "), formats.as_text(value)] for name, value in told.items()]
    return Section("Provenance", tables=[Table((), rows, prose=True)] if rows else [])
