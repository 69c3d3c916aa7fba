"""Leakage audit of a finished run: its pipeline, its bars, and whether its threshold knows the test."""

from __future__ import annotations

from candlelab.audit.record import Audit, audit_of, merged
from candlelab.config import build
from candlelab.core.contracts import Scaling
from candlelab.pipeline.audits.pipelines import CLAIM, audit_data
from candlelab.pipeline.audits.thresholds import threshold_of_test
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.scores.scoring import own_settings


def audit_run(folder: str) -> Audit:
    """Return what is wrong with a finished run; raises UserError, naming the nearest, if there is none."""
    run = load_or_download(folder)

    def scaling() -> Scaling:
        return build(run.cfg, "data.scaling")

    told = own_settings(run)
    known = {
        "horizon": run.preprocessing["horizon"],
        "interval": run.preprocessing["interval"],
        "kind": run.preprocessing["kind"],
        "classes": tuple(run.preprocessing["classes"]),
        "stride": run.cfg.data.stride,
    }
    threshold = audit_of(run.folder.name, CLAIM, [("threshold", list(threshold_of_test(told, run.predictions, known)))])
    return merged(f"the run {run.folder.name}", [audit_data(run.data, scaling=scaling), threshold])
