"""Leakage audit of a training pipeline: every input of nets, baselines and captions recomputed on counterfactual bars."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from omegaconf import DictConfig

from candlelab.audit.labels import label_reach, parts_apart
from candlelab.audit.markets import audit_bars
from candlelab.audit.probes import (
    Reader,
    across_borders,
    cuts_in,
    look_ahead,
    order_of_symbols,
    short_warmup,
    units_and_clock,
)
from candlelab.audit.record import Audit, AuditFinding, audit_of, merged
from candlelab.audit.rewriting import after, rewritten
from candlelab.audit.tape import resampled_side, unclosed, unmarked_gaps, windows_inside
from candlelab.config import build, plain
from candlelab.core.candles import Candles, concat
from candlelab.core.contracts import Scaling
from candlelab.core.interval import to_time
from candlelab.data.indicators.blockwise import IndicatorBlocks, training_values
from candlelab.data.picture_data import PictureData
from candlelab.data.samples import SampleSet
from candlelab.data.split.parts import TRAIN
from candlelab.pipeline.audits.thresholds import threshold_of_guesses
from candlelab.render.storage.store import Stored

CLAIM = "this pipeline cannot support a forecast claim"
CHEAP = ("look-ahead", "label", "parts", "scaling", "segments", "last bar")
WINDOWS = 64  # whose charts, captions and baseline numbers are made again
CUTS = 6
AROUND = 300  # bars before and after the cut of the cheap audit
FADING = 0.02  # of a column's spread: what a filter of infinite memory may keep of the bars before its warm-up
PIXELS = 0.002  # share of a chart's values that rounding may move
SEED = 20_240


def audit_pipeline(cfg: DictConfig) -> Audit:
    """Return what is wrong with the inputs, labels and parts of a config's data; its net reads nothing else."""
    data = build(cfg, "data", build(cfg, "render") if cfg.get("render") else None)
    if isinstance(data, PictureData):
        return _of_pictures(data)
    pipeline = audit_data(data, scaling=lambda: build(cfg, "data.scaling"))
    threshold = threshold_of_guesses(plain(cfg)["evaluate"], data, seed=SEED)
    parts = [pipeline, audit_of("its threshold", CLAIM, [("threshold", list(threshold))])]
    if data.label.kind == "forecast":
        parts.append(audit_bars(source_bars(data)))
    return merged(pipeline.subject, parts)


def _of_pictures(data: SampleSet) -> Audit:
    why = "given pictures were not made of bars that are here: audit the set itself with task.set"
    return audit_of("given pictures", CLAIM, (), [(check, why) for check in CHEAP])


def audit_data(data: SampleSet, *, scaling: Callable[[], Scaling]) -> Audit:
    """Return the full audit of a data set's pipeline; scaling makes one that is not fitted."""
    structure = [(name, list(found)) for name, found in _structure(data)]
    data = within_segments(data)
    made, tape = data.prepared, data.prepared.candles
    rows = _near(cuts_in(tape, made.ends, CUTS), made.ends, WINDOWS)
    per_bar, windowed = bar_readers(data), window_readers(data)
    checks = [
        *_recomputed(data, cuts_in(tape, made.ends, CUTS), rows),
        *structure,
        ("borders", [*_borders(data, per_bar, windowed)]),
        ("warm-up", [*_warmups(data, per_bar, windowed)]),
        ("order of symbols", [] if data.thin else [*order_of_symbols([*per_bar, *windowed], tape, rows)]),
        ("units and clock", [*units_and_clock([*per_bar, *windowed], tape, rows)]),
        ("scaling", [*scaling_of_all_rows(data), *_scaling_of_the_future(data, scaling)]),
        ("resampling", [*resampling(data)]),
    ]
    return audit_of(_subject(data), CLAIM, checks, _unchecked(data))


