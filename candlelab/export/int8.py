"""Eight-bit forms of an exported model, and the gate that lets one of them out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.core import files
from candlelab.export.measure import Arrays, file_megabytes, race
from candlelab.export.onnx_graph import put_card, quiet

CALIBRATION_BATCH = 16
DYNAMIC = ["MatMul", "Gemm", "LSTM"]  # never Softmax, LayerNorm or Add: their errors add up over the layers
STATIC = ["MatMul", "Gemm", "Conv"]
TRIED = ".int8-"  # how the name of the folder begins in which eight-bit forms are tried
SMALLEST_KERNEL = 1024  # weights; below, the scales cost what the rounding saves


@dataclass(frozen=True)
class Candidate:
    """One eight-bit form and what the gate says of it.

    accuracy_drop  balanced accuracy lost on validation, in percentage points; agreement: share of windows with the class of fp32.
    p50        ms per window on one thread, p50_fp32 that of fp32, called in turn; refused: why it may not out, None if it may.
    """

    name: str
    megabytes: float = float("nan")
    p50: float = float("nan")
    p50_fp32: float = float("nan")
    accuracy_drop: float = float("nan")
    agreement: float = float("nan")
    refused: str | None = None


@dataclass(frozen=True)
class Judge:
    """What the gate asks of a model file: `classes(path)` (n,) of the validation windows whose labels are `labels` (n,)."""

    classes: Callable[[Path], np.ndarray]
    labels: np.ndarray

    def accuracy(self, said: np.ndarray) -> float:
        """Return the balanced accuracy: the mean over classes of the share recognised."""
        return float(np.mean([(said[self.labels == k] == k).mean() for k in np.unique(self.labels)]))


def quantize(
    model: Path,
    target: Path,
    *,
    calibration_set: Arrays,
    judge: Judge,
    max_accuracy_drop: float,
    n_calls: int,
    card: dict[str, Any],
) -> list[Candidate]:
    """Write the fastest eight-bit form that passes the gate to `target`, or none; return all that were tried, fastest first.

    calibration_set  inputs of training windows; judge: answers on validation windows.
    max_accuracy_drop  balanced accuracy in points that may be lost.
    The winner is the first that is not refused; a target of an earlier export goes in any case.
    """
    with files.refused_in_words(target):
        for left in target.parent.glob(f"{TRIED}*"):  # by an export that was killed
            shutil.rmtree(left)
    files.remove(target)
    expected = judge.classes(model)
    with (
        files.refused_in_words(target),
        tempfile.TemporaryDirectory(dir=target.parent, prefix=TRIED) as folder,
        quiet(),
    ):
        prepared = _prepared(model, Path(folder) / "prepared.onnx")
        tried = []
        for name, make in RECIPES.items():
            path = Path(folder) / f"{name}.onnx"
            tried.append(
                _tried(
                    name,
                    make,
                    (model, prepared, path, calibration_set, card),
                    (judge, expected, max_accuracy_drop, n_calls),
                )
            )
        tried.sort(key=lambda candidate: (candidate.refused is not None, candidate.p50))
        if tried[0].refused is None:
            files.write_bytes(target, (Path(folder) / f"{tried[0].name}.onnx").read_bytes())
    return tried


def _tried(name: str, make: Callable[..., Any], what: tuple[Any, ...], gate: tuple[Any, ...]) -> Candidate:
    model, prepared, path, calibration_set, card = what
    judge, expected, max_accuracy_drop, n_calls = gate
    try:
        make(prepared, path, calibration_set)
    except _failures() as error:
        return Candidate(name, refused=f"onnxruntime cannot quantize this graph: {_short(error)}")
    put_card(path, card)
    said = judge.classes(path)
    accuracy_drop = 100 * (judge.accuracy(expected) - judge.accuracy(said))
    times = race((path, model), calibration_set, n_calls=n_calls)
    refused = (
        f"it loses {accuracy_drop:.2f} percentage points of balanced accuracy, more than {max_accuracy_drop:g}"
        if accuracy_drop > max_accuracy_drop
        else None
    )
    return Candidate(name, file_megabytes(path), *times, accuracy_drop, float((said == expected).mean()), refused)


def _prepared(model: Path, path: Path) -> Path:
    """Return the graph with its shapes inferred; symbolically where onnxruntime can do that."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    for skip in (False, True):
        try:
            quant_pre_process(str(model), str(path), skip_symbolic_shape=skip)
            return path
        except _failures() + (TypeError, AttributeError, AssertionError):  # noqa: RUF005 - a type checker reads this one
            if skip:
                raise
    raise AssertionError("one of the two returns or raises")


