"""Which stretches of time a run trained and tested on, and what a leaderboard calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from candlelab.data.split.parts import period_of

KINDS = {
    "LastCandle": "regular",
    "WindowDrift": "fullimage",
}  # label rules by the names of the leaderboard's first makers


def test_periods(data: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return {name: [start, end) in ms UTC} of the test periods of a data config that names several one by one, else {}.

    A period is named by its month, or by its first day where two begin in one month.
    """
    split = data["split"]
    days = [str(day) for day in split.get("tests", ())]
    if len(days) < 2:
        return {}
    months = [day[:7] for day in days]
    names = months if len(set(months)) == len(months) else days
    return {name: period_of("tests", day, split["test_days"]) for name, day in zip(names, days, strict=True)}


def period_words(data: Mapping[str, Any], card: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what a leaderboard says of time: period, month (of the test) and trained; card of data.json, None before it is there."""
    split, tests = data["split"], test_periods(data)
    spans = (
        {} if card is None else {name: (part["first"][:10], part["last"][:10]) for name, part in card["parts"].items()}
    )
    first, last = (card["first"][:10], card["last"][:10]) if card is not None else (data["start"], data["end"])
    period = (
        f"train {split['train_days']} d, test {split['test_days']} d" if "train_days" in split else f"{first} to {last}"
    )
    months = sorted({day[:7] for day in spans.get("test", ())})
    return {
        "period": period,
        "month": " ".join(tests) or " to ".join(months),
        "trained": " to ".join(spans.get("train", ())),
    }


def experiment_name(data: Mapping[str, Any]) -> str:
    """Return the kind of question: regular, fullimage, irregular with its share of holes, or the label rule's own name."""
    rule = str(data["label"].get("_target_", "")).rsplit(".", 1)[-1]
    name = KINDS.get(rule, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", rule).lower())
    return (
        f"{'irregular' if name == 'fullimage' else name + ' irregular'} {100 * data['thin']:g} %"
        if data["thin"]
        else name
    )
