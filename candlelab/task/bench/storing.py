"""Writing and reading stores of pictures beside the HDF5 layout of Crypto Classifier, several rounds in turn."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.task.bench._goals import reaches, told
from candlelab.task.bench.render import STYLES, bench_hdf5_rows, bench_store, market, renderer_of

RIVAL = "one float32 picture a chunk in HDF5, gzip 4"


def bench_storing(*, rounds: int = 3, pictures: int = 32_768, rival_pictures: int = 512) -> dict[str, Any]:
    """Return the rows of the zarr store: pictures written and read a second and bytes of a picture, against the HDF5 layout.

    Writing counts drawing, and flushing to the disk on our side alone; each side takes the best of its rounds, in turn.
    """
    tape, renderer = market(max(pictures, rival_pictures) + 1000), renderer_of("ohlc_bars", **STYLES["ohlc_bars"])
    ends = 300 + np.arange(pictures)
    numbers = np.random.default_rng(2).permutation(pictures)[:256]
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(prefix="candlelab-bench-") as folder:
        for k in range(rounds):
            ours.append(bench_store(renderer, tape, ends, "zarr", numbers, Path(folder) / f"zarr{k}"))
            theirs.append(bench_hdf5_rows(renderer, tape, ends[:rival_pictures], Path(folder) / f"{k}.h5"))
    best = {
        name: max(row[name] for row in ours) / max(row[name] for row in theirs)
        for name in ("written_per_second", "read_per_second")
    }
    return told(
        [
            reaches("zarr store, pictures written", best["written_per_second"], 50, against=RIVAL),
            reaches("zarr store, random reads", best["read_per_second"], 10, against=RIVAL),
            reaches(
                "zarr store, bytes saved", theirs[0]["bytes_per_image"] / ours[0]["bytes_per_image"], 9.8, against=RIVAL
            ),
        ]
    )
