"""A finished run as files that need no candlelab: ONNX, eight-bit ONNX, raw candles to signal; and a report on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig

from candlelab import __version__
from candlelab.core.errors import UserError
from candlelab.core.files import make_folder
from candlelab.core.signal import normal_probabilities, recipe_hash, sides_of
from candlelab.export.indicators import ScaledIndicators
from candlelab.export.int8 import Candidate, Judge, quantize
from candlelab.export.measure import Arrays, disagreement, file_megabytes, latency, model_outputs
from candlelab.export.onnx_graph import CandlesGraph, NetGraph, answer_names, input_names, write_graph
from candlelab.export.report import ExportedFile, Findings, write_export_report
from candlelab.export.rule import rule_of
from candlelab.pipeline.inputs.stored import InputMaker, raw_windows
from candlelab.pipeline.load import load_or_download
from candlelab.render.styled import Styled
from candlelab.run import EXPORTS, Run

MODEL, INT8, CANDLES, REPORT = "model.onnx", "model.int8.onnx", "candles_to_signal.onnx", "report.md"
BATCHES = (1, 2, 7, 32)  # at which a file must agree with torch
AGREES = 1e-4  # largest difference of a probability
TIMED = ((1, 1), (1, 2), (32, 1), (32, 2))  # (batch, threads)


@dataclass(frozen=True)
class Windows:
    """Inputs, labels and raw candles of some windows of a run."""

    ends: np.ndarray
    inputs: Arrays
    candles: np.ndarray
    labels: np.ndarray


def export(
    cfg: DictConfig,
    *,
    run: str,
    opset: int,
    int8: bool,
    n_calibration: int,
    n_validation: int,
    max_accuracy_drop: float,
    n_calls: int,
) -> dict[str, Path]:
    """Write model.onnx, candles_to_signal.onnx, model.int8.onnx and report.md into the run's export/ folder; return those written.

    opset        of the standard ONNX operators.
    int8         whether the eight-bit forms are tried.
    n_calibration  training windows that they are calibrated on; n_validation: validation windows that they are judged on.
    max_accuracy_drop  balanced accuracy, in points, that the eight-bit form may lose.
    calls        timed calls per latency.
    Raises UserError if a file disagrees with torch.
    """
    _check_settings(opset, n_calibration, n_validation, max_accuracy_drop, n_calls)
    found = load_or_download(run)
    maker, folder = InputMaker.of(found), found.folder / EXPORTS
    make_folder(folder)
    judged = windows(found, maker, "validation", max(n_validation, max(BATCHES)))
    card = export_card(found)
    files = [_model(found, judged, folder / MODEL, opset, card, n_calls)]
    files.append(_candles(found, maker, judged, folder / CANDLES, opset, card, n_calls))
    tried = None
    if int8:
        training = windows(found, maker, "train", n_calibration)
        tried = quantize(
            folder / MODEL,
            folder / INT8,
            calibration_set=training.inputs,
            judge=judge_of(found, maker, judged),
            max_accuracy_drop=max_accuracy_drop,
            n_calls=n_calls,
            card=card,
        )
        files.append(_eight_bits(folder / INT8, tried, judged, n_calls))
    write_export_report(
        folder / REPORT, Findings(found.folder.name, card, files, tried, len(judged.ends), max_accuracy_drop)
    )
    _say(files, folder)
    return {file.name: folder / file.name for file in files if file.refused is None} | {REPORT: folder / REPORT}


def export_card(run: Run) -> dict[str, Any]:
    """Return what every exported file says of itself."""
    made = run.preprocessing
    rule = rule_of(run)
    kept = "MIT; the pretrained weights it began with keep their own licence"
    licence = "MIT" if made["weights_origin"] == "random" else kept
    copied = ("classes", "kind", "horizon", "label", "window", "warmup", "interval", "features", "tokenizer")
    return {name: made[name] for name in (*copied, "weights_origin", "data_hash")} | {
        "directions": sides_of(made) or None,
        "candlelab": __version__,
        "run": run.folder.name,
        "recipe_hash": recipe_hash(made),
        "threshold": rule.threshold,
        "score": rule.score,
        "threshold_hash": rule.hash,
        "weights_hash": rule.weights,
        "licence": licence,
    }


def windows(run: Run, maker: InputMaker, part: str, most: int) -> Windows:
    """Return at most `most` windows of "train" or "validation", spread evenly over it."""
    made = run.data.prepared
    samples = run.data.samples(part)
    samples = samples[np.linspace(0, len(samples) - 1, min(most, len(samples))).astype(int)]
    ends = made.ends[samples]
    found = given_inputs(run, samples) if maker.given else maker.arrays(made.candles, ends)
    inputs = {name: np.nan_to_num(value) if value.dtype == np.float32 else value for name, value in found.items()}
    return Windows(ends, inputs, raw_windows(made.candles, ends, maker.bars), made.labels.label[ends])


def given_inputs(run: Run, samples: np.ndarray) -> Arrays:
    """Return what the net reads of given pictures, which nobody can draw from bars."""
    batch = run.data.assemble(torch.from_numpy(samples))
    return {name: batch[name].numpy() for name in input_names(run.model.reads)}


def judge_of(run: Run, maker: InputMaker, judged: Windows) -> Judge:
    """Return who decides about eight-bit forms: the class of each validation window as a file says it."""
    labels, classes = run.data.prepared.labels, len(run.preprocessing["classes"])
    sigma, theta = labels.sigma[judged.ends], labels.theta[judged.ends]

    def said(path: Path) -> np.ndarray:
        out = model_outputs(path, judged.inputs)
        if "probabilities" in out:
            return out["probabilities"].argmax(1)
        return normal_probabilities(out["forecast"], run.preprocessing["forecast_error"], sigma, theta, classes).argmax(
            1
        )

    return Judge(said, judged.labels)


def torch_answers(graph: NetGraph, inputs: Arrays) -> Arrays:
    """Return what torch says of the first rows, as many as the largest batch, by name."""
    with torch.inference_mode():
        said = graph.eval()(*(torch.from_numpy(inputs[name][: max(BATCHES)]) for name in graph.names))
    return {name: value.numpy() for name, value in zip(graph.answers, said, strict=True)}


def _model(run: Run, judged: Windows, path: Path, opset: int, card: dict[str, Any], n_calls: int) -> ExportedFile:
    names = input_names(run.model.reads)
    graph = NetGraph(run.model, names, _answers(run, judged))
    return _write(graph, judged.inputs, path, opset, card, n_calls)


def _candles(
    run: Run, maker: InputMaker, judged: Windows, path: Path, opset: int, card: dict[str, Any], n_calls: int
) -> ExportedFile:
    try:
        graph = candles_graph(run, maker, _answers(run, judged))
    except ValueError as refusal:
        path.unlink(missing_ok=True)
        return ExportedFile(path.name, refused=str(refusal))
    inputs = {"ohlcv": judged.candles} | {
        name: value for name, value in judged.inputs.items() if name.startswith("caption")
    }
    return _write(graph, inputs, path, opset, card, n_calls)


def candles_graph(run: Run, maker: InputMaker, answers: tuple[str, ...]) -> CandlesGraph:
    """Return the run's net with its chart or its indicators made inside the graph; token ids stay inputs.

    Raises UserError where they cannot be made of the bars of one window by tensor operations.
    """
    reads, makers = run.model.reads, {}
    if maker.recipe.data.thin:
        raise UserError("bars are removed at random (data.thin), which a graph does not do: feed model.onnx instead")
    if "image" in reads:
        makers["image"] = drawer(maker.renderer)
    if "series" in reads:
        style, settings = type(maker.inputs.indicators).__name__, vars(maker.inputs.indicators)
        makers["series"] = ScaledIndicators(
            style,
            kalman=settings.get("kalman"),
            scaling=maker.stored["scaling"],
            bars=maker.bars,
            window=maker.stored["window"],
            average=settings.get("average"),
        )
    if not makers:
        raise UserError("the model reads captions alone, which are not made of numbers: feed model.onnx instead")
    words = tuple(name for name in input_names(reads) if name.startswith("caption"))
    return CandlesGraph(run.model, ("ohlcv", *words), answers, makers)


def drawer(renderer: Any) -> Any:
    """Return the function from ohlcv (B, T, 5) to charts; raises UserError for a style that is not made of tensor operations."""
    if isinstance(renderer, Styled):
        raise UserError(
            "render=styled is drawn by mplfinance, not by tensor operations: feed images to model.onnx instead"
        )
    bars = renderer.window + renderer.warmup
    return lambda ohlcv: renderer.draw_windows(ohlcv[:, -bars:])


def _write(graph: NetGraph, inputs: Arrays, path: Path, opset: int, card: dict[str, Any], n_calls: int) -> ExportedFile:
    write_graph(graph, {name: torch.from_numpy(inputs[name]) for name in graph.names}, path, opset=opset, card=card)
    inputs = {name: inputs[name] for name in graph.names}
    gaps = disagreement(path, inputs, torch_answers(graph, inputs), batches=BATCHES)
    if max(gaps.values()) > AGREES:
        path.unlink()
        raise UserError(
            f"{path.name} differs from torch by {max(gaps.values()):.1e}, more than {AGREES:g}: try another task.opset"
        )
    return ExportedFile(path.name, file_megabytes(path), _times(path, inputs, n_calls), gaps)


def _eight_bits(path: Path, tried: list[Candidate], judged: Windows, n_calls: int) -> ExportedFile:
    if not path.exists():
        return ExportedFile(path.name, refused="no eight-bit form passes the gate")
    return ExportedFile(path.name, file_megabytes(path), _times(path, judged.inputs, n_calls), {})


def _times(path: Path, inputs: Arrays, n_calls: int) -> dict[tuple[int, int], tuple[float, float]]:
    """Return (p50, p90) in ms by (batch, threads); large batches are timed with fewer calls."""
    return {
        (batch, threads): latency(path, inputs, batch=batch, threads=threads, n_calls=max(5, n_calls // batch))
        for batch, threads in TIMED
    }


def _answers(run: Run, judged: Windows) -> tuple[str, ...]:
    return answer_names(run.model, {name: torch.from_numpy(value[:2]) for name, value in judged.inputs.items()})


def _check_settings(opset: int, n_calibration: int, n_validation: int, max_accuracy_drop: float, n_calls: int) -> None:
    if not 18 <= opset <= 23:
        raise UserError(f"task.opset is {opset}: choose 18 to 23")
    if min(n_calibration, n_validation, n_calls) < 1 or max_accuracy_drop < 0:
        raise UserError(
            f"task.n_calibration={n_calibration}, n_validation={n_validation}, n_calls={n_calls}, max_accuracy_drop={max_accuracy_drop}: give 1 or more of "
            "each and a loss of 0 or more"
        )


def _say(files: list[ExportedFile], folder: Path) -> None:
    for file in files:
        print(
            f"{file.name:<24} "
            + (
                f"not written: {file.refused}"
                if file.refused
                else f"{file.megabytes:8.2f} MB   {file.times[1, 1][0]:7.2f} ms per window"
            ),
            flush=True,
        )
    print(f"\nreport {folder / REPORT}", flush=True)
