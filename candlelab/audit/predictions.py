"""Consistency check of a table of predictions: rows, order of the parts, and returns that must follow from each other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from candlelab.core.interval import INTERVALS, interval_ms
from candlelab.core.times import iso, to_ms

TRUTH = ("label", "forward_return", "bar_return", "segment")  # what no model says, but the bars
SPANNED = ("symbol", "time")
TOLERANCE = 1e-9  # of a log return
GIVEN = "GivenLabels"  # labels that came with pictures, of which the return may not be known
# Label rules whose classes are the sign of the return to the horizon. Others, an extension's among them, may name a class by
# anything that comes after, and their return may end early, as a barrier's does.
BY_SIGN = ("Direction", "NextReturn", "ThreeClass", "Balanced")


def row_hashes(predictions: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Number of rows and hash of the truth columns of the first model, by split: what `mismatches` holds a table against."""
    first = _of_first_model(predictions)
    return {
        str(split): {"rows": len(part), "sha256": _hash(part)}
        for split, part in first.groupby(first["split"].astype(str))
    }


def _of_first_model(predictions: pd.DataFrame) -> pd.DataFrame:
    """The rows of the model that comes first; compared as it is: as texts the names of all rows would take gigabytes."""
    return predictions[predictions["model"] == predictions["model"].iloc[0]]


def _hash(part: pd.DataFrame) -> str:
    part = part.assign(symbol=part["symbol"].astype(str), time=to_ms(part["time"])).sort_values([*SPANNED])
    digest = hashlib.sha256("|".join(part["symbol"]).encode())
    for name in ("time", *TRUTH):
        kind = float if name.endswith("return") else np.int64
        digest.update(np.ascontiguousarray(part[name].to_numpy(kind)).data)
    return digest.hexdigest()[:16]


def mismatches(predictions: pd.DataFrame, card: Mapping[str, Any], *, stride: int) -> list[str]:
    """Reasons why a table cannot be what the run with this data card wrote; [] if there is none.

    card    of data.json: parts, horizon, interval, kind, label, and rows of `row_hashes` where the run has them.
    stride  bars between neighbouring rows.
    """
    own = _of_first_model(predictions)
    own = own.assign(time=to_ms(own["time"]), symbol=own["symbol"].astype(str))
    found = [*_counts(own, card), *_spans(own, card), *_order(own)]
    if card["kind"] == "forecast":
        found += _unknown(own, card)
        if card["label"] in BY_SIGN:
            found += _signs(own)
        found += _chains(own, card, stride)
    return found or _hashes(predictions, card)


def _counts(own: pd.DataFrame, card: Mapping[str, Any]) -> list[str]:
    said = []
    for split in ("validation", "test"):
        part = card["parts"][split]
        there, expected = int((own["split"] == split).sum()), part["samples"] + part.get("unlabelled", 0)
        if there != expected:
            said.append(f"{there:,} {split} rows per model where the run had {expected:,}")
    return said


def _spans(own: pd.DataFrame, card: Mapping[str, Any]) -> list[str]:
    said = []
    for split in ("validation", "test"):
        part = own[(own["split"] == split) & (own["label"] >= 0)]
        asked = tuple(int(np.datetime64(card["parts"][split][end], "ms").astype(np.int64)) for end in ("first", "last"))
        if len(part) and (int(part["time"].min()), int(part["time"].max())) != asked:
            words = " to ".join(
                str(np.datetime64(int(ms), "ms"))[:16] for ms in (part["time"].min(), part["time"].max())
            )
            said.append(
                f"{split} rows from {words} where data.json says {card['parts'][split]['first'][:16]} to {card['parts'][split]['last'][:16]}"
            )
    return said


def _order(own: pd.DataFrame) -> list[str]:
    """Rows that stand in both parts."""
    keys = {split: own.loc[own["split"] == split, [*SPANNED]] for split in ("validation", "test")}
    shared = len(keys["validation"].merge(keys["test"], on=[*SPANNED]))
    return [f"{shared:,} rows that are both validation and test"] if shared else []


def _unknown(own: pd.DataFrame, card: Mapping[str, Any]) -> list[str]:
    """Labels of what came after without a return of it; labels of others need none."""
    bare = (own["label"] >= 0) & ~np.isfinite(own["forward_return"])
    return [f"{int(bare.sum()):,} labels without a forward_return"] if bare.any() and card["label"] != GIVEN else []


def _signs(own: pd.DataFrame) -> list[str]:
    """Labels up without a rise, or down without a fall."""
    known = own[(own["label"] >= 0) & np.isfinite(own["forward_return"])]
    last = max(1, int(known["label"].max())) if len(known) else 1
    wrong = ((known["label"] == last) & (known["forward_return"] < 0)) | (
        (known["label"] == 0) & (known["forward_return"] > 0)
    )
    return (
        [f"{int(wrong.sum()):,} labels against the sign of their forward_return (first at {_when(known[wrong])})"]
        if wrong.any()
        else []
    )


def _chains(own: pd.DataFrame, card: Mapping[str, Any], stride: int) -> list[str]:
    """Rows whose bar returns do not multiply to their forward return; with several intervals nobody can tell."""
    if card["interval"] not in INTERVALS:
        return []
    bad = [part[~follows(part, card, stride)] for _, part in own.groupby(["split", "symbol", "segment"], observed=True)]
    bad = [part for part in bad if len(part)]
    if not bad:
        return []
    count = sum(map(len, bad))
    return [f"{count:,} rows whose bar_return does not lead to their forward_return (first at {min(map(_when, bad))})"]


def follows(part: pd.DataFrame, card: Mapping[str, Any], stride: int) -> np.ndarray:
    """(n,) False where the returns of the bars up to the horizon do not multiply to the forward return.

    part  the rows of one chain. Rows whose horizon ends on no row of the chain cannot be told and are True. Where the label
    may end early (barriers), the returns must meet the forward return at one of the bars on the way.
    """
    part = part.sort_values("time")
    time, bar = part["time"].to_numpy(np.int64), interval_ms(card["interval"])
    growth = np.concatenate([[0.0], np.cumsum(np.log1p(part["bar_return"].to_numpy(float)))])
    asked = np.log1p(part["forward_return"].to_numpy(float))
    reached = np.append(time[1:], time[-1] + stride * bar)
    fine, told = np.zeros(len(part), bool), np.zeros(len(part), bool)
    early = card["label"] not in BY_SIGN
    for rows in range(1, min(len(part), -(-card["horizon"] // stride)) + 1):
        end = np.arange(len(part)) + rows
        inside = end < len(part)
        end = np.minimum(end, len(part))
        bars = (reached[end - 1] - time) // bar
        here = inside & ((bars <= card["horizon"]) if early else (bars == card["horizon"]))
        whole = not early or rows == card["horizon"]  # a barrier may be touched at a bar that is no row
        told |= inside & (bars == card["horizon"]) & whole
        fine |= here & (np.abs(growth[end] - growth[:-1] - asked) <= TOLERANCE * (1 + np.abs(growth[end])))
    return fine | ~told | ~np.isfinite(asked)


def _hashes(predictions: pd.DataFrame, card: Mapping[str, Any]) -> list[str]:
    """Edits that leave the table consistent."""
    if "rows" not in card:
        return []
    now = row_hashes(predictions)
    changed = [split for split, told in card["rows"].items() if now.get(split) != told]
    return (
        [f"labels, times or returns of the {' and '.join(changed)} rows that the run did not write"] if changed else []
    )


def _when(rows: pd.DataFrame) -> str:
    return iso(int(rows["time"].min()))
