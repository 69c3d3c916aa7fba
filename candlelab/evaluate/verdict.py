"""Three questions, answered no further than the intervals carry.

yes              the interval lies on the good side
no               the interval lies on the bad side, or so close to chance that nothing worth having is left
not shown        the interval holds both, or there is nothing to judge
volatility only  the size of moves is known, their direction not shown
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from candlelab.core.notebook_html import ShowsLines
from candlelab.evaluate.instrument import QUESTION, Instrument
from candlelab.evaluate.metrics import chance_band
from candlelab.evaluate.wording import as_percent, none_for_nan, percent_range

if TYPE_CHECKING:
    from candlelab.evaluate.classification import Scored
    from candlelab.evaluate.compare import Difference
    from candlelab.evaluate.table import Task

Word = Literal["yes", "no", "not shown", "volatility only"]
TOO_GOOD = 0.60  # honest models of liquid bars stay at or below an AUROC of 0.56
WORTH_HAVING = 0.51  # an AUROC surely below this is as good as chance
ANOTHER_QUESTION = "a label from bars after the window (data.label=direction), if the question is what comes next"
SPOKEN = {"auroc_direction": "AUROC of up against down", "balanced_accuracy": "balanced accuracy"}
SPECTACULAR = 5.0  # annualised Sharpe ratio
UNEXPLAINED = 3.0  # times what the share of right labels explains of the gross return
MORE_RUNS = "other seeds and walk-forward periods"
NOT_ASKED = "Money: not asked, because the label is drawn in the picture itself."


@dataclass(frozen=True)
class Answer:
    """An answer and the number it rests on, with its interval; None where not available.

    chance  what the number would be if the answer were nothing: 0.5 for an AUROC, 0 for a difference
    """

    question: str
    answer: Word
    sentence: str
    value: float | None
    low: float | None
    high: float | None
    chance: float = 0.0


@dataclass(frozen=True)
class Verdict(ShowsLines):
    """What a run has shown.

    information      beyond chance? by the AUROC of up against down; knowing only the size of moves has its own word
    volatility       the size of moves alone; None where the label has no middle class
    beyond_baseline  better than every simple baseline on the same rows?
    money            after fees? None for recognition
    smallest_edge    the smallest edge these rows could have shown, in a sentence
    suspicions       reasons to look for a leak
    missing_for_trust  what would have to be added before acting on it
    instrument       could this net have found an edge? Also the end of what `information` says; None for recognition
    conduct          how the test was conducted: sealed or opened before, preregistered and kept; () where nothing was settled
    """

    information: Answer
    volatility: Answer | None
    beyond_baseline: Answer
    money: Answer | None
    smallest_edge: str
    suspicions: tuple[str, ...]
    missing_for_trust: tuple[str, ...]
    kind: Literal["forecast", "recognition"]
    instrument: Answer | None = None
    conduct: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return five lines for a terminal, and how the test was conducted where that was settled before."""
        last = "Suspect: " + "; ".join(self.suspicions) if self.suspicions else "Missing for trust: "
        if not self.suspicions:
            last += "; ".join(self.missing_for_trust) or "nothing this table could tell"
        third = answer_line(self.money) if self.money else NOT_ASKED
        own = [answer_line(self.information), answer_line(self.beyond_baseline), third, self.smallest_edge, last + "."]
        return [*own, *(f"{sentence}." for sentence in self.conduct)]


def answer_line(answer: Answer) -> str:
    """One line: question, answer, sentence."""
    return f"{answer.question} {answer.answer.upper()}. {answer.sentence}"


