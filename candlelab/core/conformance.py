"""Interface conformance: does a component have the methods and attributes that the contract of its group asks for?"""

from __future__ import annotations

import inspect
from typing import Any, Protocol, get_type_hints

from candlelab.core.contracts import PROTOCOLS


def protocol_of(group: str) -> type | None:
    """Return the Protocol that the components of a config group must implement; None where any callable will do."""
    return PROTOCOLS.get(group)


def lacks(component: type, protocol: type) -> list[str]:
    """Return what a class lacks of a Protocol: methods that are missing or cannot be called as the contract calls them."""
    own = {
        name: value for base in reversed(protocol.__mro__) if base is not Protocol for name, value in vars(base).items()
    }
    methods = {
        name: value
        for name, value in own.items()
        if inspect.isfunction(value) and (name[0] != "_" or name == "__call__")
    }
    return [
        f"{name}: {trouble}"
        for name, method in methods.items()
        if name != "__init__" and (trouble := _trouble(component, name, method))
    ]


def _trouble(component: type, name: str, method: Any) -> str | None:
    theirs = getattr(component, "forward" if name == "__call__" and hasattr(component, "forward") else name, None)
    if not callable(theirs):
        return "missing"
    wanted = list(inspect.signature(method).parameters.values())[1:]
    try:
        inspect.signature(theirs).bind(None, *wanted)
    except TypeError as error:
        return str(error)
    return None


def attributes(protocol: type) -> list[str]:
    """Return the attributes that an instance must have."""
    unknown = dict.fromkeys(("np", "Tensor", "nn", "Candles", "Batch", "Output"), Any)
    return [name for name in get_type_hints(protocol, localns=unknown) if name[0] != "_"]
