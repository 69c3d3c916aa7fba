"""One series from archive and REST into the cache: plan, download, compare with the calendar, complete, commit."""

from __future__ import annotations

import re
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from candlelab.core.errors import DataTrouble, ExchangeRefuses
from candlelab.core.interval import floor_open, next_open
from candlelab.core.progress import ProgressBars
from candlelab.core.times import iso
from candlelab.market import archive
from candlelab.market.archive import ArchiveFile
from candlelab.market.cache import BarStore, CacheManifest, Ranges, merge_ranges, uncovered
from candlelab.market.merge import Bars, between, differences, holes_of, inside, join, merge_asked, one_of_each, outside
from candlelab.market.outages import stood_still
from candlelab.market.pages import Pages, SingleBars
from candlelab.market.threads import in_threads
from candlelab.market.web import HttpClient, NotFound, UnknownSymbol


@dataclass(frozen=True)
class CacheFolders:
    """Where one market's data can be had."""

    web: HttpClient
    rest: Pages
    market: str
    archive_url: str | None  # None: REST alone
    listing_url: str
    rest_url: str
    workers: int
    begins: int = 1_498_867_200_000  # ms UTC, before the first bar: Binance opened in July 2017

    @property
    def archive(self) -> str:
        """Address of the archive, where there is one."""
        assert self.archive_url is not None, "this market has no archive"
        return self.archive_url


@dataclass(frozen=True)
class Piece:
    """The bars of one archive file; bars None where the archive had none after all."""

    file: ArchiveFile
    sha256: str
    bars: Bars | None
    note: str = ""
    doubtful: np.ndarray = field(
        default_factory=lambda: np.zeros(0, np.int64)
    )  # times of which the file has different versions

    @property
    def held(self) -> Bars:
        """The bars of a file that the archive has."""
        assert self.bars is not None, f"{self.file.name} is not there"
        return self.bars

    @classmethod
    def of(cls, file: ArchiveFile, sha256: str, bars: Bars) -> Piece:
        """Return the piece of a file's rows, the bars that it has in different versions left out: REST is asked for them."""
        bars, doubtful = one_of_each(join([bars]))
        return cls(file, sha256, bars, doubtful=doubtful)


@dataclass
class FetchPlan:
    """What to fetch for some ranges of one series."""

    files: list[ArchiveFile]
    holes: Ranges  # ranges no file covers
    origin: int | None  # first open time any file may hold
    notes: list[str] = field(default_factory=list)


def collect(
    places: CacheFolders,
    store: BarStore,
    blank: CacheManifest,
    wanted: tuple[int, int],
    *,
    refresh: bool,
    progress: ProgressBars,
) -> tuple[CacheManifest, list[str]]:
    """Bring the cached series up to `wanted` [start, end) and return (manifest, what changed on a refresh).

    Makes no request and touches no file if everything is there. Raises DataTrouble or ExchangeRefuses; what was good
    by then is kept.
    """
    manifest = store.manifest() or blank
    if not refresh and not uncovered(wanted, manifest.covered):
        store.tidy()
        return manifest, []
    with store.locked():
        manifest = store.manifest() or blank
        ranges = uncovered(wanted, manifest.covered)
        if refresh:
            ranges = merge_ranges([*manifest.covered, list(wanted)])
        if not ranges:
            return manifest, []
        old = store.read() if manifest.rows else None
        return _Collection(places, store, manifest, old, progress).run(ranges)


