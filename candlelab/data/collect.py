"""One series from archive and REST into the cache: plan, download, compare with the calendar, complete, commit."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from candlelab.data import archive
from candlelab.data.archive import COLUMNS, ArchiveFile
from candlelab.data.cache import Manifest, Ranges, Store, merge_ranges, uncovered
from candlelab.data.interval import next_open
from candlelab.data.outages import stood_still
from candlelab.data.progress import Progress
from candlelab.data.resample import floor_open
from candlelab.data.rest import Rest
from candlelab.data.trouble import DataTrouble, ExchangeRefuses
from candlelab.data.web import Absent, Passing, Web

Bars = dict[str, np.ndarray]


@dataclass(frozen=True)
class Places:
    """Where one market's data can be had."""

    web: Web
    rest: Rest
    market: str
    archive_url: str
    listing_url: str
    rest_url: str
    workers: int


@dataclass(frozen=True)
class Piece:
    """The bars of one archive file; bars None where the archive had none after all."""

    file: ArchiveFile
    sha256: str
    bars: Bars | None
    note: str = ""


@dataclass
class Plan:
    """What to fetch for some ranges of one series."""

    files: list[ArchiveFile]
    holes: Ranges  # ranges no file covers
    origin: int | None  # first open time any file may hold
    notes: list[str] = field(default_factory=list)


def collect(places: Places, store: Store, blank: Manifest, wanted: tuple[int, int], *, refresh: bool,
            progress: Progress) -> tuple[Manifest, list[str]]:
    """Bring the cached series up to `wanted` [start, end) and return (manifest, what changed on a refresh).

    Makes no request and touches no file if everything is there. Raises DataTrouble or ExchangeRefuses; what was good
    by then is kept.
    """
    manifest = store.manifest() or blank
    if not refresh and not uncovered(wanted, manifest.covered):
        return manifest, []
    with store.locked():
        manifest = store.manifest() or blank
        ranges = uncovered(wanted, manifest.covered)
        if refresh:
            ranges = merge_ranges([*manifest.covered, list(wanted)])
        if not ranges:
            return manifest, []
        old = store.read() if manifest.rows else None
        return _Collection(places, store, manifest, old, progress).run(ranges, wanted[0])


