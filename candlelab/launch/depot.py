"""Depot of a sweep: the command's end of jobs on machines that do not see its outputs; what they need goes out, their runs come in whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from omegaconf import DictConfig, OmegaConf

from candlelab import run as runs
from candlelab.config import run_folder
from candlelab.core.files import DASHBOARD, make_folder, move, write_json, write_text
from candlelab.core.parcel import Damaged, Sent, Unpacking, parcel_of, piece_of
from candlelab.core.reading import Unreadable, json_of
from candlelab.core.trial_ledger import chain_of
from candlelab.launch.one_job import DONE, settle_in

LAUNCHES = "cache/launches"  # of the outputs: a folder per launch that is under way, named by its token
HERE, READY, RUN, BEFORE = "here", "ready.json", "run", "before"
FORM = {"study": str, "run": str}


class Depot:
    """Where jobs leave word of where they run, fetch what a run folder holds already, and bring back what they made of it.

    jobs   resolved configs, JSON; place: the folder in which the command runs; token: of the launch
    A run that comes back is put in place when all of it is there and is what was sent; until then nothing of it can be seen.
    """

    def __init__(self, jobs: Sequence[str], place: str, token: str) -> None:
        os.chdir(place)
        self._jobs: list[DictConfig] = [OmegaConf.create(json.loads(job)) for job in jobs]
        self._outputs = Path(self._jobs[0].outputs)
        self._folder = launch_folder(self._outputs, token)
        self._alone = ExitStack()
        self._alone.enter_context(runs.locked(self._folder))  # as long as this process lives nobody clears it away
        self._letters: list[tuple[int, str]] = []
        self._coming: dict[int, Unpacking] = {}

    def put(self, number: int, where: str) -> None:
        """Leave word that a job runs, and on which node."""
        self._letters.append((number, where))

    def taken(self) -> list[tuple[int, str]]:
        """Return what has been left since the last time."""
        letters, self._letters = self._letters, []
        return letters

    def held(self, number: int) -> list[Sent]:
        """Return what the run folder of a job holds: an earlier try, to be gone on with."""
        return parcel_of(run_folder(self._jobs[number]), without=stays)

    def piece(self, number: int, name: str, start: int) -> bytes:
        """Return a piece of one of these files. Raises Damaged for a name that leads out of the run."""
        return piece_of(run_folder(self._jobs[number]), name, start)

    def ledger(self) -> dict[str, bytes]:
        """Return the ledger of trials and its head, file name -> bytes: a report counts the looks of before."""
        return chain_of(self._outputs).copy()

    def begin(self, number: int, parcel: Sequence[Sent]) -> None:
        """Await the files of a job's run. Raises Damaged for names that lead out of it."""
        place = self._folder / str(number)
        shutil.rmtree(place, ignore_errors=True)  # of a node that went away in the middle
        self._coming[number] = Unpacking(place / RUN, parcel)

    def add(self, number: int, name: str, data: bytes) -> None:
        """Take a piece of a file, behind those before it."""
        self._coming[number].add(name, data)

    def finish(self, number: int, lines: Sequence[Mapping[str, Any]]) -> None:
        """Put a run in place that has come whole.

        lines  that its job wrote into a copy of the ledger. Raises Damaged if something is not as it was sent, Busy if another
        process is at work in the run's folder here.
        """
        job, place, coming = self._jobs[number], self._folder / str(number), self._coming.pop(number)
        coming.check()
        folder = run_folder(job)
        if any((line.get("study"), line.get("run")) != (folder.parent.name, folder.name) for line in lines):
            raise Damaged(f"the job of '{folder.name}' wrote of other runs into the ledger of trials")
        runs.adopt(place / RUN, job)
        chain_of(self._outputs).append_unless(lines, _is_told)
        settle_in(job, place / RUN)
        write_json(place / READY, {"study": folder.parent.name, "run": folder.name})
        _put_in_place(place, folder)
        shutil.rmtree(place)

    def close(self) -> None:
        """Clear the launch's own folder away; what has not come whole is lost."""
        self._alone.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def launch_folder(outputs: Path, token: str) -> Path:
    """Return the folder of a launch in the outputs; who finds its token there sees the command's outputs."""
    return outputs / LAUNCHES / token


def leave_token(outputs: Path, token: str) -> None:
    """Write the file by which a machine knows that it sees the outputs of a launch."""
    make_folder(launch_folder(outputs, token))
    write_text(launch_folder(outputs, token) / HERE, token)


def sees(outputs: Path, token: str) -> bool:
    """Return whether this machine sees the outputs of a launch."""
    path = launch_folder(outputs, token) / HERE
    return path.is_file() and path.read_text(encoding="utf-8") == token


def settle(outputs: Path) -> None:
    """Finish what a killed command left: a run that had come whole is put in place, anything else of it is removed."""
    for folder in sorted((outputs / LAUNCHES).glob("*")):
        with _abandoned(folder) as left:
            for place in sorted(folder.glob(f"*/{READY}")) if left else ():
                _settle_one(place.parent, outputs)
            if left:
                shutil.rmtree(folder, ignore_errors=True)


def stays(name: PurePosixPath) -> bool:
    """Return whether a file of a run folder belongs to the machine that it lies on: locks, leavings, the files of W&B's client."""
    return (
        name.name in (runs.LOCK, runs.OWNER)
        or name.parts[0] == DASHBOARD
        or (name.suffix == ".tmp" and name.name.startswith("."))
    )


@contextmanager
def _abandoned(folder: Path) -> Iterator[bool]:
    """Hold the folder of a launch whose command has ended; False for one that is under way."""
    try:
        with runs.locked(folder):
            yield True
    except runs.Busy:
        yield False


def _settle_one(place: Path, outputs: Path) -> None:
    try:
        told = json_of(place / READY, FORM)
    except Unreadable:
        return
    if all(Path(told[part]).name == told[part] for part in FORM) and (place / RUN).is_dir():
        target = outputs / told["study"] / told["run"]
        if runs.state(target) not in DONE:
            _put_in_place(place, target)


def _put_in_place(place: Path, target: Path) -> None:
    """Let a whole run take its place; what was there before is kept beside it until then. Raises Busy if somebody works there."""
    make_folder(target.parent)
    if target.is_dir():
        with runs.locked(target):
            move(target, place / BEFORE)
    move(place / RUN, target)


def _is_told(line: Mapping[str, Any], there: Sequence[Mapping[str, Any]]) -> bool:
    return any(all(entry.get(name) == value for name, value in line.items()) for entry in there)
