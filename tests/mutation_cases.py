"""Damage to the files of a finished run, seeded: flipped bits, cuts, swaps, edits, bombs; and what must not come of it."""

import json
import random
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from export_cases import finished
from omegaconf import DictConfig
from tiny import TINY

from candlelab import run as runs
from candlelab.config import build, compose
from candlelab.core.errors import UserError

JSON = (
    runs.ENVIRONMENT,
    runs.PREPROCESSING,
    runs.DATA,
    runs.METRICS,
    runs.EVALUATE,
    runs.THRESHOLD,
    runs.CURVES,
    runs.VERDICT,
    runs.BAYES,
    runs.DIFFICULTY,
    runs.MANIFEST,
)
FILES = (*JSON, runs.CONFIG, runs.WEIGHTS, runs.PREDICTIONS, runs.EPOCHS, runs.PER_SYMBOL, runs.CHARTS)
STRANGE = (
    None,
    True,
    -1,
    0,
    10**9,
    10**30,
    1e308,
    0.5,
    "",
    "x",
    "x" * 100_000,
    "${oc.env:HOME}",
    [],
    {},
    [[[]]],
    [None],
    {"": None},
)
DEEP = "[" * 5000 + "]" * 5000
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@cache
def pristine() -> Path:
    """Return the folder of a small run with every file that readers know, its net untrained."""
    from candlelab.pipeline.scores.scoring import score_and_report
    from candlelab.pipeline.training.difficulty import LEVELS

    made = finished("fusion")
    folder = made.folder.with_name(f"{made.folder.name}-scored")
    shutil.copytree(made.folder, folder)
    runs.unfinish(folder)
    (folder / runs.EPOCHS).write_text("epoch,step,train/loss,val/loss\n0,7,0.70,0.69\n1,14,0.68,0.69\n")
    runs.write_json(folder / runs.BAYES, {"accuracy": 0.62})
    runs.write_json(folder / runs.DIFFICULTY, [{"difficulty": level, "samples": 10, "right": 5} for level in LEVELS])
    score_and_report(runs.Run(folder), compose(*TINY), extra={"fit/seconds": 1.0, "net/parameters": 9}, data=made.data)
    return folder


def answers(folder: Path, *names: str) -> dict:
    """Return what loading, reporting and predicting say: for each a value to compare, or the UserError that came instead."""
    return {name: _said(COMMANDS[name], folder) for name in names or COMMANDS}


def _said(call: Callable, folder: Path):
    started, waited = time.process_time(), time.monotonic()
    try:
        said = call(folder)
    except UserError as error:
        said = error
    spent, waited = time.process_time() - started, time.monotonic() - waited
    assert spent < 10 and waited < 120, f"{call.__name__} took {spent:.0f} seconds of work, {waited:.0f} altogether"
    return said


def _load(folder: Path) -> str:
    run = runs.load_run(folder)
    weights = {name: value.sum().item() for name, value in run.model.state_dict().items()}
    told = (
        run.metrics,
        run.verdict,
        run.threshold,
        run.card,
        run.curves,
        run.predictions.to_dict("list"),
        weights,
        run.epochs,
        run.bayes,
    )
    return json.dumps(told, sort_keys=True, default=str)


def _report(folder: Path) -> str:
    cfg = command("report", folder)
    return json.dumps(build(cfg, "task", cfg), sort_keys=True)


def _predict(folder: Path) -> str:
    cfg = command("predict", folder)
    return build(cfg, "task", cfg).to_csv()


def _explore(folder: Path) -> str:
    cfg = command("explore", folder)
    build(cfg, "task", cfg)
    return (folder / runs.EXPLORER).read_text(encoding="utf-8")


COMMANDS = {"load": _load, "report": _report, "predict": _predict, "explore": _explore}


def command(task: str, folder: Path) -> DictConfig:
    """Return the config of a task on a run, composed once for all runs."""
    cfg = _composed(task).copy()
    cfg.task.run = str(folder)
    return cfg


@cache
def _composed(task: str) -> DictConfig:
    return compose(*TINY, f"task={task}", "task.run=x")


