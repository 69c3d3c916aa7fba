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


def _places() -> Iterator[tuple[str, Edit]]:
    """Addresses and folders of the stranger."""
    vision = {
        "_target_": "candlelab.data.source.binance_vision.BinanceVision",
        "market": "spot",
        "archive_url": Canary.address,
        "listing_url": Canary.address,
        "rest_url": Canary.address,
        "refresh": False,
        "misaligned": "drop",
        "workers": 1,
        "max_attempts": 1,
        "backoff": 0.0,
        "timeout": 0.2,
    }
    yield (
        "an archive of the stranger",
        _set("data.source", lambda folder, canary: vision | {"cache": str(canary.outside)}),
    )
    api = {
        "_target_": "candlelab.data.source.binance_api.BinanceApi",
        "market": "spot",
        "rest_url": Canary.address,
        "weight_per_minute": None,
        "refresh": False,
        "misaligned": "drop",
        "max_attempts": 1,
        "backoff": 0.0,
        "timeout": 0.2,
    }
    yield (
        "an exchange of the stranger",
        _set("data.source", lambda folder, canary: api | {"cache": str(canary.outside)}),
    )
    hub = {
        "_target_": "candlelab.data.source.huggingface.HuggingFace",
        "repo": "evil/set",
        "revision": "main",
        "files": None,
        "columns": {},
        "timezone": "UTC",
        "time_format": None,
        "max_bytes": 1000000,
        "misaligned": "drop",
        "last_bar": "keep",
        "timeout": 0.2,
    }
    yield "a data set of the stranger", _set("data.source", hub)
    file = {
        "_target_": "candlelab.data.source.file.File",
        "columns": {},
        "timezone": "UTC",
        "time_format": None,
        "max_bytes": 1000000,
        "misaligned": "drop",
        "last_bar": "keep",
    }
    for path in ("/etc/passwd", "/dev/zero", "/proc/self/environ", "../../secrets.csv"):
        yield f"a file of ours: {path}", _set("data.source", file | {"path": path})
    store = {
        "_target_": "candlelab.render.storage.npz.Npz",
        "max_images": None,
        "mode": "windows",
        "images_per_file": 10,
        "compression_level": 1,
    }
    yield (
        "a store elsewhere",
        _set("render.storage", lambda folder, canary: store | {"path": str(canary.outside / "store")}),
    )
    yield "outputs elsewhere", _set("outputs", lambda folder, canary: str(canary.outside))
    yield "a study elsewhere", _set("study", "../../escape")
    yield "weights from elsewhere", _set("model.net.pretrained", lambda folder, canary: str(canary.outside))
    wandb = {
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
    yield "a dashboard of the stranger", _set("trainer.logger", wandb)


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


def _files() -> Iterator[tuple[str, Edit]]:
    for name in (
        "model.safetensors",
        "predictions.parquet",
        "preprocessing.json",
        "threshold.json",
        "data.json",
        "metrics.json",
    ):
        yield (
            f"{name} is a pickle",
            lambda folder, canary, name=name: (folder / name).write_bytes(pickle.dumps(Bomb(canary.file))),
        )
    yield "charts are a pickle", _pickled_charts
    for name in (
        "config.yaml",
        "environment.json",
        "curves.json",
        ".owner",
        "preprocessing.json",
        "predictions.parquet",
    ):
        yield f"{name} is a pipe", lambda folder, canary, name=name: _piped(folder / name)
    for name in (".owner", "log.txt", "export/report.md", "wandb_run.txt"):
        yield (
            f"{name} leads to a file of ours",
            lambda folder, canary, name=name: _linked(folder / name, canary.outside / "mine.txt"),
        )
    yield "half a letter", _preprocessing(classes=["\ud800", "up"])
    for name, change in (
        ("no range", {"forecast_range": 5}),
        ("a word as a direction", {"directions": ["a", 7]}),
        ("reads nothing", {"reads": []}),
        ("reads twice", {"reads": ["image", "image"]}),
        ("two classes of one name", {"classes": ["up", "up"]}),
    ):
        yield name, _preprocessing(**change)
    for name in ("predict", "figures", "scores", "export"):
        yield f"{name} leads elsewhere", lambda folder, canary, name=name: _linked(folder / name, canary.outside)
    for name in ("per_symbol.csv", "report.html", "threshold.json", "trades.csv"):
        yield (
            f"{name} leads elsewhere",
            lambda folder, canary, name=name: _linked(folder / name, canary.outside / "mine.txt"),
        )
    for name in ("/etc", "evil/tokenizer", "../../x", "bert-base-uncased"):
        yield f"a tokenizer of the stranger: {name}", _preprocessing(tokenizer=name)
    yield "a window of the stranger", _preprocessing(window=10**9)
    yield "a horizon of the stranger", _preprocessing(horizon=10**9)
    yield "shapes of the stranger", _preprocessing(shapes={"classes": 10**9, "image": [3, 10**6, 10**6]})
    yield "classes of the stranger", _preprocessing(classes=["=HYPERLINK(1)", "<script>alert(1)</script>"])


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
