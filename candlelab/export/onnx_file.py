"""What an ONNX file says of itself, read before anything runs it: only the file itself is opened, no package is needed."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from candlelab.core.errors import UserError

OPSETS = range(17, 24)  # of the standard operators: what our files are written with and onnxruntime surely runs
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")  # operators that onnxruntime brings itself
DEEPEST = 32  # graphs inside graphs
VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5  # wire types of protocol buffers

# Which numbered field of a message holds which message; source: onnx/onnx.proto3, IR version 13.
INSIDE = {
    "model": {7: "graph", 8: "opset", 14: "property", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 9: "opset", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {}, "opset": {}, "property": {},
}  # fmt: skip
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # fields of a tensor
DOMAIN = 7  # of a node's operator


@dataclass
class Card:
    """Metadata of a file, the versions of the operator sets that it names, and the domains of the operators that it uses."""

    metadata: dict[str, str] = field(default_factory=dict)
    opsets: dict[str, int] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)


def read_card(path: Path) -> Card:
    """Return the card of a model file.

    Raises UserError, in one sentence, if the file is missing, cut off or no ONNX file, keeps weights in other files, or uses
    operators that onnxruntime does not bring.
    """
    if not path.is_file() or not path.stat().st_size:
        raise UserError(f"there is no model in '{path}': write it with task=export task.run=FOLDER")
    card = Card()
    with path.open("rb") as file:
        whole = memoryview(
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        )  # unmapped when the last view of it goes
    _walk(whole, "model", card, path, 0)
    if not card.opsets:
        raise UserError(f"'{path}' is no ONNX model: it names no operator set, export the run again")
    _check_operators(card, path)
    return card


def _check_operators(card: Card, path: Path) -> None:
    strange = sorted(card.domains - set(DOMAINS))
    if strange:
        raise UserError(
            f"'{path}' uses operators of '{strange[0]}', which onnxruntime does not bring: export the run again"
        )
    version = card.opsets.get("", card.opsets.get("ai.onnx"))
    if version not in OPSETS:
        raise UserError(
            f"'{path}' is written for operator set {version}, not {OPSETS[0]} to {OPSETS[-1]}: export the run again"
        )


def _walk(message: memoryview, kind: str, card: Card, path: Path, depth: int) -> None:
    if depth > DEEPEST:
        raise UserError(f"'{path}' nests graphs deeper than {DEEPEST}: it is no file of ours, export the run again")
    if kind == "opset":
        return _note_opset(message, card, path)
    if kind == "property":
        return _note_property(message, card, path)
    for number, value in fields(message, path):
        if kind == "tensor" and (number == EXTERNAL_DATA or (number == DATA_LOCATION and value)):
            raise UserError(
                f"'{path}' keeps weights in other files, which are never opened: export the run again, as one file"
            )
        if kind == "node" and number == DOMAIN:
            card.domains.add(_text(value, path))
        if number in INSIDE[kind] and isinstance(value, memoryview):
            _walk(value, INSIDE[kind][number], card, path, depth + 1)
    return None


def _note_opset(message: memoryview, card: Card, path: Path) -> None:
    found = dict(fields(message, path))
    card.opsets[_text(found.get(1, b""), path)] = found.get(2, 0)


def _note_property(message: memoryview, card: Card, path: Path) -> None:
    found = dict(fields(message, path))
    card.metadata[_text(found.get(1, b""), path)] = _text(found.get(2, b""), path)


def fields(message: memoryview, path: Path) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (number, value) of each field: whole numbers as int, everything else as bytes; ValueError where the bytes end early."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place, path)
        wire = key & 7
        if wire == VARINT:
            value, place = _varint(message, place, path)
            yield key >> 3, value
            continue
        if wire not in (BYTES, EIGHT, FOUR):
            raise _broken(path)
        size, place = _varint(message, place, path) if wire == BYTES else (8 if wire == EIGHT else 4, place)
        if place + size > len(message):
            raise _broken(path)
        yield key >> 3, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int, path: Path) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise _broken(path)
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise _broken(path)


def _text(value, path: Path) -> str:
    try:
        return bytes(value).decode("utf-8")
    except (UnicodeDecodeError, TypeError):
        raise _broken(path) from None


def _broken(path: Path) -> UserError:
    return UserError(f"'{path}' is cut off or no ONNX file: copy it again, or export the run again")
