"""Passport of a score: hashes of data, code, config, weights and rows, the verdict's numbers and the ledger's head, in one sealed file.

Whoever has the folder can compute all of it again (`task=verify`); whoever has only the file, or the model card that embeds it,
can tell that it is whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from candlelab import run as runs
from candlelab.core import files
from candlelab.core.files import sha256_of
from candlelab.core.origin import mark_of
from candlelab.core.reading import Unreadable, json_of, text_of
from candlelab.core.signal import threshold_hash
from candlelab.core.trial_ledger import head_of
from candlelab.evaluate.score import Scores
from candlelab.evaluate.verdict import Answer
from candlelab.pipeline.scores.looks import outputs_of

FORMAT = 1
FORM = {
    "passport": {
        "format": int,
        "files": {...: str},
        "rows": {...: dict},
        "code": dict,
        "ledger": (None, {"line": int, "hash": str}),
    },
    "seal": str,
    "mark": (None, str),
}
CURE = "bring back the file as it was written, or remove it and repeat task=report task.run=FOLDER"
FITTED = (*runs.FITTED, runs.ORIGIN)  # of the run's own folder
SCORED = (*(name for name in runs.SCORED if name != runs.EXPLAINED), runs.METRICS, runs.REPORT)  # beside the report
CODE = ("*.py", "*.yaml", "*.j2")  # what a result can depend on


def write_passport(run: runs.Run, scores: Scores, folder: Path) -> Path:
    """Write passport.json beside a report that is whole; folder is the run's own, or that of a what-if score."""
    body = {"format": FORMAT, "run": run.folder.name, **told_by(run, scores)} | {
        "code": code_of(run),
        "ledger": head_of(outputs_of(run)),
    }
    body["files"] = {name: sha256_of(place) for name, place in places_of(run.folder, folder).items() if place.is_file()}
    path = folder / runs.PASSPORT
    files.write_text(path, sealed(body))
    return path


def renew_page(folder: Path) -> None:
    """Put the page's new hash into the passport beside it: a page is written anew, its numbers stay."""
    path = folder / runs.PASSPORT
    if path.is_file():
        body = read_passport(path)["passport"]
        body["files"] = body["files"] | {runs.REPORT: sha256_of(folder / runs.REPORT)}
        files.write_text(path, sealed(body))


def renew_place(folder: Path, outputs: Path) -> None:
    """Renew what the passport of a run that was brought here says of its place: config, mark, and the head of this ledger."""
    path = folder / runs.PASSPORT
    if path.is_file():
        body = read_passport(path)["passport"]
        moved = {name: sha256_of(folder / name) for name in (runs.CONFIG, runs.ORIGIN)}
        body["files"], body["ledger"] = body["files"] | moved, head_of(outputs)
        files.write_text(path, sealed(body))


def published_passport(path: Path, kept: Mapping[str, Path]) -> str:
    """Return the text of a passport that goes along with a published run: the files that go, as they go, under a seal of its own.

    kept  name in the repository -> file here.
    """
    body = read_passport(path)["passport"]
    body["files"] = {name: sha256_of(kept[name]) for name in body["files"] if name in kept}
    return canonical(body, passport_seal(body), None)


def told_by(run: runs.Run, scores: Scores) -> dict[str, Any]:
    """Return what a passport says of run and verdict: everything that can be computed again from predictions and bars."""
    made, card, verdict = run.preprocessing, run.card, scores.verdict
    rule = scores.threshold
    answers = ("information", "volatility", "beyond_baseline", "money", "instrument")
    return {
        "data": {name: card.get(name) for name in ("fingerprint", "symbols", "interval", "first", "last", "bars")},
        "model": {name: made[name] for name in ("reads", "classes", "kind", "label", "window", "horizon")},
        "rows": card.get("rows", {}),
        "threshold": {"score": rule.get("score"), "threshold": rule.get("threshold"), "hash": threshold_hash(rule)},
        "verdict": {name: _numbers(getattr(verdict, name)) for name in answers}
        | {"smallest_edge": verdict.smallest_edge}
        | {"suspicions": list(verdict.suspicions), "conduct": list(verdict.conduct)},
    }


def _numbers(answer: Answer | None) -> dict[str, Any] | None:
    return (
        None
        if answer is None
        else {name: getattr(answer, name) for name in ("answer", "sentence", "value", "low", "high")}
    )


def code_of(run: runs.Run) -> dict[str, Any]:
    """Return what made the score: version and commit of the fit, and the hash of the sources that scored."""
    told = run.environment
    return {name: told.get(name) for name in ("candlelab", "commit", "dirty")} | {"sources": sources_hash()}


@cache
def sources_hash() -> str:
    """Return the SHA-256 of candlelab's own code and templates, in the order of their names."""
    root, digest = Path(runs.__file__).parent, hashlib.sha256()
    for path in sorted(each for kind in CODE for each in root.rglob(kind)):
        digest.update(f"{path.relative_to(root).as_posix()}\n{sha256_of(path)}\n".encode())
    return digest.hexdigest()


def places_of(run: Path, folder: Path) -> dict[str, Path]:
    """Return where each file that a passport names lies: what was fitted in the run, what was scored beside the report."""
    return {name: run / name for name in FITTED} | {name: folder / name for name in SCORED}


def sealed(body: dict[str, Any]) -> str:
    """Return the text of a passport: its body, the SHA-256 of it, and this account's mark on that."""
    return canonical(body, passport_seal(body), mark_of(passport_seal(body).encode()))


def canonical(body: dict[str, Any], seal: str, mark: str | None) -> str:
    """Return the one text that a passport's content has: another spelling of the same numbers is another file."""
    return json.dumps({"passport": body, "seal": seal, "mark": mark}, indent=1, allow_nan=False) + "\n"


def passport_seal(body: dict[str, Any]) -> str:
    """Return the SHA-256 of a passport's body."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def read_passport(path: Path) -> dict[str, Any]:
    """Return a stored passport: passport, seal, mark. Raises Unreadable if a letter of it is not as it was written."""
    stored = json_of(path, FORM, cure=CURE)
    body, seal = stored["passport"], stored["seal"]
    if seal != passport_seal(body) or text_of(path, cure=CURE) != canonical(body, seal, stored["mark"]):
        raise Unreadable(path, "is not as it was written (it does not match its own seal)", CURE)
    if body["format"] != FORMAT:
        raise Unreadable(path, "has a format that this candlelab does not read", CURE)
    return stored
