"""The verdict of a study on its page: the three answers of each model over all folds and seeds, their spread, and regimes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from candlelab.evaluate import luck
from candlelab.evaluate.image_or_numbers import Decomposition, Step
from candlelab.evaluate.luck import Luck
from candlelab.evaluate.sensitivity import POWER, Sensitivity
from candlelab.evaluate.study_verdict import StudyVerdict
from candlelab.evaluate.verdict import Answer, measure_of
from candlelab.report import formats
from candlelab.report.figures import Estimate, Figure, Reference, comparison_figure
from candlelab.report.page import Section, Table
from candlelab.report.results import QUALITY
from candlelab.report.svg import Panel, labelled, ticks, value_range

BOXES = 3  # models whose answers stand in full at the head of the page; the table has all
REGIMES = 6  # models whose regimes are drawn


def verdict_box(found: StudyVerdict) -> dict[str, Any]:
    """What the head of the page shows of one model."""
    every = [found.verdict.information, found.verdict.beyond_baseline, found.verdict.money]
    missing = "; ".join(found.verdict.suspicions or found.verdict.missing_for_trust)
    last = f"{'Suspect' if found.verdict.suspicions else 'Missing for trust'}: {missing}." if missing else ""
    return {
        "name": found.name,
        "tried": f"{found.tried.words()}, {formats.count(found.means.get('test/n') or 0)} test rows",
        "answers": [
            {"question": a.question, "answer": a.answer, "sentence": a.sentence} for a in every if a is not None
        ],
        "rest": f"{found.verdict.smallest_edge} {last}".strip(),
    }


def first_sections(
    found: Sequence[StudyVerdict],
    lucky: Sequence[Luck],
    edges: Sequence[Sensitivity],
    ladders: Mapping[str, Decomposition],
) -> list[Section]:
    """What stands before the leaderboard: verdicts, how lucky the best was, what could have been found, what a ladder shows."""
    ladder = [ladder_section(*each) for each in ladders.items()]
    return [verdicts_section(found), luck_worlds(lucky), edges_section(edges), *ladder]


def edges_section(found: Sequence[Sensitivity]) -> Section:
    """What could have been found? Detection rate of planted edges, and the smallest that the rows could show."""
    lead = " ".join(each.sentence() for each in found)
    head = ["model", "rule", "limit of detection", "the rows could show", "found at each size"]
    body = [
        [
            each.model,
            each.rule,
            formats.DASH if each.limit is None else formats.number(0.5 + each.limit),
            formats.number(0.5 + each.smallest),
            ", ".join(f"{a} of {b} at {0.5 + size:.3f}" for a, b, size in zip(each.found, each.worlds, each.sizes)),
        ]
        for each in found
    ]
    table = Table(head, body, "AUROC of somebody who knows the planted rule, found with 80 % power.")
    return Section(
        "What could have been found?", lead, figures=[_curve(each) for each in found], tables=[table] if found else []
    )


def _curve(found: Sensitivity) -> Figure:
    """Detection rate against size: dots, the fitted curve, and what the rows could show."""
    most = 1.05 * max(*found.sizes, found.smallest)
    panel = Panel((0, most), (0, 1.05), f"detection of {found.rule}", height=240)
    panel.left_axis(labelled(ticks(0, 1, 5), formats.percent, scale=100))
    panel.bottom_axis(labelled(ticks(0, most, 5), formats.number), "AUROC above one half of who knows the rule")
    size = np.linspace(0, most, 120)
    panel.line(size, found.curve.rate(size), "model", "fitted")
    panel.stroke(0, POWER, most, POWER, "chance")
    panel.stroke(found.smallest, 0, found.smallest, 1, "bayes")
    panel.text(found.smallest, 1.0, "the rows could show", kind="small", dx=4)
    for each, hits, worlds in zip(found.sizes, found.found, found.worlds):
        panel.dot(each, hits / worlds, "model", f"{hits} of {worlds} at {each:.3f}")
    note = "Dots: share of worlds in which the verdict said yes. Dashed: 80 % power, where the curve crosses it is the limit of detection."
    return Figure(f"{found.model}: {found.rule}", note, panel.svg())


def luck_worlds(found: Sequence[Luck]) -> Section:
    """How lucky? The best of the study among the best of worlds without an edge."""
    lead = " ".join(each.sentence() for each in found)
    return Section("How lucky?", lead, figures=[_worlds(each) for each in found])


def _worlds(found: Luck) -> Figure:
    """A mark for the best of each world, a dot for the study's."""
    panel = Panel(
        value_range([*found.worlds, found.score, 0.0], pad=0.08, least=1.0),
        (0, 1),
        f"best {luck.SPOKEN[found.measure]} of the study and of its worlds",
        height=120,
        bottom=44,
        top=8,
    )
    panel.bottom_axis(labelled(ticks(*panel.x, 6), formats.number), "standard errors from nothing")
    for world in found.worlds:
        panel.stroke(world, 0.25, world, 0.75, "interval-base")
    panel.dot(found.score, 0.5, "model", f"{found.model}: {found.score:.2f}")
    note = f"Grey: the best of each of {len(found.worlds)} worlds without an edge. Blue: the best of this study, p = {found.p_value:.3f}."
    title = luck.SPOKEN[found.measure]
    return Figure(title[:1].upper() + title[1:], note, panel.svg())


