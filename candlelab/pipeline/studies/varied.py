"""What tells the runs of a study apart: the settings in which they differ, in words short enough for a table."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from candlelab.config import NOT_IN_SIGNATURE

NAMED = (
    "model.net._target_",
    "model.net.backbone",
    "model.net.use_cnn",
    "model.net.use_attention",
    "model.net.mode",
    "data._target_",
    "data.symbols",
    "data.interval",
    "data.window",
    "data.start",
    "data.end",
    "data.thin",
    "data.split",
    "data.label._target_",
)
OF_NO_MODEL = ("seed", "data.seed", "data.source.cache", *(name for name in NOT_IN_SIGNATURE if name != "evaluate"))
FOLLOW_THE_WINDOW = ("render.window", "data.indicators.average", "data.source.window", "data.source.feature_window")
OF_THE_DATA = ("data.source", "data.label", "data.resample", "data.stride", "data.max_samples")


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return every leaf of a config by its dotted name, values as words; what a name says already, or no fit depends on, is left out."""
    found: dict[str, str] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if name in NAMED or name in OF_NO_MODEL:
            continue
        found |= flat(value, f"{name}.") if isinstance(value, dict) else {name: setting_words(name, value)}
    return found


def settings_of(tree: dict[str, Any]) -> dict[str, str]:
    """Return the leaves of a run's config by name, without those that only repeat its window."""
    window = str(tree["data"].get("window"))
    return {name: value for name, value in flat(tree).items() if name not in FOLLOW_THE_WINDOW or value != window}


def tell_apart(rows: list[dict[str, Any]]) -> None:
    """Add to each row's `model` and `data` the settings (`settings`, flat) in which rows of one name differ.

    What the label asks is in both, and in `rule`: models of different questions are different rows, and so are their baselines.
    """
    for row in rows:
        row["rule"] = ""
    for column, wanted in (("data", True), ("model", False)):
        groups = defaultdict(list)
        for row in rows:
            groups[row.get(column), row.get("experiment") if wanted else None].append(row)
        for alike in groups.values():
            keys = _differing([row.get("settings", {}) for row in alike], wanted)
            for row in alike:
                row[column] = _joined(row.get(column), row, keys)
                row["rule"] = row["rule"] or _joined("", row, [key for key in keys if key.startswith("data.label")])
    for row in rows:
        row["model"] = f"{row['model']} {row['rule']}".strip()


def _joined(name, row: dict[str, Any], keys: list[str]) -> str:
    """Return a name and what the row's settings say under some keys."""
    words = [_words(key, row) for key in keys if key in row.get("settings", {})]
    return " ".join([str(name), *words] if name else words)


def _differing(settings: list[dict[str, str]], of_the_data: bool) -> list[str]:
    """Return the names of the settings that have several values among those that have them."""
    values: dict[str, set[Any]] = defaultdict(set)
    for each in settings:
        for key, value in each.items():
            if key.startswith(OF_THE_DATA) == of_the_data:
                values[key].add(value)
    return [key for key, seen in values.items() if len(seen) > 1]


def _words(key: str, row: dict[str, Any]) -> str:
    value = row["settings"][key]
    *_, last = key.split(".")
    return value if last == "_target_" else f"{last}={value}"


def setting_words(name: str, value) -> str:
    """Return a setting's value in words: of a component the last part of its name."""
    if name.endswith("_target_"):
        return str(value).rsplit(".", 1)[-1]
    return f"{value:g}" if isinstance(value, float) else str(value)
