"""Spans to pixels: four fills that write the same bytes."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from array_api_compat import is_cupy_array, is_numpy_array, is_torch_array

from candlelab.core.compiled import COMPILES, at_hand

FillName = Literal["auto", "numba", "numpy", "cupy", "torch"]


def choose_fill(fill: FillName, array: Any) -> str:
    """Return the fill that paints for this array: "numba", "numpy", "cupy" or "torch".

    auto is numba on the CPU, or numpy where it is not installed or not worth loading; on a GPU cupy, or torch where CuPy is not.
    """
    on_gpu = is_cupy_array(array) or (is_torch_array(array) and array.device.type != "cpu")
    if fill == "auto":
        fill = "cupy" if on_gpu else ("numba" if at_hand(array.size if is_numpy_array(array) else 0) else "numpy")
    if fill == "cupy" and not (cupy_works() and on_gpu):
        fill = "torch" if on_gpu else "numba"
    return "numpy" if fill == "numba" and not COMPILES else fill


@cache
def cupy_works() -> bool:
    """Return whether CuPy is installed and sees a GPU."""
    try:
        import cupy
    except ImportError:
        return False
    return bool(cupy.is_available())