def _dynamic(model: Path, path: Path, calibration_set: Arrays) -> None:
    """Weights are rounded once, activations at each call; convolutions compute in fp32 with rounded kernels."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(model), str(path), per_channel=True, op_types_to_quantize=DYNAMIC, weight_type=QuantType.QInt8)
    _round_kernels(path)


def _round_kernels(path: Path) -> None:
    """Keep the kernels of convolutions as eight bits per weight and one scale per channel of their output."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    kernels = {node.input[1] for node in model.graph.node if node.op_type == "Conv" and node.input[1] in weights}
    for name in sorted(kernels):
        kernel = numpy_helper.to_array(weights[name])
        if kernel.dtype != np.float32 or kernel.size < SMALLEST_KERNEL:
            continue
        scale = np.abs(kernel).reshape(len(kernel), -1).max(1).clip(1e-12) / 127
        rounded = np.rint(kernel / scale.reshape(-1, *[1] * (kernel.ndim - 1))).astype(np.int8)
        model.graph.initializer.remove(weights[name])
        stored = {
            f"{name}_int8": rounded,
            f"{name}_scale": scale.astype(np.float32),
            f"{name}_zero": np.zeros(len(kernel), np.int8),
        }
        model.graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in stored.items())
        model.graph.node.insert(0, helper.make_node("DequantizeLinear", list(stored), [name], axis=0))
    onnx.save(model, path)


def _static(model: Path, path: Path, calibration_set: Arrays) -> None:
    """Ranges of activations are measured beforehand; operators between quantize and dequantize."""
    _with_ranges(model, path, calibration_set, "QDQ")


def _static_operators(model: Path, path: Path, calibration_set: Arrays) -> None:
    """The same ranges with integer operators."""
    _with_ranges(model, path, calibration_set, "QOperator")


def _with_ranges(model: Path, path: Path, calibration_set: Arrays, form: str) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    quantize_static(
        str(model),
        str(path),
        _reader(calibration_set),
        quant_format=QuantFormat[form],
        per_channel=True,
        op_types_to_quantize=STATIC,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


RECIPES = {"dynamic": _dynamic, "static": _static, "static-operators": _static_operators}


def _reader(calibration_set: Arrays):
    """Return the calibration windows as onnxruntime asks for them."""
    from onnxruntime.quantization import CalibrationDataReader

    class Windows(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self.batches = _batches(calibration_set)

        def get_next(self) -> Arrays | None:
            return next(self.batches, None)

    return Windows()


def _batches(inputs: Arrays) -> Iterator[Arrays]:
    count = len(next(iter(inputs.values())))
    for first in range(0, count, CALIBRATION_BATCH):
        yield {name: value[first : first + CALIBRATION_BATCH] for name, value in inputs.items()}


def _failures() -> tuple[type[Exception], ...]:
    """Return what the tools raise for a graph that they cannot quantize."""
    from onnx.checker import ValidationError
    from onnx.shape_inference import InferenceError
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        ValidationError,
        InferenceError,
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.NotImplemented,
        state.RuntimeException,
        ValueError,
        RuntimeError,
        KeyError,
        NotImplementedError,
    )


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "…"