def cheap_audit(data: SampleSet) -> Audit:
    """Return the audit that every run can afford: one rewritten future on a stretch of bars, and what needs no recomputing."""
    if isinstance(data, PictureData):
        return _of_pictures(data)
    part = around_a_cut(data)
    ends = part.prepared.ends
    cut = ends[np.searchsorted(ends, AROUND + part.window + part.warmup) :][:1]
    cuts = cut if len(cut) else ends[len(ends) // 2 : len(ends) // 2 + 1]
    checks = [
        *_recomputed(part, cuts, _near(cuts, ends, 8)),
        *_structure(data),
        ("scaling", [*scaling_of_all_rows(data)]),
    ]
    return audit_of(_subject(data), CLAIM, checks)


def _subject(data: SampleSet) -> str:
    names = data.prepared.candles.symbols
    return f"the pipeline of {', '.join(names[:3])}{' …' if len(names) > 3 else ''}, {type(data.label).__name__}"


def _recomputed(data: SampleSet, cuts: np.ndarray, rows: np.ndarray) -> list[tuple[str, Iterable[AuditFinding]]]:
    """The checks that both audits make on counterfactual bars."""
    tape = data.prepared.candles
    findings: list[AuditFinding] = []
    findings += look_ahead(bar_readers(data), tape, read_rows(data), cuts, seed=SEED)
    findings += look_ahead(window_readers(data), tape, rows, cuts, seed=SEED)
    return [("look-ahead", findings), ("label", [*_label(data)])]


def _structure(data: SampleSet) -> Iterator[tuple[str, Iterable[AuditFinding]]]:
    """The checks that need no recomputing."""
    made, tape = data.prepared, data.prepared.candles
    yield "parts", list(parts_apart(tape, made.ends, made.labels.label_end[made.ends], made.part))
    inside = windows_inside(tape, made.ends, data.window + data.warmup)
    yield "segments", [*unmarked_gaps(tape), *inside]
    yield "last bar", list(unclosed(tape, int(time.time() * 1000)))


def _label(data: SampleSet) -> Iterator[AuditFinding]:
    if data.label.kind != "forecast":
        return
    made = data.prepared
    known = made.ends[made.labels.label[made.ends] >= 0]
    known = known[~_missing(made.candles)[known]]
    if len(known):
        yield from label_reach(lambda tape: data.label(tape, data.window), made.candles, known, seed=SEED)


def _missing(tape: Candles) -> np.ndarray:
    return np.zeros(len(tape), bool) if tape.missing is None else tape.missing


def bar_readers(data: SampleSet) -> list[Reader]:
    """What is computed once for every bar."""
    if not data.indicators.names:
        return []
    return [Reader("data.indicators", tuple(data.indicators.names), lambda tape, at: data.indicators(tape)[at], FADING)]


def window_readers(data: SampleSet) -> list[Reader]:
    """What is computed window by window: charts, captions, the numbers of the baselines."""
    found = [Reader("baselines", ("baseline numbers",), lambda tape, at: _baseline(data, tape, at), FADING)]
    renderer = data.renderer.renderer if isinstance(data.renderer, Stored) else data.renderer
    if renderer is not None:
        found.append(Reader("render", ("chart",), lambda tape, at: np.asarray(renderer.draw(tape, at)), PIXELS))
    if data.window >= 4:
        found.append(Reader("data.caption", ("caption",), lambda tape, at: _texts(data, tape, at), 0.0))
    return found


def _texts(data: SampleSet, tape: Candles, at: np.ndarray) -> np.ndarray:
    return np.array(data.caption(tape, at, data.window), dtype=np.str_)


def _baseline(data: SampleSet, tape: Candles, at: np.ndarray) -> np.ndarray:
    """What the baselines are given of some windows, (n, F)."""
    made = replace(
        data.prepared, candles=tape, labels=data.label(tape, data.window), ends=at, part=np.zeros(len(at), np.int8)
    )
    told = data.having(prepared=made).features(np.arange(len(at)))
    return np.column_stack([told["numbers"], told["volatility"], told["last_class"]]).astype(float)


def _borders(data: SampleSet, per_bar: list[Reader], windowed: list[Reader]) -> Iterator[AuditFinding]:
    tape = data.prepared.candles
    yield from across_borders(per_bar, tape, read_rows(data), seed=SEED)
    yield from across_borders(windowed, tape, _first_of_segments(data), seed=SEED)


def _warmups(data: SampleSet, per_bar: list[Reader], windowed: list[Reader]) -> Iterator[AuditFinding]:
    tape, ends = data.prepared.candles, data.prepared.ends
    if tape.missing is not None:  # a warm-up is counted in bars that are left
        return
    yield from short_warmup(per_bar, tape, ends, data.indicators.warmup + 1, count=16)
    served = [
        reader for reader in windowed if reader.component != "baselines"
    ]  # whose volatility remembers all of a segment
    yield from short_warmup(served, tape, ends, data.window + data.warmup, count=16)


def _near(cuts: np.ndarray, ends: np.ndarray, count: int) -> np.ndarray:
    """Return rows whose windows are made again: those just before each cut, and others spread over all; ascending."""
    places = np.searchsorted(ends, cuts)
    before = (places[:, None] - np.arange(3)).ravel()
    spread = np.linspace(0, len(ends) - 1, max(2, count - len(before))).astype(int)
    return ends[np.unique(np.clip(np.r_[before, spread], 0, len(ends) - 1))]


def _first_of_segments(data: SampleSet) -> np.ndarray:
    """The first window of up to 64 segments."""
    tape, ends = data.prepared.candles, data.prepared.ends
    first = ends[np.append(True, np.diff(tape.segment[ends]) != 0)]
    return first[:: max(1, len(first) // WINDOWS)]


def within_segments(data: SampleSet) -> SampleSet:
    """Return the data without the windows that reach out of their segment: nothing can be made of those."""
    made = data.prepared
    first = made.ends - (data.window + data.warmup - 1)
    inside = (first >= 0) & (made.candles.segment[np.maximum(first, 0)] == made.candles.segment[made.ends])
    kept = replace(made, ends=made.ends[inside], part=made.part[inside], tokens={})
    return data if inside.all() else data.having(prepared=kept)


def around_a_cut(data: SampleSet) -> SampleSet:
    """Return the data on a stretch of bars in the middle of one segment: enough for a window on each side of a cut."""
    made, tape = data.prepared, data.prepared.candles
    counts = np.bincount(tape.segment[made.ends])
    mine = made.ends[tape.segment[made.ends] == counts.argmax()]
    middle = int(mine[len(mine) // 2])
    first = max(0, middle - AROUND - data.window - data.warmup)
    rows = np.arange(first, min(len(tape), middle + AROUND))
    rows = rows[tape.segment[rows] == tape.segment[middle]]
    part = tape.select(rows)
    inside = np.flatnonzero((made.ends >= rows[0] + data.window + data.warmup - 1) & (made.ends <= rows[-1]))
    small = replace(
        made,
        candles=part,
        labels=data.label(part, data.window),
        ends=made.ends[inside] - rows[0],
        part=made.part[inside],
        tokens={},
    )
    return data.having(prepared=small)


def read_rows(data: SampleSet) -> np.ndarray:
    """Return the rows that lie in a window, (n,) int64 ascending."""
    return np.flatnonzero(_inside(data, data.prepared.ends))


def _inside(data: SampleSet, ends: np.ndarray) -> np.ndarray:
    marks = np.zeros(len(data.prepared.candles) + 1, np.int64)
    np.add.at(marks, np.maximum(ends + 1 - data.window, 0), 1)
    np.add.at(marks, ends + 1, -1)
    return np.cumsum(marks[:-1]) > 0


def scaling_of_all_rows(data: SampleSet) -> Iterator[AuditFinding]:
    """Yield a finding if the fitted scaling is not that of the training rows."""
    if not data.scaling.fitted or not data.indicators.names:
        return
    made = data.prepared
    numbers = IndicatorBlocks(made.candles, data.indicators)
    learnt = made.ends[(made.part == TRAIN) & (made.labels.label[made.ends] >= 0)]
    again = copy.deepcopy(data.scaling).fit(training_values(numbers, learnt, data.window))
    yield from _scales_apart(
        data, again.to_dict(), data.scaling.to_dict(), "fitting it again on the training rows alone"
    )


def _scaling_of_the_future(data: SampleSet, scaling: Callable[[], Scaling]) -> Iterator[AuditFinding]:
    """Yield a finding if a fresh scaling changes with the bars after the last training window."""
    if not data.indicators.names or data.prepared.source is None:
        return
    made, tape = data.prepared, data.prepared.candles
    ends = made.ends[made.part == TRAIN]
    known = max(int(tape.time[np.maximum(made.labels.label_end[ends], ends)].max()), int(tape.time[ends].max()))
    future = rewritten(tape, after(tape, known), seed=SEED)
    scales = []
    for each in (tape, future):
        fresh = data.having(prepared=replace(made, candles=each, tokens={}), scaling=scaling())
        _ = fresh.series
        scales.append(fresh.scaling.to_dict())
    yield from _scales_apart(data, scales[0], scales[1], "rewriting every bar after the last training label")


def _scales_apart(data: SampleSet, one: dict[str, Any], two: dict[str, Any], how: str) -> Iterator[AuditFinding]:
    for word in ("centre", "scale"):
        before, now = (np.asarray(told.get(word, []), float) for told in (one, two))
        wrong = np.flatnonzero(~np.isclose(before, now, rtol=1e-6, atol=1e-9, equal_nan=True))
        if len(wrong):
            name = data.indicators.names[wrong[0]]
            yield AuditFinding(
                "scaling fitted outside of training",
                "leak",
                f"data.scaling, {name}",
                f"the {word} of {name} changed from {before[wrong[0]]:.6g} to {now[wrong[0]]:.6g} by {how}: validation and test rows are in it",
                "fit the scaling on rows of training windows only",
            )
            return


def resampling(data: SampleSet) -> Iterator[AuditFinding]:
    """Yield a finding if coarser bars hold other trades than their time says, or a last bar that its fine bars do not fill."""
    if data.resample is None:
        return
    fine = source_bars(data)
    yield from resampled_side(fine, data.tape)
    for code, symbol in enumerate(data.tape.symbols):
        if symbol in fine.symbols:
            own = fine.time[fine.symbol == fine.symbols.index(symbol)]
            part = data.tape.select(data.tape.symbol == code)
            yield from unclosed(part, int(own.max()) + int(np.median(np.diff(own))))


def source_bars(data: SampleSet) -> Candles:
    """Return the bars as the source gives them, before they are coarsened or thinned."""
    tapes = [
        data.source.fetch(data.symbols, interval, to_time(data.start), to_time(data.end)) for interval in data.intervals
    ]
    return tapes[0] if len(tapes) == 1 else concat(tapes)


def _unchecked(data: SampleSet) -> list[tuple[str, str]]:
    found = []
    if data.resample is None:
        found.append(("resampling", "the bars are used as they were fetched"))
    if data.prepared.candles.missing is not None:
        found.append(("warm-up", "bars were removed on purpose, and a warm-up is counted in those that are left"))
    if len(data.prepared.candles.symbols) < 2 or data.thin:
        found.append(("order of symbols", "there is one symbol, or bars are removed by its name"))
    if data.label.kind != "forecast":
        found.append(("label", "it is recognition and says so: its label may be drawn"))
    return found
