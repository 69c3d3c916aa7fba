"""Pages of the documentation that are generated: settings from conf/ and signatures, the Python reference from docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from mkdocs.structure.files import File, Files

import candlelab
from candlelab.config.catalogue import CONF, groups, purpose, with_parts
from candlelab.config.check import spell
from candlelab.config.locate import target_schema
from candlelab.core.errors import ConfigError

CLASSES = {"Charts": ("between", "collate"), "Judgement": ("lines", "figures", "write")}


def on_config(config: Any) -> Any:
    """Put pages that the menu forgot under a heading of their own, so that none is out of reach."""
    known = set(re.findall(r"[\w/]+\.md", repr(config["nav"])))
    place = Path(config["docs_dir"])
    forgotten = sorted({path.relative_to(place).as_posix() for path in place.rglob("*.md")} - known)
    if forgotten:
        config["nav"].append({"More": forgotten})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    for name, text in (("config.md", configuration()), ("python.md", reference())):
        files.append(File.generated(config, name, content=text))
    return files


def configuration() -> str:
    """Return the page of all groups, options and settings."""
    lines = [
        "# Configuration",
        "",
        "Choose one option of each group (`group=option`) and override any setting (`group.setting=value`). This page is made of "
        "the yaml files and of the signatures of what they build.",
    ]
    for group, options in groups().items():
        lines += ["", f"## {group}", ""]
        for option in options:
            path = CONF / group / f"{option}.yaml"
            lines += ["", f"### {group}={option}", "", purpose(path).rstrip(".") + ".", ""]
            lines += list(_settings(with_parts(path)))
    return "\n".join(lines) + "\n"


def _settings(node: dict[str, Any]) -> Iterator[str]:
    target = node.get("_target_")
    if target is None:
        return
    try:
        types = target_schema(target).settings
    except ConfigError:
        types = {}
    rows = [(name, value) for name, value in node.items() if name != "_target_" and not isinstance(value, dict)]
    if rows:
        yield from ("| setting | default | takes |", "|---|---|---|")
    for name, value in rows:
        told = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()
        told, kind = told.replace("|", "\\|"), spell(types[name]) if name in types else ""
        yield f"| `{name}` | `{told}` | {kind} |".replace("``", "")
    yield f"\n`{target}`"


def reference() -> str:
    """Return the page of the library's public names."""
    lines = ["# Python", "", "`import candlelab` takes a few milliseconds: what is heavy is imported when it is used."]
    for name in sorted(candlelab.__all__):
        made = getattr(candlelab, name)
        if inspect.ismodule(made):
            lines += ["", f"## {name}", "", *_doc(made)]
            continue
        lines += ["", f"## {name}", "", *_signature(name, made), *_doc(made)]
        for method in CLASSES.get(name, ()):
            lines += ["", f"### {name}.{method}", "", *_signature(f"{name}.{method}", getattr(made, method))]
            lines += _doc(getattr(made, method))
    return "\n".join(lines) + "\n"


def _signature(name: str, made: Any) -> list[str]:
    return ["```text", f"{name}{inspect.signature(made)}", "```", ""]


def _doc(made: Any) -> list[str]:
    """Return a docstring: its first paragraph as text, what follows as it stands."""
    text = inspect.getdoc(made) or ""
    first, _, rest = text.partition("\n\n")
    return [first, "", *(["```text", rest, "```"] if rest else [])]
