"""What a report is made of (tables, sections, charts), and how it becomes one self-contained HTML file."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from candlelab.core import files
from candlelab.core.errors import UserError
from candlelab.core.images import png as png_bytes
from candlelab.report.figures import Figure
from candlelab.report.formats import MINUS, count, percent

A_MINUS = re.compile(r"(?<![\w.)/=-])-(?=\d)")


@dataclass(frozen=True)
class Table:
    """Rows of ready-made words; the first cell of a row names it, `marked` rows stand out, `prose` sets sentences, not numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    note: str = ""
    marked: tuple[int, ...] = ()
    prose: bool = False


@dataclass(frozen=True)
class AnsweredChart:
    """One picture the model saw, with what it made of it."""

    image: str
    width: int
    height: int
    title: str
    lines: tuple[str, ...]
    right: bool


@dataclass(frozen=True)
class Gallery:
    """Charts under one heading."""

    title: str
    charts: Sequence[AnsweredChart]


@dataclass(frozen=True)
class Section:
    """One part of a report; empty parts are left out, `dense` ones set their figures small."""

    title: str
    lead: str = ""
    facts: Sequence[tuple[str, str]] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    galleries: Sequence[Gallery] = ()
    dense: bool = False

    @property
    def anchor(self) -> str:
        """Its address inside the page."""
        return "-".join(self.title.lower().split())

    @property
    def filled(self) -> bool:
        """True when there is something to show."""
        return bool(self.facts or self.figures or self.tables or self.galleries)


def png_uri(image: np.ndarray) -> str:
    """A data URI of a (C, H, W) uint8 picture; one channel is grey, three are RGB, others show their first.

    Raises UserError for another shape or type.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.dtype != np.uint8:
        found = f"{image.dtype} {image.shape}"
        raise UserError(
            f"a chart in a report is uint8 (channels, height, width), not {found}: pass the renderer's image unchanged"
        )
    return "data:image/png;base64," + base64.b64encode(png_bytes(image if image.shape[0] == 3 else image[:1])).decode(
        "ascii"
    )


def share_cell(cases: float, total: float) -> Markup:
    """A share, the count behind it, and the share again as a short line."""
    share = cases / total if total else 0.0
    return Markup('{}<small>{}</small><span class="share" style="width:{:.1f}%"></span>').format(
        percent(share), count(cases), 100 * share
    )


def _with_true_minus(value: Any) -> Any:
    """Return a text with true minus signs as in the figures; markup stays, and so do names, dates and settings (`x=-1`)."""
    return A_MINUS.sub(MINUS, value) if isinstance(value, str) and not isinstance(value, Markup) else value


def policy_of(*scripts: str) -> str:
    """The Content-Security-Policy of a page with these scripts and no others."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") for text in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; base-uri 'none'; form-action 'none'"


def write_page(path: Path | str, template: str, context: Mapping[str, Any]) -> Path:
    """Fills a template of this package and puts the page in place in one step.

    Its policy allows one script by hash: that by which figures answer to a pointer. Pages with scripts of their own bring another.
    """
    folder = Path(__file__).parent / "templates"
    pages = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=_with_true_minus,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pointer = (folder / "pointer.js").read_text(encoding="utf-8").strip()
    plain = {"theme": "", "policy": Markup(policy_of(pointer)), "pointer": Markup(pointer)}
    text = pages.get_template(template).render({**plain, **context})
    path = Path(path)
    files.write_text(path, text)
    return path
