"""Edits of the binary files of a run: weights (safetensors), pictures (npz) and predictions (Parquet)."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from candlelab import run as runs

Head = dict[str, dict]


def _first(head: Head) -> dict:
    return head[next(name for name in head if name != "__metadata__")]


def _overlap(head: Head) -> None:
    names = [name for name in head if name != "__metadata__"]
    head[names[1]]["data_offsets"] = list(head[names[0]]["data_offsets"])


def _huge(head: Head) -> None:
    _first(head)["shape"] = [1 << 39]


WEIGHTS: dict[str, Callable[[Head], object]] = {
    "offsets that overlap": _overlap,
    "offsets beyond the end": lambda head: _first(head).update(data_offsets=[0, 1 << 40]),
    "offsets backwards": lambda head: _first(head).update(data_offsets=[8, 0]),
    "negative offsets": lambda head: _first(head).update(data_offsets=[-8, 0]),
    "another dtype": lambda head: _first(head).update(dtype="I32"),
    "a dtype of half the size": lambda head: _first(head).update(dtype="F16"),
    "an unknown dtype": lambda head: _first(head).update(dtype="F33"),
    "a negative shape": lambda head: _first(head).update(shape=[-1]),
    "a shape of words": lambda head: _first(head).update(shape=["x"]),
    "a huge shape": _huge,
    "another shape": lambda head: _first(head).update(shape=[1, *_first(head)["shape"]]),
    "a tensor less": lambda head: head.pop(next(name for name in head if name != "__metadata__")),
    "a tensor more": lambda head: head.update(more=dict(_first(head))),
    "no tensor": lambda head: head.clear(),
    "a name changed": lambda head: head.update(x=head.pop(next(name for name in head if name != "__metadata__"))),
    "metadata that are none": lambda head: head.update(__metadata__=[1]),
    "an entry that is none": lambda head: head.update(x=5),
    "a header longer than the file": lambda head: None,
    "a header that is a list": lambda head: None,
    "nested names": lambda head: None,
    "an empty tensor more": lambda head: head.update(x={"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}),
}  # fmt: skip


def edited_weights(path: Path, name: str) -> None:
    """Rewrite the header of a safetensors file."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8 : 8 + length])
    WEIGHTS[name](head)
    text = json.dumps(head).encode()
    if name == "a header that is a list":
        text = b"[1, 2]"
    if name == "nested names":
        text = b'{"x": ' + b"[" * 50_000 + b"}"
    told = 1 << 60 if name == "a header longer than the file" else len(text)
    path.write_bytes(struct.pack("<Q", told) + text + data[8 + length :])


Arrays = dict[str, np.ndarray]
ARRAYS: dict[str, Callable[[Arrays], Arrays]] = {
    "no pixels": lambda made: made | {"images": made["images"][:, :, :0, :0]},
    "no pictures": lambda made: {"images": made["images"][:0], "rows": made["rows"][:0]},
    "one pixel": lambda made: made | {"images": made["images"][:, :, :1, :1]},
    "another size": lambda made: made | {"images": np.repeat(made["images"], 2, 2)},
    "a long picture": lambda made: {"images": np.zeros((1, 3, 1, 4_000_000), np.uint8), "rows": made["rows"][:1]},
    "Fortran order": lambda made: made | {"images": np.asfortranarray(made["images"])},
    "rows of the other endianness": lambda made: made | {"rows": made["rows"].astype(">i8")},
    "rows of one byte": lambda made: made | {"rows": made["rows"].astype(np.int8)},
    "rows of floats": lambda made: made | {"rows": made["rows"].astype(float)},
    "rows that are not there": lambda made: made | {"rows": made["rows"] + 10_000},
    "negative rows": lambda made: made | {"rows": -1 - made["rows"]},
    "the same row": lambda made: made | {"rows": made["rows"] * 0},
    "floats": lambda made: made | {"images": made["images"].astype(np.float32)},
    "signed pixels": lambda made: made | {"images": made["images"].astype(np.int8)},
    "two colours": lambda made: made | {"images": made["images"][:, :2]},
    "fifty colours": lambda made: made | {"images": np.repeat(made["images"][:, :1], 50, 1)},
    "objects": lambda made: made | {"images": np.array([None, {}], object)},
    "text": lambda made: made | {"images": np.array(["x"])},
    "records": lambda made: made | {"images": np.zeros(3, [("a", "u1"), ("b", "u1")])},
    "one number": lambda made: made | {"images": np.uint8(5)},
    "no rows": lambda made: {"images": made["images"]},
    "more names": lambda made: made | {"more": np.arange(5)},
    "10,000 pictures": lambda made: {
        "images": np.repeat(made["images"][:1], 10_000, 0),
        "rows": np.repeat(made["rows"][:1], 10_000),
    },
}  # fmt: skip


def edited_arrays(path: Path, name: str) -> None:
    """Write other arrays into an .npz."""
    with np.load(path) as pack:
        made = {key: pack[key] for key in pack.files}
    np.savez_compressed(path, **ARRAYS[name](made))


