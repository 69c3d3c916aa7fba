"""A corpus of hostile runs: what a stranger could hand over as a folder, each a small edit of an honest run."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from resealed_runs import reseal

Edit = Callable[[Path, "Canary"], None]
PLACES = (
    "data",
    "data.source",
    "data.label",
    "data.split",
    "data.indicators",
    "data.scaling",
    "data.caption",
    "render",
    "render.storage",
    "model.net",
    "model.loss",
    "model.optimizer",
    "trainer",
    "trainer.logger",
    "evaluate",
    "evaluate.threshold",
    "task",
)
TARGETS = {
    "a file beside the run": "candlelab./{folder}/evil.Thing",
    "a file through the working folder": "candlelab...{folder}.evil.Thing",
    "a module of the run": "evil.Thing",
    "the operating system": "os.system",
    "a verb": "candlelab.task.clean.clean",
    "a private name": "candlelab.run._git",
}
INTERPOLATIONS = (
    "${oc.env:HF_TOKEN}",
    "${oc.env:HF_TOKEN,x}",
    "${oc.create:{a: 1}}",
    "${data.window}",
    "${first:${oc.env:HF_TOKEN}}",
    "$\\u007boc.env:HF_TOKEN}",
    "${hydra:runtime.cwd}",
)


class Canary:
    """A file that exists only once code of a hostile run was executed, and the address that must never be asked."""

    address = "http://127.0.0.1:9/canary"

    def __init__(self, folder: Path):
        self.file, self.outside = folder / "canary", folder / "outside"
        self.outside.mkdir(exist_ok=True)
        (self.outside / "mine.txt").write_text("mine")

    @property
    def sings(self) -> bool:
        """Whether anything was executed or written where it must not be."""
        return self.file.exists() or [p.name for p in self.outside.iterdir()] != ["mine.txt"]


class Bomb:
    """Writes the canary when it is unpickled."""

    def __init__(self, file: Path):
        self.file = str(file)

    def __reduce__(self):
        return open, (self.file, "w")


def corpus() -> Iterator[tuple[str, Edit]]:
    """Yield (name, edit) of every hostile run."""
    for place in PLACES:
        for name, target in TARGETS.items():
            yield f"{place} is {name}", _targeted(place, target)
    for text in INTERPOLATIONS:
        for key in ("study", "data.symbols", "data.source.seed"):
            yield f"{key} holds {text}", _set(key, text)
    yield from _places()
    yield from _greed()
    yield from _yaml_tricks()
    yield from _files()


def _config(folder: Path) -> dict:
    return yaml.safe_load((folder / "config.yaml").read_text())


def _write(folder: Path, tree: dict) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump(tree))


def _set(key: str, value) -> Edit:
    def edit(folder: Path, canary: Canary) -> None:
        tree = node = copy.deepcopy(_config(folder))
        *parents, last = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value(folder, canary) if callable(value) else value
        _write(folder, tree)

    return edit


def _targeted(place: str, target: str) -> Edit:
    def edit(folder: Path, canary: Canary) -> None:
        (folder / "evil.py").write_text(
            f"open({str(canary.file)!r}, 'w')\nclass Thing:\n    def __init__(self, *, x: "
            f"open({str(canary.file)!r}, 'w') = 1): open({str(canary.file)!r}, 'w')\n"
        )
        _set(f"{place}._target_", target.format(folder=str(folder).strip("/")))(folder, canary)

    return edit


MARKET = {"market": "spot", "refresh": False, "misaligned": "drop", "max_attempts": 1, "backoff": 0.0, "timeout": 0.2}
READING = {
    "columns": {},
    "timezone": "UTC",
    "time_format": None,
    "max_bytes": 1_000_000,
    "misaligned": "drop",
    "last_bar": "keep",
}
VISION = MARKET | {
    "_target_": "candlelab.data.source.binance_vision.BinanceVision",
    "archive_url": Canary.address,
    "listing_url": Canary.address,
    "rest_url": Canary.address,
    "workers": 1,
}
API = MARKET | {
    "_target_": "candlelab.data.source.binance_api.BinanceApi",
    "rest_url": Canary.address,
    "weight_per_minute": None,
}
HUB = READING | {
    "_target_": "candlelab.data.source.huggingface.HuggingFace",
    "repo": "evil/set",
    "revision": "main",
    "files": None,
    "timeout": 0.2,
}
OWN_FILE = READING | {"_target_": "candlelab.data.source.file.File"}
STORE = {
    "_target_": "candlelab.render.storage.npz.Npz",
    "max_images": None,
    "mode": "windows",
    "images_per_file": 10,
    "compression_level": 1,
}
DASHBOARD = {
    "_target_": "candlelab.trainer.logger.wandb_log.WandbLog",
    "project": "x",
    "entity": "evil",
    "mode": "online",
    "tags": [],
    "rows": 1,
    "system_seconds": 1.0,
    "timeout": 0.2,
    "artifacts": True,
}


def _places() -> Iterator[tuple[str, Edit]]:
    """Addresses and folders of the stranger."""
    yield "an archive of the stranger", _elsewhere("data.source", "cache", VISION)
    yield "an exchange of the stranger", _elsewhere("data.source", "cache", API)
    yield "a data set of the stranger", _set("data.source", HUB)
    for path in ("/etc/passwd", "/dev/zero", "/proc/self/environ", "../../secrets.csv"):
        yield f"a file of ours: {path}", _set("data.source", OWN_FILE | {"path": path})
    yield "a store elsewhere", _elsewhere("render.storage", "path", STORE)
    yield "outputs elsewhere", _set("outputs", lambda folder, canary: str(canary.outside))
    yield "a study elsewhere", _set("study", "../../escape")
    yield "weights from elsewhere", _set("model.net.pretrained", lambda folder, canary: str(canary.outside))
    yield "a dashboard of the stranger", _set("trainer.logger", DASHBOARD)


def _elsewhere(key: str, name: str, settings: dict) -> Edit:
    return _set(key, lambda folder, canary: settings | {name: str(canary.outside / "store")})


GREEDY = (
    ("model.net.image_layers", 10**9),
    ("model.net.image_layers", 10**6),
    ("model.net.caption_layers", 10**6),
    ("model.net.width", 10**6),
    ("model.net.width", 96 * 10**8),
    ("model.net.feed_forward", 10**6),
    ("model.net.patch", 1),
    ("data.symbols", [f"S{k}" for k in range(5000)]),
    ("data.source.bars", 10**9),
    ("data.source.bars", 10**7),
    ("data.window", 10**9),
    ("data.stride", 10**9),
    ("data.label.horizon", 10**5),
    ("data.caption.length", 10**6),
    ("data.batch_size", 65_000),
    ("render.height", 20_000),
    ("render.moving_averages", [10**6]),
    ("evaluate.n_bootstrap", 10**9),
    ("evaluate.n_permutations", 10**9),
    ("evaluate.n_bins", 10**9),
    ("evaluate.threshold.n_bootstrap", 10**9),
)


def _greed() -> Iterator[tuple[str, Edit]]:
    """Settings that would fill the memory or take years."""
    for key, value in GREEDY:
        yield f"{key} is {str(value)[:16]}", _sealed(_set(key, value))


def _sealed(edit: Edit) -> Edit:
    """Return an edit after which the manifest is written anew."""

    def edited(folder: Path, canary: Canary) -> None:
        edit(folder, canary)
        reseal(folder)

    return edited


def _text(text: str) -> Edit:
    return lambda folder, canary: (folder / "config.yaml").write_text(text.replace("CANARY", str(canary.file)))


def _yaml_tricks() -> Iterator[tuple[str, Edit]]:
    for tag in (
        "!!python/object/apply:os.system ['touch CANARY']",
        "!!python/name:os.system",
        "!!python/object/new:os.system ['touch CANARY']",
        "!!python/module:evil",
        "!include CANARY",
    ):
        yield f"a YAML tag {tag[:24]}", _text(f"data: {{}}\nmodel: {{}}\nx: {tag}\n")
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi")
    )
    yield "an alias bomb", _text("data: {}\nmodel: {}\n" + bomb)
    yield "a million brackets", _text("data: {}\nmodel: {}\nx: " + "[" * 1_000_000)
    yield "an empty config", _text("")
    yield "a config that is a list", _text("- data\n- model\n")
    yield "bytes that are no text", lambda folder, canary: (folder / "config.yaml").write_bytes(b"\xff\xfe\x00data")


PICKLED = (
    "model.safetensors",
    "predictions.parquet",
    "preprocessing.json",
    "threshold.json",
    "data.json",
    "metrics.json",
)
PIPES = ("config.yaml", "environment.json", "curves.json", ".owner", "preprocessing.json", "predictions.parquet")
LINKED_FILES = (
    ".owner",
    "log.txt",
    "export/report.md",
    "wandb_run.txt",
    "per_symbol.csv",
    "report.html",
    "threshold.json",
    "trades.csv",
)
LINKED_FOLDERS = ("predict", "figures", "scores", "export")
ODD = {
    "no range": {"forecast_range": 5},
    "a word as a direction": {"directions": ["a", 7]},
    "reads nothing": {"reads": []},
    "reads twice": {"reads": ["image", "image"]},
    "two classes of one name": {"classes": ["up", "up"]},
    "half a letter": {"classes": ["\ud800", "up"]},
    "a window of the stranger": {"window": 10**9},
    "a horizon of the stranger": {"horizon": 10**9},
    "shapes of the stranger": {"shapes": {"classes": 10**9, "image": [3, 10**6, 10**6]}},
    "classes of the stranger": {"classes": ["=HYPERLINK(1)", "<script>alert(1)</script>"]},
}


def _files() -> Iterator[tuple[str, Edit]]:
    """Files of a run that are something else."""
    for name in PICKLED:
        yield f"{name} is a pickle", lambda folder, canary, name=name: _pickled(folder / name, canary)
    yield "charts are a pickle", _pickled_charts
    for name in PIPES:
        yield f"{name} is a pipe", lambda folder, canary, name=name: _piped(folder / name)
    for name in LINKED_FILES:
        yield f"{name} leads to a file of ours", _linked_to(name, "mine.txt")
    for name in LINKED_FOLDERS:
        yield f"{name} leads elsewhere", _linked_to(name, "")
    for name, changes in ODD.items():
        yield name, _preprocessing(**changes)
    for name in ("/etc", "evil/tokenizer", "../../x", "bert-base-uncased"):
        yield f"a tokenizer of the stranger: {name}", _preprocessing(tokenizer=name)


def _pickled(path: Path, canary: Canary) -> None:
    path.write_bytes(pickle.dumps(Bomb(canary.file)))


def _linked_to(name: str, target: str) -> Edit:
    return lambda folder, canary: _linked(folder / name, canary.outside / target)


def _pickled_charts(folder: Path, canary: Canary) -> None:
    (folder / "figures").mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "figures" / "charts.npz", "w") as pack:
        for name in ("images", "rows"):
            buffer = io.BytesIO()
            head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
            buffer.write(
                b"\x93NUMPY\x01\x00"
                + (len(head) + 1).to_bytes(2, "little")
                + head
                + b"\n"
                + pickle.dumps([Bomb(canary.file)])
            )
            pack.writestr(f"{name}.npy", buffer.getvalue())


def _linked(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _piped(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _preprocessing(**changes) -> Edit:
    def edit(folder: Path, canary: Canary) -> None:
        path = folder / "preprocessing.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit
