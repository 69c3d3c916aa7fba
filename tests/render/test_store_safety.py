"""Two builders of one store, and a store that was damaged after it was built."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import zstandard
from render_cases import chart, walk
from test_store import storage

from candlelab.core.errors import UserError
from candlelab.render.storage import zarr_array
from candlelab.render.storage.build import build_store, building, set_aside
from candlelab.render.storage.storage import Pictures
from candlelab.render.storage.store import open_store

SCRIPT = """
import sys; sys.path[:0] = {paths!r}
from pathlib import Path
from render_cases import chart, walk
from test_store import storage
from candlelab.render.storage.build import build_store
tape = walk(400)
build_store(tape, list(range(60, 400)), chart("ohlc_bars"), storage({kind!r}), {{}}, Path({path!r}), progress=None)
"""


def built(path: Path, kind: str = "npz"):
    return build_store(walk(400), list(range(60, 400)), chart("ohlc_bars"), storage(kind), {}, path, progress=None)


@pytest.mark.parametrize("kind", [pytest.param("npz", marks=pytest.mark.slow), "zarr"])
def test_two_builders_of_one_store_leave_it_whole(tmp_path, kind):
    here = Path(__file__).parent
    script = SCRIPT.format(paths=[str(here), str(here.parent)], kind=kind, path=str(tmp_path / "store"))
    both = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    open_store(tmp_path / "store").verify()


def test_a_second_builder_waits_for_the_first(tmp_path):
    done = threading.Event()
    with building(tmp_path / "store"):
        second = threading.Thread(target=lambda: (built(tmp_path / "store"), done.set()))
        second.start()
        assert not done.wait(0.2)
    second.join(60)
    assert done.is_set()


@pytest.mark.parametrize(
    "damage", [lambda file: file.write_bytes(b"x"), lambda file: file.unlink(), lambda file: flip(file)]
)
@pytest.mark.parametrize("name", ["manifest.json", "index.parquet", "images*.npz"])
def test_a_damaged_store_is_set_aside_and_built_again(tmp_path, name, damage):
    whole = built(tmp_path / "store")[:3].copy()
    damage(next((tmp_path / "store").glob(name)))
    assert set_aside(tmp_path / "store") == tmp_path / "store.damaged"
    assert (built(tmp_path / "store")[:3] == whole).all()


def test_a_whole_store_stays_where_it_is(tmp_path):
    built(tmp_path / "store")
    assert set_aside(tmp_path / "store") is None


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_a_chunk_that_unpacks_to_more_than_its_picture_is_refused_unread():
    codec = zstandard.ZstdDecompressor()
    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 24))
    with pytest.raises(UserError, match="would unpack to 16777216 bytes instead of 64"):
        zarr_array._decode(bomb, codec, Pictures((1, 8, 8), None), np.empty((1, 8, 8), np.uint8))
