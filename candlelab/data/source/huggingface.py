"""Bars from a dataset repository of the Hugging Face Hub, or from a local snapshot of one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from candlelab.core.candles import Candles
from candlelab.core.errors import DataTrouble, UserError
from candlelab.core.online import hub_silence
from candlelab.market.files import SUFFIXES, load_files
from candlelab.market.quality import Quality


class HuggingFace:
    """Read parquet or csv bars of a dataset; after `fetch`, `quality` says what was found.

    A token for private repositories comes from the environment (HF_TOKEN) or `hf auth login`, never from the config.
    """

    def __init__(self, *, repo: str, revision: str, files: str, misaligned: Literal["drop", "snap", "refuse"],
                 last_bar: Literal["keep", "drop"], timeout: float):
        if timeout <= 0:
            raise UserError(f"timeout is {timeout}: give seconds above 0")
        self.repo, self.revision, self.files, self.timeout = repo, revision, files, timeout
        self.misaligned, self.last_bar = misaligned, last_bar
        self.quality: list[Quality] = []

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the bars of `symbols` (empty: all there are) with start <= open time < end, ms UTC.

        Raises UserError if the repository, a file or a symbol is not there, DataTrouble if the hub cannot be reached
        and nothing is cached, or the bars cannot be trusted.
        """
        folder = Path(self.repo) if Path(self.repo).is_dir() else self._snapshot()
        paths = sorted(p for p in folder.glob(self.files) if p.name.endswith(SUFFIXES))
        if not paths:
            raise UserError(f"{self.repo} has no csv, csv.gz or parquet file like '{self.files}': set data.source.files")
        tape, self.quality = load_files(paths, symbols, interval, start, end, misaligned=self.misaligned,
                                        last_bar=self.last_bar)
        return tape

    def _snapshot(self) -> Path:
        """Return the folder of the downloaded files: the hub's own cache where the hub cannot be reached."""
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
            raise UserError("data/source=huggingface needs huggingface_hub: pip install candlelab[hub]") from None
        silence = hub_silence(self.timeout)
        try:
            return Path(snapshot_download(self.repo, repo_type="dataset", revision=self.revision, local_files_only=silence is not None,
                                          allow_patterns=self.files.replace("**/", "*")))
        except RepositoryNotFoundError:
            raise UserError(f"the hub has no dataset '{self.repo}' (or it is private and HF_TOKEN is not set): "
                             "set data.source.repo") from None
        except RevisionNotFoundError:
            raise UserError(f"{self.repo} has no revision '{self.revision}': set data.source.revision") from None
        except HFValidationError:
            raise UserError(f"'{self.repo}' is neither a folder here nor a dataset's name like user/name: "
                             "set data.source.repo") from None
        except LocalEntryNotFoundError:
            raise DataTrouble(f"the hub could not be reached and {self.repo} is not in its cache: give a local snapshot as "
                              "data.source.repo, or use data/source=file or data/source=simulated") from None
        except HfHubHTTPError as error:
            raise DataTrouble(f"the hub did not give {self.repo} ({str(error).splitlines()[0][:100]}): try again later") from None
