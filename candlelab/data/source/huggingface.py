"""Bars from a dataset repository of the Hugging Face Hub, or from a local snapshot of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from candlelab.core.candles import Candles
from candlelab.core.errors import DataTrouble, UserError
from candlelab.core.local import Place
from candlelab.core.online import hub_silence
from candlelab.market.files import load_files, source_lines
from candlelab.market.quality import Quality
from candlelab.market.reading import SUFFIXES
from candlelab.market.table import Reading

PUBLISHED = "bars/*.parquet"  # where task=publish puts bars, beside pictures that are none
ANYWHERE = "**/*.parquet"


class HuggingFace:
    """Read bars of a dataset; after `fetch`, `quality` says what was found.

    files  which files hold bars; None: those that candlelab publishes, else every parquet file.
    columns, timezone, time_format, max_bytes  as in data/source=file.
    A token for private repositories comes from the environment (HF_TOKEN) or `hf auth login`, never from the config.
    """

    repo: Place
    revision: str
    files: str | None
    timeout: float

    def __init__(
        self,
        *,
        repo: Place,
        revision: str,
        files: str | None,
        columns: dict[str, str | int | None],
        timezone: str,
        time_format: str | None,
        max_bytes: int,
        misaligned: Literal["drop", "snap", "refuse"],
        last_bar: Literal["keep", "drop"],
        timeout: float,
    ):
        if timeout <= 0:
            raise UserError(f"timeout is {timeout}: give seconds above 0")
        self.repo, self.revision, self.files, self.timeout = repo, revision, files, timeout
        self.misaligned, self.last_bar = misaligned, last_bar
        self.reading: Reading = Reading(
            {name: str(own) for name, own in columns.items() if own is not None}, timezone, time_format, max_bytes
        )
        self.quality: list[Quality] = []

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the bars of `symbols` (empty: all there are) with start <= open time < end, ms UTC.

        Raises UserError if the repository, a file or a symbol is not there, DataTrouble if the hub cannot be reached
        and nothing is cached, or the bars cannot be trusted.
        """
        paths = next((found for files in self._patterns() if (found := self._files(files))), [])
        if not paths:
            raise UserError(
                f"{self.repo} has no csv, json, feather or parquet file like '{self.files or ANYWHERE}': set data.source.files"
            )
        tape, self.quality = load_files(
            paths,
            symbols,
            interval,
            start,
            end,
            misaligned=self.misaligned,
            last_bar=self.last_bar,
            reading=self.reading,
        )
        print(*source_lines(tape, paths, self.quality), sep="\n", file=sys.stderr)
        return tape

    def _patterns(self) -> tuple[str, ...]:
        return (self.files,) if self.files is not None else (PUBLISHED, ANYWHERE)

    def _files(self, files: str) -> list[Path]:
        folder = (
            Path(self.repo)
            if Path(self.repo).is_dir()
            else snapshot(self.repo, self.revision, [files.replace("**/", "*")], self.timeout)
        )
        return sorted(p for p in folder.glob(files) if p.name.endswith(SUFFIXES))


INSTEAD = "give a local snapshot as data.source.repo, or use data/source=file or data/source=simulated"


def snapshot(repo: str, revision: str, patterns: list[str], timeout: float) -> Path:
    """Return the folder of a dataset's downloaded files: the hub's own cache where the hub cannot be reached.

    Raises UserError for a name, revision that is not there, DataTrouble if neither hub nor cache has it.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (
            HfHubHTTPError,
            HFValidationError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )
    except ModuleNotFoundError:
        raise UserError("data from the hub need huggingface_hub: pip install candlelab[hub]") from None
    silence = hub_silence(timeout)
    try:
        offline = silence is not None
        return Path(
            snapshot_download(
                repo, repo_type="dataset", revision=revision, local_files_only=offline, allow_patterns=patterns
            )
        )
    except RepositoryNotFoundError:
        trouble = f"the hub has no dataset '{repo}' (or it is private and HF_TOKEN is not set): set data.source.repo"
    except RevisionNotFoundError:
        trouble = f"{repo} has no revision '{revision}': set data.source.revision"
    except HFValidationError:
        trouble = f"'{repo}' is neither a folder here nor a dataset's name like user/name: set data.source.repo"
    except LocalEntryNotFoundError:
        raise DataTrouble(f"the hub could not be reached and {repo} is not in its cache: {INSTEAD}") from None
    except HfHubHTTPError as error:
        raise DataTrouble(f"the hub did not give {repo} ({str(error)[:100]}): try again later") from None
    raise UserError(trouble)
