"""The parts of a study's report, each made from the leaderboard and the runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from candlelab.evaluate import compare
from candlelab.evaluate.leaderboard import Entry, data_set, decisive
from candlelab.evaluate.pairs import Deflated, Pair
from candlelab.report import formats, study_figures
from candlelab.report.figures import Estimate, Figure, Reference, comparison_figure
from candlelab.report.page import Section, Table
from candlelab.report.results import QUALITY
from candlelab.report.sections import NOTES, by_epoch, operations
from candlelab.report.svg import value_range

HEAT = ("accuracy", "balanced_accuracy", "f1_macro", "auroc", "auroc_direction", "auprc", "mcc", "brier", "ece")


@dataclass(frozen=True)
class Cost:
    """Something a model takes, and how to say it."""

    metric: str
    title: str
    note: str
    words: Any


COSTS = (
    Cost("fit/seconds", "Training time", "From the first step to the last.", formats.seconds),
    Cost("fit/peak_memory_mb", "Peak memory", "The highest point while training.", formats.megabytes),
    Cost("latency/p50_ms", "Latency", "One chart at a time, median.", formats.milliseconds),
    Cost("fit/samples_per_second", "Speed", "Charts per second in training; longer is better.", formats.short),
)


def trained(entries: Sequence[Entry]) -> list[Entry]:
    """Models and controls: what was trained in this study."""
    return [entry for entry in entries if entry.role != "baseline"]


def _estimate(entry: Entry, metric: str) -> Estimate:
    spread = entry.values[metric]
    return Estimate(
        entry.name,
        spread.mean,
        spread.low,
        spread.high,
        "model" if entry.role == "model" else "second" if entry.role == "control" else "base",
    )


# Columns of the leaderboard after the name: heading and cell.
COLUMNS: dict[str, Callable[[Entry], str]] = {
    "role": lambda entry: entry.role,
    "accuracy": lambda entry: formats.percent(entry.get("accuracy")),
    "95 %": lambda entry: formats.interval(entry.values["accuracy"].low, entry.values["accuracy"].high) or formats.DASH,
    "± SD of seeds": lambda entry: formats.percent(entry.values["accuracy"].sd),
    "AUROC up or down": lambda entry: formats.number(entry.get("auroc_direction")),
    "95 % of it": lambda entry: _ends(entry, "auroc_direction"),
    "balanced": lambda entry: formats.percent(entry.get("balanced_accuracy")),
    "AUROC": lambda entry: formats.number(entry.get("auroc")),
    "macro-F1": lambda entry: formats.number(entry.get("f1_macro")),
    "MCC": lambda entry: formats.number(entry.get("mcc")),
    "Annualised Sharpe": lambda entry: formats.number(entry.get("sharpe_net_annual"), 2),
    "deflated": lambda entry: formats.percent(entry.get("deflated_sharpe")),
    "parameters": lambda entry: formats.short(entry.get("net/parameters")),
    "FLOPs": lambda entry: operations(entry.get("net/parameters"), entry.get("net/flops")),
    "epoch": lambda entry: formats.seconds(entry.get("fit/epoch_seconds")),
    "training": lambda entry: formats.seconds(entry.get("fit/seconds")),
    "memory": lambda entry: formats.megabytes(entry.get("fit/peak_memory_mb")),
    "latency": lambda entry: formats.milliseconds(entry.get("latency/p50_ms")),
    "weights": lambda entry: _weights(entry),
}


def _ends(entry: Entry, metric: str) -> str:
    """The interval of a metric; a dash where it was not measured."""
    spread = entry.values.get(metric)
    if spread is None or spread.low is None:
        return formats.DASH
    return f"{formats.number(spread.low)} to {formats.number(spread.high)}"


def board(entries: Sequence[Entry]) -> Table:
    """The leaderboard: everything on the same rows, best first by what the verdict goes by; columns that nobody measured are left out."""
    seeds, sets = max(entry.seeds for entry in entries), max(entry.data for entry in entries)
    cells = {name: [cell(entry) for entry in entries] for name, cell in COLUMNS.items()}
    cells = {name: column for name, column in cells.items() if set(column) != {formats.DASH}}
    body = [list(row) for row in zip([entry.name for entry in entries], *cells.values(), strict=True)]
    note = f"Mean of {seeds} seeds. " if seeds > 1 else ""
    note += f"Mean of {sets} data sets with equal weight. " if sets > 1 else ""
    if "deflated" in cells:
        note += "Deflated: the probability that the Sharpe ratio is above the luckiest of all trials without skill. "
    note += "Controls and baselines stand among the models because a model that does not beat them was not needed."
    best = [place for place, entry in enumerate(entries) if entry.role == "model"][:1]
    return Table(["", *cells], body, "Leaderboard.", note, tuple(best))


def _weights(entry: Entry) -> str:
    """Where the weights began, never left unsaid."""
    if entry.role == "baseline":
        return formats.DASH
    return {True: "pretrained", False: "random", None: "random"}.get(entry.pretrained, str(entry.pretrained))


def scores(entries: Sequence[Entry], chance: float, bayes: float | None) -> Section:
    """Who is right how often, and how sure that is."""
    references = [Reference(chance, "chance")]
    references += [Reference(bayes, "best possible", "bayes")] if bayes is not None else []
    plots = [
        comparison_figure(
            [_estimate(entry, "accuracy") for entry in entries],
            references,
            title="Accuracy",
            note="Dot: mean. Bar: 95 % interval from the effective number of test rows.",
            axis="accuracy",
            words=formats.percent,
        )
    ]
    told = any(entry.get("auroc_direction") is not None for entry in entries)
    area = "auroc_direction" if told else "auroc"
    ranked = sorted((entry for entry in entries if entry.get(area) is not None), key=lambda entry: -entry.known(area))
    if ranked:
        plots.append(
            comparison_figure(
                [_estimate(entry, area) for entry in ranked],
                [Reference(0.5, "chance")],
                title=QUALITY[area][0],
                note=NOTES[area],
                axis=QUALITY[area][0],
                words=formats.number,
            )
        )
    legend = "Blue: models. Purple: small controls. Grey: baselines that need no training on pictures."
    return Section("Leaderboard", legend, figures=plots, tables=[board(entries)])


def sizes(entries: Sequence[Entry], chance: float) -> Section:
    """What more parameters, time and memory bought."""
    nets = trained(entries)
    plots = [_against(nets, chance, "net/parameters", "size", "parameters", formats.short)]
    plots.append(_against(nets, chance, "fit/seconds", "time", "training time", formats.seconds))
    for cost in COSTS:
        known = [(entry.name, entry.known(cost.metric)) for entry in nets if entry.get(cost.metric) is not None]
        plots.append(_bars(sorted(known, key=lambda pair: pair[1]), cost.title, cost.note, cost.words))
    worth = {entry.name: value for entry in nets if (value := _efficiency(entry)) is not None}
    known = sorted(worth.items(), key=lambda pair: -pair[1])
    note = "Accuracy ÷ (million parameters + seconds of training + 1); longer is better."
    plots.append(_bars(known, "Efficiency", note, lambda value: formats.number(value, 4)))
    return Section("What it costs", figures=[plot for plot in plots if plot])


def _against(nets: Sequence[Entry], chance: float, metric: str, title: str, across: str, words: Any) -> Figure | None:
    """Accuracy against a cost; None where nobody measured it."""
    points = [(entry.known(metric), _estimate(entry, "accuracy")) for entry in nets if (entry.get(metric) or 0) > 0]
    reference, note = [Reference(chance, "chance")], "Is the dearer model the better one?"
    title = f"Accuracy and {title}"
    return (
        study_figures.scatter(points, reference, title=title, note=note, across=across, words_x=words)
        if points
        else None
    )


def _bars(known: Sequence[tuple[str, float]], title: str, note: str, words: Any) -> Figure | None:
    """Bars, or None without any."""
    return study_figures.bars(known, title=title, note=note, words=words) if known else None


def _efficiency(entry: Entry) -> float | None:
    """HF Benchmark's efficiency; None when size or time was not measured."""
    accuracy, parameters, seconds = (entry.get(name) for name in ("accuracy", "net/parameters", "fit/seconds"))
    if accuracy is None or parameters is None or seconds is None:
        return None
    return accuracy / (parameters / 1e6 + seconds + 1)


