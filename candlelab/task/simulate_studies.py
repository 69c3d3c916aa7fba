"""Monte Carlo check of a study's verdict: is the p-value of the best of many uniform, and what does a simple model find?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig
from rich.table import Table

from candlelab.core.errors import UserError
from candlelab.core.files import write_text
from candlelab.evaluate.sensitivity import Sensitivity, all_monotone
from candlelab.pipeline.studies import console
from candlelab.pipeline.studies.simulated_studies import NullStudies, limits, null_studies

FILE = "study_simulation.md"


def simulate_studies(
    cfg: DictConfig, *, studies: int, worlds: int, bars: int, windows: list[int], planted: int, times: list[float]
) -> dict[str, Any]:
    """Print two tables and write them to outputs/study_simulation.md: studies where nothing is to be found, and planted edges.

    studies, worlds  markets without an edge, and worlds beside each; planted: worlds for each size of edge, in `times` of what
    the rows could show.
    """
    if min(studies, worlds, planted) < 2 or bars < 500 or not windows or not times:
        raise UserError(
            f"studies is {studies}, worlds {worlds}, planted {planted} and bars {bars}; give at least 2, 2, 2 and 500, "
            "some windows and some times"
        )
    null = null_studies(studies=studies, worlds=worlds, bars=bars, windows=windows, seed=cfg.seed)
    found = limits(worlds=planted, times=times, bars=bars, window=min(windows), seed=cfg.seed)
    tables = [_null_table(null, len(windows)), _edge_table(found)]
    for table in tables:
        console.print_table(table)
    print(found.sentence(), flush=True)
    write_text(Path(cfg.outputs) / FILE, "\n".join(console.markdown_of(table) for table in tables))
    ratio = None if found.limit is None else found.limit / found.smallest
    return {"uniform": null.uniform, "said_yes": null.said_yes, "ratio": ratio, "monotone": all_monotone([found])}


def _null_table(null: NullStudies, models: int) -> Table:
    table = Table(
        "studies",
        "models",
        "worlds",
        "p ≤ 0.05",
        "p ≤ 0.1",
        "p ≤ 0.5",
        "KS p",
        "information: yes",
        title="Nothing to find",
    )
    shares = [f"{np.mean(null.p_values <= level + 1e-9):.3f}" for level in (0.05, 0.1, 0.5)]
    counts = (str(len(null.p_values)), str(models), str(null.worlds))
    table.add_row(*counts, *shares, f"{null.uniform:.3f}", f"{null.said_yes:.3f}")
    return table


def _edge_table(found: Sensitivity) -> Table:
    title = f"Planted edges: {found.model}, {found.rule}; the rows could show AUROC {0.5 + found.smallest:.4f}"
    limit = "none" if found.limit is None else f"{0.5 + found.limit:.4f} ({found.limit / found.smallest:.2f} times)"
    table = Table(
        "AUROC of the rule", "times the smallest", "found", "fitted", title=f"{title}, limit of detection {limit}"
    )
    for size, hits, worlds in zip(found.sizes, found.found, found.worlds, strict=True):
        fitted = float(found.curve.rate(np.array([size]))[0])
        table.add_row(f"{0.5 + size:.4f}", f"{size / found.smallest:.2f}", f"{hits} of {worlds}", f"{fitted:.2f}")
    return table