def judge(
    own: Scored,
    others: dict[str, Scored],
    differences: dict[str, dict[str, Difference]],
    flat: dict[str, Any],
    threshold: dict[str, Any],
    task: Task,
    settings: dict[str, Any],
) -> Verdict:
    """The verdict on one model beside its baselines, from scores on the test rows."""
    forecast = task.kind == "forecast"
    if own.get("n", 0) == 0:
        return nothing_to_judge(task)
    return Verdict(
        information=informed(own, task, settings) if forecast else recognised(own),
        volatility=moves(own) if forecast and len(task.classes) > 2 else None,
        beyond_baseline=beyond(own, others, differences, task),
        money=paid(own, flat, threshold, settings) if forecast else None,
        smallest_edge=edge(own) if forecast else seen(own),
        suspicions=tuple(suspicions(own, others, task)) if forecast else (),
        missing_for_trust=tuple(missing_evidence(own, threshold, task, settings)) if forecast else (ANOTHER_QUESTION,),
        kind=task.kind,
    )


def tested(verdict: Verdict, instrument: Instrument | None) -> Verdict:
    """The verdict that also says what the net's silence is worth, in its first answer."""
    found = instrument or Instrument((), None, None, None, 0.0)
    word: Word = "not shown" if found.sees is None else "yes" if found.sees else "no"
    sentence = found.sentence() if instrument else "Nobody tested whether this net could have found an edge."
    first = verdict.information
    if first.answer == "yes":  # it did find one: what a shorter control missed is no news
        return replace(verdict, instrument=Answer(QUESTION, "yes", "It found one.", found.share, None, None))
    answer = Answer(QUESTION, word, sentence, found.share, None, None)
    return replace(verdict, information=replace(first, sentence=f"{first.sentence} {sentence}"), instrument=answer)


def nothing_to_judge(task: Task) -> Verdict:
    """No test row has a label."""
    empty = Answer("Information beyond chance?", "not shown", "No test row has a label.", None, None, None)
    money, wanted = empty if task.kind == "forecast" else None, ("test rows with a label",)
    return Verdict(empty, None, empty, money, "No test rows, no smallest edge.", (), wanted, task.kind)


def side_of(low: float, high: float, chance: float, enough: float) -> Word:
    """Which side of chance an interval lies on."""
    if math.isnan(low):
        return "not shown"
    if low > chance:
        return "yes"
    return "no" if high < enough else "not shown"


def counted(own: Scored) -> str:
    """How many rows, and what they are worth."""
    worth = "" if own["n_eff"] > 0.99 * own["n"] else f", worth {own['n_eff']:,.0f} independent ones"
    return f"{own['n']:,} rows{worth}"


def area(own: Scored, name: str) -> str:
    """An AUROC with its interval."""
    if math.isnan(own[name]):
        return "not available"
    return f"{own[name]:.3f} ({own[name + '_low']:.3f} to {own[name + '_high']:.3f})"


def measure_of(kind: str) -> str:
    """The one score that every yes and no of a table of predictions rests on, in the verdict and in the leaderboard."""
    return "auroc_direction" if kind == "forecast" else "balanced_accuracy"


def informed(own: Scored, task: Task, settings: dict[str, Any]) -> Answer:
    """Does the model know anything of what comes next? Direction decides; knowing only the size of moves is told apart."""
    word = side_of(own["auroc_direction_low"], own["auroc_direction_high"], 0.5, WORTH_HAVING)
    optimum = "" if task.bayes is None else f"; the best possible is {as_percent(task.bayes)} right"
    rest = f"{right(own)}, {band(own, task.classes, settings)}{optimum}"
    if word != "yes" and len(task.classes) > 2 and moves(own).answer == "yes":
        sentence = (
            f"Only how much prices move (AUROC {area(own, 'auroc_move')}), not shown which way "
            f"(AUROC {area(own, 'auroc_direction')}, chance 0.500); {rest}"
        )
        return of_score("Information beyond chance?", "volatility only", sentence, own, "auroc_move")
    sentence = f"Up against down among rows that moved: AUROC {area(own, 'auroc_direction')}, chance 0.500; {rest}{backwards(own)}"
    return of_score("Information beyond chance?", word, sentence, own, "auroc_direction")


