"""Lean imports: keep a package from bringing along others that nothing here uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

NEEDLESS = ("torchvision", "transformers")


@contextmanager
def lean_torchmetrics() -> Iterator[None]:
    """Let torchmetrics, which Lightning imports, take torchvision and transformers for absent while it is imported.

    It would import both, and torch's compiler with them, for metrics of photographs and of prose: three seconds of every
    training. Whoever wants those metrics imports torchmetrics before; then nothing is done here.
    """
    if "torchmetrics" in sys.modules:
        yield
        return
    from lightning_utilities.core.imports import RequirementCache

    check = RequirementCache._check_available

    def checked(cache: RequirementCache) -> None:
        if not hasattr(cache, "available") and str(cache.requirement).startswith(NEEDLESS):
            cache.available, cache.message = False, f"{cache.requirement} is not asked for"
        check(cache)

    setattr(RequirementCache, check.__name__, checked)
    try:
        yield
    finally:
        setattr(RequirementCache, check.__name__, check)
