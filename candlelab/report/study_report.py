"""The report of a study: leaderboard as csv, markdown and one HTML file, with what may and may not be concluded."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from candlelab.core.errors import UserError
from candlelab.evaluate import pairs
from candlelab.evaluate.image_or_numbers import Decomposition
from candlelab.evaluate.leaderboard import Entry, data_set, decisive, gather_entries
from candlelab.evaluate.luck import Luck
from candlelab.evaluate.pairs import Pair
from candlelab.evaluate.sensitivity import Sensitivity
from candlelab.evaluate.study_verdict import StudyVerdict
from candlelab.report import formats, study_sections, study_verdicts
from candlelab.report.board_files import write_csv, write_markdown
from candlelab.report.page import write_page
from candlelab.report.results import QUALITY

NO_LADDERS: Mapping[str, Decomposition] = MappingProxyType({})
BEST = (
    ("best at up against down (AUROC)", "auroc_direction", max, None, formats.number),
    ("most often right", "accuracy", max, None, formats.percent),
    ("most often right below 10 M parameters", "accuracy", max, 10e6, formats.percent),
    ("fastest to train", "fit/seconds", min, None, formats.seconds),
    ("least memory", "fit/peak_memory_mb", min, None, formats.megabytes),
    ("lowest latency", "latency/p50_ms", min, None, formats.milliseconds),
)


def write_study_report(
    folder: Path | str,
    *,
    rows: Sequence[Mapping[str, Any]],
    predictions_by_run: Mapping[str, pd.DataFrame],
    logs: Mapping[str, Sequence[Mapping[str, float]]] | None = None,
    title: str | None = None,
    about: Mapping[str, Any] | None = None,
    months: Sequence[Mapping[str, Any]] = (),
    verdicts: Sequence[StudyVerdict] = (),
    ladders: Mapping[str, Decomposition] = NO_LADDERS,
    luck: Sequence[Luck] = (),
    edges: Sequence[Sensitivity] = (),
) -> Path:
    """The path of report.html; leaderboard.csv and leaderboard.md lie beside it.

    rows      one mapping per run: run, model, role (model or control), data (name of the data set), seed, kind, horizon,
              interval, classes (number), state (finished or failed), reason, pretrained; coin, experiment, window,
              period, month for the csv where known; metrics = the run's metrics.json (empty for a failed run).
    predictions_by_run  run -> predictions table; runs without one are left out of the paired comparisons.
    logs      run -> one mapping per epoch, column -> value.
    about     further facts shown at the top: machine, budget, dates.
    months    rows like these of single test periods; their runs stand in `rows` with all periods pooled.
    verdicts  of each model over all its folds and seeds; they stand first.
    ladders   data set -> which part of the picture carries the gain there.
    luck      where the study's best lies among the best of worlds without an edge, by measure.
    edges     which planted edges its models found.
    Raises UserError when no run has finished.
    """
    folder = Path(folder)
    rows = _with_luck(rows)
    write_csv(folder / "leaderboard.csv", rows, months)
    entries = gather_entries(rows)
    if not study_sections.trained(entries):
        raise UserError(
            f"no run of this study has finished, so there is nothing to compare: see the reasons in {folder / 'leaderboard.csv'}"
        )
    sets = pairs.shared_answers(rows, predictions_by_run, _best_baseline(rows))
    found = pairs.paired(sets)
    headline, sentence = _conclusion(entries, found, decisive(rows), _chance(rows))
    board, name = study_sections.board(entries), title or folder.name
    write_markdown(folder / "leaderboard.md", name, f"{headline}. {sentence}", board.head, board.rows)
    recognition = all(row.get("kind") == "recognition" for row in rows)
    deflated = None if recognition else pairs.deflate(rows, _tried(rows), sets)
    first, last = study_verdicts.first_sections(verdicts, luck, edges, ladders), study_sections.months_section(months)
    parts = (*first, *_sections(rows, entries, found, deflated, logs or {}), last)
    context = {
        "title": name,
        "headline": headline,
        "sentence": sentence,
        "kind": "recognition" if recognition else "forecast",
        "verdicts": [study_verdicts.verdict_box(each) for each in verdicts[: study_verdicts.BOXES]],
        "best": _best(entries),
        **_facts(rows, entries, about or {}),
        "sections": [part for part in parts if part.filled],
    }
    return write_page(folder / "report.html", "study.html.j2", context)


def _facts(
    rows: Sequence[Mapping[str, Any]], entries: Sequence[Entry], about: Mapping[str, Any]
) -> dict[str, str | list[tuple[str, str]]]:
    """How much was tried, and what else is known of the study."""
    return {
        "subtitle": _subtitle(rows, entries),
        "about": [(key, formats.as_text(value)) for key, value in about.items()],
    }


def _tried(rows: Sequence[Mapping[str, Any]]) -> int:
    """How often somebody looked: every run, and every scoring that the ledger knows."""
    return max(len(rows), *(row.get("looks", 0) for row in rows))


def _with_luck(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows with the deflated Sharpe ratio beside each Sharpe ratio, and the number of trials it counts."""
    rows = list(rows)
    for place, (deflated, trials) in pairs.deflated_each(rows).items():
        metrics = {**rows[place].get("metrics", {}), "test/deflated_sharpe": deflated}
        rows[place] = {**rows[place], "trials": trials, "metrics": metrics}
    return rows


