"""A job on a machine that does not see the command's outputs: it works in a folder of its own there, and brings its run back."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from candlelab import run as runs
from candlelab.config import plain, run_folder
from candlelab.core.errors import UserError
from candlelab.core.files import make_folder, refused_in_words, remove, write_bytes, write_json
from candlelab.core.parcel import Unpacking, all_pieces, content_of, parcel_of, piece_of
from candlelab.core.reading import Unreadable, json_of
from candlelab.core.trial_ledger import append_trial, read_ledger
from candlelab.launch.depot import stays

Ask = Callable[..., Any]  # ask(method of the depot, *arguments) -> its answer
OUTPUTS, CACHE, CAME = "outputs", "cache", "came.json"
FORM = {"content": str}
CHAINED = ("line", "before")  # what a line of the ledger says of its place there


@contextmanager
def at_home_in(scratch: str | None, home: str, number: int, job: DictConfig, ask: Ask) -> Iterator[DictConfig]:
    """Yield the job with an outputs folder of this machine, which holds what the command's own does; its run goes back at the end.

    scratch  where such folders lie; None: the system's temporary folder. home: names the command's outputs among all machines
    Also after Ctrl-C: what was written goes back, so that the same command goes on from its checkpoint.
    """
    root = own_folder(scratch) / _short(home)
    place = root / _short(f"{job.study}/{run_folder(job).name}")
    moved = moved_to(job, place / OUTPUTS, root / CACHE)
    _fetch(number, place, moved, ask)
    known = _lines_of(moved)
    try:
        yield moved
    finally:
        with _undisturbed():
            _bring(number, moved, [line for line in _lines_of(moved) if line not in known], ask)
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no Ctrl-C but the last, which kills, end what this thread does: the launcher may ask a job to stop more than once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def own_folder(scratch: str | None) -> Path:
    """Return a folder of this machine that this account alone can enter, made if need be. Raises UserError if it is another's."""
    root = Path(scratch) if scratch else Path(tempfile.gettempdir())
    path = root / f"candlelab-{os.getuid() if hasattr(os, 'getuid') else 'jobs'}"
    with refused_in_words(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = path.lstat()
    if path.is_symlink() or (hasattr(os, "getuid") and told.st_uid != os.getuid()):
        raise UserError(f"'{path}' belongs to somebody else: give hydra.launcher.scratch a folder of your own")
    return path


def _fetch(number: int, place: Path, job: DictConfig, ask: Ask) -> None:
    """Bring the run folder and the ledger here; a try of before on this machine that began from the same goes on."""
    parcel, folder = ask("held", number), run_folder(job)
    content = content_of(parcel)
    own = [line for line in _lines_of(job) if line.get("run") == folder.name]
    if _came(place) != content:
        make_folder(place)
        remove(place / CAME)
        if folder.is_dir():
            with runs.locked(folder):  # a process of before that still dies holds it
                shutil.rmtree(place / OUTPUTS)
        shutil.rmtree(place / OUTPUTS, ignore_errors=True)
        arriving = Unpacking(folder, parcel)
        for name, data in all_pieces(parcel, lambda name, start: ask("piece", number, name, start)):
            arriving.add(name, data)
        arriving.check()
        write_json(place / CAME, {"content": content})
    for name, data in ask("ledger").items():
        write_bytes(place / OUTPUTS / name, data)
    known = _lines_of(job)
    for line in own:  # what that try wrote and could not bring back
        if line not in known:
            append_trial(Path(job.outputs), line)


def _bring(number: int, job: DictConfig, lines: Sequence[Mapping[str, Any]], ask: Ask) -> None:
    folder = run_folder(job)
    parcel = parcel_of(folder, without=stays)
    ask("begin", number, parcel)
    for name, data in all_pieces(parcel, lambda name, start: piece_of(folder, name, start)):
        ask("add", number, name, data)
    ask("finish", number, lines)


def _lines_of(job: DictConfig) -> list[dict[str, Any]]:
    """The lines of a ledger without what each says of its place there."""
    entries = read_ledger(Path(job.outputs)).entries
    return [{name: value for name, value in entry.items() if name not in CHAINED} for entry in entries]


def _came(place: Path) -> str | None:
    try:
        return str(json_of(place / CAME, FORM)["content"]) if (place / CAME).is_file() else None
    except Unreadable:
        return None


def moved_to(job: DictConfig, outputs: Path, cache: Path) -> DictConfig:
    """Return the job with another outputs folder, and a cache that the jobs of this machine share; other settings stay."""
    before = str(job.outputs)

    def moved(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: moved(value) for name, value in node.items()}
        if isinstance(node, list):
            return [moved(value) for value in node]
        inside = isinstance(node, str) and node.startswith(f"{before}/cache/")
        return str(cache) + node[len(f"{before}/cache") :] if inside else node

    return OmegaConf.create(moved(plain(job)) | {"outputs": str(outputs)})


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
