"""Does the ladder name the right part? Train it on made-up worlds whose right answer is known, and count."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.table import Table

from candlelab.config import ConfigError
from candlelab.core.files import write_text
from candlelab.pipeline.studies import console
from candlelab.pipeline.studies.planted_ladder import WORLD_OF, Named, jobs_of_world, named_part

FOLDER, FILE = "ladder", "ladder.md"


def simulate_ladder(
    cfg: DictConfig, *, truths: list[str], seeds: list[int], experiments: list[str], settings: list[str]
) -> list[dict[str, Any]]:
    """Return one row per truth: how often its part was named; printed, and written to outputs/ladder/ladder.md with every step.

    truths       parts out of scaling, capacity, geometry, nothing: one world each.
    seeds        of market and first weights; experiments: the parts of sweep=image_or_numbers that are trained on each.
    settings     overrides of every job, as on the command line.
    What is trained is kept in outputs/ladder: the same command goes on where it was stopped. Raises ConfigError for unknown truths.
    """
    unknown = [truth for truth in truths if truth not in WORLD_OF]
    if unknown or not truths or not seeds or not experiments:
        raise ConfigError(
            f"task.truths is {list(truths)}, task.seeds {list(seeds)} and task.experiments {list(experiments)}: give truths out of "
            f"{', '.join(WORLD_OF)}, at least one seed and experiments such as those of sweep=image_or_numbers"
        )
    folder, named = Path(cfg.outputs) / FOLDER, []
    for seed in seeds:
        for truth in truths:
            jobs = jobs_of_world(cfg, truth, seed, experiments, settings)
            named.append(named_part(jobs, folder / f"{truth}-{seed}", truth, seed))
            print(f"{truth}, seed {seed}: {named[-1].found.sentence()}", flush=True)
            write_text(folder / FILE, f"{console.markdown_of(_counts(named))}\n{console.markdown_of(_steps(named))}")
    for table in (_steps(named), _counts(named)):
        console.print_table(table)
    return _counted(named)


def _counted(named: Sequence[Named]) -> list[dict[str, Any]]:
    """How often each truth was named, in the order of the worlds."""
    rows: dict[str, dict[str, Any]] = {}
    for each in named:
        row = rows.setdefault(each.truth, {"truth": each.truth, "right": 0, "seeds": 0})
        row["seeds"] += 1
        row["right"] += each.right
    return list(rows.values())


def _counts(named: Sequence[Named]) -> Table:
    table = Table("the truth", "its world", "named", title="Does the ladder name the right part?", title_justify="left")
    for row in _counted(named):
        table.add_row(row["truth"], WORLD_OF[row["truth"]], f"{row['right']} of {row['seeds']}")
    return table


def _steps(named: Sequence[Named]) -> Table:
    """What each rung adds, in points of AUROC with its interval, world by world."""
    parts = [step.part for step in named[0].found.steps]
    table = Table("the truth", "seed", "named", *parts, title="Every step, in points of AUROC", title_justify="left")
    for each in named:
        gains = (
            f"{100 * step.gain.value:+.1f} ({100 * step.gain.low:.1f} to {100 * step.gain.high:.1f})"
            for step in each.found.steps
        )
        table.add_row(each.truth, str(each.seed), each.found.part, *gains)
    return table
