"""Files of an audit: the page, the record as JSON, and tables of predictions that others wrote."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from candlelab.audit.record import Audit
from candlelab.core import files
from candlelab.core.errors import UserError
from candlelab.core.files import json_text
from candlelab.report.audit_page import write_audit

PAGE, RECORD = "audit.html", "audit.json"


def write_audit_files(folder: Path, made: Audit, *, title: str) -> Path:
    """Write audit.html and audit.json into a folder; return the path of the page."""
    told = made.row()
    folder.mkdir(parents=True, exist_ok=True)
    files.write_text(folder / RECORD, json_text(told))
    return write_audit(folder / PAGE, told, [each.pictures for each in made.findings], title=title)


def read_export(path: Path) -> pd.DataFrame:
    """Return a table that somebody exported as csv or parquet; raises UserError if it is none."""
    if not path.is_file():
        raise UserError(f"'{path}' is not there: give a csv or parquet file")
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise UserError(f"'{path}' cannot be read as a table ({str(error)[:80]}): write it as csv or parquet") from None
