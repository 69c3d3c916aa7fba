"""Edits of a finished run whose manifest is written anew, so that only what its files say can give them away; seeded.

An edit is a function of the folder. What must be refused by at least one command is marked; any other may give another answer, for
what a resealed run says of itself is the word of whoever sealed it, but never a traceback or a hang.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mutation_cases import JSON, STRANGE, _places, pristine
from resealed_binaries import ARRAYS, TABLES, WEIGHTS, edited_arrays, edited_predictions, edited_weights

from candlelab import run as runs

Edit = Callable[[Path], None]
EXTRA = "an extra name"
GONE = "gone"
VALUES = (*STRANGE, -1e308, 1e299, 1.5, "2020-13-01", "2020-01-01", [1, "x"], ["x"], [0.5], GONE, EXTRA)
FILES = tuple(name for name in JSON if name not in (runs.MANIFEST, runs.CONFIG))


@dataclass(frozen=True)
class Case:
    """One edit; `refused`: at least one command must refuse the run."""

    name: str
    edit: Edit
    refused: bool = False


def reseal(folder: Path) -> None:
    """Write the manifest of a folder as it is."""
    apart = (runs.EXPORTS, runs.PREDICTED, runs.SCORES, runs.MANIFEST)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    runs.Manifest.of(folder, [name for name in names if name.split("/")[0] not in apart]).write(folder / runs.MANIFEST)


def resealed(case: Case, target: Path) -> Path:
    """Return a copy of the whole run with an edit and a manifest that fits."""
    folder = target / pristine().name
    shutil.copytree(pristine(), folder, copy_function=shutil.copy2)
    case.edit(folder)
    reseal(folder)
    return folder


def corpus() -> list[Case]:
    """Return all cases, the same every time."""
    return [*contradictions(), *texts(), *yamls(), *swaps(), *binaries(), *tables(), *links()]


def set_to(folder: Path, name: str, place: tuple, value) -> None:
    """Change one place of a JSON file."""
    tree = json.loads((folder / name).read_text())
    node = tree
    *above, last = place
    for step in above:
        node = node[step]
    if value == GONE:
        del node[last]
    elif value == EXTRA and isinstance(node, dict):
        node["extra"] = 1
    else:
        node[last] = value
    (folder / name).write_text(json.dumps(tree))


def edit_of(name: str, place: tuple, value) -> Edit:
    return lambda folder: set_to(folder, name, place, value)


LIES = (
    (runs.PREPROCESSING, ("interval",), "banana"),
    (runs.PREPROCESSING, ("interval",), "4h"),
    (runs.PREPROCESSING, ("renderer",), {}),
    (runs.PREPROCESSING, ("renderer", "height"), 17),
    (runs.PREPROCESSING, ("renderer", "style"), "candlelab.render.line.Line"),
    (runs.PREPROCESSING, ("kind",), "recognition"),
    (runs.PREPROCESSING, ("horizon",), 5),
    (runs.PREPROCESSING, ("classes",), ["up", "down"]),
    (runs.PREPROCESSING, ("label",), "TripleBarrier"),
    (runs.PREPROCESSING, ("window",), 17),
    (runs.PREPROCESSING, ("warmup",), 0),
    (runs.PREPROCESSING, ("reads",), ["image"]),
    (runs.PREPROCESSING, ("features",), ["open"]),
    (runs.PREPROCESSING, ("data_hash",), "0" * 16),
    (runs.PREPROCESSING, ("symbols",), ["BTCUSDT"]),
    (runs.PREPROCESSING, ("caption_length",), 31),
    (runs.PREPROCESSING, ("shapes", "vocabulary"), 63),
    (runs.PREPROCESSING, ("forecast_error",), 0),
    (runs.DATA, ("kind",), "recognition"),
    (runs.DATA, ("interval",), "4h"),
    (runs.DATA, ("quality",), [{"kind": "x", "symbol": "SIM", "bars": 1, "share": 1, "first": "banana", "means": "x", "shakes": True}]),
    (runs.DATA, ("quality",), [{"kind": "x", "symbol": "SIM", "bars": 1, "share": 1, "first": "2020-01-01 00:00", "means": "x", "shakes": True, "more": 1}]),
    (runs.DATA, ("warnings",), 5),
    (runs.DATA, ("parts", "test", "first"), 7),
    (runs.DATA, ("parts", "test", "first"), "yesterday"),
    (runs.DATA, ("parts", "test", "classes"), {"down": 43}),
    (runs.DATA, ("rows", "test", "rows"), 86),
    (runs.CURVES, ("confusion", "counts"), [[1, 2], [3]]),
    (runs.CURVES, ("confusion", "counts"), [[1]]),
    (runs.CURVES, ("equity", "net", 0), None),
    (runs.CURVES, ("equity", "net", 0), 1e308),
    (runs.CURVES, ("equity", "time", 0), 1e17),
    (runs.THRESHOLD, ("curve",), 5),
    (runs.THRESHOLD, ("warnings",), [5]),
    (runs.THRESHOLD, ("fee_bps",), "x"),
    (runs.EVALUATE, ("fee_bps",), "x"),
    (runs.EVALUATE, ("n_bootstrap",), -1),
    (runs.VERDICT, ("kind",), "recognition"),
    (runs.VERDICT, ("information", "answer"), "maybe"),
    (runs.VERDICT, ("information", "more"), 1),
    (runs.METRICS, ("test/accuracy",), 1e301),
    (runs.BAYES, ("accuracy",), 7),
    (runs.DIFFICULTY, (0, "samples"), 0),
)  # fmt: skip


def contradictions() -> Iterator[Case]:
    """What contradicts another file or itself; then one strange value in one place of a JSON file."""
    for name, place, value in LIES:
        yield Case(
            f"{name} {'.'.join(map(str, place))} is {str(value)[:40]}", edit_of(name, place, value), refused=True
        )
    for name in FILES:
        for seed in range(12):
            yield Case(f"{name} strange in one place, {seed}", lambda folder, n=name, k=seed: _strange(folder, n, k))


def _strange(folder: Path, name: str, seed: int) -> None:
    chance = random.Random(f"{name}{seed}")
    places = [place for place in _places(json.loads((folder / name).read_text())) if place]
    set_to(folder, name, chance.choice(places), chance.choice(VALUES))


def _twice(text: str) -> str:
    return text.replace("{", '{"kind": "recognition", "kind": "forecast", ', 1)


TRICKS: dict[str, Callable[[str], str | bytes]] = {
    "a name twice": _twice,
    "NaN": lambda text: text.replace(": ", ": NaN, \"x\": ", 1),
    "Infinity": lambda text: text.replace(": ", ": -Infinity, \"x\": ", 1),
    "1e999": lambda text: text.replace(": ", ": 1e999, \"x\": ", 1),
    "a number of 5,000 digits": lambda text: text.replace(": ", ": " + "9" * 5000 + ", \"x\": ", 1),
    "99 levels": lambda text: text.replace(": ", ": " + "[" * 99 + "]" * 99 + ", \"x\": ", 1),
    "100,000 levels": lambda text: '{"x": ' + "[" * 100_000,
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "a null byte": lambda text: text.replace(":", ":\0", 1),
    "a comment": lambda text: "// whole\n" + text,
    "a second value": lambda text: text + "{}",
    "a Cyrillic name": lambda text: text.replace("a", "\u0430", 1),
    "full-width digits": lambda text: text.replace("1", "\uff11", 1),
    "half a letter": lambda text: text.replace(": ", ': "\\ud800", "x": ', 1),
    "latin-1": lambda text: text.replace('"', '"\xe9', 1).encode("latin-1"),
    "single quotes": lambda text: text.replace('"', "'"),
    "a trailing comma": lambda text: text.rstrip().removesuffix("}") + ",}",
}  # fmt: skip


def texts() -> Iterator[Case]:
    """How a JSON file may be spelt."""
    for place, (trick, spell) in enumerate(TRICKS.items()):
        for k in range(5):
            name = FILES[(place * 3 + k) % len(FILES)]
            yield Case(
                f"{name} holds {trick}", _respelt(name, spell), refused=trick in ("a name twice", "NaN", "1e999")
            )


def _respelt(name: str, spell: Callable[[str], str | bytes]) -> Edit:
    def edit(folder: Path) -> None:
        told = spell((folder / name).read_text())
        (folder / name).write_bytes(told if isinstance(told, bytes) else told.encode("utf-8", "surrogatepass"))

    return edit


YAML: dict[str, Callable[[str], str | bytes]] = {
    "a merge": lambda text: text + "<<: {seed: 5}\n",
    "a merge in data": lambda text: text.replace("data:\n", "data:\n  <<: {window: 99}\n", 1),
    "a name twice": lambda text: text + "seed: 5\n",
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "tabs": lambda text: text.replace("  ", "\t"),
    "two documents": lambda text: text + "---\nseed: 5\n",
    "a directive": lambda text: "%YAML 1.2\n---\n" + text,
    "not a number": lambda text: text.replace("fee_bps: 10.0", "fee_bps: .nan"),
    "infinity": lambda text: text.replace("fee_bps: 10.0", "fee_bps: .inf"),
    "base sixty": lambda text: text.replace("window: 16", "window: 1:40"),
    "an octal": lambda text: text.replace("window: 16", "window: 0o20"),
    "a date": lambda text: text.replace("seed: 0", "seed: 2020-01-01", 1),
    "a number as a name": lambda text: text + "5: x\n",
    "a list as a name": lambda text: text + "? [a, b]\n: x\n",
    "null as a name": lambda text: text + "~: x\n",
    "an anchor": lambda text: text.replace("seed: 0", "seed: &a 0", 1),
    "a binary": lambda text: text + "x: !!binary aGVsbG8=\n",
    "a null byte": lambda text: text + "x: \0\n",
    "a huge number": lambda text: text.replace("seed: 0", "seed: " + "9" * 5000, 1),
    "a flow": lambda text: text + "x: {a: [1, {b: 2}]}\n",
    "a block": lambda text: text + "x: |\n" + "  line\n" * 10_000,
    "a Cyrillic name": lambda text: text.replace("seed:", "s\u0435ed:", 1),
}  # fmt: skip


def yamls() -> Iterator[Case]:
    """How a config may be spelt."""
    for trick, spell in YAML.items():
        yield Case(f"config.yaml holds {trick}", _respelt(runs.CONFIG, spell))


@cache
def another() -> Path:
    """Return the folder of another run, of the same kind of model with another seed of its market."""
    from export_cases import finished

    return finished("fusion", "data.source.seed=1", "data.label.horizon=2").folder


def swaps() -> Iterator[Case]:
    """A file of another run in place of this one's; and every file of it that this one has."""
    for name in (runs.CONFIG, runs.PREPROCESSING, runs.DATA, runs.PREDICTIONS):
        yield Case(f"{name} of another run", lambda folder, name=name: _swapped(folder, [name]), refused=True)
    for name in (runs.WEIGHTS, runs.THRESHOLD, runs.METRICS, runs.ENVIRONMENT, runs.ORIGIN):
        yield Case(f"{name} of another run", lambda folder, name=name: _swapped(folder, [name]))
    chance = random.Random(11)
    names = [runs.CONFIG, runs.PREPROCESSING, runs.DATA, runs.PREDICTIONS, runs.WEIGHTS, runs.THRESHOLD, runs.METRICS]
    for k in range(16):
        some = chance.sample(names, chance.randint(2, 6))
        yield Case(f"{k}: {', '.join(some)} of another run", lambda folder, some=some: _swapped(folder, some))