def damage(folder: Path, seed: int) -> str:
    """Damage one file of a run and return what was done; every second time its manifest goes too, as if the run were older."""
    chance = random.Random(seed)
    name = chance.choice(FILES)
    path = folder / name
    kinds = [_flip, _cut, _empty, _delete, _swap, _folder, _noise]
    kinds += (
        [_edit] * 9
        if name in JSON
        else [_table] * 7
        if name == runs.PREDICTIONS
        else [_yaml] * 7
        if name == runs.CONFIG
        else []
    )
    kind = chance.choice(kinds)
    told = kind(path, chance)
    alone = chance.random() < 0.5 and name != runs.MANIFEST
    if alone:
        (folder / runs.MANIFEST).unlink()
    return f"{seed}: {name} {told}{', no manifest' if alone else ''}"


def _flip(path: Path, chance: random.Random) -> str:
    data = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    return "bits flipped"


def _cut(path: Path, chance: random.Random) -> str:
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])
    return "cut"


def _empty(path: Path, chance: random.Random) -> str:
    path.write_bytes(b"")
    return "emptied"


def _delete(path: Path, chance: random.Random) -> str:
    path.unlink()
    return "deleted"


def _swap(path: Path, chance: random.Random) -> str:
    root = path.parents[len(Path(path.name).parts) - 1] if (path.parent / runs.CONFIG).exists() else path.parents[1]
    other = root / chance.choice(FILES)
    path.write_bytes(other.read_bytes())
    return f"replaced by {other.name}"


def _folder(path: Path, chance: random.Random) -> str:
    path.unlink()
    path.mkdir()
    return "made a folder"


def _noise(path: Path, chance: random.Random) -> str:
    path.write_bytes(chance.randbytes(chance.choice((1, 100, 100_000))))
    return "made noise"


def _edit(path: Path, chance: random.Random) -> str:
    tree = json.loads(path.read_text())
    how = chance.random()
    if how < 0.1:
        path.write_text(chance.choice((DEEP, "NaN", "1e999", "9" * 6000, "{}", "[]", "null", '"x"')))
        return "replaced by a bomb"
    *above, last = chance.choice([place for place in _places(tree) if place] or [()]) or (None,)
    if last is None:
        path.write_text("{}")
        return "emptied of names"
    node, value = tree, chance.choice(STRANGE)
    for step in above:
        node = node[step]
    if how < 0.25:
        del node[last]
        value = "gone"
    else:
        node[last] = value
    path.write_text(json.dumps(tree).replace("1e+308", chance.choice(("1e308", "1e999", "NaN"))))
    return f"{[*above, last]} made {str(value)[:20]}"


def _places(tree, above: tuple = ()):
    yield above
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree[:3]) if isinstance(tree, list) else ():
        yield from _places(value, (*above, key))


def _yaml(path: Path, chance: random.Random) -> str:
    import yaml

    tree = yaml.safe_load(path.read_text())
    *above, last = chance.choice([place for place in _places(tree) if place])
    node, value = tree, chance.choice((*STRANGE, "candlelab.run.Run", "os.system"))
    for step in above:
        node = node[step]
    node[last] = value
    text = (
        yaml.safe_dump(tree)
        if chance.random() < 0.8
        else chance.choice((BOMB, DEEP, "- x", "a: !!python/object:os.system x", "a" * 2_000_000))
    )
    path.write_text(text)
    return f"{[*above, last]} made {str(value)[:20]}" if len(text) < 9_000 else "made a bomb"


def _table(path: Path, chance: random.Random) -> str:
    import pandas as pd

    table = pd.read_parquet(path)
    name = chance.choice(list(table))
    value = chance.choice((float("nan"), float("inf"), -1, 2, 10**15, "x", None, [1]))
    if chance.random() < 0.3:
        table = table.drop(columns=[name])
    elif chance.random() < 0.3:
        table = table.iloc[: chance.randrange(len(table))]
    else:
        table[name] = [value] * len(table)
    table.to_parquet(path)
    return f"{name} made {value}"
