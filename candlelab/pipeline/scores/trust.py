"""What a run's numbers rest on: the data card with what was found in the bars, and its predictions held against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from candlelab.audit.findings import Finding, of_reader, order_of_parts, suspicious_bars
from candlelab.audit.predictions import mismatches, row_hashes
from candlelab.core.contracts import Inspected, Redrawn
from candlelab.core.errors import UserError
from candlelab.data.samples import SampleSet
from candlelab.market.quality import of_tape
from candlelab.pipeline.audits.pipelines import cheap_audit
from candlelab.pipeline.scores.predictions import EVALUATED
from candlelab.run import PREDICTIONS, Run


def checked_card(data: SampleSet) -> dict[str, Any]:
    """Return the data card with what is wrong with the bars and the pipeline, and hashes of the rows to be predicted, to know them again."""
    rows = pd.concat([data.rows(part).assign(model="") for part in EVALUATED])
    return data.describe() | {
        "quality": [finding.row() for finding in findings_of(data)],
        "rows": row_hashes(rows),
        "audit": cheap_audit(data).row(),
    }


def findings_of(data: SampleSet) -> list[Finding]:
    """Return everything that is known to be wrong with the bars of a data set, before anything was dropped or after."""
    made = data.prepared
    if isinstance(made.source, Redrawn):
        return []  # each sample stands alone: between them nothing is missing
    records = (made.source.quality if isinstance(made.source, Inspected) else None) or of_tape(made.candles)
    told = of_reader([record.row() for record in records])
    return told + suspicious_bars(made.candles) if data.label.kind == "forecast" else told


def doubts(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return, in words, what was found in the bars that can change the verdict; card as in data.json."""
    if card["kind"] != "forecast":
        return ()
    shaken = [
        "sound bars: " + str(Finding(**found | {"first": _ms(found["first"])}))
        for found in card.get("quality", ())
        if found["shakes"]
    ]
    return (
        *shaken,
        *(f"parts in the order of time: {sentence}" for sentence in order_of_parts(card["parts"])),
        *(f"a set whose making is known: {sentence}" for sentence in card.get("warnings", ())),
    )


def leaks(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return, in words, the leaks that the run's own audit found; card as in data.json."""
    found = card.get("audit", {}).get("findings", ())
    return tuple(
        f"{each['name']} ({each['place']}): {each['evidence']}" for each in found if each["severity"] == "leak"
    )


def _ms(text: str) -> int:
    return int(pd.Timestamp(text).timestamp() * 1000)


def check_predictions(run: Run) -> None:
    """Raise UserError if predictions.parquet is not what the run wrote: other rows, other parts, other returns."""
    found = mismatches(run.predictions, run.card, stride=run.cfg.data.stride)
    if found:
        raise UserError(
            f"'{run.folder / PREDICTIONS}' is not what the run wrote: it holds {'; '.join(found)}. Train the run "
            "again, or judge a table of your own in a folder of its own"
        )
