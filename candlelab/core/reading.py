"""Readers of files that may be damaged or hostile: limits on size, depth and numbers, and every failure is one sentence."""

from __future__ import annotations

import json
import math
import os
import zipfile
import zlib
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from candlelab.core.errors import UserError

if TYPE_CHECKING:
    import numpy as np

CURE = "bring back the whole file, or make it again"
LARGEST_TEXT = 64 << 20  # bytes
LARGEST_ARRAYS = 4 << 30  # bytes, unpacked
DEEPEST = 40  # levels of a tree
LONGEST_NUMBER = 25  # letters of a whole number
NOTHING: frozenset[str] = frozenset()  # as a form: no value has it


class Unreadable(UserError):
    """A file that is missing, damaged, or larger, deeper or stranger than anything candlelab writes."""

    def __init__(self, path: Path, trouble: str, cure: str = CURE):
        super().__init__(f"'{path}' {' '.join(trouble.split())}: {cure}")  # what a parser says may have several lines


def size_of(path: Path, *, most: int, cure: str = CURE) -> int:
    """Return the bytes of a file. Raises Unreadable if it is missing, no file, or larger than `most`."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Unreadable(path, "is missing" if isinstance(error, FileNotFoundError) else _why(error), cure) from None
    if not path.is_file():
        raise Unreadable(path, "is no file", cure)
    if size > most:
        raise Unreadable(path, f"has {size:,} bytes, more than the {most:,} such a file ever needs", cure)
    return size


def bytes_of(path: Path, *, most: int = LARGEST_TEXT, cure: str = CURE) -> bytes:
    """Return a whole file. Raises Unreadable."""
    size_of(path, most=most, cure=cure)
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(path, _why(error), cure) from None


def text_of(path: Path, *, most: int = LARGEST_TEXT, cure: str = CURE) -> str:
    """Return a UTF-8 file. Raises Unreadable."""
    try:
        return bytes_of(path, most=most, cure=cure).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(path, "is no text (UTF-8)", cure) from None


def json_of(path: Path, form: Any = dict, *, cure: str = CURE) -> Any:
    """Return a JSON file that has a form (see `objection`). Raises Unreadable; NaN, infinity and deep trees are refused."""
    text = text_of(path, cure=cure)
    try:
        tree = json.loads(
            text, parse_constant=_refuse, parse_int=_whole, parse_float=_finite, object_pairs_hook=_each_once
        )
    except RecursionError:
        raise Unreadable(path, "is nested too deeply", cure) from None
    except ValueError as error:
        raise Unreadable(path, f"is no valid JSON ({error})", cure) from None
    if too_deep(tree):
        raise Unreadable(path, "is nested too deeply", cure)
    if "\\ud" in text.lower() and not _is_text(tree):
        raise Unreadable(path, "holds half a letter (a lone surrogate)", cure)
    trouble = objection(tree, form)
    if trouble:
        raise Unreadable(path, f"is damaged ({trouble})", cure)
    return tree


def _is_text(tree: Any) -> bool:
    """Return whether every word of a tree can be written as UTF-8."""
    try:
        json.dumps(tree, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def arrays_of(path: Path, *names: str, cure: str = CURE) -> dict[str, np.ndarray]:
    """Return arrays of an .npz, nothing unpickled. Raises Unreadable; each is checked against its header before memory is taken."""
    import numpy as np

    size_of(path, most=LARGEST_ARRAYS, cure=cure)
    try:
        with zipfile.ZipFile(path) as pack:
            for name in names:
                _check_header(path, pack, f"{name}.npy", cure)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except KeyError as error:
        raise Unreadable(path, f"is damaged ({error.args[0]})", cure) from None
    except Unreadable:
        raise
    except (
        OSError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        SyntaxError,
    ) as error:
        raise Unreadable(path, f"is damaged ({' '.join(str(error).split())[:120]})", cure) from None


def _check_header(path: Path, pack: zipfile.ZipFile, name: str, cure: str) -> None:
    import numpy as np

    entry = pack.getinfo(name)
    with pack.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(file)
        told = math.prod(shape) * kind.itemsize + file.tell()
    if kind.hasobject:
        raise Unreadable(path, f"cannot be read ({name} holds pickled objects, which are never loaded)", cure)
    if told != entry.file_size or told > LARGEST_ARRAYS:
        raise Unreadable(path, f"is damaged ({name} is not as long as it says)", cure)


def too_deep(tree: Any) -> bool:
    """Return whether a tree of dicts and lists has more than DEEPEST levels."""
    level = [tree]
    for _ in range(DEEPEST + 1):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
        ]
        if not level:
            return False
    return True


def objection(value: Any, form: Any, place: str = "") -> str | None:
    """Return why a value of a JSON tree has not the form, None if it has.

    form  a type; None; a range for whole numbers; a set of words; a function that tells whether a value is what its name says;
          a tuple of forms, any of which will do; [form] for a list of them; {name: form} for a dict with at least these keys
          ("name?" need not be there), where `...` stands for every other key, and `...: NOTHING` for none.
    """
    if form is NOTHING:
        return f"{place} is no name that such a file has"
    if isinstance(form, tuple):
        answers = [objection(value, each, place) for each in form]
        return answers[0] if all(answers) else None
    if isinstance(form, dict):
        return _objection_to_dict(value, form, place)
    if isinstance(form, list):
        if not isinstance(value, list):
            return f"{place or 'it'} is no list"
        return next((told for k, each in enumerate(value) if (told := objection(each, form[0], f"{place}[{k}]"))), None)
    if isinstance(form, range):
        good = type(value) is int and value in form
        return None if good else f"{place} is {_short(value)}, not a whole number from {form.start} to {form.stop - 1}"
    if isinstance(form, (set, frozenset)):
        good = isinstance(value, str) and value in form
        return None if good else f"{place} is {_short(value)}, not one of {', '.join(sorted(form))}"
    return None if _is(value, form) else f"{place or 'it'} is {_short(value)}, not {_name(form)}"


def _objection_to_dict(value: Any, form: dict[Any, Any], place: str) -> str | None:
    if not isinstance(value, dict):
        return f"{place or 'it'} is no table of names"
    dot = f"{place}." if place else ""
    missing = next((name for name in form if name is not ... and not name.endswith("?") and name not in value), None)
    if missing is not None:
        return f"{dot}{missing} is missing"
    known = {name.removesuffix("?"): each for name, each in form.items() if name is not ...}
    forms = {name: known.get(name, form.get(...)) for name in value if name in known or ... in form}
    return next((told for name, each in forms.items() if (told := objection(value[name], each, f"{dot}{name}"))), None)


def _is(value: Any, form: Any) -> bool:
    if form is None:
        return value is None
    if form is float:
        return type(value) in (int, float)
    if isinstance(form, FunctionType):
        return bool(form(value))
    return type(value) is form


def _name(form: Any) -> str:
    return "null" if form is None else str(form.__name__).replace("_", " ")


def _short(value: Any) -> str:
    return repr(value)[:40]


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a table of names; two readers could understand one with a name twice differently."""
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)[:40]!r} stands there twice")
    return table


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a whole number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    return value


def _why(error: OSError) -> str:
    return f"cannot be read ({os.strerror(error.errno) if error.errno else error})"
