"""Spans to pixels: three fills that write the same bytes."""

from __future__ import annotations

from functools import cache
from typing import Literal

from array_api_compat import is_cupy_array, is_torch_array

FillName = Literal["auto", "numba", "cupy", "torch"]


def choose_fill(fill: FillName, array) -> str:
    """Return the fill that paints for this array: "numba", "cupy" or "torch".

    auto is numba on the CPU, and on a GPU cupy, or torch where CuPy is not installed.
    """
    on_gpu = is_cupy_array(array) or (is_torch_array(array) and array.device.type != "cpu")
    if fill == "auto":
        fill = "cupy" if on_gpu else "numba"
    if fill == "cupy" and not (cupy_works() and on_gpu):
        return "torch" if on_gpu else "numba"
    return fill


@cache
def cupy_works() -> bool:
    """Return whether CuPy is installed and sees a GPU."""
    try:
        import cupy
    except ImportError:
        return False
    return bool(cupy.is_available())
