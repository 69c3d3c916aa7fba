"""Stores give back what was drawn, or refuse."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from render_cases import CONF, changed, chart, walk

from candlelab import config
from candlelab.config.catalogue import with_parts
from candlelab.render.storage.build import build_store, estimate
from candlelab.render.storage.store import Stored, describe_store, find_stores, is_store, open_store, unfinished

ENDS = np.arange(60, 200)
BESIDE = {
    "label": ENDS % 3,
    "split": np.where(ENDS < 150, "train", "test"),
    "caption": np.array([f"bar {end}" for end in ENDS]),
}
SMALL = {"zarr": {"images_per_shard": 32}, "hdf5": {}, "npz": {"images_per_file": 50}, "png": {"images_per_file": 40}}
BATCH = {
    "zarr": {"mode": "batch", "images_per_file": 50, "images_per_shard": 20},
    "hdf5": {"mode": "batch", "images_per_file": 30},
    "npz": {"mode": "single"},
}
KINDS = [*SMALL.items(), *BATCH.items()]


class Killed(BaseException):
    """Stands for a process that ends here."""


def storage(kind: str, **changes):
    settings = with_parts(CONF / "storage" / f"{kind}.yaml")
    return config.locate(settings.pop("_target_"))(**{**settings, **changes})


def build(path: Path, style: str = "ohlc_bars", kind: str = "zarr", progress=None, tape=None, **changes):
    renderer = chart(style, **({"height": 64} if style == "ohlc_bars" else {}))
    return build_store(
        tape or walk(), ENDS, renderer, storage(kind, **(changes or SMALL[kind])), BESIDE, path, progress=progress
    )


def stopping_at(pictures: int):
    def progress(done: int, total: int) -> None:
        if done >= pictures:
            raise Killed

    return progress


def tree(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("built") / "store"
    build(path)
    return path


@pytest.fixture
def store_copy(built, tmp_path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "copy"))


@pytest.mark.parametrize("style", ["ohlc_bars", "candles", "gramian"])
@pytest.mark.parametrize(("kind", "changes"), KINDS, ids=[f"{k}-{len(c)}" for k, c in KINDS])
def test_every_store_gives_back_what_was_drawn(tmp_path, style, kind, changes):
    renderer = chart(style, **({"height": 64} if style == "ohlc_bars" else {}))
    drawn, store = renderer.draw(walk(), ENDS), build(tmp_path / "store", style, kind, **changes)
    mixed = np.array([139, 3, 3, 77, -1, 0])
    assert np.array_equal(store[:], drawn) and np.array_equal(store[mixed], drawn[mixed])
    assert np.array_equal(store[7], drawn[7]) and np.array_equal(store[90:30:-7], drawn[90:30:-7])


def test_labels_captions_and_times_are_stored_beside_the_pictures(built):
    index = open_store(built).index
    assert index["row"].tolist() == ENDS.tolist() and index["label"].tolist() == (ENDS % 3).tolist()
    assert index["caption"][2] == "bar 62" and index["split"].iloc[-1] == "test"


def test_a_png_store_has_an_index_csv(tmp_path):
    build(tmp_path / "store", kind="png")
    lines = (tmp_path / "store" / "index.csv").read_text().splitlines()
    assert len(lines) == 141 and lines[0].startswith("file,row,label,split,caption")
    assert (tmp_path / "store" / lines[-1].split(",")[0]).is_file()


def test_the_zarr_library_reads_a_store_without_candlelab(built):
    import zarr

    array = zarr.open_array(built / "images", mode="r")
    bits = np.unpackbits(array[:], axis=-1, count=array.attrs["shape"][-1])
    assert np.array_equal(np.where(bits, array.attrs["ink"], array.attrs["paper"])[:, None], open_store(built)[:])


def test_jpeg_warns_that_it_blurs():
    assert "blurs line art" in storage("jpeg").warning


def test_a_store_draws_like_the_renderer_it_was_built_with(built):
    renderer, tape = chart("ohlc_bars", height=64), walk()
    stored = Stored(open_store(built), renderer)
    ends = torch.tensor([150, 61, 199])
    assert torch.equal(stored.draw(tape, ends), torch.from_numpy(renderer.draw(tape, ends.numpy())))


def test_a_store_refuses_other_bars_other_recipes_and_other_windows(built):
    renderer, store = chart("ohlc_bars", height=64), open_store(built)
    with pytest.raises(ValueError, match="other bars"):
        Stored(store, renderer).draw(walk(seed=1), ENDS)
    with pytest.raises(ValueError, match="another height"):
        Stored(store, chart("ohlc_bars", height=65))
    with pytest.raises(ValueError, match="row 59"):
        Stored(store, renderer).draw(walk(), np.array([59]))


def test_a_folder_without_a_manifest_is_no_store(store_copy):
    (store_copy / "manifest.json").unlink()
    with pytest.raises(ValueError, match=r"no manifest.json"):
        open_store(store_copy)


@pytest.mark.parametrize("kind", SMALL)
def test_no_flipped_byte_gives_a_wrong_pixel(tmp_path, kind):
    drawn, original = chart("ohlc_bars", height=64).draw(walk(), ENDS), tmp_path / "store"
    build(original, kind=kind)
    rng = np.random.default_rng(0)
    for name in rng.permutation([n for n, data in tree(original).items() if data])[:12]:
        data = bytearray((original / name).read_bytes())
        place = rng.integers(len(data))
        (original / name).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            assert np.array_equal(open_store(original)[:], drawn)  # the byte was in a file that is not read for pixels
        except ValueError as error:
            assert "damaged" in str(error) or "build the store again" in str(error)
        assert re.search("damaged|build the store again", describe_store(original)["state"])
        (original / name).write_bytes(data)
    assert describe_store(original)["state"] == "intact"


@pytest.mark.parametrize("kind", SMALL)
def test_a_missing_or_short_file_is_refused(tmp_path, kind):
    build(tmp_path / "store", kind=kind)
    files = [file for file in sorted((tmp_path / "store").rglob("*")) if file.is_file()]
    part = next(file for file in files if file.suffix in (".h5", ".npz", ".png") or "/c/" in file.as_posix())
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(ValueError, match="bytes instead of"):
        open_store(tmp_path / "store")
    part.unlink()
    with pytest.raises(ValueError, match="is missing"):
        open_store(tmp_path / "store")


def test_a_file_that_vanishes_after_opening_is_refused(store_copy):
    store = open_store(store_copy)
    shutil.rmtree(store_copy / "images")
    with pytest.raises(ValueError, match="is missing"):
        store[0]


@pytest.mark.parametrize(("kind", "changes"), KINDS, ids=[f"{k}-{len(c)}" for k, c in KINDS])
def test_an_interrupted_build_is_refused_and_resumed_to_the_same_bytes(tmp_path, kind, changes):
    build(tmp_path / "whole", kind=kind, **changes)
    for pictures in (1, 60, 140):
        with pytest.raises(Killed):
            build(tmp_path / "store", kind=kind, progress=stopping_at(pictures), **changes)
        with pytest.raises(ValueError, match="unfinished"):
            open_store(tmp_path / "store")
    build(tmp_path / "store", kind=kind, **changes)
    assert tree(tmp_path / "store") == tree(tmp_path / "whole")


def test_kill_9_in_the_middle_is_refused_and_resumed_to_the_same_bytes(tmp_path, built):
    ready, signalled = os.pipe()
    child = os.fork()
    if child == 0:

        def progress(done: int, total: int) -> None:
            os.write(signalled, b".")
            if done >= 64:
                signal.pause()  # until it is killed

        build(tmp_path / "store", progress=progress)
        os._exit(0)
    os.read(ready, 1), os.read(ready, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert describe_store(tmp_path / "store")["state"].endswith("to finish it") and is_store(tmp_path / "store")
    build(tmp_path / "store")
    assert tree(tmp_path / "store") == tree(built)


def test_finished_and_unfinished_stores_are_found(tmp_path):
    build(tmp_path / "whole")
    with pytest.raises(Killed):
        build(tmp_path / "half", progress=stopping_at(70))
    (tmp_path / "neither").mkdir()
    assert [path.name for path in find_stores(tmp_path)] == ["half", "whole"]


def test_resuming_draws_only_what_is_missing(tmp_path):
    with pytest.raises(Killed):
        build(tmp_path / "store", progress=stopping_at(70))
    renderer, drawn = chart("ohlc_bars", height=64), []
    renderer.draw = lambda tape, ends: drawn.extend(ends) or chart("ohlc_bars", height=64).draw(tape, ends)
    build_store(walk(), ENDS, renderer, storage("zarr", **SMALL["zarr"]), BESIDE, tmp_path / "store", progress=None)
    assert drawn[0] == 60 + 64 and len(drawn) == 140 - 64  # two shards of 32 were complete


def test_a_damaged_part_of_an_unfinished_build_is_drawn_again(tmp_path, built):
    with pytest.raises(Killed):
        build(tmp_path / "store", progress=stopping_at(100))
    part = next(f for f in (unfinished(tmp_path / "store") / "images" / "c").rglob("*") if f.is_file())
    part.write_bytes(b"rubbish")
    build(tmp_path / "store")
    assert tree(tmp_path / "store") == tree(built)


def test_a_full_disk_is_one_sentence_and_keeps_what_was_built(tmp_path, monkeypatch, built):
    sync, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match="No space left on device"):
        build(tmp_path / "store")
    monkeypatch.undo()
    build(tmp_path / "store")
    assert tree(tmp_path / "store") == tree(built)


@pytest.mark.parametrize("kind", ["zarr", "hdf5", "npz"])
def test_a_write_that_the_system_refuses_is_one_sentence(tmp_path, kind):
    whole = tree(build(tmp_path / "whole", kind=kind).path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))  # bytes: less than a part needs
    try:
        with pytest.raises(ValueError, match=r"\(File too large\); what is built is kept"):
            build(tmp_path / "store", kind=kind)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert tree(build(tmp_path / "store", kind=kind).path) == whole


def test_other_pictures_are_not_mixed_into_a_store(tmp_path, built):
    with pytest.raises(ValueError, match="already holds a store with other tape"):
        build(built, tape=walk(seed=3))
    with pytest.raises(Killed):
        build(tmp_path / "store", progress=stopping_at(70))
    with pytest.raises(ValueError, match="unfinished store of other pictures"):
        build(tmp_path / "store", tape=walk(seed=3))


def test_exact_copies_are_counted_within_and_across_splits(tmp_path):
    tape = walk()
    columns = {name: np.tile(getattr(tape, name)[:20], 10) for name in ("open", "high", "low", "close", "volume")}
    store = build(tmp_path / "store", tape=changed(tape, **columns))  # every picture comes back after 20 bars
    assert store.manifest["duplicates"] == {"copies": 120, "across_splits": 20, "within_test": 30, "within_train": 70}


def test_max_images_keeps_windows_spread_evenly(tmp_path):
    store = build(tmp_path / "store", max_images=7)
    assert store.index["row"].tolist() == [60, 80, 100, 120, 140, 160, 180]
    assert store.index["label"].tolist() == [row % 3 for row in store.index["row"]]


def test_an_estimate_says_how_long_and_how_large():
    cost = estimate(walk(), ENDS, chart("ohlc_bars", height=64), storage("zarr", **SMALL["zarr"]), sample=20)
    assert cost.pictures == 140 and cost.seconds > 0 and cost.megabytes > 0


def test_a_store_that_names_foreign_code_is_refused(store_copy):
    from candlelab.render.storage.store import seal_of

    manifest = json.loads((store_copy / "manifest.json").read_text())
    manifest["store"]["storage"]["module"] = "os"
    manifest["seal"] = seal_of(manifest["store"])
    (store_copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="no part of candlelab"):
        open_store(store_copy)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("zarr", {"compression_level": 0}),
        ("hdf5", {"compression_level": 10}),
        ("npz", {"images_per_file": 0}),
        ("png", {"compression_level": -1}),
        ("jpeg", {"quality": 0}),
        ("zarr", {"max_images": 0}),
    ],
)
def test_storage_settings_out_of_range_are_refused(kind, changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        storage(kind, **changes)


def test_pictures_are_asked_for_by_whole_numbers_or_a_mask_of_all(built):
    store = open_store(built)
    for which in (np.ones(10, bool), 1.7, [1.2]):
        with pytest.raises(IndexError):
            store[which]


def test_a_path_with_other_files_is_refused_before_anything_is_drawn(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds other files"):
        build(tmp_path, progress=stopping_at(0))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
