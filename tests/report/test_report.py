"""The report of a run is one safe file that says what it should and nothing it must not."""

import itertools
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from candlelab.evaluate.rule.threshold import Threshold
from candlelab.evaluate.score import Evaluation
from candlelab.evaluate.threshold.exact import Exact
from candlelab.report import figures, formats, sections
from candlelab.report.run_report import write_report

HOUR = 3_600_000
START = 1_704_067_200_000
MODELS = {
    "net": 0.54,
    "majority": 0.5,
    "last_direction": 0.47,
    "reversal": 0.535,
    "volatility": 0.505,
    "logistic": 0.53,
    "gradient_boosting": 0.525,
}


@cache
def evaluated(symbols=("BTCUSDT",), n=1200, classes=("down", "up"), kind="forecast", bayes=None):
    """Predictions of a made-up market and their scores."""
    rng = np.random.default_rng(0)
    tables = [
        _table(model, symbol, place, skill, n, len(classes), rng)
        for place, symbol in enumerate(symbols)
        for model, skill in MODELS.items()
    ]
    predictions = pd.concat(tables, ignore_index=True)
    settings = Evaluation(
        min_precision=0.8,
        fee_bps=10.0,
        slippage_bps=0.0,
        spread_bps=0.0,
        funding_bps=0.0,
        rule=Threshold(),
        threshold=Exact(score="confidence", min_trades=20, smooth=0.0, n_bootstrap=5),
        confidence_level=0.95,
        n_bins=10,
        n_bootstrap=20,
        n_permutations=50,
        seed=0,
        positive_control="off",
        sealed=False,
    )
    return predictions, settings.score(predictions, horizon=1, interval="1h", kind=kind, classes=classes, bayes=bayes)


def _table(model, symbol, place, skill, n, k, rng):
    """Rows of one model; labels and returns depend on the symbol alone."""
    market = np.random.default_rng(place)
    change = market.normal(0.0002, 0.006, n)
    label = np.digitize(change, np.linspace(-0.004, 0.004, k + 1)[1:-1]) if k > 2 else (change > 0).astype(int)
    p = rng.dirichlet(np.full(k, 40.0), n)
    pick = np.where(rng.random(n) < 1.35 * (skill - 0.5) + 1 / k, label, rng.integers(0, k, n))
    p[np.arange(n), pick] += rng.uniform(0, 0.2, n)
    p /= p.sum(1, keepdims=True)
    frame = pd.DataFrame(
        {
            "model": model,
            "symbol": symbol,
            "time": START + HOUR * np.arange(n),
            "split": np.where(np.arange(n) < n // 3, "validation", "test"),
            "label": label,
            "forward_return": change,
            "bar_return": change,
            "sigma": 0.006,
            "segment": place,
        }
    )
    return frame.assign(**{f"p_{j}": p[:, j] for j in range(k)}, forecast=np.nan)


def example(symbols=("BTCUSDT",), classes=("down", "up"), kind="forecast", **settings):
    """All that write_report takes."""
    predictions, scores = evaluated(symbols, classes=classes, kind=kind, **settings)
    provenance = {
        "commit": "6cd1a48",
        "dirty": False,
        "packages": {"torch": "2.9.0", "timm": None},
        "command": "python -m candlelab task=predict",
        "config": f"seed: 0\ndata:\n  symbols: [{symbols[0]}]\nevaluate:\n  sharpe: x\n",
    }
    return {
        "scores": scores,
        "predictions": predictions,
        "card": card_of(symbols, classes, kind),
        "charts": charts_of(symbols[0], classes),
        "provenance": provenance,
    }


def card_of(symbols, classes, kind):
    """The data card of a made-up data set."""
    parts = {
        part: {
            "samples": size * len(classes),
            "first": f"{year}-01-01T00:00:00+00:00",
            "last": f"{year + 1}-01-01T00:00:00+00:00",
            "classes": dict.fromkeys(classes, size),
        }
        for part, size, year in (("train", 21000, 2018), ("validation", 5000, 2023), ("test", 4900, 2024))
    }
    return {
        "symbols": list(symbols),
        "interval": "1h",
        "bars": 62_713,
        "segments": 31,
        "first": "2018-01-01T00:00:00+00:00",
        "last": "2025-03-01T00:00:00+00:00",
        "window": 64,
        "warmup": 20,
        "dropped_samples": 128,
        "parts": parts,
        "label": "Direction",
        "kind": kind,
        "horizon": 1,
        "fingerprint": "9f2c4e",
    }


def charts_of(symbol, classes):
    """Twelve charts with what was answered; some answers are wrong."""
    rng = np.random.default_rng(3)
    return [
        (
            picture(rng),
            {
                "label": classes[j % len(classes)],
                "answer": classes[(j + (j > 5)) % len(classes)],
                "confidence": 0.55 + 0.01 * j,
                "symbol": symbol,
                "time": START + 7 * HOUR * j,
            },
        )
        for j in range(12)
    ]


def picture(rng):
    """A small chart of coloured bodies, (3, 112, 112) uint8."""
    image = np.full((3, 112, 112), 255, np.uint8)
    level = 56 + np.cumsum(rng.normal(0, 3, 16))
    for place, (before, after) in enumerate(itertools.pairwise(level)):
        top, low = sorted(int(np.clip(value, 2, 108)) for value in (before, after))
        image[:, top : low + 1, 7 * place : 7 * place + 5] = np.array(
            [38, 166, 91] if after < before else [200, 60, 60], np.uint8
        )[:, None, None]
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


def page(folder, **settings):
    return write_report(folder / "report.html", **example(**settings)).read_text(encoding="utf-8")


def parsed(text):
    parser = Parser()
    parser.feed(text)
    return parser


def test_report_is_balanced_html(tmp_path):
    assert parsed(page(tmp_path)).open == []


def test_report_loads_nothing_remote(tmp_path):
    text = page(tmp_path)
    names = parsed(text).attributes
    assert "http://" not in text and "https://" not in text
    assert all(value.startswith("data:") for name, value in names if name == "src")
    assert not [name for name, _ in names if name in ("href", "srcset", "action")]


def test_hostile_symbol_is_shown_as_text(tmp_path):
    hostile = '<script>alert("x")</script>'
    text = page(tmp_path, symbols=(hostile, "ETHUSDT"))
    assert hostile not in text and "&lt;script&gt;alert" in text


@pytest.mark.parametrize("classes", [("down", "up"), ("flag", "wedge", "triangle", "none")])
def test_recognition_report_never_speaks_of_money(tmp_path, classes):
    whole = page(tmp_path, kind="recognition", classes=classes).lower()
    text = re.sub(r"<details>.*?</details>", "", whole, flags=re.DOTALL)  # the config is quoted as it is
    assert "sharpe: x" in whole
    assert [word for word in ("sharpe", "backtest", "predict", "drawdown", "equity", "fees") if word in text] == []


def test_missing_metrics_are_dashes_not_zeros(tmp_path):
    parts = example()
    empty = replace(parts["scores"], metrics=dict.fromkeys(parts["scores"].metrics), curves={}, threshold={})
    text = write_report(tmp_path / "report.html", **{**parts, "scores": empty}).read_text(encoding="utf-8")
    assert "None" not in text and "–" in text and ">nan" not in text


def test_three_classes_tell_direction_from_volatility(tmp_path):
    text = page(tmp_path, classes=("down", "neutral", "up"))
    assert "Only this is about direction" in text and "knowing the volatility" in text


def test_bayes_optimum_is_drawn_for_simulated_markets_only(tmp_path):
    assert "best possible" in page(tmp_path, bayes=0.62) and "best possible</text>" not in page(tmp_path)


def test_several_symbols_get_a_table(tmp_path):
    assert 'id="symbols"' in page(tmp_path, symbols=("BTCUSDT", "ETHUSDT")) and 'id="symbols"' not in page(tmp_path)


def test_verdict_stands_before_everything_else(tmp_path):
    text = page(tmp_path)
    assert text.index("Information beyond chance?") < text.index("Model and baselines") < text.index("Provenance")


def test_training_curves_come_from_the_rows_of_the_epochs(tmp_path):
    rows = [{"epoch": 0.0, "train/loss": 0.70, "val/loss": 0.69}, {"epoch": 1.0, "train/loss": 0.68, "val/loss": 0.69}]
    assert 'id="training"' in write_report(tmp_path / "report.html", **example(), epochs=rows).read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.5312, "53.1\u202f%"), (-0.021, "\u22122.1\u202f%"), (None, "–"), (float("nan"), "–"), (-0.00001, "0.0\u202f%")],
)
def test_percentages_read_as_people_write_them(value, words):
    assert formats.percent(value) == words