def months_section(rows: Sequence[Mapping[str, Any]]) -> Section:
    """Accuracy in each test period, one line per run; rows as `months` of `write_study_report`."""
    names = sorted({row["month"] for row in rows})
    lines: dict[tuple[Any, ...], dict[str, float | None]] = {}
    for row in rows:
        lines.setdefault((row["model"], row.get("data"), row.get("seed")), {})[row["month"]] = row["metrics"].get(
            "test/accuracy"
        )
    seeds = len({row.get("seed") for row in rows}) > 1
    body = [
        [
            f"{model}{f', seed {seed}' if seeds else ''}",
            str(data),
            *(formats.percent(found.get(name)) for name in names),
        ]
        for (model, data, seed), found in lines.items()
    ]
    lead = "Accuracy in each month, at the threshold and with the weights of the run. Months that differ more than their rows explain are regimes."
    return Section("Test months", lead, tables=[Table(["", "data", *names], body)] if body else [])


def heat_table(entries: Sequence[Entry]) -> Section:
    """Every metric of every model; ink by place in the column."""
    metrics = [metric for metric in HEAT if any(entry.get(metric) is not None for entry in entries)]
    columns = {metric: [entry.get(metric) for entry in entries] for metric in metrics}
    body = [
        [entry.name, *(_heat_cell(metric, entry.get(metric), columns[metric]) for metric in metrics)]
        for entry in entries
    ]
    return Section(
        "All metrics",
        "The darker, the better within its column. Neighbouring shades are rarely a real difference: look for intervals above.",
        tables=[Table(["", *(QUALITY[metric][0] for metric in metrics)], body)],
    )