# name -> whether a command must refuse it: what other rows, labels or returns say is known by hash; what a net answered is not
TABLES = {
    "another label": True,
    "all labels turned": True,
    "returns doubled": True,
    "returns turned": True,
    "bar returns shifted": True,
    "times shifted": True,
    "rows left out": True,
    "rows twice": True,
    "validation called test": True,
    "test and validation swapped": True,
    "another symbol": True,
    "segments joined": False,
    "sigma of 0": False,
    "sigma unknown": False,
    "sigma negative": False,
    "returns unknown": True,
    "forecasts unknown": False,
    "forecasts huge": False,
    "sure of everything": False,
    "answers of a seer": False,
    "answers turned": False,
    "chances that are none": True,
    "chances that do not sum to one": False,
    "chances unknown": True,
    "rows in another order": False,
    "a model more": False,
    "no net": True,
    "a class more": False,
    "a class less": True,
    "a column twice": True,
    "columns of a list": True,
    "times as text": True,
    "labels as floats": True,
    "no rows at all": True,
    "half a page": True,
    "half a footer": True,
    "a footer of another file": True,
    "an index": False,
}
OWN = ("sigma of 0", "sigma unknown", "sigma negative", "returns unknown", "segments joined", "bar returns shifted")


def edited_predictions(folder: Path, name: str) -> None:
    """Change the table of predictions; where nothing but a hash would tell, its hash leaves data.json too."""
    path = folder / runs.PREDICTIONS
    if name in BYTES:
        path.write_bytes(BYTES[name](path.read_bytes()))
        return
    EDITS[name](pd.read_parquet(path)).to_parquet(path)
    if name in OWN:
        card = json.loads((folder / runs.DATA).read_text())
        card.pop("rows")
        (folder / runs.DATA).write_text(json.dumps(card))


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "half a page": lambda data: data[:400] + bytes(400) + data[800:],
    "half a footer": lambda data: data[:-200] + bytes(150) + data[-50:],
    "a footer of another file": lambda data: data[:4] + data[-3000:],
}


def _turned(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(p_0=table.p_1, p_1=table.p_0)


def _seer(table: pd.DataFrame) -> pd.DataFrame:
    up = (table.label == 1).astype(float)
    return table.assign(p_0=1 - up, p_1=up)


def _one_label(table: pd.DataFrame) -> pd.DataFrame:
    row = table.index[(table.split == "test") & (table.label >= 0)][3]
    table.loc[row, "label"] = 1 - table.loc[row, "label"]
    return table


def _swapped(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(split=table.split.map({"test": "validation", "validation": "test"}))


def _twice(table: pd.DataFrame) -> pd.DataFrame:
    import pyarrow as pa

    return Raw(pa.Table.from_arrays([pa.array([1.0])] * 2, names=["p_0", "p_0"]))


class Raw:
    """A table that pandas cannot hold."""

    def __init__(self, table):
        self.table = table

    def to_parquet(self, path: Path) -> None:
        """Write it as it is."""
        from pyarrow import parquet

        parquet.write_table(self.table, path)


EDITS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "another label": _one_label,
    "all labels turned": lambda table: table.assign(label=1 - table.label),
    "returns doubled": lambda table: table.assign(forward_return=2 * table.forward_return),
    "returns turned": lambda table: table.assign(forward_return=-table.forward_return, bar_return=-table.bar_return),
    "bar returns shifted": lambda table: table.assign(bar_return=table.bar_return.shift(1).fillna(0.0)),
    "times shifted": lambda table: table.assign(time=table.time + 3_600_000),
    "rows left out": lambda table: table[table.index % 5 > 0],
    "rows twice": lambda table: pd.concat([table, table]),
    "validation called test": lambda table: table.assign(split="test"),
    "test and validation swapped": _swapped,
    "another symbol": lambda table: table.assign(symbol="BTCUSDT"),
    "segments joined": lambda table: table.assign(segment=np.int32(7)),
    "sigma of 0": lambda table: table.assign(sigma=0.0),
    "sigma unknown": lambda table: table.assign(sigma=np.nan),
    "sigma negative": lambda table: table.assign(sigma=-1.0),
    "returns unknown": lambda table: table.assign(forward_return=np.nan),
    "forecasts unknown": lambda table: table.assign(forecast=np.nan),
    "forecasts huge": lambda table: table.assign(forecast=1e300),
    "sure of everything": lambda table: table.assign(p_0=0.0, p_1=1.0),
    "answers of a seer": _seer,
    "answers turned": _turned,
    "chances that are none": lambda table: table.assign(p_0=2.0),
    "chances that do not sum to one": lambda table: table.assign(p_0=0.9, p_1=0.9),
    "chances unknown": lambda table: table.assign(p_0=np.nan),
    "rows in another order": lambda table: table.sample(frac=1, random_state=1),
    "a model more": lambda table: pd.concat([table, table.assign(model="=HYPERLINK(1)")]),
    "no net": lambda table: table.assign(model="majority"),
    "a class more": lambda table: table.assign(p_2=0.0),
    "a class less": lambda table: table.drop(columns=["p_1"]),
    "a column twice": _twice,
    "columns of a list": lambda table: table.assign(sigma=[[1.0]] * len(table)),
    "times as text": lambda table: table.assign(time=table.time.astype(str)),
    "labels as floats": lambda table: table.assign(label=table.label.astype(float)),
    "no rows at all": lambda table: table[:0],
    "an index": lambda table: table.set_index("symbol", drop=False, append=True),
}  # fmt: skip
