"""Signals of a finished run on the newest windows: class probabilities, decision at the run's threshold, and why there is none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from candlelab import run as runs
from candlelab.config import build
from candlelab.core.batch import answers_of
from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.signal import (
    check_answers,
    confidences,
    normal_probabilities,
    recipe_hash,
    sides_of,
)
from candlelab.core.volatility import volatility_at
from candlelab.export.predict import Predictor
from candlelab.export.rule import Rule, check_export, rule_at, rule_of
from candlelab.pipeline.inputs.new_candles import Latest, latest
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.run import Run

Engine = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
SIGNALS = {-1: "SHORT", 0: "NONE", 1: "LONG"}
UNSURE = "-"  # in place of a class that is not sure enough
FILES = {"onnx": "model.onnx", "int8": "model.int8.onnx"}


def signals(
    run: Run,
    maker: InputMaker,
    candles: Candles,
    when: int | None,
    *,
    engine: str,
    threshold: float | None,
    max_stale: int | None,
) -> pd.DataFrame:
    """Return one row per symbol of the tape: what the model says at a moment (ms UTC), and why it says nothing.

    when  as in `new_candles.latest`.
    Columns symbol, time (open of the last closed bar, ms UTC), closed, stale (bars that are missing since), signal, class,
    direction (of a chart pattern), confidence, threshold, threshold_hash (of the one chosen on validation, empty for another),
    p_<class>…, close, forecast (log return), forecast_close with forecast_low and forecast_high (95 %), reason.
    """
    made = run.preprocessing
    bars = latest(candles, when, window=made["window"], warmup=made["warmup"], max_stale=max_stale)
    ready = [bar for bar in bars if bar.trouble is None]
    answers = dict.fromkeys((bar.symbol for bar in ready), None)
    if ready:
        ends = np.array([bar.row for bar in ready])
        p, returns, unknown = answer(run, maker, candles, ends, engine)
        check_answers(p[~unknown])
        closes = expected_closes(made, candles, ends, returns)
        answers = {bar.symbol: (p[k], returns[k], unknown[k], closes[k]) for k, bar in enumerate(ready)}
    rule = rule_at(run, threshold)
    return pd.DataFrame([_row(bar, answers.get(bar.symbol), made, rule) for bar in bars])


def answer(
    run: Run, maker: InputMaker, candles: Candles, ends: np.ndarray, engine: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (probabilities (n, K), forecast log returns (n,) or NaN, whether an indicator is unknown (n,)) at some rows."""

    def theta() -> np.ndarray:
        return build(maker.recipe, "data.label")(candles, run.preprocessing["window"]).theta[ends]

    inputs, sigma = maker.arrays(candles, ends), volatility_at(candles, ends)
    return answers_to(run.preprocessing, engine_of(run, engine), inputs, sigma=sigma, theta=theta)


