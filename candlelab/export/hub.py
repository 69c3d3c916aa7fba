"""The Hugging Face Hub: send files as one commit that is never doubled, and bring a published run back."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from candlelab.core.errors import UserError
from candlelab.core.online import hub_silence, told_offline
from candlelab.export.secrets import refuse_secrets, secrets
from candlelab.run import PUBLISHED

OURS = ("data/", "bars/", "export/", "run/")  # folders in which files of an earlier publication are removed
LARGEST_RUN = 20_000_000_000  # bytes
TRANSIENT = (408, 409, 412, 429, 500, 502, 503, 504)  # answers worth another try
LONGEST_WAIT = 300.0  # seconds, whatever the server asks for


class HubTrouble(UserError):
    """The hub did not answer, or not in a way that another try would mend."""

    exit_code = 5


@dataclass(frozen=True)
class Parcel:
    """Files for one repository: path in it -> file here."""

    kind: Literal["model", "dataset", "space"]
    files: dict[str, Path]

    def listing(self) -> list[tuple[str, int, str]]:
        """Return (path, bytes, sha256) of every file, sorted by path."""
        return [(name, path.stat().st_size, sha256(path)) for name, path in sorted(self.files.items())]


@dataclass(frozen=True)
class Courier:
    """How patiently files are sent.

    retries  tries after the first; backoff: seconds before the second, doubled each time; timeout: seconds an answer may take.
    """

    retries: int
    backoff: float
    timeout: float
    say: Callable[[str], None] = print
    sleep: Callable[[float], None] = time.sleep

    def send(self, parcel: Parcel, repo: str, *, private: bool, message: str) -> str:
        """Send everything as one commit and return the commit's hash; what is already there is not sent again.

        Raises UserError for what the user must change, HubTrouble if the hub never takes it.
        """
        refuse_secrets(parcel.files.values(), known_secrets())
        api, errors = client(self.timeout)
        pause, reason = self.backoff, ""
        for turn in range(self.retries + 1):
            try:
                return self._once(api, parcel, repo, private, message)
            except errors as error:
                reason, pause = explain_failure(error, repo), max(pause, asked_to_wait(error))
            if turn < self.retries:
                self.say(f"{reason}: trying again in {pause:g} s")
                self.sleep(pause)
                pause *= 2
        raise HubTrouble(f"{reason}, {self.retries + 1} times: nothing is doubled, so repeat the same command later")

    def _once(self, api, parcel: Parcel, repo: str, private: bool, message: str) -> str:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        kit = {"space_sdk": "gradio"} if parcel.kind == "space" else {}
        api.create_repo(repo, repo_type=parcel.kind, private=private, exist_ok=True, **kit)
        head = api.repo_info(repo, repo_type=parcel.kind).sha
        there = remote_files(api, repo, parcel.kind)
        stale = [name for name in there if name.startswith(OURS) and name not in parcel.files]
        if not stale and all(same(path, there.get(name)) for name, path in parcel.files.items()):
            self.say(f"{repo} already holds these files: nothing was sent")
            return head
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(name, str(path)) for name, path in sorted(parcel.files.items())
        ]
        operations += [CommitOperationDelete(name) for name in stale]
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message=".*commit a data file.*"
            )  # predictions.parquet belongs to the model
            return api.create_commit(
                repo, operations, commit_message=message, repo_type=parcel.kind, parent_commit=head
            ).oid


def known_secrets() -> dict[str, str]:
    """Return the secrets of the environment and the hub's own login."""
    from huggingface_hub import get_token

    token = get_token()
    return secrets() | ({"the hub login": token} if token else {})


