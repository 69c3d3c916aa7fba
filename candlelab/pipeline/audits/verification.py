"""Verification of a finished run: everything that its passport says, computed again from predictions, weights and bars."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from candlelab import run as runs
from candlelab.config import ConfigError
from candlelab.core.errors import UserError
from candlelab.core.files import json_text, sha256_of
from candlelab.core.origin import is_ours
from candlelab.core.reading import text_of
from candlelab.core.trial_ledger import read_ledger, still_holds
from candlelab.evaluate.score import Scores
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.scores.looks import line_of, outputs_of
from candlelab.pipeline.scores.passport import places_of, read_passport, sources_hash, told_by
from candlelab.pipeline.scores.predictions import EVALUATED, answers_at
from candlelab.pipeline.scores.scoring import as_lists, score_run, with_conduct
from candlelab.pipeline.scores.trust import check_predictions, checked_card

SAMPLE = 256  # windows of each part that the net answers again
CLOSE = 1e-4  # of a probability: another processor rounds otherwise
EQUAL = 1e-9  # relative, of every other number
COSTS = ("fit", "net", "latency")  # of metrics.json: measured once, by a clock
EMBEDDED = re.compile(r"^## Passport\n.*?^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Recheck:
    """One thing that was computed again; faults say what differs, by name; unchecked says why it could not be computed."""

    name: str
    faults: tuple[str, ...] = ()
    unchecked: str | None = None


@dataclass(frozen=True)
class Score:
    """A score, the run that it is of, and its passport; card: a model card that should embed the same passport."""

    run: runs.Run
    folder: Path
    passport: Mapping[str, Any]
    mark: str | None
    seal: str
    card: Path | None


def verify_score(asked: str) -> list[Recheck]:
    """Return every check of a run, a what-if score, or one of their files; hashes first, and nothing more where one is wrong.

    Raises UserError if there is no run, or its passport or manifest is not as it was written.
    """
    score = _found(asked)
    checks = [_files(score), _origin(score), *([_card(score)] if score.card else [])]
    if any(check.faults for check in checks):
        return [*checks, Recheck("verdict", unchecked="files differ, so that nothing can be computed from them")]
    return [*checks, _tried("bars", _bars, score), _tried("predictions", _predictions, score), *_verdict(score)]


def _found(asked: str) -> Score:
    path, card = Path(asked), None
    if path.is_file():
        card = path if path.suffix == ".md" else None
        path = path.parent
        path = path.parent if path.name in (runs.FIGURES, runs.CHECKPOINTS, runs.EXPORTS) else path
    own = path.parents[1] if path.parent.name == runs.SCORES and not (path / runs.CONFIG).exists() else path
    run = load_or_download(str(own))
    folder = path if own != path else run.folder
    if not (folder / runs.PASSPORT).exists():
        raise ConfigError(
            f"'{folder}' has no {runs.PASSPORT} (it is older, or not whole): task=report task.run={run.folder} writes one"
        )
    stored = read_passport(folder / runs.PASSPORT)
    return Score(run, folder, stored["passport"], stored["mark"], stored["seal"], card)


def _files(score: Score) -> Recheck:
    """Every file that the passport names, by its hash; and every file of the manifests."""
    places, faults = places_of(score.run.folder, score.folder), []
    for name, told in score.passport["files"].items():
        place = places.get(name)
        if place is None or not place.is_file() or sha256_of(place) != told:
            faults.append(f"{name} is not the file that the passport names")
    for folder in {score.run.folder, score.folder}:
        manifest = runs.Run(folder).manifest
        for name, entry in manifest.files.items() if manifest else ():
            if not (folder / name).is_file() or sha256_of(folder / name) != entry["sha256"]:
                faults.append(f"{name} is not the file that {runs.MANIFEST} names")
    return Recheck("files", tuple(dict.fromkeys(faults)))


def _origin(score: Score) -> Recheck:
    """The marks that this account left on its own config and passport."""
    if not score.run.ours:
        return Recheck("origin", unchecked="the run was trained elsewhere")
    ours = is_ours(score.seal.encode(), score.mark)
    return Recheck("origin", () if ours else (f"{runs.PASSPORT} was not sealed by the account that trained the run",))


def _card(score: Score) -> Recheck:
    """The passport that a model card embeds."""
    assert score.card is not None
    found = EMBEDDED.search(text_of(score.card))
    if found is None:
        return Recheck("card", (f"{score.card.name} embeds no passport",))
    same = found.group(1) == text_of(score.folder / runs.PASSPORT)
    return Recheck("card", () if same else (f"{score.card.name} embeds another passport than {runs.PASSPORT}",))


def _tried(name: str, check: Callable[[Score], tuple[str, ...]], score: Score) -> Recheck:
    """The check, or why its bars are not to be had here."""
    try:
        return Recheck(name, check(score))
    except UserError as error:
        return Recheck(name, unchecked=str(error))


def _bars(score: Score) -> tuple[str, ...]:
    """The bars, fetched again: their fingerprint, and the hashes of the rows to be predicted."""
    run, data = score.run, score.run.data
    told = {"preprocessing.json: data_hash": run.preprocessing["data_hash"], "data": run.card.get("fingerprint")}
    faults = [
        f"{name} is {value}, the bars give {data.fingerprint}"
        for name, value in told.items()
        if value != data.fingerprint
    ]
    rows = checked_card(data)["rows"]
    return (*faults, *_differences(score.passport["rows"], rows, "passport.json: rows"))


def _predictions(score: Score) -> tuple[str, ...]:
    """Some windows of each part, answered again by the stored weights."""
    from candlelab.trainer.module import Learner

    run, faults = score.run, []
    made, data = run.preprocessing, run.data
    learner = Learner(run.model, None, None, classes=len(made["classes"]), seed=run.cfg.seed).eval()
    for part in EVALUATED:
        table = run.predictions
        table = table[(table.model == "net") & (table.split == part)]
        samples = data.traded(part)
        if len(table) != len(samples):
            faults.append(f"{runs.PREDICTIONS}: {len(table)} {part} rows, the bars give {len(samples)}")
            continue
        chosen = np.unique(np.linspace(0, len(samples) - 1, min(SAMPLE, len(samples))).astype(int))
        p, forecast = answers_at(learner, data, samples[chosen], error=made["forecast_error"])
        told = table.iloc[chosen]
        faults += _apart(told.filter(regex=r"^p_\d+$").to_numpy(), p, part, "probabilities")
        faults += _apart(told["forecast"].to_numpy()[:, None], forecast[:, None], part, "forecasts")
    return tuple(faults)


def _apart(told: np.ndarray, said: np.ndarray, part: str, what: str) -> list[str]:
    wrong = int((~np.isclose(told, said, rtol=0, atol=CLOSE, equal_nan=True)).any(1).sum())
    return [f"{runs.PREDICTIONS}: {wrong} of {len(told)} {part} {what} are not what the weights say"] if wrong else []


def _verdict(score: Score) -> Iterator[Recheck]:
    """Metrics, threshold, curves and verdict, scored again from the predictions; then the passport's own words and the ledger."""
    settings = runs.read_part(score.folder, runs.EVALUATE)
    try:
        check_predictions(score.run)
    except UserError as error:
        yield Recheck("rows", (str(error),))
    scores = score_run(score.run, settings)
    if score.run.ours:
        scores = with_conduct(score.run, scores, settings, line=line_of(score.run, settings))
    else:  # the ledger that conduct is told from is somebody else's
        told = runs.read_part(score.folder, runs.VERDICT).get("conduct", ())
        scores = replace(scores, verdict=replace(scores.verdict, conduct=tuple(told)))
    yield Recheck("verdict", (*_of_scores(score, scores), *_of_passport(score, scores)))
    yield _ledger(score)
    code = score.passport["code"].get("sources")
    if code != sources_hash():
        yield Recheck("code", unchecked="another version of candlelab scored it; today's was used here")


