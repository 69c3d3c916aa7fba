"""Consistency checks between the files of a run: what each of them says must fit what the others say.

A manifest proves that files are as somebody wrote them, not that what is in them is so; whoever edits one can write the
manifest anew. What is checked here costs no import and reads nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from candlelab.core.contracts import LabelRule

LARGEST_PICTURE = 2**24  # bytes; a batch of 64 such charts fills a gigabyte
LARGEST_SETTING = 1_000_000  # of a whole number in a config from elsewhere, but for those below
LARGER = {"seed": 1 << 63, "max_bytes": 1 << 62, "bars": 1 << 40, "max_samples": 1 << 40, "max_images": 1 << 40}
MOST_DRAWS = {"n_bootstrap": 20_000, "n_permutations": 20_000}  # that a config from elsewhere may ask for
MOST_BARS = 5_000_000  # of a market that a config from elsewhere makes up
LEAST_DRAWN = 4096  # bars of a symbol that are drawn whether they are used or not
GIVEN = "given pictures"  # the style of a run that learnt from pictures of others
NOT_DRAWN = ("fill", "storage")  # settings of a chart style that change no pixel
VERSIONS = ("matplotlib", "mplfinance")  # of libraries that drew, in the recipe of a chart


def within_itself(made: Mapping[str, Any]) -> str | None:
    """Return in what preprocessing.json contradicts itself; None if it does not."""
    from candlelab.core.interval import INTERVALS  # not at the top: it needs NumPy, and the command's help does not

    shapes, classes, interval = made["shapes"], made["classes"], made["interval"]
    unnamed = len(classes) != shapes["classes"] or not _all_different(classes)
    large = f"a chart of {shapes['image']} is larger than {LARGEST_PICTURE / 2**20:.0f} MB"
    found = (
        (not _all_different(made["reads"]), "it reads nothing, or one thing twice"),
        (len(made.get("forecast_range") or (0, 0)) != 2, "forecast_range is no pair"),
        (unnamed, f"{len(classes)} classes have names, the shapes say {shapes['classes']}"),
        (len(shapes["image"] or range(3)) != 3 or len(shapes["series"] or range(2)) != 2, NO_SHAPES),
        (shapes["caption"] not in (None, made["caption_length"]), "the length of its captions is told twice"),
        (math.prod(shapes["image"] or ()) > LARGEST_PICTURE, large),
        (not _scaled(made), "the scaling is not of these features"),
        (len(made.get("directions") or classes) != len(classes), "directions are not of these classes"),
        (interval not in (*INTERVALS, "mixed"), f"interval is {interval[:40]!r}, which is none"),
    )
    return next((sentence for wrong, sentence in found if wrong), None)


NO_SHAPES = "the shapes are none of a picture and a series"


def _all_different(names: list[str]) -> bool:
    return bool(names) and len(set(names)) == len(names)


def _scaled(made: Mapping[str, Any]) -> bool:
    scaling, features = made["scaling"], len(made["features"])
    series = made["shapes"]["series"]
    return series in (None, [made["window"], features]) and (
        not scaling or features == len(scaling["centre"]) == len(scaling["scale"])
    )


def with_config(made: Mapping[str, Any], tree: Mapping[str, Any]) -> str | None:
    """Return in what preprocessing.json contradicts the config of its run; None if it does not."""
    data, given = tree["data"], (made["renderer"] or {}).get("style") == GIVEN
    told = [("window", made["window"], data["window"])]
    if data.get("batch_size") not in (None, "auto"):
        told.append(("batch_size", made["batch_size"], data["batch_size"]))
    if "length" in (data.get("caption") or {}):
        told.append(("caption_length", made["caption_length"], data["caption"]["length"]))
    if not given and str(data["label"]["_target_"]).rsplit(".")[-1] != "Given":
        told.append(("label", made["label"], data["label"]["_target_"].rsplit(".")[-1]))
        told += _of_interval(made, data)
    if not given and made["renderer"] is not None:
        told += _of_chart(made["renderer"], tree.get("render") or {})
    wrong = next(((name, said, asked) for name, said, asked in told if said != asked), None)
    return wrong and f"{wrong[0]} is {_short(wrong[1])}, in the config {_short(wrong[2])}"


def _of_interval(made: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the interval and what was asked for: `auto` leaves it to the files, of several the first is tested."""
    from candlelab.core.interval import AUTO, INTERVALS, check_interval

    asked = data["resample"] or data["interval"]
    first = asked if isinstance(asked, str) else next(iter(asked), "")
    first = check_interval(first) if first in (*INTERVALS, "1M") else first
    if first != AUTO:
        yield "interval", made["interval"], first