def client(timeout: float):
    """Return (HfApi, the errors its calls raise) with a limit on how long an answer may take.

    Raises UserError if huggingface_hub is not installed, or told to stay offline.
    """
    try:
        from huggingface_hub import HfApi, set_client_factory
        from huggingface_hub.errors import HTTPError
        from huggingface_hub.utils._http import default_client_factory
    except ImportError:
        raise UserError("publishing needs huggingface_hub 1.0 or newer: pip install candlelab[hub]") from None
    if told_offline():
        raise UserError("HF_HUB_OFFLINE is set, so nothing can be sent: unset it, or leave out task.confirm=true")

    def make():
        made = default_client_factory()
        made.timeout = timeout
        return made

    set_client_factory(make)
    return HfApi(library_name="candlelab"), (HTTPError, OSError)


def explain_failure(error: Exception, repo: str) -> str:
    """Return a passing failure in a few words; raises UserError for one that only the user can mend."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        raise UserError(
            f"the hub refused the login for {repo} ({status}): set HF_TOKEN to a token that may write there, or run "
            "`hf auth login`"
        ) from None
    if status is not None and status not in TRANSIENT:
        raise UserError(
            f"the hub refused {repo} ({status}): check the name in task.repo=user/name and the files listed above"
        ) from None
    words = {
        409: "another commit came in between (409)",
        412: "another commit came in between (412)",
        429: "the hub asks to slow down (429)",
    }
    if status is not None:
        return words.get(status, f"the hub has trouble ({status})")
    return f"the hub gave no answer ({type(error).__name__})"


def asked_to_wait(error: Exception) -> float:
    """Return the seconds of a Retry-After header, 0 where there is none."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    value = headers.get("Retry-After", "")
    return min(float(value), LONGEST_WAIT) if value.isdigit() else 0.0


def remote_files(api, repo: str, kind: str) -> dict[str, tuple[str, str | None]]:
    """Return {path: (git hash, sha256 of a large file or None)} of a repository."""
    tree = api.list_repo_tree(repo, recursive=True, repo_type=kind)
    return {
        entry.path: (entry.blob_id, entry.lfs.sha256 if entry.lfs else None)
        for entry in tree
        if hasattr(entry, "blob_id")
    }


def same(path: Path, there: tuple[str, str | None] | None) -> bool:
    """Return whether a remote file has exactly the bytes of a local one."""
    if there is None:
        return False
    return sha256(path) == there[1] if there[1] else git_hash(path) == there[0]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_hash(path: Path) -> str:
    """Return the hash that git gives a file's contents."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    digest.update(path.read_bytes())
    return digest.hexdigest()


def download_run(repo: str) -> Path:
    """Return the folder of a run published as user/name, from the hub or from its cache; only the known files of a run.

    Raises UserError if there is no such run, HubTrouble if the hub cannot be reached and nothing is cached.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (
            HFValidationError,
            HTTPError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
        )
    except ModuleNotFoundError:
        raise UserError(
            f"'{repo}' is no folder here, and the hub needs huggingface_hub: pip install candlelab[hub]"
        ) from None
    here = hub_silence() is not None
    try:
        if not here:
            _check_size(repo)
        return Path(snapshot_download(repo, allow_patterns=list(PUBLISHED), local_files_only=here))
    except (RepositoryNotFoundError, HFValidationError):
        raise UserError(
            f"there is no run in the folder '{repo}', and the hub has no model of that name (or it is private and HF_TOKEN is "
            "not set)"
        ) from None
    except LocalEntryNotFoundError:
        raise HubTrouble(
            f"there is no run in the folder '{repo}', the hub cannot be reached, and its cache has no model of that name: "
            "give the folder of a run"
        ) from None
    except HTTPError as error:
        raise HubTrouble(f"the hub did not give {repo} ({type(error).__name__}): try again later") from None


def _check_size(repo: str) -> None:
    from huggingface_hub import HfApi

    size = sum(getattr(entry, "size", 0) or 0 for entry in HfApi().list_repo_tree(repo, recursive=True))
    if size > LARGEST_RUN:
        raise UserError(f"{repo} holds {size / 1e9:.0f} GB, more than a run ever needs: is it a run of candlelab?")