def right(own: Scored) -> str:
    """How often the answer was right, with its interval."""
    interval = percent_range(own["accuracy_low"], own["accuracy_high"])
    return f"right on {as_percent(own['accuracy'])} of {counted(own)} ({interval})"


def of_score(question: str, word: Word, sentence: str, own: Scored, name: str, chance: float = 0.5) -> Answer:
    """An answer that rests on one score."""
    value, low, high = (none_for_nan(own[name + end]) for end in ("", "_low", "_high"))
    return Answer(question, word, f"{sentence}.", value, low, high, chance)


def band(own: Scored, classes: tuple[str, ...], settings: dict[str, Any]) -> str:
    """Where the accuracy lies against what these answers would give if they knew nothing."""
    prior, answered = (np.array([own[f"{x}/{word}"] for word in classes]) for x in ("class_share", "predicted_share"))
    low, high = chance_band(prior, answered, max(own["n_eff"], 1), settings["confidence_level"])
    if high - low < 1e-9:
        return f"which is the share of {classes[int(answered.argmax())]}, its only answer"
    where = "inside" if low - 1e-12 <= own["accuracy"] <= high + 1e-12 else "outside"
    return f"{where} the band of {percent_range(low, high)} that such answers give by chance"


def backwards(own: Scored) -> str:
    """A remark where the model is surely worse than chance."""
    return "; surely worse than chance, so what it learnt has turned round" if own["auroc_direction_high"] < 0.5 else ""


def moves(own: Scored) -> Answer:
    """Does the model know how much prices will move, whichever way?"""
    word = side_of(own["auroc_move_low"], own["auroc_move_high"], 0.5, WORTH_HAVING)
    compared = f"AUROC of move against neutral {area(own, 'auroc_move')}, chance 0.500"
    sentence = f"{compared}; this is volatility, not direction"
    return of_score("Knows the size of moves?", word, sentence, own, "auroc_move")


def recognised(own: Scored) -> Answer:
    """Recognition: the label is a function of the picture, so chance is a low bar."""
    chance = _chance(own)
    word = side_of(own["balanced_accuracy_low"], own["balanced_accuracy_high"], chance, chance)
    sentence = (
        f"{right(own).capitalize()}. "
        "This is recognition: the label is read off the bars in the picture and says nothing of the future"
    )
    return of_score("Recognises what is drawn?", word, sentence, own, "balanced_accuracy", chance)


def _chance(own: Scored) -> float:
    shares = [value for name, value in own.items() if name.startswith("class_share/") and value > 0]
    return 1 / max(len(shares), 1)


def best_baseline(others: dict[str, Scored], name: str) -> str:
    """The baseline with the highest score."""
    return max(others, key=lambda model: -math.inf if math.isnan(others[model][name]) else others[model][name])


def beyond(own: Scored, others: dict[str, Scored], differences: dict[str, dict[str, Difference]], task: Task) -> Answer:
    """Yes only if better than every baseline, each by more than its interval.

    Forecasts are compared by the AUROC of up against down: one that knows only calm from lively bars would win by the
    AUROC over all classes, and one that always answers with the commonest class by accuracy.
    """
    question = "Beyond the best simple baseline?"
    if not differences:
        return Answer(question, "not shown", "The predictions hold no baseline to compare with.", None, None, None)
    name = measure_of(task.kind)
    gaps = {model: measures[name] for model, measures in differences.items()}
    rival = best_baseline(others, name)
    word: Word = "yes" if all(gap.low > 0 for gap in gaps.values()) else "not shown"
    if any(gap.high < 0 for gap in gaps.values()):
        word, rival = "no", min(gaps, key=lambda model: gaps[model].high)
    elif word == "not shown":
        rival = min(gaps, key=lambda model: math.inf if math.isnan(gaps[model].low) else gaps[model].low)
    gap, scored = gaps[rival], others[rival]
    itself = as_percent(scored[name]) if task.kind == "recognition" else area(scored, name)
    sentence = f"{100 * gap.value:+.1f} percentage points of {SPOKEN[name]} ({percent_range(gap.low, gap.high)}) against {spoken(rival)}, itself at {itself}"
    return Answer(
        question,
        word,
        f"{sentence}{_also(scored, rival, task)}.",
        none_for_nan(gap.value),
        none_for_nan(gap.low),
        none_for_nan(gap.high),
    )


