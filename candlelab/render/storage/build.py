"""Building a store: in parts, under a temporary name, the manifest last; an interrupted build goes on where it was."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from candlelab.core import files
from candlelab.core.contracts import Renderer
from candlelab.core.errors import UserError
from candlelab.render.storage.beside import Beside
from candlelab.render.storage.bits import packed
from candlelab.render.storage.storage import PIECES, Pictures, Storage, StorePart, checksum, duplicates, placed
from candlelab.render.storage.store import (
    FORMAT,
    INDEX,
    MANIFEST,
    PLAN,
    Store,
    open_store,
    seal_of,
    tape_sum,
    unfinished,
)
from candlelab.render.style import for_each

if TYPE_CHECKING:
    import pandas as pd

    from candlelab.core.candles import Candles

# parts of a plan
WORDS = {"beside": "labels, splits or captions", "levels": "colours", "count": "windows", "recipe": "style"}
BLOCK = 1 << 25  # bytes of pictures drawn at a time
JOURNAL = "journal.jsonl"
Progress = Callable[[int, int], None]
log = logging.getLogger(__name__)


class StoreCost(NamedTuple):
    """What building a store will cost."""

    pictures: int
    seconds: float
    megabytes: float


def chosen_ends(ends: np.ndarray, storage: Storage) -> np.ndarray:
    """Return the windows a store keeps: all, or max_images spread evenly."""
    limit = storage.max_images
    if limit is None or len(ends) <= limit:
        return np.asarray(ends)
    return np.asarray(ends)[np.arange(limit) * len(ends) // limit]


def estimate(
    candles: Candles, ends: np.ndarray, renderer: Renderer, storage: Storage, *, sample: int = 256
) -> StoreCost:
    """Return how long a build will take and how large it will be, from building a few pictures of it."""
    ends = chosen_ends(ends, storage)
    if not len(ends):
        return StoreCost(0, 0.0, 0.0)
    sample = max(1, min(sample, len(ends) // 2))
    some = ends[np.arange(2 * sample) * len(ends) // (2 * sample)]
    _sampled(candles, some[:2], renderer, storage)  # compile and import first
    once, twice = (_sampled(candles, part, renderer, storage) for part in (some[:sample], some))
    more = len(ends) / sample - 1
    seconds, size = (a + max(b - a, 0) * more for a, b in zip(once, twice, strict=True))
    return StoreCost(len(ends), seconds, size / 1e6)


def _sampled(candles, ends: np.ndarray, renderer, storage: Storage) -> tuple[float, int]:
    """Return the seconds and the bytes that a store of these windows takes."""
    place = Path(tempfile.gettempdir())
    with files.refused_in_words(place), tempfile.TemporaryDirectory(prefix="candlelab-") as folder:
        start = time.perf_counter()
        store = _store_at(Path(folder) / "sample", candles, ends, renderer, storage, {}, None)
        seconds = time.perf_counter() - start
        return seconds, sum(file.stat().st_size for file in store.path.rglob("*") if file.is_file())


def build_store(
    candles: Candles,
    ends: np.ndarray,
    renderer: Renderer,
    storage: Storage,
    columns: dict[str, Any],
    path: Path | str,
    *,
    progress: Progress | None,
) -> Store:
    """Draw windows into a store and return it; goes on with an interrupted build, returns a finished one as it is.

    ends      (n,) tape rows of the windows' last bars, ascending; thinned out to storage.max_images.
    columns   what to keep beside each picture: name -> n values (label, split, caption, …); row, time and symbol are added.
    progress  called with (pictures done, pictures in all), or None.
    Raises UserError if the path holds other pictures, or the disk is full (what was built is kept).
    """
    if storage.warning:
        log.warning("render/storage=%s: %s", storage.kind, storage.warning)
    with building(Path(path)):
        return _store_at(Path(path), candles, ends, renderer, storage, columns, progress)


@contextmanager
def building(path: Path) -> Iterator[None]:
    """Hold the place of a store; another process that is building there is waited for. The lock dies with its process."""
    files.make_folder(path.parent)
    with files.refused_in_words(path):
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"another process is building {path}: waiting for it", file=sys.stderr, flush=True)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def set_aside(path: Path) -> Path | None:
    """Move a damaged store out of the way, so that the same command builds it again; return where it is now, None if it was whole."""
    with building(path):
        if not any((path / name).exists() for name in (MANIFEST, INDEX)):
            return None
        try:
            open_store(path).verify()
            return None
        except UserError as damage:
            print(f"{damage}; this is done now", file=sys.stderr, flush=True)
        aside = path.with_name(f"{path.name}.damaged")
        shutil.rmtree(aside, ignore_errors=True)
        files.move(path, aside)
        return aside


def _store_at(
    path: Path, candles, ends, renderer, storage: Storage, columns: dict[str, Any], progress: Progress | None
) -> Store:
    if not len(ends):
        raise UserError("there is no window to draw: choose more data, or a shorter data.window")
    everything = np.asarray(ends)
    ends = chosen_ends(everything, storage)
    kept = np.searchsorted(everything, ends)
    beside = _index(candles, ends, {name: np.asarray(values)[kept] for name, values in columns.items()})
    plan = _plan(candles, ends, renderer, storage, beside)
    if (path / MANIFEST).is_file():
        return _finished(path, plan)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} holds other files: choose another path for the store (render.storage.path)")
    try:
        return _build(_Build(candles, ends, renderer, storage, beside, plan, unfinished(path), path), progress)
    except (OSError, files.CannotWrite) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        why = os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno else str(error)
        raise UserError(
            f"the store {path} could not be written ({why}); what is built is kept: make room and run the same "
            "command again to go on"
        ) from error


class _Build(NamedTuple):
    candles: Candles
    ends: np.ndarray
    renderer: Renderer
    storage: Storage
    beside: pd.DataFrame  # one row per picture
    plan: dict[str, Any]
    folder: Path
    path: Path

    @property
    def pictures(self) -> Pictures:
        beside = Beside(self.candles, self.ends, self.renderer.window, self.beside, self.plan["recipe"])
        return Pictures(tuple(self.plan["shape"]), self.plan["levels"] and tuple(self.plan["levels"]), beside)


def _build(job: _Build, progress: Progress | None) -> Store:
    parts = job.storage.parts(len(job.ends), job.pictures)
    _start(job, parts)
    done = _journal(job, parts)
    for k, part in enumerate(parts):
        if k not in done:
            digests: list[int] = []
            job.storage.write(job.folder, part, _blocks(job, part, digests, progress), job.pictures)
            _flush(job.folder, part)
            done[k] = {"part": k, "sums": job.storage.sums(job.folder, part), "prints": digests}
            _note(job.folder, done[k])
        elif progress:
            progress(part.first + part.count, len(job.ends))
    return _seal(job, parts, [done[k] for k in range(len(parts))])


def _flush(folder: Path, part: StorePart) -> None:
    """Flush the folders of a part, before the journal says that it is there."""
    place = folder / part.path
    for each in (place, *place.parents) if place.is_dir() else place.parents:
        files.sync(each)
        if each == folder:
            return


def _start(job: _Build, parts: list[StorePart]) -> None:
    """Begin in an empty folder, or make sure that the one there is of the same plan."""
    plan = job.folder / PLAN
    if plan.is_file():
        if json.loads(plan.read_text(encoding="utf-8")) != job.plan:
            raise UserError(
                f"{job.folder} holds an unfinished store of other pictures: finish it with its own settings, or "
                "delete it"
            )
        for stale in job.folder.rglob(".*.tmp"):
            stale.unlink()
        return
    if job.folder.exists():
        shutil.rmtree(job.folder)
    job.storage.begin(job.folder, parts, job.pictures)
    for each in (job.folder, *job.folder.rglob("*")):
        files.sync(each)  # a library wrote them
    with placed(plan) as temporary:
        temporary.write_text(json.dumps(job.plan), encoding="utf-8")


def _blocks(job: _Build, part: StorePart, digests: list[int], progress: Progress | None) -> Iterator[np.ndarray]:
    """Yield the pictures of a part, a few at a time, and note a digest of each."""
    size = max(1, min(1024, BLOCK // int(np.prod(job.renderer.shape))))
    stop = part.first + part.count
    for first in range(part.first, stop, size):
        images = job.renderer.draw(job.candles, job.ends[first : min(first + size, stop)])
        digests.extend(_digests(images, job.pictures))
        yield images
        if progress:
            progress(min(first + size, stop), len(job.ends))


def _digests(images: np.ndarray, pictures: Pictures) -> list[int]:
    """Return 63 bits of the XXH3 of each picture, of its bits if it has two colours: who counts copies needs no secure hash."""
    import xxhash

    digests = [0] * len(images)

    def piece(start: int) -> None:
        some = images[start : start + 32]
        for k, picture in enumerate(packed(some[:, 0], pictures.levels) if pictures.levels else some, start):
            digests[k] = xxhash.xxh3_64_intdigest(picture.data) >> 1

    for_each(piece, range(0, len(images), 32))
    return digests


def _note(folder: Path, entry: dict[str, Any]) -> None:
    with (folder / JOURNAL).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _journal(job: _Build, parts: list[StorePart]) -> dict[int, dict[str, Any]]:
    """Return what was noted of the parts that are complete; a torn last line or a changed file is left out."""
    file, done = job.folder / JOURNAL, {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if "prints" in entry and _still_there(job, parts[entry["part"]], entry):
            done[entry["part"]] = entry
    if file.is_file():
        with placed(file) as temporary:
            temporary.write_text("".join(json.dumps(done[k]) + "\n" for k in sorted(done)), encoding="utf-8")
    return done


def _still_there(job: _Build, part: StorePart, entry: dict[str, Any]) -> bool:
    try:
        return job.storage.sums(job.folder, part) == entry["sums"]
    except FileNotFoundError:
        return False


def _seal(job: _Build, parts: list[StorePart], noted: list[dict[str, Any]]) -> Store:
    """Write the index and the manifest and put the folder in place."""
    digests = np.array([digest for entry in noted for digest in entry["prints"]], np.int64)
    final = job.storage.finish(job.folder, parts, job.pictures)
    for name in _others(_sizes(job.folder), final):  # a library may have written it
        files.sync(job.folder / name)
        _flush(job.folder, StorePart(name, 0, 0))
    sums = [e["sums"] for e in noted] if final == parts else [job.storage.sums(job.folder, part) for part in final]
    table = job.beside.assign(digest=digests)
    with placed(job.folder / INDEX) as temporary:
        table.to_parquet(temporary, index=False)
    for name, text in job.storage.side_files(final, table).items():
        with placed(job.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    sizes = _sizes(job.folder)
    body = {
        **job.plan,
        "format": FORMAT,
        "parts": [{**asdict(part), "sums": s} for part, s in zip(final, sums, strict=True)],
        "index": checksum(job.folder / INDEX),
        "duplicates": duplicates(table),
        "sizes": sizes,
        "others": {name: checksum(job.folder / name) for name in _others(sizes, final)},
    }
    with placed(job.folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps({"store": body, "seal": seal_of(body)}, indent=1), encoding="utf-8")
    for part in final:
        _flush(job.folder, part)
    files.move(job.folder, job.path)
    _tidy(job.path)
    return open_store(job.path)


def _tidy(path: Path) -> None:
    """Remove what only a build needs."""
    for name in (JOURNAL, PLAN):
        (path / name).unlink(missing_ok=True)
    if (path / PIECES).is_dir():
        shutil.rmtree(path / PIECES)


def _sizes(folder: Path) -> dict[str, int]:
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    needed = (name for name in files if name not in (JOURNAL, PLAN, MANIFEST) and not name.startswith(f"{PIECES}/"))
    return {name: files[name].stat().st_size for name in needed}


def _others(sizes: dict[str, int], parts: list[StorePart]) -> list[str]:
    """Return the files that are neither the index nor (in) a part."""
    paths = {part.path for part in parts}
    return [name for name in sizes if name != INDEX and name not in paths and name.rpartition("/")[0] not in paths]


def _index(candles, ends: np.ndarray, columns: dict[str, Any]):
    """Return the table that is kept beside the pictures."""
    import pandas as pd

    table = {"row": np.asarray(ends, np.int64)}
    if hasattr(candles, "time"):
        table["time"] = np.asarray(candles.time)[ends]
    if hasattr(candles, "symbols"):
        table["symbol"] = np.asarray(candles.symbols, dtype=object)[np.asarray(candles.symbol)[ends]]
    return pd.DataFrame(table | columns)


def _plan(candles, ends, renderer, storage: Storage, beside) -> dict[str, Any]:
    """Return all that decides the bytes of a store; plain values."""
    import pandas as pd

    palette = renderer.canvas.palette[:, 0].tolist() if renderer.two_colours else None
    storage_plan = {
        "kind": storage.kind,
        "module": type(storage).__module__,
        "class": type(storage).__name__,
        "settings": storage.settings(),
    }
    return json.loads(
        json.dumps(
            {
                "count": len(ends),
                "shape": renderer.shape,
                "levels": palette,
                "recipe": renderer.recipe(),
                "storage": storage_plan,
                "tape": tape_sum(candles),
                "columns": list(beside.columns),
                "beside": hashlib.sha256(
                    pd.util.hash_pandas_object(beside, index=False).to_numpy().tobytes()
                ).hexdigest(),
            }
        )
    )


def _finished(path: Path, plan: dict[str, Any]) -> Store:
    store = open_store(path)
    different = [key for key in plan if store.manifest.get(key) != plan[key]]
    if different:
        raise UserError(
            f"{path} already holds a store with other {', '.join(WORDS.get(name, name) for name in different)}: choose another "
            "render.storage.path, or delete it"
        )
    _tidy(path)
    return store
