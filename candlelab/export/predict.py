"""Answers from an exported model: NumPy and onnxruntime, no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.core.errors import UserError
from candlelab.core.signal import SCORES, checked_threshold, confidences, signal_at
from candlelab.export.onnx_file import read_card

KINDS = {
    "tensor(uint8)": np.uint8,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}
CARD = {
    "classes": lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    "kind": lambda value: value in ("forecast", "recognition"),
    "window": lambda value: type(value) is int and value > 0,
    "warmup": lambda value: type(value) is int and value >= 0,
    "threshold": lambda value: value is None or (type(value) in (int, float) and 0 <= value < float("inf")),
    "score": lambda value: value in SCORES,
    "recipe_hash": lambda value: isinstance(value, str),
    "data_hash": lambda value: isinstance(value, str),
}
QUIET = 4  # onnxruntime logs fatal errors only: what is wrong is said once, by us


class Predictor:
    """A model file, checked and ready to answer.

    path     .onnx file of task=export.
    recipe   hash of how the caller makes the inputs (`signal.recipe_hash`), or None to take the file's word.
    threads  of onnxruntime.
    card     what the file says of itself: classes, window, warmup, interval, threshold, score, kind, hashes.
    Raises UserError, in one sentence, for a file that is missing, broken, not whole in itself, or made for other inputs.
    """

    inputs: dict[str, tuple[Any, tuple[Any, ...]]]

    def __init__(self, path: str | Path, *, recipe: str | None = None, threads: int = 1):
        self.path: Path = Path(path)
        self.card: dict[str, Any] = _card(read_card(self.path).metadata, self.path)
        if recipe is not None and recipe != self.card["recipe_hash"]:
            raise UserError(
                f"'{self.path}' reads inputs made by recipe {self.card['recipe_hash']}, not {recipe}: it belongs to "
                "another run, export this one"
            )
        self._session = _session(self.path, threads)
        try:
            self.inputs = {i.name: (_kind(i, self.path), tuple(i.shape[1:])) for i in self._session.get_inputs()}
            self.outputs: list[Any] = [output.name for output in self._session.get_outputs()]
        except UnicodeDecodeError:
            raise UserError(f"'{self.path}' has damaged names of inputs or outputs: export the run again") from None

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the file's outputs: "logits" (B, K) and "probabilities" (B, K), "forecast" (B,) in volatilities, as there are.

        inputs  by name; image (B, C, H, W) uint8 | caption (B, L) int64, caption_mask (B, L) bool | series (B, T, F) float32 |
                ohlcv (B, warmup + window, 5) float64. Raises UserError for others, and for NaN or infinity.
        """
        given = self._checked(inputs)
        answers = dict(zip(self.outputs, _run(self._session, given, self.path), strict=True))
        bad = next((name for name, value in answers.items() if not np.isfinite(value).all()), None)
        if bad:
            raise UserError(
                f"'{self.path}' answers with {bad} that are not finite: its weights are damaged, export the run again"
            )
        return answers

    def signal(
        self, answers: dict[str, np.ndarray], *, threshold: float | None = None, returns: np.ndarray | None = None
    ) -> np.ndarray:
        """Return (B,) int8: -1, 0 or 1 for forecasts, the class number for recognition; 0, or -1, below the threshold.

        threshold  None: the one in the file, chosen on validation; without any, a forecast is always 0 and a recogniser always -1.
        returns    (B,) predicted log returns, where the file's score is "forecast".
        """
        p = answers.get("probabilities")
        if p is None:
            raise UserError(
                f"'{self.path}' forecasts and names no classes: probabilities need the volatility, use task=predict"
            )
        least = self.card["threshold"] if threshold is None else threshold
        checked_threshold(least)
        if self.card["kind"] == "recognition":
            return np.where(p.max(1) >= (np.inf if least is None else least), p.argmax(1), -1).astype(np.int8)
        sure, side = confidences(p, returns, self.card["score"])
        return signal_at(sure, side, least)

    def _checked(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if set(inputs) != set(self.inputs):
            raise UserError(
                f"'{self.path}' reads {', '.join(self.inputs)}, and was given {', '.join(inputs) or 'nothing'}"
            )
        for name, (kind, shape) in self.inputs.items():
            value = inputs[name]
            if not isinstance(value, np.ndarray):
                raise UserError(f"{name} is a {type(value).__name__}: give a NumPy array")
            if value.dtype != kind:
                raise UserError(f"{name} holds {value.dtype}, and '{self.path}' reads {np.dtype(kind)}: convert it")
            if value.shape[1:] != shape or not len(value):
                raise UserError(
                    f"{name} has the shape {value.shape}, and '{self.path}' reads (batch, {', '.join(map(str, shape))})"
                )
            if kind in (np.float32, np.float64) and not np.isfinite(value).all():
                raise UserError(f"{name} holds NaN or infinity: leave out windows with unknown bars")
        if len({len(value) for value in inputs.values()}) > 1:
            raise UserError(
                f"the inputs {', '.join(inputs)} have different batch sizes: give one row of each per window"
            )
        return {name: np.ascontiguousarray(value) for name, value in inputs.items()}


def predict_batch(
    path: str | Path, inputs: dict[str, np.ndarray], *, recipe: str | None = None, threshold: float | None = None
) -> dict[str, np.ndarray]:
    """Return a model file's answers to one batch, with "signal" (B,) beside them where it names classes.

    For many batches keep a Predictor: it reads the file once.
    """
    model = Predictor(path, recipe=recipe)
    answers = model(inputs)
    return answers | ({"signal": model.signal(answers, threshold=threshold)} if "probabilities" in answers else {})


def _card(metadata: dict[str, str], path: Path) -> dict[str, Any]:
    """Return the part of the metadata that candlelab wrote."""
    try:
        card = json.loads(metadata["candlelab"])
        needed = set(CARD) - set(card) if isinstance(card, dict) else {"candlelab"}
        needed = needed or {name for name, fits in CARD.items() if not fits(card[name])}
    except (KeyError, TypeError, ValueError, RecursionError):
        needed = {"candlelab"}
    if needed:
        raise UserError(
            f"'{path}' does not say {', '.join(sorted(needed))} in its metadata: it was not exported by candlelab, "
            "use task=export"
        )
    return card


def _kind(tensor, path: Path) -> type:
    if tensor.type not in KINDS:
        raise UserError(
            f"'{path}' reads {tensor.name} as {tensor.type}, which candlelab never makes: export the run again"
        )
    return KINDS[tensor.type]


def _session(path: Path, threads: int):
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise UserError("onnxruntime is not installed: pip install candlelab[onnx]") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = QUIET
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _refusals() as error:
        raise UserError(f"onnxruntime cannot load '{path}' ({_first_line(error)}): export the run again") from None


def _run(session, given: dict[str, np.ndarray], path: Path) -> list[np.ndarray]:
    try:
        return session.run(None, given)
    except _refusals() as error:
        raise UserError(f"onnxruntime cannot run '{path}' ({_first_line(error)}): export the run again") from None


def _refusals() -> tuple[type[Exception], ...]:
    """Return what onnxruntime raises for a model it does not want."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
        UnicodeDecodeError,
    )  # the last where a name inside is damaged


def _first_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else text[:157] + "…"