def _also(rival: Scored, model: str, task: Task) -> str:
    """What the baseline earns, where it knows something of direction."""
    ratio = rival.get("sharpe_net", math.nan)
    if task.kind != "forecast" or not rival["auroc_direction_low"] > 0.5 or math.isnan(ratio):
        return ""
    earns = "and earns money after fees" if rival["sharpe_net_low"] > 0 else "but is not shown to earn money after fees"
    if rival["sharpe_net_high"] < 0:
        earns = "and loses money after fees"
    return f"; {spoken(model)} knows something of direction {earns}"


def spoken(model: str) -> str:
    """last_direction as last direction."""
    return model.replace("_", " ")


def paid(own: Scored, flat: Mapping[str, Any], threshold: dict[str, Any], settings: dict[str, Any]) -> Answer:
    """Does trading at the threshold chosen on validation earn money after fees that holding would not have earned?

    Yes needs both intervals above 0: of the net Sharpe ratio, and of what timing added to holding at the same exposure. The
    answer's number is the one that decides.
    """
    paid_bps = settings["fee_bps"] + settings["slippage_bps"] + settings["spread_bps"] / 2
    question = f"Money after fees ({paid_bps:g} bp)?"
    if math.isnan(own["sharpe_net_annual"]):
        return Answer(question, "not shown", idle(own, threshold), None, None, None)
    earned, timed = (
        (own[name], own[f"{name}_low"], own[f"{name}_high"]) for name in ("sharpe_net_annual", "sharpe_timing_annual")
    )
    word: Word = "no" if earned[2] < 0 else "not shown"
    word = "yes" if earned[1] > 0 and timed[1] > 0 else word
    held = flat.get("baseline/buy_and_hold/sharpe_net_annual")
    sentence = (
        f"Net Sharpe ratio {sharpe_words(earned)} a year, {own['return_net_pct']:+.1f} % after and {own['return_gross_pct']:+.1f} % before "
        f"fees in {own['trades']:,} trades; {beside_holding(timed)}{'' if held is None else f' (buy-and-hold has {held:.1f})'}; {traded(own)}"
    )
    decides = timed if earned[1] > 0 and not timed[1] > 0 else earned
    value, low, high = map(none_for_nan, decides)
    return Answer(question, word, f"{sentence}{luck(threshold)}.", value, low, high)


def sharpe_words(found: tuple[float, float, float]) -> str:
    """A Sharpe ratio with its interval."""
    return f"{found[0]:.1f} ({found[1]:.1f} to {found[2]:.1f})"


def beside_holding(timed: tuple[float, float, float]) -> str:
    """What timing added to holding at the same exposure."""
    if math.isnan(timed[0]):
        return "it holds throughout, so nothing of it is timing"
    more = "more than" if timed[1] > 0 else "less than" if timed[2] < 0 else "not shown to be more than"
    return f"{more} holding at the same exposure (timing alone: {sharpe_words(timed)})"


def traded(own: Scored) -> str:
    """How much was traded, how often that was right, and how often it had to be."""
    share = f"in the market on {as_percent(own['exposure'])} of bars, right on {as_percent(own['traded_right'])} of those that moved"
    if not own["traded_breakeven"] < 1:
        return f"{share}; such moves pay the fees at no accuracy"
    return f"{share}, {as_percent(own['traded_breakeven'])} would pay the fees"