def _sections(
    rows: Sequence[Mapping[str, Any]],
    entries: Sequence[Entry],
    found: Sequence[Pair],
    luck: Any,
    logs: Mapping[str, Sequence[Mapping[str, float]]],
) -> list[Any]:
    """All parts in reading order; some may be empty."""
    chance, bayes = (
        _chance(rows),
        [row["metrics"]["bayes/accuracy"] for row in rows if row.get("metrics", {}).get("bayes/accuracy") is not None],
    )
    chosen = {row["model"]: logs[row["run"]] for row in reversed(rows) if row["run"] in logs}
    return [
        study_sections.scores(entries, chance, max(bayes) if bayes else None),
        study_sections.comparisons(found, [entry.name for entry in entries], decisive(rows)),
        study_sections.ranks(rows),
        study_sections.luck_section(luck),
        study_sections.sizes(entries, chance),
        study_sections.heat_table(entries),
        study_sections.histories(list(chosen.items())),
        study_sections.failures(rows),
    ]


def _chance(rows: Sequence[Mapping[str, Any]]) -> float:
    """One over the number of classes."""
    return 1 / next((int(row["classes"]) for row in rows if row.get("classes")), 2)


def _best_baseline(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The baseline that is best by what the verdict goes by, averaged over the runs that have it."""
    found: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.get("metrics", {}).items():
            if name.startswith("baseline/") and name.endswith(f"/{decisive(rows)}") and not formats.is_missing(value):
                found.setdefault(name.split("/")[1], []).append(value)
    return max(found, key=lambda name: sum(found[name]) / len(found[name])) if found else None


def _conclusion(entries: Sequence[Entry], found: Sequence[Pair], measure: str, chance: float) -> tuple[str, str]:
    """What the leaderboard allows one to say about its first place, by the same score as a run's verdict."""
    nets = study_sections.trained(entries)
    first = nets[0]
    if measure not in first.values:
        return "Nothing to judge", f"No run has a score for its {QUALITY[measure][0]}."
    spread, (title, words) = first.values[measure], QUALITY[measure]
    chance = 0.5 if measure == "auroc_direction" else chance
    said = f"{first.name} has {title} {words(spread.mean)}"
    said += f" (95 % {words(spread.low)} to {words(spread.high)})" if spread.low is not None else ""
    if first.get("accuracy") is not None:
        said += f" and is right {formats.percent(first.get('accuracy'))} of the time"
    if spread.low is not None and spread.low <= chance:
        return "No model is shown to beat chance", f"{said}; chance, {words(chance)}, lies within the interval."
    if not found:
        return f"{first.name} leads", f"{said}. Without predictions on the same rows the differences were not tested."
    gaps = _gaps(first.name, found)
    better = [name for name, (gap, adjusted) in gaps.items() if gap < 0 and adjusted < 0.05]
    equal = [name for name, (_, adjusted) in gaps.items() if not adjusted < 0.05]
    controls = [entry for entry in entries if entry.role != "model"]
    simple = [entry.name for entry in controls if entry.name in better + equal or entry is first]
    sides = (("is behind", better), ("cannot be told apart from", equal))
    told = [f"{words} {_list(names)}" for words, names in sides if names]
    tied = f"on the same rows it {' and '.join(told) or f'is ahead of each of the {len(gaps)} others'} (Holm, 5 %)"
    if simple:
        return f"No model is shown to beat {(better + simple)[0]}", f"{said}; {tied}."
    return ("The differences at the top are within noise" if equal else f"{first.name} is ahead"), f"{said}; {tied}."


def _gaps(name: str, found: Sequence[Pair]) -> dict[str, tuple[float, float]]:
    """Every other model: how far `name` is ahead of it, and the adjusted p-value of that."""
    ahead = {pair.second: (pair.value, pair.adjusted) for pair in found if pair.first == name}
    return ahead | {pair.first: (-pair.value, pair.adjusted) for pair in found if pair.second == name}


def _list(names: Sequence[str]) -> str:
    """a, b and c."""
    shown = list(names[:6]) + ([f"{len(names) - 6} more"] if len(names) > 6 else [])
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]


def _best(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """Who is best by what, with the interval and a word where the next one lies inside it."""
    cards = []
    for title, metric, choose, limit, words in BEST:
        known = [
            entry
            for entry in study_sections.trained(entries)
            if entry.get(metric) is not None and (limit is None or (entry.get("net/parameters") or limit) < limit)
        ]
        if not known:
            continue
        best = choose(known, key=lambda entry: entry.known(metric))
        spread = best.values[metric]
        rivals = [
            entry.name
            for entry in known
            if entry is not best
            and spread.low is not None
            and spread.high is not None
            and spread.low <= entry.known(metric) <= spread.high
        ]
        interval = "" if spread.low is None else f"95 % {words(spread.low)} to {words(spread.high)}"
        cards.append(
            {
                "title": title,
                "name": best.name,
                "value": words(spread.mean),
                "interval": interval,
                "note": f"inside this interval too: {_list(rivals)}" if rivals else "",
            }
        )
    return cards


def _subtitle(rows: Sequence[Mapping[str, Any]], entries: Sequence[Entry]) -> str:
    """How much was tried."""
    failed = sum(row.get("state", "finished") != "finished" for row in rows)
    parts = [
        (len(rows), "run"),
        (len(study_sections.trained(entries)), "model"),
        (len({data_set(row) for row in rows if row.get("state", "finished") == "finished"}), "data set"),
        (len({row.get("seed") for row in rows}), "seed"),
    ]
    return " · ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in parts) + (
        f" · {failed} failed" if failed else ""
    )