def answers_to(
    made: dict[str, Any],
    ask: Engine,
    inputs: dict[str, np.ndarray],
    *,
    sigma: np.ndarray,
    theta: Callable[[], np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `answer` does, of inputs that are made: sigma (n,) is the volatility at each end, theta its class threshold."""
    series = inputs.get("series")
    unknown = np.zeros(len(sigma), bool) if series is None else ~np.isfinite(series).all((1, 2))
    said = ask({name: np.nan_to_num(value) if value.dtype == np.float32 else value for name, value in inputs.items()})
    learnt = (
        "forecast" in said and made.get("forecast_range", ()) is not None
    )  # a label without a coming close teaches no forecast
    returns = said["forecast"] * sigma if learnt else np.full(len(sigma), np.nan)
    if "probabilities" in said:
        return said["probabilities"], returns, unknown
    error, classes = made["forecast_error"], len(made["classes"])
    return normal_probabilities(said["forecast"], error, sigma, theta(), classes), returns, unknown


def expected_closes(made: dict[str, Any], candles: Candles, ends: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """Return close, predicted close, and the low and high end of where it is expected (95 %); (n, 4), NaN without a forecast.

    The range is that of the errors on validation, in volatilities: as wide on both sides as they were.
    """
    close, sigma = candles.close[ends], volatility_at(candles, ends)
    low, high = made.get("forecast_range") or (np.nan, np.nan)
    coming = [close * np.exp(returns + error * sigma) for error in (0.0, low, high)]
    return np.stack([close, *coming], 1)


def engine_of(run: Run, engine: str) -> Engine:
    """Return what answers inputs by name with "probabilities" and/or "forecast": torch, or a checked model file, opened once."""
    if engine == "torch":
        return partial(with_torch, run)
    model = Predictor(run.folder / runs.EXPORTS / FILES[engine], recipe=recipe_hash(run.preprocessing))
    check_export(model.path, model.card, rule_of(run))
    return lambda inputs: {name: value.astype(np.float64) for name, value in model(inputs).items()}


def chosen_engine(run: Run, asked: str) -> str:
    """Return the engine that answers for a run; auto: its export where there is one, else torch.

    Raises UserError now, and not at the first question, where it could not answer.
    """
    there = (run.folder / runs.EXPORTS / FILES["onnx"]).is_file()
    engine = ("onnx" if there else "torch") if asked == "auto" else asked
    check_engine(run, engine)
    return engine


def check_engine(run: Run, engine: str) -> None:
    """Raise UserError where an engine could not answer for a run: no torch, weights that cannot be loaded, or no such export."""
    if engine == "torch":
        _torch()
        _ = run.model
    else:
        engine_of(run, engine)


def _torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise UserError(
            "torch is not installed here: ask the exported model with task.engine=onnx, or pip install 'candlelab[train]'"
        ) from error
    return torch


def with_torch(run: Run, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what the net says of some inputs: "probabilities" (B, K) and/or "forecast" (B,) in volatilities."""
    torch = _torch()
    net = run.model  # outside of inference mode: weights that are made in it can never be asked for a gradient
    with torch.inference_mode():
        said = answers_of(net({name: torch.from_numpy(value) for name, value in inputs.items()}))
    return {name: value.numpy() for name, value in said.items()}


def _row(bar: Latest, said: tuple[Any, ...] | None, made: dict[str, Any], rule: Rule) -> dict[str, Any]:
    head = {"symbol": bar.symbol, "time": bar.opened, "closed": bar.closed, "stale": bar.stale}
    forecasts = made["kind"] == "forecast"
    trouble = bar.trouble or ("gap: an indicator is unknown in the window" if said is not None and said[2] else None)
    if trouble or said is None:
        p, returns, sure, closes = np.full(len(made["classes"]), np.nan), np.nan, np.nan, [np.nan] * 4
        signal, word, reason = SIGNALS[0] if forecasts else UNSURE, None, trouble
    else:
        p, returns, _, closes = said
        signal, word, sure, reason = decided(p, returns, made["classes"], forecasts, rule)
    numbers = {f"p_{name}": float(value) for name, value in zip(made["classes"], p, strict=True)}
    direction = {"direction": _direction(made, signal)} if made.get("directions") else {}
    coming = dict(zip(("forecast_close", "forecast_low", "forecast_high"), map(float, closes[1:]), strict=True))
    head |= {"signal": signal, "class": word} | direction
    return (
        head
        | {"confidence": float(sure), "threshold": rule.threshold, "threshold_hash": rule.hash}
        | numbers
        | {"close": float(closes[0]), "forecast": float(returns)}
        | coming
        | {"reason": "; ".join(filter(None, _reasons(bar, reason)))}
    )


def _reasons(bar: Latest, reason: str | None) -> list[str | None]:
    return [reason] if reason and reason == bar.staleness else [bar.staleness, reason]


def _direction(made: dict[str, Any], signal: str) -> str:
    """Return what the textbook expects after the pattern that is named; empty where none is."""
    return sides_of(made).get(signal, "") if signal != "none" else ""


def decided(p: np.ndarray, returns: float, classes: list[str], forecasts: bool, rule: Rule) -> tuple[Any, ...]:
    """Return (signal, likeliest class, how sure, why there is no signal)."""
    score, least = rule.score, rule.threshold
    word = classes[int(p.argmax())]
    if not forecasts:
        if least is None:
            return UNSURE, word, p.max(), "no confidence was high enough on validation; task.threshold=… sets one"
        unsure = p.max() < least
        return UNSURE if unsure else word, word, p.max(), f"below the threshold {least:.3g}" if unsure else None
    sure, side = (value[0] for value in confidences(p[None], np.array([returns]), score))
    if least is None:
        return (
            SIGNALS[0],
            word,
            sure,
            "no threshold earned anything after fees on validation; task.threshold=… sets one",
        )
    if sure < least:
        return SIGNALS[0], word, sure, f"below the threshold {least:.3g}"
    return SIGNALS[int(side)], word, sure, None if side else f"the model says {word}"
