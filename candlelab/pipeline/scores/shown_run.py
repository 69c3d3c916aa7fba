"""A finished run for notebooks: it shows itself, and every figure of its report is a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from candlelab import run as runs
from candlelab.core.notebook_html import facts, paragraphs
from candlelab.core.signal import sides_of
from candlelab.report.figure_calls import ReportFigures

if TYPE_CHECKING:  # a run is also loaded for predictions, without torch and without statistics
    import pandas as pd

    from candlelab.evaluate.score import Scores


class ShownRun(runs.Run, ReportFigures):
    """A run with the figures of its report: `run.calibration()`, `run.equity()`, `run.figures()`."""

    def figure_inputs(self) -> tuple[Scores, pd.DataFrame, Mapping[str, Any], Sequence[Mapping[str, float]]]:
        """Return the run's own score, its predictions, its data card and its training curves."""
        from candlelab.pipeline.scores.scoring import own_scores

        return own_scores(self), self.predictions, self.card | {"directions": sides_of(self.preprocessing)}, self.epochs

    def _repr_html_(self) -> str:
        from candlelab.pipeline.scores.scoring import lines_of, own_scores

        made = self.preprocessing
        told = {
            "run": self.folder.name,
            "reads": ", ".join(made["reads"]),
            "bars": f"{', '.join(made['symbols'][:8])} {made['interval']}, window {made['window']}, horizon {made['horizon']}",
            "label": f"{made['label']} ({made['kind']})",
        }
        return facts("run", told) + paragraphs("Verdict", lines_of(own_scores(self)))