def verdicts_section(found: Sequence[StudyVerdict]) -> Section:
    """All verdicts as a table, the spread of seeds and paths, and the regimes of each model."""
    if not found:
        return Section("Verdict")
    kinds = {each.verdict.kind for each in found}
    spread = [figure for kind in sorted(kinds) if (figure := _spread([e for e in found if e.verdict.kind == kind]))]
    regimes = [figure for each in found[:REGIMES] if (figure := regimes_figure(each))]
    lead = "Folds joined into one record of test rows; seeds and paths averaged with their intervals, never the best of them."
    return Section("Verdict", lead, figures=[*spread, *regimes], tables=[_table(found)])


def _table(found: Sequence[StudyVerdict]) -> Table:
    head = ["", "made of", "information", "beyond the best baseline", "money", "smallest AUROC that could be shown"]
    body = [
        [
            each.name,
            each.tried.words(),
            _word(each.verdict.information),
            _word(each.verdict.beyond_baseline),
            formats.DASH if each.verdict.money is None else _word(each.verdict.money, 1),
            formats.number(each.means.get("test/smallest_auroc")),
        ]
        for each in found
    ]
    return Table(head, body, "Three answers over all folds and seeds.")


def _word(answer: Answer, digits: int = 3) -> str:
    """The answer and the number it rests on."""
    if answer.value is None:
        return answer.answer
    ends = "" if answer.low is None else f" ({answer.low:.{digits}f} to {answer.high:.{digits}f})"
    return f"{answer.answer}: {answer.value:.{digits}f}{ends}"


def _spread(found: Sequence[StudyVerdict]) -> Figure | None:
    """Mean with its interval, and a dot for every seed and path."""
    name = measure_of(found[0].verdict.kind)
    title, words = QUALITY[name]
    rows = []
    for each in found:
        mean = each.means.get(f"test/{name}")
        if mean is None:
            continue
        low, high = (each.means.get(f"test/{name}{end}") for end in ("_low", "_high"))
        rows.append(Estimate(each.name, mean, low, high, "model"))
        if len(each.records) > 1:
            values = [record.get(f"test/{name}") for record in each.records]
            rows += [Estimate(f"record {k}", value) for k, value in enumerate(values, 1) if value is not None]
    if not rows:
        return None
    chance = [Reference(0.5, "chance")] if name == "auroc_direction" else []
    note = "Blue: mean over all seeds and paths with its 95 % interval. Grey: each of them."
    return comparison_figure(rows, chance, title=f"{title} of each record", note=note, axis=title, words=words)


def regimes_figure(found: StudyVerdict) -> Figure | None:
    """AUROC of up against down by year and by third of volatility; None without regimes."""
    rows = [_estimate(name, scores) for name, scores in found.regimes.items()]
    if not rows:
        return None
    note = "Each year and each third of volatility by itself, with its 95 % interval. Where they differ by more than that, what was found comes and goes."
    return comparison_figure(
        rows,
        [Reference(0.5, "chance")],
        title=f"Regimes: {found.name}",
        note=note,
        axis="AUROC of up against down",
        words=formats.number,
    )


def _estimate(name: str, scores: Mapping[str, float]) -> Estimate:
    low, high = (scores.get(f"auroc_direction{end}") for end in ("_low", "_high"))
    return Estimate(name, scores["auroc_direction"], low, high, "model" if name.isdigit() else "second")


KINDS = {"chart": "model", "net": "model", "raw, linear": "base", "raw, curved": "base"}  # colours; others: second


def ladder_section(data: str, found: Decomposition) -> Section:
    """Image or numbers? Every model of the ladder on the same rows, and what each step gains."""
    rows = [
        [step.part, step.first, step.second, formats.signed(step.gain.value), _ends(step), f"{step.adjusted:.3g}"]
        for step in found.steps
    ]
    note = "Each rung is represented by its best model on validation rows; p-values after Holm over the steps."
    table = Table(["step", "from", "to", "AUROC", "95 %", "p"], rows, "What each step of the ladder gains.", note)
    title = f"Image or numbers? {data}" if data else "Image or numbers?"
    return Section(title, found.sentence(), figures=[_areas(found), _gains(found)], tables=[table])


def _areas(found: Decomposition) -> Figure:
    return comparison_figure(
        [Estimate(name, area, low, high, KINDS.get(rung, "second")) for name, rung, area, low, high in found.areas],
        [Reference(0.5, "chance")],
        title="The ladder",
        note="Grey: raw numbers. Purple: numbers scaled window by window. Blue: charts. All on the same test rows.",
        axis="AUROC of up against down",
        words=formats.number,
    )


def _gains(found: Decomposition) -> Figure:
    kinds = {True: "model", False: "base"}
    return comparison_figure(
        [
            Estimate(f"{step.part}: {step.second}", step.gain.value, step.gain.low, step.gain.high, kinds[step.shown])
            for step in found.steps
        ],
        [Reference(0.0, "no gain")],
        title="What each step gains",
        note="Blue: told from nothing after all steps were looked at.",
        axis="difference of AUROC",
        words=formats.number,
    )


def _ends(step: Step) -> str:
    return f"{formats.signed(step.gain.low)} to {formats.signed(step.gain.high)}"
