"""A file system that fails: every write of this process is counted, and one of them is refused, or what was not flushed is lost.

The calls of Python that change files are patched: opening for writing, os.open, os.fsync, os.replace, os.rename, os.unlink, os.mkdir.
What a library writes by itself is seen when it is flushed.
"""

import builtins
import errno
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CALLS = ("open", "fsync", "replace", "rename", "unlink", "mkdir")


class Disk:
    """Counts the calls below a folder and hands each to `at`, which may raise.

    events  (call, path) in order.
    """

    def __init__(self, root: Path, at: Callable[[int, str, Path], None]):
        self.root, self.at, self.events = Path(os.path.realpath(root)), at, []
        self.turn = threading.RLock()  # checkpoints are written by a thread

    def note(self, call: str, path) -> None:
        place = Path(os.path.realpath(path) if call != "unlink" else os.path.abspath(path))
        if place.is_relative_to(self.root) and place.name not in (".lock", ".owner"):
            with self.turn:
                self.events.append((call, place))
                self.at(len(self.events) - 1, call, place)


@contextmanager
def patched(disk: Disk, monkeypatch) -> Iterator[Disk]:
    """Let a disk see every change that this process makes below its folder."""
    real_open, real_fsync = io.open, os.fsync

    def opened(file, mode="r", *args, **kwargs):
        if isinstance(file, (str, os.PathLike)) and any(letter in mode for letter in "wax+"):
            disk.note("open", file)
        return real_open(file, mode, *args, **kwargs)

    def synced(descriptor):
        disk.note(
            "fsync", os.readlink(f"/proc/self/fd/{descriptor if isinstance(descriptor, int) else descriptor.fileno()}")
        )
        return real_fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", opened)
        patch.setattr(io, "open", opened)
        patch.setattr(os, "fsync", synced)
        for name in ("replace", "rename"):
            patch.setattr(os, name, _seen(disk, name, getattr(os, name), target=1))
        for name in ("unlink", "mkdir"):
            patch.setattr(os, name, _seen(disk, name, getattr(os, name), target=0))
        yield disk


def _seen(disk: Disk, name: str, real: Callable, *, target: int) -> Callable:
    def call(*args, **kwargs):
        if target < len(args) and isinstance(args[target], (str, os.PathLike)) and "dir_fd" not in kwargs:
            disk.note(name, args[target])
        return real(*args, **kwargs)

    return call


def refusing(number: int, code: int) -> Callable[[int, str, Path], None]:
    """Refuse one call and, as a full or read-only disk does, all that follow but removals."""

    def at(k: int, call: str, path: Path) -> None:
        if k >= number and call != "unlink":
            raise OSError(code, os.strerror(code), str(path))

    return at


FULL, READ_ONLY = errno.ENOSPC, errno.EROFS


class PowerCut:
    """What a disk holds after each call when nothing that was not flushed is kept.

    lazy    names reach the disk only when their folder is flushed: name -> inode, or the content of a file that is gone since.
    eager   names reach it at once, contents only when flushed: a file that was renamed before it was flushed is empty.
    states  both, after every call that changed them, without temporary files: relative path -> content.
    """

    def __init__(self, root: Path):
        self.root, self.states = Path(os.path.realpath(root)), []
        self.contents = {path.stat().st_ino: path.read_bytes() for path in self._files()}
        self.lazy: dict[str, int | bytes] = {self._name(path): path.stat().st_ino for path in self._files()}

    def at(self, k: int, call: str, path: Path) -> None:
        """Take in what the calls so far have made lasting; called before each call."""
        live = self._live()
        nodes = set(live.values())
        self.lazy = {
            name: self.contents.get(node, b"") if isinstance(node, int) and node not in nodes else node
            for name, node in self.lazy.items()
        }
        self.contents = {node: data for node, data in self.contents.items() if node in nodes}
        if call == "fsync" and path.is_file():
            self.contents[path.stat().st_ino] = path.read_bytes()
        if call == "fsync" and path.is_dir():
            self.lazy = {name: node for name, node in self.lazy.items() if (self.root / name).parent != path}
            self.lazy |= {name: node for name, node in live.items() if (self.root / name).parent == path}
        for names in (self.lazy, live):
            state = {
                name: node if isinstance(node, bytes) else self.contents.get(node, b"") for name, node in names.items()
            }
            state = {name: data for name, data in state.items() if not name.endswith((".tmp", ".lock", ".owner"))}
            self.states += [] if state in self.states else [state]

    def _live(self) -> dict[str, int]:
        """Name -> inode of what is there; a thread may rename a file while it is looked at."""
        found = {}
        for each in self._files():
            with suppress(FileNotFoundError):
                found[self._name(each)] = each.stat().st_ino
        return found

    def _files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file()]

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def restored(state: dict[str, bytes], root: Path) -> None:
    """Write a state of a disk into an empty folder."""
    for name, data in state.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
