"""README.md of what is published: cards that the hub's metadata schema knows, filled with what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from omegaconf import DictConfig

from candlelab import __version__
from candlelab.export.rule import rule_of
from candlelab.run import Run

TAGS = ("candlelab", "finance", "trading", "candlestick", "time-series")
# measure of metrics.json -> (what the hub calls it, what people call it)
SHOWN = {
    "accuracy": ("accuracy", "accuracy"),
    "balanced_accuracy": ("balanced_accuracy", "balanced accuracy"),
    "auroc": ("roc_auc", "AUROC"),
    "f1_macro": ("f1", "macro-F1"),
    "mcc": ("matthews_correlation", "MCC"),
    "log_loss": ("log_loss", "log loss"),
    "ece": ("ece", "ECE"),
    "sharpe_net_annual": ("sharpe_ratio", "Sharpe ratio a year, after fees"),
}
MADE_UP = ("Simulated", "Patterns")
TERMS = "https://www.binance.com/en/terms"
SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)

GRADIO = "6.31.0"  # that a Space is started with: the version the page was looked at in


def render_card(template: str, metadata: dict[str, Any], **words) -> str:
    """Return a card: metadata as YAML between two rules, then the filled template."""
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return pages.get_template(template).render(
        metadata=yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True), version=__version__, **words
    )


def model_card(run: Run, *, repo: str, exports: list[str], command: str, passport: str = "") -> str:
    """Return the model card of a finished run; command is what trained it, passport the text of passport.json that goes along."""
    made, card = run.preprocessing, run.card
    source = source_of(run.cfg)
    origin = {"random": "random", "pretrained": "from weights pretrained on photographs, under their own licence"}
    copied = ("interval", "window", "classes", "label", "kind", "horizon", "data_hash")
    return render_card(
        "model.md.j2",
        model_metadata(run, card),
        **{name: made[name] for name in copied},
        title=run.folder.name if "-" in run.folder.name else repo,
        summary=_summary(run, card),
        verdict=verdict_of(run),
        reads=" and ".join(made["reads"]),
        purpose=_purpose(made["kind"]),
        symbols=", ".join(made["symbols"]),
        first=card["first"][:10],
        last=card["last"][:10],
        bars=f"{card['bars']:,}",
        source=source,
        parts=part_rows(card),
        origin=origin.get(made["weights_origin"], "from a local file"),
        threshold=_threshold(run),
        results=_results(run.metrics),
        repo=repo,
        exports=exports,
        commit=run.environment.get("commit") or "unknown",
        extensions=run.environment.get("extensions") or {},
        command=command,
        level=f"{run.cfg.evaluate.confidence_level:.0%}",
        passport=passport,
    )


def space_card(run: Run) -> str:
    """Return README.md of a Space that serves a run, with the metadata by which the hub starts it."""
    reads = run.preprocessing["reads"]
    takes = "a csv of candles or a picture of a chart" if reads == ["image"] else "a csv of candles"
    metadata = {
        "title": run.folder.name[:60],
        "sdk": "gradio",
        "sdk_version": GRADIO,
        "python_version": "3.11",
        "app_file": "app.py",
        "pinned": False,
        "license": "mit",
    }
    return render_card("space.md.j2", metadata, title=run.folder.name, takes=takes, verdict=verdict_of(run))


def model_metadata(run: Run, card: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a model card: licence, library, task, tags and the measured results as a model-index."""
    made, metrics = run.preprocessing, run.metrics
    task = "image-classification" if "image" in made["reads"] else "time-series-forecasting"
    measured = [
        {"type": kind, "name": f"test {words}", "value": metrics[f"test/{name}"], "verified": False}
        for name, (kind, words) in SHOWN.items()
        if metrics.get(f"test/{name}") is not None
    ]
    data = {
        "name": f"{', '.join(card['symbols'][:3])} {card['interval']}, {card['parts']['test']['first'][:10]} to "
        f"{card['parts']['test']['last'][:10]}",
        "type": "ohlcv",
        "split": "test",
    }
    result = {
        "task": {"type": task, "name": f"{made['kind']} of {', '.join(made['classes'])}"},
        "dataset": data,
        "metrics": measured,
    }
    licence = (
        {"license": "mit"}
        if made["weights_origin"] == "random"
        else {"license": "other", "license_name": "of-the-pretrained-weights"}
    )
    return licence | {
        "library_name": "candlelab",
        "pipeline_tag": task,
        "tags": [*TAGS, made["kind"]],
        "metrics": [m["type"] for m in measured],
        "model-index": [{"name": run.folder.name, "results": [result]}],
    }


def dataset_card(
    card: dict[str, Any],
    *,
    repo: str,
    cfg: DictConfig,
    shape: tuple[Any, ...],
    style: str,
    command: str,
    sizes: dict[str, tuple[int, int]],
    bars: bool,
) -> str:
    """Return the card of a data set with charts; sizes: part -> (rows, bytes)."""
    words = _data_words(card, cfg, command) | {
        "repo": repo,
        "shape": f"{shape[1]} × {shape[2]}",
        "style": style,
        "bars": bars,
    }
    metadata = dataset_metadata(card, cfg) | {"configs": _configs(bars), "dataset_info": [_info(card, sizes)]}
    return render_card("dataset.md.j2", metadata, recipe_only=False, **words)


def recipe_card(card: dict[str, Any], *, repo: str, cfg: DictConfig, command: str) -> str:
    """Return the card of a data set that is only a recipe."""
    return render_card(
        "dataset.md.j2",
        dataset_metadata(card, cfg) | {"viewer": False},
        recipe_only=True,
        repo=repo,
        **_data_words(card, cfg, command),
    )