class _Collection:
    """The work inside the lock."""

    def __init__(
        self, places: CacheFolders, store: BarStore, manifest: CacheManifest, old: Bars | None, progress: ProgressBars
    ):
        self.places, self.store, self.manifest, self.old, self.progress = places, store, manifest, old, progress
        self.symbol, self.interval = manifest.symbol, manifest.interval
        self.known = {f["name"]: f for f in manifest.files}
        self.found: list[Bars] = []  # from REST
        self.asked: list[dict] = []  # what REST was asked, as the manifest says it
        self.reached: Ranges = []  # what REST has answered whole
        self.unread = ""  # why the listing was not read

    def run(self, ranges: Ranges) -> tuple[CacheManifest, list[str]]:
        """Fetch the ranges and commit them; on a failure commit what was whole, then raise."""
        plan = self.plan(ranges)
        pieces = self.download(plan.files)
        plan.notes += [p.note for p in pieces if p.note]
        used = [p for p in pieces if p.bars is not None]
        plan.holes = merge_ranges([*plan.holes, *([p.file.start, p.file.end] for p in pieces if p.bars is None)])
        covered = merge_ranges([*ranges, *([p.file.start, p.file.end] for p in used)])
        failure = None
        try:
            self.complete(used, plan)
        except (DataTrouble, ExchangeRefuses) as error:  # keep what was good, then say so
            failure = error
            covered = merge_ranges([*self.reached, *(r for p in used for r in self.whole(p))])
        manifest, changes = self.commit(used, covered, plan.notes)
        if failure is not None:
            raise failure
        return manifest, changes

    def whole(self, piece: Piece) -> Ranges:
        """Return the parts of a file's range in which no bar is unexplainedly missing."""
        times = np.union1d(self.missing(piece.held, piece.file), piece.doubtful)
        lacking = merge_ranges([[int(t), int(n)] for t, n in zip(times, next_open(times, self.interval), strict=True)])
        return uncovered((piece.file.start, piece.file.end), lacking)

    def plan(self, ranges: Ranges) -> FetchPlan:
        """Return monthly files where published, daily ones for the other months, and the ranges neither holds."""
        place = self.places
        notes: list[str] = []
        if place.archive_url is None:
            return FetchPlan([], merge_ranges(ranges), None)
        wanted = sorted({m for a, b in ranges for m in archive.months_between(a, b)})
        monthly = self.published("monthly", wanted, "", notes)
        chosen = [m for m in wanted if m in monthly]
        rest = [m for m in wanted if m not in monthly and (not monthly or m > min(monthly))]
        daily: set[str] = set()
        if rest and self.interval not in archive.MONTHLY_ONLY:
            days = [d for a, b in ranges for d in archive.days(a, b) if d[:7] in set(rest)]
            daily = self.published("daily", days, min(days) if monthly else "", notes)
            chosen += [d for d in days if d in daily]
        files = [ArchiveFile(place.market, self.symbol, self.interval, date) for date in sorted(set(chosen))]
        holes = [hole for a, b in ranges for hole in uncovered((a, b), [[f.start, f.end] for f in files])]
        known = [ArchiveFile(place.market, self.symbol, self.interval, min(s)).start for s in (monthly, daily) if s]
        known += [] if self.manifest.first is None else [self.manifest.first]
        return FetchPlan(files, merge_ranges(holes), min(known, default=None), notes)

    def published(self, period: str, dates: list[str], seek: str, notes: list[str]) -> set[str]:
        """Return the dates of the files the archive has, from its listing (from `seek` on), else by asking for each of `dates`."""
        if not dates:
            return set()
        place = self.places
        prefix = archive.folder(place.market, period, self.symbol, self.interval)
        marker = f"{prefix}{self.symbol}-{self.interval}-{seek[:-1]}" if seek else ""
        if self.unread:  # patience is spent once
            return self.probe(period, dates)
        try:
            keys, _ = archive.list_folder(place.web, place.listing_url, prefix, marker)
        except (DataTrouble, ExchangeRefuses) as error:
            if place.web.banned:
                raise
            self.unread = f"the archive's listing was not read ({str(error).split(', needed for')[0][:90]})"
            notes.append(self.unread)
            return self.probe(period, dates)
        name = re.compile(
            re.escape(f"{prefix}{self.symbol}-{self.interval}-") + r"(\d{4}-\d\d(?:-\d\d)?)\.zip"
        )  # not the odd "2020-8"
        return {hit.group(1) for hit in map(name.fullmatch, keys) if hit}

    def probe(self, period: str, dates: list[str]) -> set[str]:
        """Return those dates whose CHECKSUM is there, asked one by one; for mirrors without a listing."""
        place = self.places
        files = [ArchiveFile(place.market, self.symbol, self.interval, d) for d in dates]

        def there(file: ArchiveFile) -> bool:
            try:
                place.web.retry(file.name, lambda: archive.fetch_checksum(place.web, place.archive, file))
            except NotFound:
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
        """Return one file's bars: from the cache if its CHECKSUM has not changed, from staging, else downloaded and staged."""
        place = self.places
        try:
            if file.name in self.known and self.old is not None:
                sha256 = place.web.retry(file.name, lambda: archive.fetch_checksum(place.web, place.archive, file))
                bars = between(self.old, file.start, file.end)
                if sha256 == self.known[file.name]["sha256"] and len(bars["time"]) == self.known[file.name]["rows"]:
                    return Piece(
                        file, sha256, bars
                    )  # a short file that REST completed is read again, to tell whose bars are whose
            if staged := self.store.staged(file.name):
                return Piece.of(file, staged[1], archive.parse_zip(staged[0], file))
            data, sha256, bars = place.web.retry(file.name, lambda: archive.download(place.web, place.archive, file))
        except NotFound:
            return Piece(file, "", None, f"{file.name} is listed but it or its CHECKSUM is not there: not used")
        self.store.stage(file.name, data, sha256)
        return Piece.of(file, sha256, bars)

    def parallel(self, action: Callable, items: list) -> list:
        """Return [action(item)]; the first exception stops the others."""
        return in_threads(action, items, self.places.workers, self.places.web.cancelled)

    def missing(self, bars: Bars, file: ArchiveFile) -> np.ndarray:
        """Return the open times the calendar asks of a file, no bar has and no known halt explains."""
        times = archive.expected_times(file.start, file.end, self.interval)
        if np.array_equal(times, bars["time"]):
            return times[:0]
        times = times[~np.isin(times, floor_open(bars["time"], self.interval))]
        return times[~stood_still(times, next_open(times, self.interval))]

    def complete(self, used: list[Piece], plan: FetchPlan) -> None:
        """Ask REST for the holes between files and for what short files lack.

        What lies before the archive's first bar is asked too, but there its absence is normal.
        """
        origin = plan.origin
        before = [h for h in plan.holes if origin is not None and h[1] <= origin]
        for start, end in plan.holes:
            if [start, end] not in before:
                self.ask_or_doubt(start, end, origin)
        for piece in used:
            times = self.missing(piece.held, piece.file)
            if piece.file.start == origin and len(times) and times[0] < piece.held["time"][0]:
                before.append([origin, int(piece.held["time"][0])])  # the listing day: trade began inside the file
                times = times[times >= piece.held["time"][0]]
            times = np.union1d(times, piece.doubtful)
            if len(times):
                self.fill(piece, times, plan.notes)
        for start, end in merge_ranges(before):
            try:
                self.ask(start, end)
            except (DataTrouble, ExchangeRefuses) as error:
                plan.notes.append(f"nothing before {iso(end)} in the archive, and REST did not say ({str(error)[:80]})")
                return  # patience is spent once

    def ask_or_doubt(self, start: int, end: int, origin: int | None) -> None:
        """Ask REST; if it fails and the archive lists no such symbol either, the symbol is what is wrong."""
        try:
            self.ask(start, end)
        except DataTrouble:
            if origin is None and self.places.archive_url is not None and self.unlisted():
                raise UnknownSymbol(self.symbol) from None
            raise

    def unlisted(self) -> bool:
        """Return whether the archive's listing is there and has no folder of the symbol."""
        place = self.places
        folders = [archive.folder(place.market, period, self.symbol, "") for period in ("monthly", "daily")]
        try:
            return not any(any(archive.list_folder(place.web, place.listing_url, f[:-1])) for f in folders)
        except DataTrouble:
            return False

    def fill(self, piece: Piece, times: np.ndarray, notes: list[str]) -> None:
        """Get single bars a file lacks from REST."""
        rest = self.places.rest
        assert isinstance(rest, SingleBars), "files are filled up where the exchange gives single bars"
        bars = rest.at(self.symbol, self.interval, times)
        self.found.append(bars)
        end = int(next_open(times[-1:], self.interval)[0])
        self.asked.append({"url": self.places.rest_url, "start": int(times[0]), "end": end, "rows": len(bars["time"])})
        self.reached += [[int(t), int(n)] for t, n in zip(times, next_open(times, self.interval), strict=True)]
        lacking = times[~np.isin(times, piece.doubtful)]
        if len(lacking):
            notes.append(
                f"{piece.file.name} lacks {len(lacking)} bars from {iso(lacking[0])}: "
                f"{int(np.isin(lacking, bars['time']).sum())} came from REST"
            )
        for time in piece.doubtful[:5]:
            believed = (
                f"that of {self.places.rest_url} was believed"
                if time in bars["time"]
                else "REST has none, so none was kept"
            )
            notes.append(f"{piece.file.name} holds different versions of the bar of {iso(time)}: {believed}")
        if len(piece.doubtful) > 5:
            notes.append(
                f"{piece.file.name} holds different versions of {len(piece.doubtful) - 5} more bars: REST was believed"
            )

    def ask(self, start: int, end: int) -> None:
        """Get a whole range from REST, page by page, keeping each page even if a later one fails."""
        expected = len(archive.expected_times(start, end, self.interval))
        if not expected:
            return
        handle = self.progress.add(f"{self.symbol} {self.interval} REST", expected, "bars")
        entry: dict[str, Any] = {"url": self.places.rest_url, "start": start, "end": start, "rows": 0}
        self.asked.append(entry)
        for bars, until in self.places.rest.pages(self.symbol, self.interval, start, end):
            self.found.append(bars)
            entry["end"], entry["rows"] = until, entry["rows"] + len(bars["time"])
            self.reached = merge_ranges([*self.reached, [start, until]])
            self.progress.step(handle, len(bars["time"]))

    def commit(self, used: list[Piece], covered: Ranges, notes: list[str]) -> tuple[CacheManifest, list[str]]:
        """Merge with what was cached before, write both files, and say what changed."""
        old = self.manifest
        if self.reached:  # then the server's time is known; else what was asked for came from the archive alone
            last = int(floor_open(self.places.rest.now(), self.interval))
            covered = merge_ranges([[a, min(b, last)] for a, b in covered])
        fresh = join([*(p.held for p in used), *self.found])
        kept = [between(self.old, a, b) for a, b in outside(covered)] if self.old is not None else []
        merged = join([*kept, *(between(fresh, a, b) for a, b in covered)])
        changes = differences(self.old, merged, old.covered, f"{self.symbol} {self.interval}")
        total = merge_ranges([*old.covered, *covered])
        old_notes = old.notes if any(uncovered((a, b), covered) for a, b in old.covered) else []
        manifest = replace(
            old,
            covered=total,
            gaps=holes_of(merged["time"], self.interval, total),
            notes=sorted({*old_notes, *notes}),
            files=self.entries(used, covered),
            rest=merge_asked([r for r in old.rest if not inside(r, covered)] + self.asked),
            fetched=datetime.fromtimestamp(clock.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        return self.store.commit(merged, manifest), changes

    def entries(self, used: list[Piece], covered: Ranges) -> list[dict]:
        """Return the manifest's lines on archive files: earlier ones outside the covered ranges, and the new ones."""
        files = {f["name"]: f for f in self.manifest.files if not inside(f, covered)}
        for p in used:
            files[p.file.name] = {
                "name": p.file.name,
                "url": f"{self.places.archive.rstrip('/')}/{p.file.path}",
                "sha256": p.sha256,
                "rows": len(p.held["time"]),
                "start": p.file.start,
                "end": p.file.end,
            }
        return sorted(files.values(), key=lambda f: (f["start"], f["name"]))
