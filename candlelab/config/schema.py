"""The schema of a component, read from its source without importing it, so that a mistake costs no import of torch.

A component's settings are the keyword-only parameters of its function or of its class's `__init__`. Annotations are
interpreted by walking their syntax tree; nothing of a source file is ever evaluated.
"""

from __future__ import annotations

import ast
import types
import typing
from functools import lru_cache, reduce
from operator import or_
from pathlib import Path
from typing import NamedTuple

from candlelab.config.packages import source_file
from candlelab.core.local import LOCAL

KNOWN = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "tuple": tuple, "dict": dict, "Path": Path}
DEEPEST = 8  # aliases of aliases, lists of lists


class Schema(NamedTuple):
    """What a component takes.

    settings  name -> type; typing.Any where only an import could tell.
    objects   whether it has an `objection` to ask.
    local     names of the settings that belong to one machine: addresses and places.
    """

    settings: dict[str, typing.Any]
    objects: bool
    local: frozenset[str]


def names_of(module: str) -> list[str] | None:
    """Return the public classes and functions that a module defines; None where there is no such module."""
    tree = _source(module)
    return None if tree is None else [name for name, node in tree.items() if name[0] != "_" and _is_component(node)]


def schema_of(module: str, name: str) -> Schema:
    """Return the schema of the class or function `name` of `module`; KeyError if it is not defined there."""
    node = (_source(module) or {})[name]
    code: typing.Any
    code, home = (node, module) if not isinstance(node, ast.ClassDef) else _method(module, node, "__init__")
    arguments = code.args.kwonlyargs if code else []
    settings = {arg.arg: _type(arg.annotation, home) for arg in arguments}
    local = frozenset(arg.arg for arg in arguments if _names(arg.annotation) & set(LOCAL))
    return Schema(settings, isinstance(node, ast.ClassDef) and _method(module, node, "objection")[0] is not None, local)


def _source(module: str) -> dict[str, ast.AST] | None:
    """Return what a module binds at its top: definitions, assignments and imports by name."""
    file = source_file(module)
    return None if file is None else _bound(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _bound(file: Path, mtime_ns: int) -> dict[str, ast.AST]:
    bound: dict[str, ast.AST] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            bound[node.name] = node
        elif isinstance(node, ast.Assign):
            bound |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            bound |= {alias.asname or alias.name: node for alias in node.names}
    return bound


def _is_component(node: ast.AST) -> bool:
    return isinstance(node, (ast.ClassDef, ast.FunctionDef))


def _names(annotation: ast.AST | None) -> set[str]:
    return {n.id for n in ast.walk(annotation) if isinstance(n, ast.Name)} if annotation is not None else set()


def _find(module: str, name: str, depth: int = 0) -> tuple[ast.AST | None, str]:
    """Return what `name` means in a module, and the module that says so, following imports inside declared packages."""
    node = (_source(module) or {}).get(name)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level and depth < DEEPEST:
        original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
        return _find(node.module, original, depth + 1)
    return (None if isinstance(node, ast.ImportFrom) else node), module


def _method(module: str, node: ast.ClassDef, name: str, depth: int = 0) -> tuple[ast.FunctionDef | None, str]:
    """Return a method of a class or of its nearest base in a declared package, and the module it is written in."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == name:
            return part, module
    for base in node.bases:
        parent, home = _find(module, base.id) if isinstance(base, ast.Name) else (None, module)
        if isinstance(parent, ast.ClassDef) and depth < DEEPEST:
            found = _method(home, parent, name, depth + 1)
            if found[0] is not None:
                return found
    return None, module


def _type(node: ast.AST | None, module: str, depth: int = 0) -> typing.Any:
    """Return the type that an annotation's syntax tree names; Any where only an import could tell."""
    if depth > DEEPEST or node is None:
        return typing.Any
    if isinstance(node, ast.Constant):
        return type(None) if node.value is None else _quoted(node.value, module, depth)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([_type(side, module, depth + 1) for side in (node.left, node.right)])
    if isinstance(node, ast.Subscript):
        return _subscript(node, module, depth)
    return _named(node.id, module, depth) if isinstance(node, ast.Name) else typing.Any


def _quoted(value: typing.Any, module: str, depth: int) -> typing.Any:
    """Return the type of an annotation written as text; Any for any other constant or for text that is no expression."""
    try:
        return _type(ast.parse(value, mode="eval").body, module, depth + 1) if isinstance(value, str) else typing.Any
    except SyntaxError:
        return typing.Any


def _named(name: str, module: str, depth: int) -> typing.Any:
    if name in KNOWN:
        return KNOWN[name]
    meant, home = _find(module, name)
    return type(name, (), {}) if isinstance(meant, ast.ClassDef) else _type(meant, home, depth + 1)


def _union(kinds: list[typing.Any]) -> typing.Any:
    return typing.Any if typing.Any in kinds else reduce(or_, kinds)


def _subscript(node: ast.Subscript, module: str, depth: int) -> typing.Any:
    """Return list[…], tuple[…], dict[…], Literal[…], Optional[…] or Union[…]."""
    outer = node.value.id if isinstance(node.value, ast.Name) else ""
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "Literal":
        return typing.Literal[tuple(part.value for part in inner if isinstance(part, ast.Constant))]
    kinds = [_type(part, module, depth + 1) for part in inner]
    if outer in ("Optional", "Union"):
        return _union(kinds + [type(None)] * (outer == "Optional"))
    if outer in ("list", "tuple", "dict"):
        return types.GenericAlias(KNOWN[outer], tuple(kinds))
    return typing.Any
