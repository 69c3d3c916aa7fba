"""The whole table of goals of docs/performance.md, each row measured against its rival, as json and as markdown."""

from __future__ import annotations

from typing import Any

from candlelab.task.bench._goals import Row, reaches, stays_within, told
from candlelab.task.bench.backbones import bench_backbones
from candlelab.task.bench.checkpoints import bench_checkpoints
from candlelab.task.bench.columns import bench_columns
from candlelab.task.bench.drawing import bench_drawing
from candlelab.task.bench.ingest import bench_ingest
from candlelab.task.bench.memory import bench_memory
from candlelab.task.bench.pipeline import bench_pipeline
from candlelab.task.bench.smoke import bench_smoke
from candlelab.task.bench.starting import bench_starting
from candlelab.task.bench.steps import bench_steps
from candlelab.task.bench.storing import bench_storing
from candlelab.task.bench.trainer import bench_trainer


def bench_limits() -> dict[str, Any]:
    """Return all rows, of drawing, storing, columns, starting, training and memory; some twenty minutes on a quiet machine."""
    memory = bench_memory()  # before this process holds anything itself
    parts = [bench_drawing(), bench_storing(), bench_columns(), bench_starting(), bench_smoke()]
    parts += [told(_training()), bench_steps(), bench_checkpoints(), memory]
    rows = [row for part in parts for row in part["rows"]]
    more = {"growth_ns_per_row": parts[2]["growth_ns_per_row"], "gigabytes": memory["gigabytes"]}
    return {"rows": rows} | more


def _training() -> list[Row]:
    trainer, backbones, feeding, ingest = bench_trainer(), bench_backbones(), bench_pipeline(), bench_ingest()
    loop = "a plain loop over ready batches"
    return [
        reaches("training a sequence net", trainer["ratio"], 0.97, against=loop),
        reaches(
            "training, validation and checkpoints counted",
            trainer["whole_ratio"],
            0.9,
            against=f"{loop}, validation counted",
        ),
        reaches("training mobilenetv3_small", backbones["ratio"], 0.97, against=loop),
        stays_within("feeding of a step, fusion_small", feeding["feeding_share"], 0.02),
        reaches(
            "ingest of monthly zips",
            ingest["plain_parallel_seconds"] / ingest["ingest_seconds"],
            1.0,
            against="zipfile and pyarrow.csv, two files at a time",
        ),
    ]
