"""The settings at the root of a config: names of folders, seed, resume; and the groups that no run can do without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

RESUME = ("auto", "retry", "never")
SEEDS = 2**32  # NumPy and torch both take seeds below it
LONGEST_NAME = 150  # bytes; with the hash it stays below what a file system takes
NEEDED = {
    "data": ("source", "label", "split", "indicators", "scaling", "caption"),
    "model": ("net", "loss", "optimizer"),
    "trainer": ("logger",),
    "evaluate": ("threshold",),
    "task": (),
}


def root_problems(tree: dict[str, Any]) -> Iterator[str]:
    """Yield one line for each setting at the root that cannot be."""
    for key in ("study", "name"):
        if tree.get(key) is not None:
            yield from _name_problems(key, tree[key])
    if "seed" in tree and not is_seed(tree["seed"]):
        yield f"seed: expected {A_SEED}, got {tree['seed']!r}"
    if "resume" in tree and tree["resume"] not in RESUME:
        yield f"resume: expected one of {', '.join(RESUME)}, got {tree['resume']!r}"
    if "outputs" in tree and not _is_path(tree["outputs"]):
        yield f"outputs: expected a folder, got {tree['outputs']!r}"
    if not isinstance(tree.get("pretrained", True), bool):
        yield f"pretrained: expected true or false, got {tree['pretrained']!r}"
    yield from _group_problems(tree)
    yield from _recipe_problems(tree.get("model"))


def is_seed(value: Any) -> bool:
    """Return whether every random generator takes this seed."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < SEEDS


A_SEED = f"a whole number from 0 to {SEEDS - 1}"


def _name_problems(key: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{key}: expected text, got {value!r}: quote it as {key}=\"'{value}'\""
    elif not re.fullmatch(r"[^\W_][^/\\:*?\"<>|\x00-\x1f\x7f]*", value) or value.rstrip(". ") != value:
        yield (
            f"{key}: '{value[:60]}' names no folder inside outputs: begin with a letter or a digit, and use no / \\ : * ? \" < > |"
        )
    elif len(value.encode()) > LONGEST_NAME:
        yield f"{key}: {len(value.encode())} bytes are too long for the name of a folder: give at most {LONGEST_NAME}"


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != "" and "\0" not in value


def _recipe_problems(model: Any) -> Iterator[str]:
    """Yield what is wrong with the sizes that a recipe hands to data and trainer."""
    for key in ("image_size", "epochs", "steps", "patience"):
        value = model.get(key) if isinstance(model, dict) else None
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            yield f"model.{key}: expected a whole number of at least 1, got {value!r}"


def _group_problems(tree: dict[str, Any]) -> Iterator[str]:
    """Yield the groups and the parts of groups that are absent or no component; render may be null where no net reads charts."""
    for group, parts in NEEDED.items():
        if group not in tree:
            continue
        node = tree[group]
        if not isinstance(node, dict):
            yield f"{group}: expected one of its options, got {node!r}: choose {group}=… (--help lists them)"
            continue
        if group == "task" and "_target_" not in node:
            yield f"task: expected a component, got {node!r}: choose task=… (--help lists them)"
        for part in parts:
            if not isinstance(node.get(part), dict) or "_target_" not in node[part]:
                where = f"{group}/{part}" if (group, part) != ("model", "net") else "model"
                yield f"{group}.{part}: expected a component, got {node.get(part)!r}: choose {where}=… (--help lists them)"
