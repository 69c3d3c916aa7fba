"""The report of a run is one safe file that says what it should and nothing it must not."""

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from candlelab.evaluate import formats
from candlelab.evaluate.report import write_report


@dataclass(frozen=True)
class Answer:
    question: str
    answer: str
    sentence: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Verdict:
    information: Answer
    beyond_baseline: Answer
    money: Answer | None
    smallest_edge: object
    suspicions: tuple = ()
    missing_for_trust: tuple = ()
    kind: str = "forecast"


@dataclass(frozen=True)
class Scores:
    metrics: dict
    threshold: dict
    curves: dict
    verdict: Verdict
    extra: dict = field(default_factory=dict)


def example(symbol="BTCUSDT", n=4000, symbols=1, classes=("down", "up"), kind="forecast"):
    """Scores, predictions, card, charts, provenance of a small made-up run."""
    rng = np.random.default_rng(0)
    k = len(classes)
    time = 1_704_067_200_000 + 3_600_000 * np.arange(n)
    tables = []
    for place in range(symbols):
        label = rng.integers(0, k, n)
        p = rng.dirichlet(np.full(k, 30), n)
        p[np.arange(n), label] += 0.02
        p /= p.sum(1, keepdims=True)
        table = pd.DataFrame({"model": "net", "symbol": symbol if symbols == 1 else f"{symbol}{place}", "time": time, "split": np.where(np.arange(n) < n // 2, "validation", "test"), "label": label,
                              "forward_return": rng.normal(0, 0.005, n), "bar_return": rng.normal(0, 0.005, n), "sigma": 0.005, "segment": place})
        tables.append(table.assign(**{f"p_{j}": p[:, j] for j in range(k)}, forecast=np.nan))
    predictions = pd.concat(tables, ignore_index=True)
    metrics = {"test/accuracy": 0.531, "test/accuracy_low": 0.520, "test/accuracy_high": 0.541, "test/balanced_accuracy": 0.529, "test/auroc": 0.541, "test/auroc_low": 0.528, "test/auroc_high": 0.554,
               "test/f1_macro": 0.528, "test/mcc": 0.06, "test/auprc": 0.55, "test/brier": 0.249, "test/ece": 0.011, "test/n": n // 2, "test/n_eff": n / 2.2, "test/sharpe_net": -1.3, "test/psr": 0.08,
               "test/turnover": 0.41, "test/max_drawdown_pct": -23.4, "test/breakeven_accuracy": 0.61, "fit/epochs": 7, "fit/seconds": 312.0, "fit/samples_per_second": 1203.0, "fit/peak_memory_mb": 640.0, "net/parameters": 512_345,
               "baseline/majority/accuracy": 0.507, "baseline/majority/accuracy_low": 0.497, "baseline/majority/accuracy_high": 0.518, "baseline/majority/auroc": 0.5,
               "baseline/last_direction/accuracy": 0.469, "baseline/last_direction/accuracy_low": 0.459, "baseline/last_direction/accuracy_high": 0.480, "baseline/last_direction/auroc": 0.469,
               "baseline/reversal/accuracy": 0.531, "baseline/reversal/accuracy_low": 0.520, "baseline/reversal/accuracy_high": 0.541, "baseline/reversal/auroc": 0.531,
               "baseline/volatility_only/accuracy": 0.503, "baseline/volatility_only/accuracy_low": 0.492, "baseline/volatility_only/accuracy_high": 0.514, "baseline/volatility_only/auroc": 0.502,
               "baseline/logistic/accuracy": 0.531, "baseline/logistic/accuracy_low": 0.521, "baseline/logistic/accuracy_high": 0.542, "baseline/logistic/auroc": 0.543,
               "baseline/boosted_trees/accuracy": 0.528, "baseline/boosted_trees/accuracy_low": 0.517, "baseline/boosted_trees/accuracy_high": 0.538, "baseline/boosted_trees/auroc": 0.537}
    grid = np.quantile(np.linspace(0.5, 0.62, 50), np.linspace(0, 0.9, 10))
    steps = rng.normal(0, 0.004, (2, n // 2))
    curves = {"threshold": {"threshold": grid, "val": np.linspace(-2, 1.4, 10) + rng.normal(0, 0.4, 10), "test": np.linspace(-3, -1, 10) + rng.normal(0, 0.4, 10)},
              "equity": {"time": time[n // 2:], "net": np.cumprod(1 + steps[0] - 0.0001), "buy_and_hold": np.cumprod(1 + steps[1] + 0.0002)}}
    verdict = Verdict(Answer("Is there information beyond chance?", "yes", "Right 53.1 % of the time; with 1 818 independent rows chance stays within 49.0 to 51.0 %.", 0.531, 0.520, 0.541),
                      Answer("Is there more than the best simple baseline knows?", "not shown", "Reversal is as good: 53.1 % on the same rows (McNemar p = 0.84).", 0.0003, -0.009, 0.0096),
                      Answer("Does it pay after fees?", "no", "Loses 1.3 Sharpe a year at 10 bp; it would have to be right 61.0 % of the time.", -1.3, -2.6, -0.1),
                      "With 1 818 independent rows an accuracy of 52.9 % would have been noticed four times out of five.", ("AUROC above 0.60 on direction of liquid bars is rare: look for a leak.",),
                      ("one seed only: train at least three", "no walk-forward folds", "one symbol"), kind)
    parts = {part: {"samples": size * k, "first": f"{year}-01-01T00:00:00+00:00", "last": f"{year + 1}-01-01T00:00:00+00:00", "classes": {name: size for name in classes}}
             for part, size, year in (("train", 21000, 2018), ("validation", 5000, 2023), ("test", 4900, 2024))}
    card = {"title": "btc_1h-fusion_small-1a2b3c4d", "symbols": sorted(set(predictions["symbol"])), "interval": "1h", "bars": 62_713, "segments": 31, "first": "2018-01-01T00:00:00+00:00", "last": "2025-03-01T00:00:00+00:00",
            "window": 64, "warmup": 20, "dropped_samples": 128, "parts": parts, "label": "Direction", "kind": kind, "horizon": 1, "fingerprint": "9f2c4e", "about": {"chart": "candles 224 × 224"}}
    charts = [(_chart(rng), {"label": classes[j % k], "answer": classes[(j + (j > 5)) % k], "confidence": 0.55 + 0.01 * j, "symbol": symbol, "time": int(time[j])}) for j in range(12)]
    provenance = {"commit": "6cd1a48", "dirty": False, "python": "3.11.9", "torch": "2.9.0", "data hash": "9f2c4e…", "seed": 0, "config": f"seed: 0\ndata:\n  symbols: [{symbol}]\nevaluate:\n  fee_bps: 10\n  sharpe: x\n"}
    return {"scores": Scores(metrics, {"threshold": float(grid[6])}, curves, verdict), "predictions": predictions, "card": card, "charts": charts, "provenance": provenance}


def _chart(rng):
    image = np.full((3, 112, 112), 255, np.uint8)
    level = 56 + np.cumsum(rng.normal(0, 3, 16))
    for place, (a, b) in enumerate(zip(level, level[1:])):
        top, low = sorted((int(np.clip(a, 2, 108)), int(np.clip(b, 2, 108))))
        image[:, top : low + 1, 7 * place : 7 * place + 5] = np.array([38, 166, 91] if b < a else [200, 60, 60], np.uint8)[:, None, None]
    return image


class Parser(HTMLParser):
    """Counts open tags and keeps every attribute."""

    def __init__(self):
        super().__init__()
        self.open, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page(folder, **parts):
    return write_report(folder / "report.html", **{**example(), **parts}).read_text(encoding="utf-8")


def test_report_is_balanced_html(tmp_path):
    parser = Parser()
    parser.feed(page(tmp_path))
    assert parser.open == []


def test_report_loads_nothing_remote(tmp_path):
    text = page(tmp_path)
    assert "http://" not in text and "https://" not in text
    assert all(value.startswith("data:") for name, value in _attributes(text) if name == "src")
    assert not [name for name, value in _attributes(text) if name in ("href", "srcset", "action")]


def _attributes(text):
    parser = Parser()
    parser.feed(text)
    return parser.attributes


def test_hostile_symbol_is_shown_as_text(tmp_path):
    hostile = '<script>alert("x")</script>'
    text = write_report(tmp_path / "report.html", **example(symbol=hostile, symbols=2)).read_text(encoding="utf-8")
    assert hostile not in text and "&lt;script&gt;alert" in text


def test_recognition_report_never_speaks_of_money(tmp_path):
    parts = example(kind="recognition")
    text = write_report(tmp_path / "report.html", **parts).read_text(encoding="utf-8").lower()
    assert [word for word in ("sharpe", "backtest", "predict", "drawdown", "equity") if word in text] == []


def test_missing_metrics_are_dashes_and_no_zeros(tmp_path):
    parts = example()
    empty = replace(parts["scores"], metrics={name: None for name in parts["scores"].metrics}, curves={}, threshold={})
    text = page(tmp_path, scores=empty)
    assert "None" not in text and "nan" not in text.lower().split() and "–" in text


def test_bayes_optimum_is_drawn_for_simulated_markets(tmp_path):
    parts = example()
    known = replace(parts["scores"], metrics={**parts["scores"].metrics, "bayes/accuracy": 0.62})
    assert "best possible" in page(tmp_path, scores=known) and "best possible" not in page(tmp_path)


def test_verdict_stands_before_everything_else(tmp_path):
    text = page(tmp_path)
    assert text.index("Is there information beyond chance?") < text.index("Model and baselines") < text.index("Provenance")


@pytest.mark.parametrize(("value", "words"), [(0.5312, "53.1\u202f%"), (-0.021, "\u22122.1\u202f%"), (None, "–"), (float("nan"), "–"), (-0.00001, "0.0\u202f%")])
def test_percentages_read_as_people_write_them(value, words):
    assert formats.percent(value) == words
