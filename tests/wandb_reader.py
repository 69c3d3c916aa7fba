"""Read the file of an offline W&B run: blocks of 32 KiB in LevelDB's log format around Record messages."""

import json
import struct
import time
from pathlib import Path

PATIENCE = 30.0  # s


def records(path: Path):
    """Yield every Record of a run-*.wandb file; stops where the file is cut short."""
    from wandb.proto import wandb_internal_pb2 as messages

    data = Path(path).read_bytes()
    assert struct.unpack("<4sHB", data[:7])[:2] == (b":W&B", 0xBEE1)
    place, parts = 7, b""
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, size, kind = struct.unpack("<IHB", data[place : place + 7])
        if place + 7 + size > len(data):
            return
        parts += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or last piece
            record = messages.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


class Dashboard:
    """What one offline run holds."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.records = list(records(next(folder.glob("run-*.wandb"))))
        until = time.monotonic() + PATIENCE
        while not self.of("exit") and time.monotonic() < until:  # another process writes the end, and it may be busy
            time.sleep(0.1)
            self.records = list(records(next(folder.glob("run-*.wandb"))))

    def of(self, kind: str) -> list:
        return [getattr(record, kind) for record in self.records if record.WhichOneof("record_type") == kind]

    @property
    def history(self) -> list[dict]:
        return [
            {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in row.item}
            for row in self.of("history")
        ]

    @property
    def keys(self) -> set[str]:
        return {key.split(".")[0] for row in self.history for key in row}

    @property
    def config(self) -> dict:
        run = self.of("run")[0]
        return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in run.config.update}


def dashboards(outputs: Path) -> list[Dashboard]:
    """Return every offline run below a folder."""
    return [Dashboard(path) for path in sorted(outputs.rglob("offline-run-*"))]