def luck(threshold: dict[str, Any]) -> str:
    """What the chosen threshold showed on validation, and how much of it choosing the best explains."""
    shown, part = threshold.get("validation_sharpe_annual"), threshold.get("optimism_annual")
    if shown is None or part is None:
        return ""
    return f"; on validation the threshold showed {shown:.1f}, about {part:.1f} of it luck of the choice"


def idle(own: Scored, threshold: dict[str, Any]) -> str:
    """Why there is no Sharpe ratio."""
    if threshold.get("threshold") is None:
        why = threshold.get("flat") or "no threshold was chosen"
        return f"{why[0].upper()}{why[1:]}, so nothing is traded."
    return "The threshold chosen on validation leaves no trades." if own["trades"] == 0 else "Its returns do not vary."


def edge(own: Scored) -> str:
    """The smallest edge that the rule of this verdict would have found in 80 of 100 samples like this one."""
    if math.isnan(own["smallest_accuracy"]) or math.isnan(own["smallest_auroc"]):
        return f"Smallest edge: {counted(own)} are too few to show any."
    return (
        f"Smallest edge these rows could show (80 % power): AUROC {own['smallest_auroc']:.3f} of up against down, "
        f"or {as_percent(own['smallest_accuracy'])} right by plain up or down; or a Sharpe ratio of {own['smallest_sharpe_annual']:.1f} a year."
    )


def seen(own: Scored) -> str:
    """Sample and spread of a recognition task."""
    return f"Balanced accuracy {as_percent(own['balanced_accuracy'])} on {counted(own)}; a rule that reads the pixels gets 100 %."


def suspicions(own: Scored, others: dict[str, Scored], task: Task):
    """Results too good for real bars; none are raised by a simulated market except beating its optimum."""
    if task.bayes is not None:
        if own["accuracy_low"] > task.bayes:
            yield f"right on {as_percent(own['accuracy'])}, more than the best possible {as_percent(task.bayes)}: look for a leak"
        return
    for model, scored in {"the net": own, **others}.items():
        if scored.get("auroc_direction_low", 0.0) > TOO_GOOD:
            yield f"{spoken(model)} tells up from down with AUROC {area(scored, 'auroc_direction')}, surely above {TOO_GOOD:.2f}: look for a leak"
    year = own["sharpe_net_annual"] / own["sharpe_net"] if own.get("sharpe_net") else math.nan
    late = own.get("sharpe_net_delayed", math.nan) * year
    if own["sharpe_net_annual"] > SPECTACULAR and late < 0.2 * own["sharpe_net_annual"]:
        yield f"net Sharpe {own['sharpe_net_annual']:.1f} falls to {late:.1f} with one bar of delay"
    beyond = own.get("gross_over_explained", math.nan)
    if own["sharpe_net_annual"] > SPECTACULAR and beyond > UNEXPLAINED:
        yield (
            f"net Sharpe {own['sharpe_net_annual']:.1f}, before fees {beyond:.0f} times what labels right so often can earn on such moves: "
            "look at where bar_return comes from"
        )


def missing_evidence(own: Scored, threshold: dict[str, Any], task: Task, settings: dict[str, Any]):
    """What these predictions cannot show by themselves."""
    if not own["smallest_accuracy"] <= 0.53:
        yield "more test rows (an honest edge of 53 % could not be seen)"
    if own["min_track_record"] > own["bars"]:
        yield f"a longer record ({own['min_track_record']:,.0f} bars for this Sharpe ratio)"
    always = [word for word in task.classes if own[f"predicted_share/{word}"] > 0.99]
    if always:
        yield f"a model that has learnt something (it answers {always[0]} on every row)"
    yield MORE_RUNS
    if settings["slippage_bps"] == settings["spread_bps"] == 0:
        yield "spread and slippage (0 bp assumed)"
    if threshold.get("threshold") is None:
        yield f"a threshold ({threshold.get('flat') or 'none was chosen'})"
    if own.get("ece_low", 0.0) > 0.05:
        yield f"calibration (confidence is off by {as_percent(own['ece'])})"
