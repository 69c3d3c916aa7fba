"""What report.md says of exported files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from candlelab.export.int8 import Candidate
from candlelab.export.onnx_graph import DISCLAIMER
from candlelab.run import write_text

READS = {
    "model.onnx": "the net, fp32",
    "model.int8.onnx": "the net, eight bits",
    "candles_to_signal.onnx": "raw candles to signal, fp32",
}


@dataclass(frozen=True)
class ExportedFile:
    """One exported file, or why there is none.

    times   (batch, threads) -> (p50, p90) in ms; gaps: batch -> largest difference to torch.
    """

    name: str
    megabytes: float = float("nan")
    times: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict)
    gaps: dict[int, float] = field(default_factory=dict)
    refused: str | None = None


@dataclass(frozen=True)
class Findings:
    """Everything the report tells; `tried` are the eight-bit forms, fastest first, None if they were not asked for."""

    run: str
    card: dict[str, Any]
    files: list[ExportedFile]
    tried: list[Candidate] | None
    judged: int
    max_accuracy_drop: float


def write_export_report(path: Path, found: Findings) -> None:
    """Write the report as Markdown."""
    parts = [f"# {found.run}: exported models", DISCLAIMER, *_files(found.files), *_agreement(found.files)]
    if found.tried is not None:
        parts += _gate(found, found.tried)
    write_text(path, "\n\n".join([*parts, *_card(found.card)]) + "\n")


def _files(files: list[ExportedFile]) -> list[str]:
    written = [file for file in files if file.refused is None]
    keys = list(written[0].times)
    head = ["file", "what", "MB", *(f"batch {b}, {t} thread{'s' * (t > 1)}" for b, t in keys)]
    rows = [
        [f.name, READS[f.name], f"{f.megabytes:.2f}", *(f"{f.times[k][0]:.2f} / {f.times[k][1]:.2f}" for k in keys)]
        for f in written
    ]
    missing = [f"`{file.name}` was not written: {file.refused}." for file in files if file.refused is not None]
    return [
        "## Files",
        markdown_table(head, rows),
        "Times are milliseconds per call, p50 / p90, on this machine's processor.",
        *missing,
    ]


def _agreement(files: list[ExportedFile]) -> list[str]:
    told = [file for file in files if file.gaps]
    sizes = list(told[0].gaps)
    rows = [[file.name, *(f"{file.gaps[size]:.1e}" for size in sizes)] for file in told]
    return [
        "## Agreement with torch",
        "Largest difference of a probability (of the forecast, for a net without classes).",
        markdown_table(["file", *(f"batch {size}" for size in sizes)], rows),
    ]


def _gate(found: Findings, tried: list[Candidate]) -> list[str]:
    best, fp32 = tried[0], found.files[0]
    rows = [
        [
            c.name,
            f"{c.megabytes:.2f}",
            f"{c.megabytes / fp32.megabytes:.2f}",
            f"{c.p50:.2f}",
            f"{c.p50_fp32:.2f}",
            f"{c.accuracy_drop:+.2f}",
            f"{c.agreement:.1%}",
            c.refused or "passes",
        ]
        for c in tried
    ]
    head = ["form", "MB", "of fp32", "ms per window", "fp32", "points lost", "same class", "gate"]
    return [
        "## Eight bits",
        f"Calibrated on training windows, judged on {found.judged:,} validation windows: at most {found.max_accuracy_drop:g} "
        "percentage points of balanced accuracy may be lost, and of the forms that pass the fastest is written.",
        markdown_table(head, rows),
        _decision(best, fp32),
    ]


def _decision(best: Candidate, fp32: ExportedFile) -> str:
    if best.refused is not None:
        return f"No form passes, so there is no `model.int8.onnx`: {best.refused}."
    ours, theirs = best.p50, best.p50_fp32
    faster = (
        f"{theirs / ours:.1f} times as fast as fp32"
        if ours < theirs
        else f"not faster than fp32 ({ours:.2f} against {theirs:.2f} ms)"
    )
    share = best.megabytes / fp32.megabytes
    return f"`model.int8.onnx` is the {best.name} form: {share:.2f} of the size and {faster} at batch 1 on one thread."


def _card(card: dict[str, Any]) -> list[str]:
    spelled = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in card.items()}
    rows = [[name, "none" if value is None else str(value)] for name, value in spelled.items()]
    return ["## What the files say of themselves", markdown_table(["name", "value"], rows)]


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