def _heat_cell(metric: str, value: float | None, column: Sequence[float | None]) -> str:
    """A number on a ground as dark as it is good; losses count downwards."""
    if value is None:
        return formats.DASH
    known = [other for other in column if other is not None]
    low, high = min(known), max(known)
    share = (value - low) / (high - low) if high > low else 0.5
    share = 1 - share if metric in ("brier", "ece") else share
    return Markup('<span class="heat" style="--share:{:.2f}">{}</span>').format(share, QUALITY[metric][1](value))


def histories(runs: Sequence[tuple[str, Sequence[Mapping[str, float]]]]) -> Section:
    """Loss per epoch, one small picture per model on one scale; runs = (model, rows of its epochs)."""
    read = {name: by_epoch(rows) for name, rows in runs if rows}
    curves = {name: made for name, made in read.items() if len(made[0]) > 1 and "val/loss" in made[1]}
    if not curves:
        return Section("Training")
    losses = np.concatenate(
        [columns[key] for _, columns in curves.values() for key in ("train/loss", "val/loss") if key in columns]
    )
    limits = value_range(np.clip(losses, None, 4 * np.nanmedian(losses)), least=1e-3)
    last = max(float(epoch[-1]) for epoch, _ in curves.values())
    plots = []
    for name, (epoch, columns) in curves.items():
        others = [(times, table["val/loss"]) for other, (times, table) in curves.items() if other != name]
        plots.append(
            study_figures.history(
                name,
                epoch,
                columns.get("train/loss", np.full(len(epoch), np.nan)),
                columns["val/loss"],
                others,
                limits,
                last,
            )
        )
    return Section(
        "Training",
        "Loss per epoch: grey in training, blue on validation, the other models pale behind.",
        figures=plots,
        dense=True,
    )


