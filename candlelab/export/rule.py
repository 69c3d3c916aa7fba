"""The decision rule that a run's signals, exports and cards carry: which score, how high, and a hash that says that it has not moved."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from candlelab.core.errors import UserError
from candlelab.core.files import sha256_of
from candlelab.core.signal import checked_threshold, threshold_hash
from candlelab.export.onnx_file import read_card
from candlelab.run import THRESHOLD, WEIGHTS, Run


@dataclass(frozen=True)
class Rule:
    """How sure an answer must be, and by which score; threshold None: nothing is acted on."""

    score: str
    threshold: float | None
    hash: str
    weights: str  # SHA-256 of the run's weights: an exported model must hold these


def rule_of(run: Run) -> Rule:
    """Return the rule that a run was scored with.

    Raises UserError if the threshold has moved since: whatever was said with the old one would no longer hold.
    """
    chosen, verdict = run.threshold, run.verdict
    own = threshold_hash(chosen)
    for told in (chosen.get("hash"), verdict.get("threshold_hash")):
        if told not in (None, own):
            raise UserError(
                f"the threshold in '{run.folder / THRESHOLD}' is not the one that this run was scored with ({own} now, {told} "
                "then): bring the file back, or train again with resume=never"
            )
    return Rule(
        chosen.get("score", "confidence"), checked_threshold(chosen.get("threshold")), own, sha256_of(run.file(WEIGHTS))
    )


def rule_at(run: Run, threshold: float | None) -> Rule:
    """Return the rule of a run, at another threshold where one is asked for; its hash is empty then."""
    rule = rule_of(run)
    return rule if threshold is None else replace(rule, threshold=checked_threshold(threshold), hash="")


def left_out_of_signals(chosen: dict[str, Any]) -> list[str]:
    """Return what a signal does not say where a run was scored by sizes or holding times; chosen as in threshold.json."""
    position = chosen.get("position", "threshold")
    if position == "threshold":
        return []
    return [
        f"scored with evaluate/rule={position}: a signal says where a position opens, not its size nor how long it is held"
    ]


def check_export(path: Path, card: dict[str, Any], rule: Rule) -> None:
    """Raise UserError unless a model file carries the threshold of its run."""
    if card.get("weights_hash") != rule.weights:
        raise UserError(f"'{path}' was exported from other weights than those of its run: export the run again")
    if card.get("threshold_hash") != rule.hash:
        theirs, ours = (
            "none" if value is None else f"{value:.4g}" for value in (card.get("threshold"), rule.threshold)
        )
        raise UserError(
            f"'{path}' carries the threshold {theirs} ({card.get('threshold_hash', 'of no known score')}), and the run has "
            f"{ours} ({rule.hash}): export the run again"
        )


def check_exports(run: Run, paths: list[Path]) -> None:
    """Raise UserError unless every model file of a run carries its threshold."""
    rule = rule_of(run)
    for path in paths:
        check_export(path, json.loads(read_card(path).metadata.get("candlelab", "{}")), rule)
