"""Conduct of a test, from the ledger of trials: was it sealed, and opened once? Was what it should show written down before?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from candlelab import run as runs
from candlelab.core.trial_ledger import read_ledger
from candlelab.pipeline.scores.looks import SCORED, UNSEALED, looked_at, outputs_of
from candlelab.pipeline.studies.varied import flat

REGISTERED, SEALING = "preregistered", "sealed"  # states of lines that look at nothing
MEASURES = ("information", "beyond_baseline", "money")  # questions of the verdict
Entry = Mapping[str, Any]


def conduct_of(
    run: runs.Run, settings: Mapping[str, Any], answers: Mapping[str, Any], *, before: int | None = None
) -> tuple[str, ...]:
    """Return, in sentences, how a run's test was conducted; () where it was neither sealed nor preregistered.

    settings  of the score; answers: the verdict's, by name
    before    number of the ledger's line of this score: what came after it does not count; None: all lines but the last one
    """
    if not run.ours:
        return ()
    lines = [entry for entry in read_ledger(outputs_of(run)).entries if type(entry.get("line")) is int]
    here = before if before is not None else lines[-1]["line"] if lines else 0
    lines = [entry for entry in lines if entry["line"] < here]
    mine = [entry for entry in lines if _names(entry, run)]
    told = _seal(run, mine, lines) if any(entry.get("state") == SEALING for entry in mine) else []
    return (*told, *_registered(run, settings, answers, mine, lines))


def _names(entry: Entry, run: runs.Run) -> bool:
    return (entry.get("study"), entry.get("run")) == (run.folder.parent.name, run.folder.name)


def _seal(run: runs.Run, mine: Sequence[Entry], lines: Sequence[Entry]) -> list[str]:
    """Whether the seal was whole: nobody had looked at these rows, by this run or another one."""
    part = looked_at(run)
    looked = [entry for entry in lines if entry.get("state") in (SCORED, UNSEALED) and part.overlaps(entry)]
    opened = sum(entry.get("state") == UNSEALED for entry in looked)
    when = next(entry["time"] for entry in mine if entry.get("state") == SEALING)
    if not looked:
        return [f"Sealed test: weights and threshold were fixed on {when} UTC, and these rows were then read once"]
    again = sum(entry.get("state") in (SCORED, UNSEALED) for entry in looked if _names(entry, run))
    if again:
        return [
            f"No longer a sealed test: this is look {again + 1} of this run at these rows, and what was seen in between may "
            "have decided what was kept"
        ]
    return [
        f"Not a sealed test: these rows had been looked at {len(looked)} times before, {opened} of them unsealings of other runs"
    ]


def _registered(
    run: runs.Run,
    settings: Mapping[str, Any],
    answers: Mapping[str, Any],
    mine: Sequence[Entry],
    lines: Sequence[Entry],
) -> list[str]:
    """The hypothesis as it was written down, whether its settings were kept, and what came out."""
    study = [
        entry for entry in lines if entry.get("state") == REGISTERED and entry.get("study") == run.folder.parent.name
    ]
    own = [entry for entry in mine if entry.get("state") == REGISTERED]
    if not own:
        names = ", ".join(sorted({str(entry.get("run")) for entry in study})[:3])
        return [f"Exploratory: this study preregistered {names}, not this run"] if study else []
    first, part = own[0], looked_at(run)
    early = sum(part.overlaps(entry) for entry in lines if entry["line"] < first["line"])
    broken = [
        *([f"{early} looks at these rows came before it"] if early else []),
        *changed_settings(first, settings),
        *([f"it was written anew {len(own) - 1} times"] if len(own) > 1 else []),
    ]
    measure = str(first.get("measure"))
    kept = (
        f"not kept ({'; '.join(broken)})" if broken else "kept: config, fees and threshold rule are those written down"
    )
    word = (answers.get(measure) or {}).get("answer", "not asked")
    asked = measure.replace("_", " ")
    return [
        f'Preregistered on {first.get("time")} UTC: "{first.get("hypothesis")}", by {asked}; {kept}; it says {word}'
    ]


def changed_settings(entry: Entry, settings: Mapping[str, Any]) -> list[str]:
    """Return which settings of evaluate differ from those that were preregistered."""
    told = entry.get("evaluate")
    if not isinstance(told, dict):
        return ["its settings are not in the ledger"]
    now, then = (
        flat({"evaluate": dict(tree) | {"sealed": None}}) for tree in (settings, told)
    )  # sealing decides nothing
    return [
        f"{name} is {now.get(name)}, not {then.get(name)}"
        for name in sorted({*now, *then})
        if now.get(name) != then.get(name)
    ]