class _Collection:
    """The work inside the lock."""

    def __init__(self, places: Places, store: Store, manifest: Manifest, old: Bars | None, progress: Progress):
        self.places, self.store, self.manifest, self.old, self.progress = places, store, manifest, old, progress
        self.symbol, self.interval = manifest.symbol, manifest.interval
        self.known = {f["name"]: f for f in manifest.files}

    def run(self, ranges: Ranges, start: int) -> tuple[Manifest, list[str]]:
        plan = self.plan(ranges)
        pieces = self.download(plan.files)
        plan.notes += [p.note for p in pieces if p.note]
        used = [p for p in pieces if p.bars is not None]
        holes = merge_ranges([*plan.holes, *([p.file.start, p.file.end] for p in pieces if p.bars is None)])
        bars = join([p.bars for p in used])
        covered = merge_ranges([*ranges, *([p.file.start, p.file.end] for p in used)])
        asked: list[dict] = []
        failure = None
        try:
            extra, asked = self.complete(bars, used, holes, plan, ranges)
            bars = join([bars, extra])
        except (DataTrouble, ExchangeRefuses) as error:  # keep what was good, then say so
            failure = error
            covered = [[p.file.start, p.file.end] for p in used if not len(self.missing(p.bars, p.file.start, p.file.end))]
        manifest, changes = self.commit(bars, used, covered, asked, plan.notes)
        if failure is not None:
            raise failure
        return manifest, changes

    def plan(self, ranges: Ranges) -> Plan:
        """Return monthly files where published, daily ones for the other months, and the ranges neither holds."""
        place, notes = self.places, []
        wanted = sorted({m for a, b in ranges for m in archive.months(a, b)})
        monthly = self.published("monthly", wanted, notes)
        chosen = [m for m in wanted if m in monthly]
        rest = [m for m in wanted if m not in monthly and (not monthly or m > min(monthly))]
        daily: set[str] = set()
        if rest and self.interval not in archive.MONTHLY_ONLY:
            days = [d for a, b in ranges for d in archive.days(a, b) if d[:7] in set(rest)]
            daily = self.published("daily", days, notes)
            chosen += [d for d in days if d in daily]
        files = [ArchiveFile(place.market, self.symbol, self.interval, date) for date in sorted(set(chosen))]
        holes = [hole for a, b in ranges for hole in uncovered((a, b), [[f.start, f.end] for f in files])]
        known = [ArchiveFile(place.market, self.symbol, self.interval, min(s)).start for s in (monthly, daily) if s]
        return Plan(files, merge_ranges(holes), min(known, default=None), notes)

    def published(self, period: str, dates: list[str], notes: list[str]) -> set[str]:
        """Return the dates of the files the archive has: from its listing, else by asking for each of `dates`."""
        if not dates:
            return set()
        place = self.places
        prefix = archive.folder(place.market, period, self.symbol, self.interval)
        marker = f"{prefix}{self.symbol}-{self.interval}-{min(dates)[:-1]}" if period == "daily" else ""
        try:
            keys, _ = archive.list_folder(place.web, place.listing_url, prefix, marker)
        except DataTrouble as error:
            notes.append(f"listing not used ({str(error).split(':')[0][:90]})")
            return self.probe(period, dates)
        head = f"{prefix}{self.symbol}-{self.interval}-"
        return {k[len(head):-4] for k in keys if k.startswith(head) and k.endswith(".zip")}

    def probe(self, period: str, dates: list[str]) -> set[str]:
        """Return those dates whose CHECKSUM is there, asked one by one; for mirrors without a listing."""
        place = self.places
        files = [ArchiveFile(place.market, self.symbol, self.interval, d) for d in dates]

        def there(file: ArchiveFile) -> bool:
            try:
                place.web.persist(file.name, lambda: archive.fetch_checksum(place.web, place.archive_url, file))
            except Absent:
                return False
            return True

        return {f.date for f, yes in zip(files, self.parallel(there, files), strict=True) if yes}

    def download(self, files: list[ArchiveFile]) -> list[Piece]:
        """Return the pieces of all files, from staging and cache where they are, at most `workers` at a time."""
        if not files:
            return []
        handle = self.progress.add(f"{self.symbol} {self.interval}", len(files), "files")

        def one(file: ArchiveFile) -> Piece:
            piece = self.piece(file)
            self.progress.step(handle)
            return piece

        return self.parallel(one, files)

    def piece(self, file: ArchiveFile) -> Piece:
        place = self.places
        try:
            if file.name in self.known and self.old is not None:
                sha256 = place.web.persist(file.name, lambda: archive.fetch_checksum(place.web, place.archive_url, file))
                if sha256 == self.known[file.name]["sha256"]:
                    return Piece(file, sha256, between(self.old, file.start, file.end))
            if staged := self.store.staged(file.name):
                return Piece(file, staged[1], archive.parse_zip(staged[0], file))
            data, sha256, bars = place.web.persist(file.name, lambda: archive.download(place.web, place.archive_url, file))
        except Absent:
            return Piece(file, "", None, f"{file.name} is listed but it or its CHECKSUM is not there: not used")
        self.store.stage(file.name, data, sha256)
        return Piece(file, sha256, bars)

    def parallel(self, action: Callable, items: list) -> list:
        """Return [action(item)]; the first exception stops the others."""
        pool = ThreadPoolExecutor(self.places.workers, thread_name_prefix="fetch")
        try:
            futures = [pool.submit(action, item) for item in items]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [f for f in futures if f in done and f.exception() is not None]
            if failed:
                raise failed[0].exception()
            return [f.result() for f in futures]
        except BaseException:
            self.places.web.cancelled.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self.places.web.cancelled.clear()

    def missing(self, bars: Bars, start: int, end: int) -> np.ndarray:
        """Return the open times in [start, end) that the calendar asks for, no bar has and no known halt explains."""
        times = archive.expected_times(start, end, self.interval)
        times = times[~np.isin(times, floor_open(bars["time"], self.interval))]
        return times[~stood_still(times, next_open(times, self.interval))]

    def complete(self, bars: Bars, used: list[Piece], holes: Ranges, plan: Plan, ranges: Ranges) -> tuple[Bars, list[dict]]:
        """Return (bars from REST, what it was asked for): holes between files and what short files lack.

        What lies before the archive's first file is asked too, but its absence is normal there.
        """
        found, asked = [], []
        origin = plan.origin if plan.origin is not None else min(a for a, _ in ranges)
        first = int(bars["time"][0]) if len(bars["time"]) else origin
        before = [h for h in holes if h[1] <= origin]
        for start, end in [h for h in holes if h[1] > origin]:
            found.append(self.ask(start, end, asked))
        for p in used:
            times = self.missing(p.bars, p.file.start, p.file.end)
            times = times[(times >= first) | (p.file.start > origin)]
            if len(times):
                got = self.places.rest.at(self.symbol, self.interval, times)
                asked.append({"start": int(times[0]), "end": int(next_open(times[-1:], self.interval)[0]),
                              "rows": len(got["time"])})
                self.note_short(p, times, got, plan.notes)
                found.append(got)
        for start, end in before:
            try:
                found.append(self.ask(start, end, asked))
            except (DataTrouble, ExchangeRefuses) as error:
                plan.notes.append(f"nothing before {iso(origin)} in the archive, and REST did not say ({str(error)[:80]})")
        return join(found), asked

    def note_short(self, piece: Piece, times: np.ndarray, got: Bars, notes: list[str]) -> None:
        notes.append(f"{piece.file.name} lacks {len(times)} bars from {iso(int(times[0]))}: {len(got['time'])} came from REST")

    def ask(self, start: int, end: int, asked: list[dict]) -> Bars:
        expected = len(archive.expected_times(start, end, self.interval))
        if not expected:
            return join([])
        handle = self.progress.add(f"{self.symbol} {self.interval} REST", expected, "bars")
        bars = self.places.rest.bars(self.symbol, self.interval, start, end, lambda n: self.progress.step(handle, n))
        asked.append({"start": start, "end": end, "rows": len(bars["time"])})
        return bars

    def commit(self, bars: Bars, used: list[Piece], covered: Ranges, asked: list[dict], notes: list[str]):
        """Merge with what was cached before, write both files, and say what changed."""
        place, old = self.places, self.manifest
        if asked:
            last = int(floor_open(place.rest.now(), self.interval))
            covered = [[a, min(b, last)] for a, b in covered]
        covered = merge_ranges(covered)
        keep = [[-(2**62), 2**62]]
        for a, b in covered:
            keep = [part for r in keep for part in uncovered((r[0], r[1]), [[a, b]])]
        kept = join([between(self.old, a, b) for a, b in keep]) if self.old is not None else join([])
        merged = join([kept, *(between(bars, a, b) for a, b in covered)])
        changes = differences(self.old, merged, old.covered, self.symbol, self.interval)
        files = {f["name"]: f for f in old.files if not inside(f, covered)} | {
            p.file.name: {"name": p.file.name, "url": f"{place.archive_url.rstrip('/')}/{p.file.path}", "sha256": p.sha256,
                          "rows": len(p.bars["time"]), "start": p.file.start, "end": p.file.end} for p in used}
        rest = [r for r in old.rest if not inside(r, covered)] + [{"url": place.rest_url, **a} for a in asked]
        total = merge_ranges([*old.covered, *covered])
        manifest = replace(
            old, covered=total, gaps=holes_of(merged["time"], self.interval, total), rest=sorted(rest, key=lambda r: r["start"]),
            files=sorted(files.values(), key=lambda f: (f["start"], f["name"])), notes=sorted({*old.notes, *notes}),
            fetched=datetime.fromtimestamp(clock.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        return self.store.commit(merged, manifest), changes


def inside(entry: dict, covered: Ranges) -> bool:
    """Return whether an entry's range lies wholly in one of the covered ones."""
    return any(a <= entry["start"] and entry["end"] <= b for a, b in covered)


def between(bars: Bars, start: int, end: int) -> Bars:
    """Return the bars with start <= time < end of ascending columns."""
    first, last = np.searchsorted(bars["time"], [start, end])
    return {name: column[first:last] for name, column in bars.items()}


def join(parts: list[Bars]) -> Bars:
    """Return parts as one, ascending in time (a stable sort, so repeated times keep their order)."""
    parts = [p for p in parts if len(p["time"])]
    if not parts:
        return {name: np.zeros(0, np.int64 if name == "time" else np.float64) for name in COLUMNS}
    parts.sort(key=lambda p: int(p["time"][0]))
    bars = {name: np.concatenate([p[name] for p in parts]) for name in COLUMNS}
    if (np.diff(bars["time"]) < 0).any():
        order = np.argsort(bars["time"], kind="stable")
        bars = {name: column[order] for name, column in bars.items()}
    return bars


def holes_of(time: np.ndarray, interval: str, covered: Ranges) -> Ranges:
    """Return the covered ranges between two bars that hold none."""
    expected = next_open(time[:-1], interval)
    rows = np.flatnonzero(time[1:] > expected)
    gaps = [[int(expected[i]), int(time[i + 1])] for i in rows]
    return [[max(g[0], c[0]), min(g[1], c[1])] for g in gaps for c in covered if max(g[0], c[0]) < min(g[1], c[1])]


def differences(old: Bars | None, new: Bars, covered: Ranges, symbol: str, interval: str) -> list[str]:
    """Return sentences on how bars inside the ranges that were covered before differ now."""
    if old is None or not len(old["time"]):
        return []
    new = join([between(new, a, b) for a, b in covered])
    both, i, j = np.intersect1d(old["time"], new["time"], return_indices=True)
    said = []
    changed = {n: old[n][i] != new[n][j] for n in COLUMNS[1:]}
    rows = np.logical_or.reduce(list(changed.values())) if len(both) else np.zeros(0, bool)
    if rows.any():
        names = ", ".join(n for n, c in changed.items() if c.any())
        said.append(f"{symbol} {interval}: {int(rows.sum())} bars restated in {names}, {iso(int(both[rows][0]))} "
                    f"to {iso(int(both[rows][-1]))}")
    for word, here, there in (("added", new, old), ("withdrawn", old, new)):
        alone = here["time"][~np.isin(here["time"], there["time"])]
        if len(alone):
            said.append(f"{symbol} {interval}: {len(alone)} bars {word}, {iso(int(alone[0]))} to {iso(int(alone[-1]))}")
    return said


def iso(ms: int) -> str:
    """Return ms UTC as "2024-01-01 00:00"."""
    return str(np.datetime64(int(ms), "ms").astype("datetime64[m]")).replace("T", " ")