def comparisons(pairs: Sequence[Pair], names: Sequence[str], measure: str) -> Section:
    """Row minus column in percentage points of what the verdict goes by; bold where the difference survives Holm."""
    by_name = {(pair.first, pair.second): (pair.value, pair) for pair in pairs} | {
        (pair.second, pair.first): (-pair.value, pair) for pair in pairs
    }
    names = [name for name in names if any(name in key for key in by_name)]
    body = [[row, *(_difference(by_name.get((row, column))) for column in names)] for row in names]
    name = QUALITY[measure][0]
    note = f"{name[:1].upper()}{name[1:]} of the row minus that of the column, in percentage points, on the same test rows. "
    note += f"Bold: p < 0.05 after Holm's correction ({len(pairs)} compared). Hover for interval and p."
    return Section("Paired comparisons", figures=[], tables=[Table(["", *names], body, "", note)] if body else [])


def _difference(found: tuple[float, Pair] | None) -> str:
    """A difference in percentage points with everything else in its tooltip."""
    if found is None:
        return ""
    value, pair = found
    sign = 1 if value == pair.value else -1
    low, high = sorted((sign * pair.low, sign * pair.high))
    note = f"{formats.points(low)} to {formats.points(high)}, p = {pair.p_value:.3g}, after Holm {pair.adjusted:.3g}"
    return Markup('<span class="{}" title="{}">{}</span>').format(
        "sure" if pair.adjusted < 0.05 else "unsure", note, ("+" if value > 0 else "") + formats.number(100 * value, 1)
    )


def ranks(rows: Sequence[Mapping[str, Any]]) -> Section:
    """Mean ranks over data sets with the critical difference; nothing below two complete data sets."""
    scores: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        value = row.get("metrics", {}).get(f"test/{decisive(rows)}")
        if row.get("state", "finished") == "finished" and not formats.is_missing(value):
            scores.setdefault((row["model"], data_set(row)), []).append(value)
    models, sets = (list(dict.fromkeys(key[place] for key in scores)) for place in (0, 1))
    complete = [name for name in sets if all((model, name) in scores for model in models)]
    if len(complete) < 2 or len(models) < 2:
        return Section("Ranks over data sets")
    table = np.array([[np.mean(scores[model, name]) for model in models] for name in complete])
    difference = compare.critical_difference(len(models), len(complete))
    p_value = compare.friedman(table)
    lead = f"{len(complete)} data sets that every model finished. " + (
        "" if np.isnan(p_value) else f"Friedman's test that all rank alike: p = {p_value:.3g}."
    )
    return Section(
        "Ranks over data sets",
        lead,
        figures=[study_figures.critical_difference_figure(models, compare.mean_ranks(table).tolist(), difference)],
    )


def luck_section(found: Deflated | None) -> Section:
    """The best Sharpe ratio after counting how often one looked."""
    if found is None:
        return Section("Best of many")
    facts = [
        ("best net Sharpe per bar", f"{formats.number(found.sharpe, 4)} ({found.name})"),
        ("trials counted, failures too", formats.count(found.trials)),
        ("probability that it is above zero", formats.percent(found.above_zero)),
        ("… above the luckiest of all trials", formats.percent(found.above_luck)),
    ]
    if found.effective is not None:
        facts += [
            ("trials if correlated ones count less", formats.number(found.effective, 1)),
            ("… above the luckiest of those", formats.percent(found.above_luck_effective)),
        ]
    if np.isfinite(found.needed):
        facts += [
            ("years of its record", formats.number(found.years, 1)),
            ("years before so many trials would not show it by luck", formats.number(found.needed, 1)),
        ]
    if found.overfit is not None:
        facts.append(("probability of backtest overfitting", formats.percent(found.overfit)))
    return Section(
        "Best of many",
        "The best of many trials looks good by luck alone. Deflated Sharpe ratio: below 95 % it is no evidence.",
        facts=facts,
    )


def failures(rows: Sequence[Mapping[str, Any]]) -> Section:
    """Runs that did not finish, each with its reason."""
    body = [
        [
            str(row.get("model")),
            str(row.get("data", "")),
            formats.as_text(row.get("seed")),
            str(row.get("reason") or "no reason was recorded"),
        ]
        for row in rows
        if row.get("state", "finished") != "finished"
    ]
    return Section(
        "Failed",
        "They count as trials all the same.",
        tables=[Table(["model", "data", "seed", "reason"], body, prose=True)] if body else [],
    )
