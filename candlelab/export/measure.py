"""How large, how fast and how faithful a model file is."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from candlelab.export.predict import Predictor

WARM = 3  # calls before the clock starts
Arrays = dict[str, np.ndarray]


def file_megabytes(path: Path) -> float:
    """Return the size of a file in MB of 10^6 bytes."""
    return path.stat().st_size / 1e6


def first_rows(inputs: Arrays, count: int) -> Arrays:
    """Return `count` rows of each input, repeated from the beginning where there are fewer."""
    return {
        name: np.resize(value, (count, *value.shape[1:])) if len(value) < count else value[:count]
        for name, value in inputs.items()
    }


def latency(path: Path, inputs: Arrays, *, batch: int, threads: int, n_calls: int) -> tuple[float, float]:
    """Return (p50, p90) of the time of one call in ms, checks of the inputs included."""
    model, given = Predictor(path, threads=threads), first_rows(inputs, batch)
    times = []
    for _ in range(WARM + n_calls):
        started = time.perf_counter()
        model(given)
        times.append(time.perf_counter() - started)
    p50, p90 = np.percentile(times[WARM:], (50, 90)) * 1e3
    return float(p50), float(p90)


def race(paths: tuple[Path, Path], inputs: Arrays, *, n_calls: int) -> tuple[float, float]:
    """Return the p50 of one call of two files in ms, called in turn: one window, one thread, whatever else the machine does."""
    models, given = [Predictor(path) for path in paths], first_rows(inputs, 1)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(WARM + n_calls):
        for model, own in zip(models, times, strict=True):
            started = time.perf_counter()
            model(given)
            own.append(time.perf_counter() - started)
    first, second = (float(np.median(own[WARM:]) * 1e3) for own in times)
    return first, second


def model_outputs(path: Path, inputs: Arrays, *, batch: int = 32) -> Arrays:
    """Return a file's outputs for all rows, asked `batch` at a time."""
    model = Predictor(path)
    count = len(next(iter(inputs.values())))
    parts = [
        model({name: value[first : first + batch] for name, value in inputs.items()})
        for first in range(0, count, batch)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def disagreement(path: Path, inputs: Arrays, expected: Arrays, *, batches: tuple[int, ...]) -> dict[int, float]:
    """Return the largest difference to the expected outputs, by batch size; probabilities, or forecasts where there are none.

    expected  outputs for as many rows as the largest batch or more.
    """
    model = Predictor(path)
    name = "probabilities" if "probabilities" in model.outputs else "forecast"
    found = {}
    for size in batches:
        said = model({key: value[:size] for key, value in inputs.items()})
        found[size] = float(np.abs(said[name] - expected[name][:size]).max())
    return found