def _swapped(folder: Path, names: list[str]) -> None:
    for name in names:
        shutil.copy(another() / name, folder / name)


def binaries() -> Iterator[Case]:
    """Weights and pictures that are not what they say."""
    for name in WEIGHTS:
        yield Case(f"weights: {name}", lambda folder, name=name: edited_weights(folder / runs.WEIGHTS, name), True)
    for name in ARRAYS:
        yield Case(f"charts: {name}", lambda folder, name=name: edited_arrays(folder / runs.CHARTS, name))


CSV: dict[str, Callable[[str], str | bytes]] = {
    "nothing": lambda text: "",
    "a head alone": lambda text: text.split("\n")[0] + "\n",
    "words": lambda text: text.replace("0.", "x.", 1),
    "infinity": lambda text: _last_cell(text, "inf"),
    "1e308": lambda text: _last_cell(text, "1e308"),
    "not a number": lambda text: _last_cell(text, "nan"),
    "a formula": lambda text: _last_cell(text, "=HYPERLINK(1)"),
    "a quote left open": lambda text: text + '"x',
    "a null byte": lambda text: text + "\0,\0\n",
    "other columns": lambda text: "a,b\n1,2\n",
    "columns twice": lambda text: text.replace(",", ",n,n,", 1),
    "a longer row": lambda text: text + ",".join("1" * 500) + "\n",
    "semicolons": lambda text: text.replace(",", ";"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "a cell of a megabyte": lambda text: _last_cell(text, "1" * 1_000_000),
    "50,000 rows": lambda text: text + (text.rstrip().split("\n")[-1] + "\n") * 50_000,
    "a trade that is none": lambda text: text.split("\n")[0] + "\nSIM,x,y,sideways,-1,x,y,inf\n",
}  # fmt: skip


def _last_cell(text: str, value: str) -> str:
    head, _, tail = text.rstrip("\n").rpartition("\n")
    return f"{head}\n{tail.rpartition(',')[0]},{value}\n"


def tables() -> Iterator[Case]:
    """Tables of numbers that are not what they say, and predictions that the run did not make."""
    for k, (trick, spell) in enumerate(CSV.items()):
        for name in (runs.PER_SYMBOL, runs.EPOCHS, runs.TRADES)[: 2 + k % 2]:
            yield Case(f"{name} holds {trick}", _respelt(name, spell))
    for name, refused in TABLES.items():
        yield Case(f"predictions: {name}", lambda folder, name=name: edited_predictions(folder, name), refused)


def links() -> Iterator[Case]:
    """Parts that lie elsewhere."""
    for name in (runs.CONFIG, runs.PREPROCESSING, runs.WEIGHTS, runs.PREDICTIONS, runs.DATA, runs.CHARTS, runs.VERDICT):
        yield Case(f"{name} is a link out of the run", lambda folder, name=name: _out(folder, name), refused=True)
        yield Case(f"{name} is a link inside the run", lambda folder, name=name: _inside(folder, name))


def _out(folder: Path, name: str) -> None:
    place = folder.parent / f"elsewhere-{Path(name).name}"
    shutil.move(folder / name, place)
    (folder / name).symlink_to(place)


def _inside(folder: Path, name: str) -> None:
    place = folder / f"kept-{Path(name).name}"
    shutil.move(folder / name, place)
    (folder / name).symlink_to(place)
