"""Data set audit: order of files, duplicates and overlapping windows across parts, order of parts, balance, constant pictures."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

from candlelab.audit.pictures import FEWEST, LabelledPictures, beside_the_picture, coarse, in_the_picture
from candlelab.audit.record import Audit, AuditFinding, Check, audit_of
from candlelab.core.times import iso

NAMES = ("training", "validation", "test")
SIDE = 16  # cells a side of a perceptual hash: 256 bits
CLOSE = 2  # bits by which the hashes of near duplicates may differ
MANY = 0.02  # share of test pictures with a twin in training from which scores are not to be believed
STRIP = 0.3  # of the drawn width that two windows which overlap have in common


def hashes(pictures: LabelledPictures) -> list[str]:
    """Return a hash of the pixels of each picture."""
    return [hashlib.blake2b(image.tobytes(), digest_size=12).hexdigest() for image in pictures.images]


def sorted_by_class(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    """Yield a finding if the place of a file among the others tells its class."""
    label = pictures.label
    changes = int((np.diff(label) != 0).sum())
    shares = np.bincount(label, minlength=len(pictures.classes)) / len(label)
    expected = (len(label) - 1) * (1 - (shares**2).sum())
    period = _period(label)
    if changes <= 4 * len(pictures.classes) and expected > 40:
        seen = f"the label changes {changes} times in {len(label):,} files, {expected:.0f} times in a shuffled set"
    elif period is not None:
        seen = f"the label of a file is that of the file {period} places before in {np.mean(label[period:] == label[:-period]):.1%} of the cases"
    else:
        return
    yield AuditFinding(
        "label readable from the order",
        "doubt" if period is None and pictures.part is not None else "leak",
        f"order, files 1 to {len(label):,}",
        f"{seen}: whoever deals by position deals by class",
        "order the files by time, or by a hash of their bytes",
        value=float(changes),
        chance=float(expected),
    )


def _period(label: np.ndarray) -> int | None:
    """A short period with which labels repeat far more often than they agree by chance."""
    shares = np.bincount(label) / len(label)
    if shares @ shares > 0.8 or np.mean(label[1:] == label[:-1]) > 0.9:
        return None
    for period in range(2, 13):
        if len(label) > 20 * period and np.mean(label[period:] == label[:-period]) > 0.95:
            return period
    return None


def repeated_pictures(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    """Yield findings on pictures that stand in two parts, pixel for pixel or nearly, and on equal pictures with other labels."""
    keys = hashes(pictures)
    yield from _disagreeing(pictures, keys)
    if pictures.part is None:
        return
    train, test = (np.flatnonzero(pictures.part == code) for code in (0, 2))
    seen = {keys[k]: int(k) for k in train}
    same = [int(k) for k in test if keys[k] in seen]
    if same:
        yield _twins(pictures, "exact duplicates across parts", same, [seen[keys[k]] for k in same], "pixel for pixel")
    near, twins = near_duplicates(pictures, train, np.setdiff1d(test, same))
    if len(near) >= max(1, MANY * len(test)):
        yield _twins(pictures, "near duplicates across parts", near, twins, "but for a few cells")


def _twins(pictures: LabelledPictures, name: str, mine: list[int], theirs: list[int], how: str) -> AuditFinding:
    tested = max(1, int(np.sum(pictures.part == 2)))
    share = len(mine) / tested
    return AuditFinding(
        name,
        "leak" if share >= MANY or len(mine) > 20 else "doubt",
        f"part, {_name(pictures, mine[0])} and {_name(pictures, theirs[0])}",
        f"{len(mine):,} of {tested:,} test pictures stand in training too, {how}",
        "take them out of training, and cut by time",
        value=share,
        pictures=((_shown(pictures, mine[0]), "test"), (_shown(pictures, theirs[0]), "training")),
    )


def _name(pictures: LabelledPictures, number: int) -> str:
    return f"picture {number}" if pictures.names is None else str(pictures.names[number])


def _shown(pictures: LabelledPictures, number: int) -> np.ndarray:
    image = pictures.images[number]
    return image[:3] if len(image) >= 3 else image[:1]


def near_duplicates(pictures: LabelledPictures, train: np.ndarray, test: np.ndarray) -> tuple[list[int], list[int]]:
    """Return the test pictures whose perceptual hash lies within a few bits of a training picture's, and those.

    The hash says of each of 256 cells whether it is darker than its right neighbour (dHash).
    """
    if not len(train) or not len(test):
        return [], []
    bits = perceptual(pictures.images)
    packed = np.packbits(bits, axis=1).view(np.uint64)
    mine, theirs = [], []
    for k in test.tolist():
        apart = (
            np.bitwise_count(packed[train] ^ packed[k]).sum(1)
            if hasattr(np, "bitwise_count")
            else (bits[train] != bits[k]).sum(1)
        )
        best = int(np.argmin(apart))
        if apart[best] <= CLOSE and 16 < bits[k].sum() < bits.shape[1] - 16:
            mine.append(k)
            theirs.append(int(train[best]))
    return mine, theirs


def perceptual(images: np.ndarray) -> np.ndarray:
    """Return (n, 256) bool: is a cell brighter than its right neighbour by more than a shade?"""
    cells = coarse(images.mean(1, dtype=np.float32)[:, None], SIDE, SIDE + 1).reshape(len(images), SIDE, SIDE + 1)
    return (cells[..., :-1] > cells[..., 1:] + 1.0).reshape(len(images), -1)


def _disagreeing(pictures: LabelledPictures, keys: list[str]) -> Iterator[AuditFinding]:
    labels: dict[str, set[int]] = defaultdict(set)
    first: dict[str, int] = {}
    for k, (key, label) in enumerate(zip(keys, pictures.label.tolist(), strict=True)):
        labels[key].add(label)
        first.setdefault(key, k)
    torn = [first[key] for key, found in labels.items() if len(found) > 1]
    if torn:
        count = sum(len(labels[key]) > 1 for key in keys)
        yield AuditFinding(
            "labels disagree on identical pictures",
            "doubt" if count > 0.01 * len(keys) else "note",
            f"label, {_name(pictures, torn[0])}",
            f"{count:,} pictures have a twin with another label: no net can be right about both",
            "look at how these labels were made",
            value=count / len(keys),
        )


def overlapping_windows(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    """Yield a finding if windows of training and test share bars: by their times, else by strips of the same pixels."""
    if pictures.part is None:
        return
    if pictures.time is not None and pictures.window is not None:
        yield from _by_time(pictures, pictures.time)
    else:
        yield from _by_strips(pictures)


def _by_time(pictures: LabelledPictures, time: np.ndarray) -> Iterator[AuditFinding]:
    symbols = np.asarray(pictures.symbol if pictures.symbol is not None else ["" for _ in range(len(pictures))])
    shared: list[int] = []
    for symbol in np.unique(symbols):
        mine = symbols == symbol
        step = _step(time[mine])
        reach = ((pictures.window or 1) + (pictures.horizon or 1)) * step
        train = np.sort(time[mine & (pictures.part == 0)])
        test = np.flatnonzero(mine & (pictures.part == 2))
        near = np.searchsorted(train, time[test] + reach, "left") > np.searchsorted(train, time[test] - reach, "right")
        shared += test[near].tolist()
    tested = int(np.sum(pictures.part == 2))
    bordering = 2 * ((pictures.window or 1) + (pictures.horizon or 1)) * len(np.unique(symbols))
    if len(shared) > bordering or (shared and len(shared) > 0.5 * tested):
        yield _overlap(pictures, shared, tested, iso(int(time[shared[0]])))


def _step(time: np.ndarray) -> int:
    steps = np.diff(np.unique(time))
    return int(np.median(steps)) if len(steps) else 1


def _by_strips(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    train, test = (np.flatnonzero(pictures.part == code) for code in (0, 2))
    seen = {key for k in train.tolist() for key in strips(pictures, k, every=1)}
    shared = [k for k in test.tolist() if any(key in seen for key in strips(pictures, k, every=pictures.candle))]
    at_the_border = 2 * (pictures.window or 20)
    if len(test) and len(shared) > max(at_the_border, 0.05 * len(test)):
        yield _overlap(pictures, shared, len(test), _name(pictures, shared[0]))


def _overlap(pictures: LabelledPictures, shared: list[int], tested: int, place: str) -> AuditFinding:
    return AuditFinding(
        "windows overlap across parts",
        "leak",
        f"part, {place}",
        f"{len(shared):,} of {tested:,} test windows show bars that a training window shows too: the test is not new",
        "cut by time, and leave a window and a horizon between the parts",
        value=len(shared) / max(1, tested),
        pictures=((_shown(pictures, shared[0]), "a test window that overlaps training"),),
    )


def strips(pictures: LabelledPictures, number: int, *, every: int) -> Iterator[bytes]:
    """Yield hashes of strips of columns of a picture, `every` columns apart, those without enough ink left out."""
    first, last = pictures.ink
    wide = max(3, round(STRIP * (last + 1 - first)))
    columns = np.ascontiguousarray(pictures.images[number].transpose(2, 0, 1))
    inked = (columns != columns[:, :, :1]).reshape(len(columns), -1).any(1)
    for start in range(first, last + 2 - wide, every):
        if inked[start : start + wide].mean() > 0.4:
            yield hashlib.blake2b(columns[start : start + wide].tobytes(), digest_size=12).digest()


def order_of_the_parts(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    """Yield findings if the parts do not follow each other in time, or stand nearer than a window and a horizon."""
    if pictures.part is None or pictures.time is None:
        return
    spans = {code: pictures.time[pictures.part == code] for code in (0, 1, 2) if (pictures.part == code).any()}
    for earlier, later in ((0, 1), (0, 2), (1, 2)):
        if earlier not in spans or later not in spans:
            continue
        inside = float((spans[earlier] >= spans[later].min()).mean())
        if inside > 0.01:
            yield AuditFinding(
                "parts not in the order of time",
                "leak" if inside > 0.3 else "doubt",
                f"part, {iso(int(spans[later].min()))}",
                f"{inside:.1%} of the {NAMES[earlier]} pictures are not older than the first {NAMES[later]} picture",
                "cut the set at dates",
                value=inside,
            )
            return


def class_balance(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    """Yield a finding if the shares of the classes differ between the parts by more than a sixth, or a class is not tested."""
    if pictures.part is None:
        return
    counts = [np.bincount(pictures.label[pictures.part == code], minlength=len(pictures.classes)) for code in (0, 2)]
    if min(count.sum() for count in counts) < 30:
        return
    shares = [count / count.sum() for count in counts]
    gap = np.abs(shares[0] - shares[1])
    if gap.max() > 1 / 6 and len(pictures) > 300:
        name = pictures.classes[int(gap.argmax())]
        yield AuditFinding(
            "classes in other shares",
            "doubt",
            f"part, {name}",
            f"{name} is {shares[0][gap.argmax()]:.0%} of training and {shares[1][gap.argmax()]:.0%} of test",
            "judge by balanced accuracy, and look at how the parts were cut",
            value=float(gap.max()),
        )


def constant_pictures(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    """Yield a finding if pictures show nothing."""
    flat = pictures.images.reshape(len(pictures), pictures.images.shape[1], -1)
    empty = np.flatnonzero((flat.max(2) == flat.min(2)).all(1))
    if len(empty):
        yield AuditFinding(
            "constant pictures",
            "doubt" if len(empty) > 0.005 * len(pictures) else "note",
            f"images, {_name(pictures, int(empty[0]))}",
            f"{len(empty):,} pictures are of one colour",
            "take them out",
            value=len(empty) / len(pictures),
        )


def class_colours(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    """Yield a finding if classes are drawn with colours of their own."""
    if pictures.images.shape[1] < 3:
        return
    own: dict[int, set[int]] = {}
    for label in range(len(pictures.classes)):
        rows = np.flatnonzero(pictures.label == label)[:100]
        seen: Counter[int] = Counter()
        for k in rows.tolist():
            levels = (pictures.images[k, :3] >> 6).astype(np.int32)
            found, counts = np.unique(levels[0] * 16 + levels[1] * 4 + levels[2], return_counts=True)
            seen.update(found[counts >= 6].tolist())
        own[label] = {code for code, count in seen.items() if count >= 0.9 * max(1, len(rows))}
    anywhere = {label: set().union(*(own[other] for other in own if other != label)) for label in own}
    apart = {label: own[label] - anywhere[label] for label in own}
    named = [label for label, codes in apart.items() if codes]
    if named and len(pictures) >= 20 * len(pictures.classes):
        code = min(apart[named[0]])
        colour = "#" + "".join(f"{64 * level + 32:02x}" for level in (code // 16, code // 4 % 4, code % 4))
        yield AuditFinding(
            "class colours",
            "leak",
            f"images, {pictures.classes[named[0]]}",
            f"{len(named)} of {len(pictures.classes)} classes are drawn in a colour of their own, {pictures.classes[named[0]]} in about {colour}: "
            "the class can be told without any shape",
            "draw every class with the same colours",
            value=len(named) / len(pictures.classes),
        )


def audit_labelled(pictures: LabelledPictures, subject: str) -> Audit:
    """Return what is wrong with a set of labelled pictures that claims to be a forecast."""
    enough = len(pictures) >= FEWEST and len(np.unique(pictures.label)) > 1
    checks: list[Check] = [
        ("duplicates", repeated_pictures(pictures)),
        ("overlap of windows", overlapping_windows(pictures)),
        ("order of the files", sorted_by_class(pictures)),
        ("order of the parts", order_of_the_parts(pictures)),
        ("balance of the parts", class_balance(pictures)),
        ("constant pictures", constant_pictures(pictures)),
        ("class colours", class_colours(pictures)),
    ]
    unchecked = list(_unknown(pictures))
    if enough:
        checks = [
            ("label in the picture", in_the_picture(pictures)),
            ("label beside the picture", beside_the_picture(pictures)),
            *checks,
        ]
    else:
        unchecked.append(("label in the picture", f"{len(pictures)} pictures are too few to learn from"))
    return audit_of(subject, "this data set cannot support a forecast claim", checks, unchecked)


def _unknown(pictures: LabelledPictures) -> Iterator[tuple[str, str]]:
    if pictures.part is None:
        for name in ("overlap of windows", "balance of the parts"):
            yield name, "the set has no parts of its own"
    if pictures.part is None or pictures.time is None:
        yield "order of the parts", "nothing is known of times or parts"
    if pictures.images.shape[1] < 3:
        yield "class colours", "the pictures are grey"