def _of_scores(score: Score, scores: Scores) -> list[str]:
    told = {
        name: runs.read_part(score.folder, name) for name in (runs.METRICS, runs.THRESHOLD, runs.CURVES, runs.VERDICT)
    }
    told[runs.METRICS] = {name: value for name, value in told[runs.METRICS].items() if name.split("/")[0] not in COSTS}
    again = {
        runs.METRICS: scores.metrics,
        runs.THRESHOLD: scores.threshold,
        runs.CURVES: scores.curves,
        runs.VERDICT: asdict(scores.verdict),
    }
    faults: list[str] = []
    for name, made in again.items():
        faults += _differences({key: value for key, value in told[name].items() if key in made}, _plain(made), name)
    return faults


def _of_passport(score: Score, scores: Scores) -> list[str]:
    made = told_by(score.run, scores)
    return list(
        _differences(
            {name: score.passport[name] for name in made if name in score.passport}, _plain(made), runs.PASSPORT
        )
    )


def _plain(tree: Any) -> Any:
    """The tree as JSON gives it back."""
    return json.loads(json_text(as_lists(tree)))


def _differences(told: Any, made: Any, name: str) -> Iterator[str]:
    """Name every leaf of what is told that comes out otherwise; what a later candlelab says beside it is no difference."""
    if isinstance(told, dict) and isinstance(made, dict):
        for key, value in told.items():
            yield from _differences(value, made.get(key), f"{name}: {key}" if ":" not in name else f"{name}.{key}")
    elif isinstance(told, list) and isinstance(made, list) and len(told) == len(made):
        for k, (one, other) in enumerate(zip(told, made, strict=True)):
            yield from _differences(one, other, f"{name}[{k}]")
    elif not _equal(told, made):
        yield f"{name} is {told}, computed again {made}"


def _equal(told: Any, made: Any) -> bool:
    if isinstance(told, float) or isinstance(made, float):
        both = isinstance(told, (int, float)) and isinstance(made, (int, float))
        return both and math.isclose(told, made, rel_tol=EQUAL, abs_tol=1e-12)
    return bool(told == made)


def _ledger(score: Score) -> Recheck:
    head, outputs = score.passport.get("ledger"), outputs_of(score.run)
    if head is None or not score.run.ours:
        return Recheck("ledger", unchecked="the ledger of trials is not here")
    faults = list(read_ledger(outputs).faults)
    if not still_holds(outputs, head):
        faults.append(f"line {head.get('line')} of the ledger of trials is not the one that the passport names")
    return Recheck("ledger", tuple(faults))