def _of_chart(recipe: Mapping[str, Any], render: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield each setting of a chart as it was drawn and as the config asks for it."""
    asked = {"style": render.get("_target_")} | {name: value for name, value in render.items() if name != "_target_"}
    for name in {**asked, **recipe}:
        if name not in (*NOT_DRAWN, *VERSIONS):
            yield f"renderer.{name}", recipe.get(name, "absent"), asked.get(name, "absent")


def with_label(made: Mapping[str, Any], label: LabelRule) -> str | None:
    """Return in what preprocessing.json contradicts its label rule; None if it does not. Rules may learn their classes from data."""
    told: list[tuple[str, Any, Any]] = [("kind", made["kind"], label.kind), ("horizon", made["horizon"], label.horizon)]
    if label.classes:
        told.append(("classes", made["classes"], list(label.classes)))
    wrong = next(((name, said, asked) for name, said, asked in told if said != asked), None)
    return wrong and f"{wrong[0]} is {_short(wrong[1])}, of this label {_short(wrong[2])}"


SHARED = ("symbols", "interval", "window", "warmup", "label", "kind", "horizon")


def of_card(card: Mapping[str, Any], made: Mapping[str, Any]) -> str | None:
    """Return in what data.json contradicts preprocessing.json; None if it does not."""
    told = [(name, card[name], made[name]) for name in SHARED if name in card]
    told.append(("fingerprint", card["fingerprint"], made["data_hash"]))
    told += [(f"classes of {name}", list(part["classes"]), made["classes"]) for name, part in card["parts"].items()]
    wrong = next(((name, said, asked) for name, said, asked in told if said != asked), None)
    return wrong and f"{wrong[0]} is {_short(wrong[1])}, in preprocessing.json {_short(wrong[2])}"


COLUMNS_OF = {
    "costs": ("delay", "cap", "turnover", "bps", "sharpe", "low", "high", "breakeven_bps"),
    "fees": ("bps", "sharpe", "return_pct"),
    "months": ("year", "month", "return_pct"),
    "rolling": ("time", "sharpe"),
    "drawdowns": ("peak", "bottom", "recovered", "depth_pct", "bars"),
}


def of_curves(tree: Mapping[str, Any], classes: int) -> str | None:
    """Return why curves cannot be drawn: a column is missing or longer than another; None if they can."""
    if not tree:
        return None
    counts = tree["confusion"]["counts"]
    if [len(row) for row in counts] not in ([], [classes] * classes):
        return f"confusion is no table of {classes} x {classes}"
    for name, group in tree.items():
        if name == "confusion" or not group:
            continue
        absent = next((column for column in COLUMNS_OF.get(name, ()) if column not in group), None)
        if absent:
            return f"{name}.{absent} is missing"
        lengths = {len(column) for column_name, column in group.items() if column_name != "days"}
        if len(lengths) > 1 or ("days" in group and len(group["days"]) != 1):
            return f"{name} has columns of different lengths"
        if lengths == {0} and name in ("equity", "costs", "fees", "months", "rolling"):
            return f"{name} has no values"
        if name == "costs" and len(group["bps"]) % len(set(group["bps"])):
            return "costs has rows with other fees than others"
    return None


def of_verdict(verdict: Mapping[str, Any], made: Mapping[str, Any]) -> str | None:
    """Return in what verdict.json contradicts preprocessing.json; None if it does not."""
    if verdict and verdict["kind"] != made["kind"]:
        return f"kind is {verdict['kind']}, in preprocessing.json {made['kind']}"
    return None


def of_threshold(chosen: Mapping[str, Any]) -> str | None:
    """Return what a threshold lacks that its rule needs; None if it lacks nothing."""
    if chosen.get("rule") == "abstain" and chosen.get("min_precision") is None:
        return "min_precision is missing"
    return None


def are_test_charts(images: np.ndarray, rows: np.ndarray, *, shape: list[int] | None, test_rows: int) -> bool:
    """Return whether these are pictures (n, C, H, W) of a run's test rows (n,); shape of a chart, None where the net saw none."""
    return bool(
        images.ndim == 4
        and images.dtype == "uint8"
        and images.shape[1] in (1, 3)
        and list(images.shape[2:]) == (shape or [])[1:]
        and rows.dtype.kind == "i"
        and rows.shape == images.shape[:1]
        and (rows >= 0).all()
        and (rows < test_rows).all()
    )


def too_much(tree: Mapping[str, Any]) -> str | None:
    """Return what in a config from elsewhere asks for more than any run needs; None if nothing does.

    A config is a few hundred bytes, and what it asks for may fill the memory or take years.
    """
    found = next(
        (told for key in ("data", "render", "model", "evaluate") if (told := _too_large(tree.get(key), key))), None
    )
    bars = _bars_made_up(tree["data"])
    return found or (f"data.source makes up {bars:,} bars, more than {MOST_BARS:,}" if bars > MOST_BARS else None)


def too_many_draws(evaluate: Mapping[str, Any]) -> str | None:
    """Return what in the evaluate settings of a run from elsewhere would take hours; None if nothing does."""
    return _too_large(evaluate, "evaluate")


def _too_large(node: Any, key: str) -> str | None:
    for place, value in _whole_numbers(node, key):
        name = place.rsplit(".", 1)[-1]
        most = (MOST_DRAWS | LARGER).get(name, LARGEST_SETTING)
        if abs(value) > most:
            return f"{place} is {value:,}, more than {most:,}"
    return None


def _whole_numbers(node: Any, place: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _whole_numbers(value, f"{place}.{name}")
    elif isinstance(node, list):
        for value in node:
            yield from _whole_numbers(value, place)
    elif isinstance(node, int) and not isinstance(node, bool):
        yield place, node


def _bars_made_up(data: Mapping[str, Any]) -> int:
    """Return how many bars a source makes up: samples, a number for each symbol, or all from start to end."""
    source = data["source"]
    if {"samples", "window", "history"} <= set(source):
        return _whole(source["samples"]) * (_whole(source["window"]) + _whole(source["history"]))
    if "bars" not in source:
        return 0
    each = sum(max(LEAST_DRAWN, _bars_of(data, interval)) for interval in _intervals(data))
    return max(1, len(set(data["symbols"]))) * each


def _intervals(data: Mapping[str, Any]) -> list[str]:
    from candlelab.core.interval import INTERVALS

    asked = data["interval"]
    return [name for name in ([asked] if isinstance(asked, str) else asked) if name in INTERVALS]


def _bars_of(data: Mapping[str, Any], interval: str) -> int:
    from candlelab.core.interval import interval_ms, to_time

    bars, end = data["source"]["bars"], to_time(data["end"])
    if isinstance(bars, int):
        return bars
    span = 0 if end is None else end - (to_time(data["start"]) or 0)
    return max(0, span // interval_ms(interval))


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _short(value: Any) -> str:
    return repr(value)[:60]
