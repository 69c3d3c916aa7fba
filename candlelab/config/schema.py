"""The schema of a component, read from its source without importing it, so that a mistake costs no import of torch.

A component's settings are the keyword-only parameters of its function or of its class's `__init__`.
"""

from __future__ import annotations

import ast
import builtins
import typing
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[1]


class Schema(NamedTuple):
    """What a component takes: `settings` by name with their types; `objects` tells whether it has an `objection` to ask."""

    settings: dict[str, object]
    objects: bool


def names_of(module: str) -> list[str] | None:
    """Return the public classes and functions that a module of candlelab defines; None where there is no such module."""
    tree = _source(module)
    return None if tree is None else [name for name, node in tree.items() if name[0] != "_" and _is_component(node)]


@lru_cache(maxsize=1024)
def schema_of(module: str, name: str) -> Schema:
    """Return the schema of the class or function `name` of `module`; KeyError if it is not defined there."""
    node = _source(module)[name]
    code, home = (node, module) if not isinstance(node, ast.ClassDef) else _method(module, node, "__init__")
    arguments = code.args if code else ast.arguments(kwonlyargs=[])
    settings = {arg.arg: _type(arg.annotation, home) for arg in arguments.kwonlyargs}
    return Schema(settings, isinstance(node, ast.ClassDef) and _method(module, node, "objection")[0] is not None)


@lru_cache(maxsize=256)
def _source(module: str) -> dict[str, ast.AST] | None:
    """Return what a module binds at its top: definitions, assignments and imports by name."""
    package, *parts = module.split(".")
    place = PACKAGE.joinpath(*parts)
    file = next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)
    if package != PACKAGE.name or file is None:
        return None
    bound: dict[str, ast.AST] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if _is_component(node):
            bound[node.name] = node
        elif isinstance(node, ast.Assign):
            bound |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            bound |= {alias.asname or alias.name: node for alias in node.names}
    return bound


def _is_component(node) -> bool:
    return isinstance(node, (ast.ClassDef, ast.FunctionDef))


def _find(module: str, name: str) -> tuple[ast.AST | None, str]:
    """Return what `name` means in a module, and the module that says so, following imports inside candlelab."""
    node = (_source(module) or {}).get(name)
    return _find(node.module, name) if isinstance(node, ast.ImportFrom) else (node, module)


def _method(module: str, node: ast.ClassDef, name: str) -> tuple[ast.FunctionDef | None, str]:
    """Return a method of a class or of its nearest base in candlelab, and the module it is written in."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == name:
            return part, module
    for base in node.bases:
        parent, home = _find(module, base.id) if isinstance(base, ast.Name) else (None, module)
        if isinstance(parent, ast.ClassDef):
            found = _method(home, parent, name)
            if found[0] is not None:
                return found
    return None, module


def _type(annotation: ast.AST | None, module: str):
    """Return the type that an annotation names; Any where only an import could tell."""
    known = vars(builtins) | vars(typing) | {"Path": Path}
    names = {n.id for n in ast.walk(annotation) if isinstance(n, ast.Name)} if annotation is not None else {"?"}
    for name in names - set(known):
        meant, home = _find(module, name)
        if meant is None:
            return typing.Any
        known[name] = type(name, (), {}) if isinstance(meant, ast.ClassDef) else _type(meant, home)
    return eval(ast.unparse(annotation), known)