def test_results_too_good_to_be_true_are_called_so_first(tmp_path):
    text = page(tmp_path)
    assert example()["scores"].verdict.suspicions
    assert "Too good to be believed yet" in text and "An edge that pays" not in text


def test_operations_that_nobody_counted_are_no_zero():
    assert sections.operations(46_750, None) == "not counted" and sections.operations(None, None) == formats.DASH
    assert sections.operations(46_750, 4_515_568) == f"4.52{formats.THIN}M"


def told(folder, **answers):
    """The page of a run whose verdict has other answers."""
    given = example(classes=("down", "neutral", "up"))
    verdict = given["scores"].verdict
    changed = {name: replace(getattr(verdict, name), answer=word) for name, word in answers.items()}
    given["scores"] = replace(given["scores"], verdict=replace(verdict, suspicions=(), **changed))
    return write_report(folder / "report.html", **given).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("information", "money", "headline"),
    [
        ("volatility only", "not shown", "It knows how much, not which way"),
        ("not shown", "not shown", "No edge found"),
        ("not shown", "yes", "It paid here, but is not shown to know anything"),
    ],
)
def test_headline_and_box_agree(tmp_path, information, money, headline):
    text = told(tmp_path, information=information, money=money)
    assert headline in text and f'class="answer {information.replace(" ", "-")}"' in text


def test_every_negative_number_of_a_report_has_the_same_sign(tmp_path):
    text = page(tmp_path, symbols=("A-1",)).partition("</style>")[2].partition("<pre>")[0]
    words = re.sub(r"<style.*?</style>|<[^>]*>", " ", text)  # not the coordinates of figures
    assert "\u2212" in words and not re.search(r"(?<![\w.)/=-])-\d", words)
    assert "A-1" in words


def test_a_config_in_a_report_can_be_copied(tmp_path):
    parts = example()
    parts["provenance"]["config"] = "seed: 0\nmodel:\n  fold: -1\n"
    text = write_report(tmp_path / "report.html", **parts).read_text(encoding="utf-8")
    assert "fold: -1" in text


def test_names_of_two_values_close_together_do_not_touch():
    panel = figures.comparison_figure(
        [figures.Estimate("net", 0.5)],
        [figures.Reference(0.5, "chance"), figures.Reference(0.501, "best possible", "bayes")],
        title="",
        note="",
        axis="",
        words=lambda value, digits=1: f"{value:.{digits}f}",
    ).svg
    ends = {
        name: (float(x), side)
        for x, side, name in re.findall(
            r'x="([\d.]+)" y="[\d.]+" text-anchor="(\w+)">(chance|best possible)<', str(panel)
        )
    }
    assert ends["chance"][1] == "end" and ends["best possible"][1] == "start"
    assert ends["best possible"][0] - ends["chance"][0] >= 8