def dataset_metadata(card: dict[str, Any], cfg: DictConfig) -> dict[str, Any]:
    """Return what both kinds of data card say to the hub."""
    count = sum(part["samples"] for part in card["parts"].values())
    licence = (
        {"license": "mit"}
        if source_of(cfg) in MADE_UP
        else {"license": "other", "license_name": "exchange-terms-of-use", "license_link": TERMS}
    )
    return licence | {
        "pretty_name": f"Charts of {', '.join(card['symbols'][:3])}, {card['interval']} candles",
        "language": ["en"],
        "task_categories": ["image-classification", "time-series-forecasting"],
        "tags": list(TAGS),
        "size_categories": [next((name for most, name in SIZES if count < most), "10M<n<100M")],
    }


def _configs(bars: bool) -> list[dict[str, Any]]:
    charts = {
        "config_name": "charts",
        "default": True,
        "data_files": [{"split": part, "path": f"data/{part}-*.parquet"} for part in ("train", "validation", "test")],
    }
    return (
        [charts, {"config_name": "bars", "data_files": [{"split": "train", "path": "bars/*.parquet"}]}]
        if bars
        else [charts]
    )


def _info(card: dict[str, Any], sizes: dict[str, tuple[int, int]]) -> dict[str, Any]:
    names = {str(k): name for k, name in enumerate(next(iter(card["parts"].values()))["classes"])}
    plain = {"next_close": "float64", "forward_return": "float64", "time": "timestamp[ms, tz=UTC]", "symbol": "string"}
    features = [
        {"name": "image", "dtype": "image"},
        {"name": "caption", "dtype": "string"},
        {"name": "label", "dtype": {"class_label": {"names": names}}},
        *({"name": k, "dtype": v} for k, v in plain.items()),
    ]
    splits = [{"name": part, "num_bytes": size, "num_examples": rows} for part, (rows, size) in sizes.items()]
    total = sum(size for _, size in sizes.values())
    return {
        "config_name": "charts",
        "features": features,
        "splits": splits,
        "download_size": total,
        "dataset_size": total,
    }


def _data_words(card: dict[str, Any], cfg, command: str) -> dict[str, Any]:
    source = source_of(cfg)
    classes = list(next(iter(card["parts"].values()))["classes"])
    summary = (
        f"{sum(p['samples'] for p in card['parts'].values()):,} windows of {card['window']} {card['interval']} candles of "
        f"{', '.join(card['symbols'])}, {card['first'][:10]} to {card['last'][:10]}."
    )
    origin = (
        f"Made by candlelab's `{source}`: no real market, no rights of anybody."
        if source in MADE_UP
        else f"Fetched with candlelab's `{source}`. Market data of an exchange stay under that exchange's terms of use ({TERMS}): the licence "
        "of this repository covers how the data were arranged, not the prices. Check the terms before you pass them on."
    )
    return {
        "title": f"Charts of {', '.join(card['symbols'][:3])}, {card['interval']}",
        "summary": summary,
        "classes": classes,
        "label": card["label"],
        "kind": card["kind"],
        "horizon": card["horizon"],
        "parts": part_rows(card),
        "command": command,
        "origin": origin,
        "data_hash": card["fingerprint"],
    }


def source_of(cfg: DictConfig) -> str:
    """Return the class that made the bars, such as Simulated or BinanceVision."""
    return str(cfg.data.source["_target_"]).rsplit(".", 1)[-1]


def part_rows(card: dict[str, Any]) -> list[list[str]]:
    """Return one row of words per part of the split."""
    return [
        [
            name,
            f"{part['samples']:,}",
            part["first"][:10],
            part["last"][:10],
            *(f"{n:,}" for n in part["classes"].values()),
        ]
        for name, part in card["parts"].items()
    ]


def verdict_of(run: Run) -> list[str]:
    """Return the verdict's lines; one that says so where an older run has none."""
    return run.verdict["lines"] if run.verdict else ["Not written down: score the run again with task=report."]


def _summary(run: Run, card: dict[str, Any]) -> str:
    net = str(run.cfg.model.net.get("backbone") or run.cfg.model.net["_target_"].rsplit(".", 1)[-1])
    return (
        f"A `{net}` with {run.metrics.get('net/parameters', 0):,} parameters that looks at {' and '.join(run.preprocessing['reads'])} of "
        f"{card['window']} {card['interval']} candles and says {', '.join(run.preprocessing['classes'])}."
    )


def _purpose(kind: str) -> str:
    if kind == "recognition":
        return "The label is a function of what is drawn: this is recognition, and a high score says nothing about the future."
    return "A finding of no edge is a result."


def _threshold(run: Run) -> str:
    rule = rule_of(run)
    return "" if rule.threshold is None else f" and applied unchanged: {rule.threshold:.4f} (hash {rule.hash})"


def _results(metrics: dict[str, Any]) -> list[list[str]]:
    baselines = sorted({name.split("/")[1] for name in metrics if name.startswith("baseline/")})
    rows = []
    for name, (_, words) in SHOWN.items():
        value = metrics.get(f"test/{name}")
        if value is None:
            continue
        low, high = metrics.get(f"test/{name}_low"), metrics.get(f"test/{name}_high")
        rivals = [
            (metrics[f"baseline/{b}/{name}"], b) for b in baselines if metrics.get(f"baseline/{b}/{name}") is not None
        ]
        best = (min if name in ("log_loss", "ece") else max)(rivals, default=None)
        rows.append(
            [
                words,
                f"{value:.4g}",
                f"{low:.4g} to {high:.4g}" if low is not None and high is not None else "",
                f"{best[0]:.4g} ({best[1].replace('_', ' ')})" if best else "",
            ]
        )
    return rows
