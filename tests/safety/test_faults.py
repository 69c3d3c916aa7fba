"""Refuse every single write, or lose what was not flushed, and do the same again: the outcome is that of an undisturbed command."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tiny
from exchange_cases import publish
from export_cases import finished, little_model
from fault_layer import FULL, READ_ONLY, Disk, PowerCut, patched, refusing, restored
from loopback_exchange import Exchange
from mutation_cases import command, pristine
from render_cases import chart, walk

from candlelab import run as runs
from candlelab.config import build, compose
from candlelab.core.errors import UserError
from candlelab.core.files import CannotWrite, remove_litter
from candlelab.export.int8 import Judge, quantize
from candlelab.market.cache import BarStore, CacheManifest

TIMED = (
    "fit/seconds",
    "fit/epoch_seconds",
    "fit/samples_per_second",
    "fit/peak_memory_mb",
    "net/load_seconds",
    "latency/",
)


class Work(NamedTuple):
    """A command that writes below a folder: what is there before, the command, and what must come of it."""

    prepare: Callable[[Path], object]
    act: Callable[[Path], object]
    outcome: Callable[[Path], object]


def nothing(root: Path) -> None:
    root.mkdir(exist_ok=True)


def a_run(root: Path) -> None:
    shutil.copytree(pristine(), root / "study" / "run")


def untimed(metrics: dict) -> dict:
    return {name: value for name, value in metrics.items() if not name.startswith(TIMED)}


def train(root: Path) -> None:
    cfg = compose(*tiny.LOGISTIC, f"outputs={root}")  # a checkpoint after every batch
    build(cfg, "task", cfg)


def trained(root: Path) -> str:
    folder = next(root.glob(f"*/*/{runs.CONFIG}")).parent
    run = runs.load_run(folder)
    return json.dumps(
        [untimed(run.metrics), run.verdict["lines"], run.predictions.to_dict("list"), run.threshold], sort_keys=True
    )


def report(root: Path) -> None:
    cfg = command("report", root / "study" / "run")
    cfg.evaluate.fee_bps = 3.0
    build(cfg, "task", cfg)


def reported(root: Path) -> str:
    score = next((root / "study" / "run" / runs.SCORES).glob(f"*/{runs.METRICS}")).parent
    return json.dumps([untimed(runs.read_part(score, name)) for name in (runs.METRICS, runs.VERDICT)], sort_keys=True)


def render(root: Path) -> None:
    from candlelab.render.storage.build import build_store

    storage = build(compose("render=ohlc_bars", "render/storage=zarr"), "render.storage")
    build_store(walk(), list(range(60, 200)), chart("ohlc_bars"), storage, {}, root / "store", progress=None)


def rendered(root: Path) -> str:
    from candlelab.render.storage.store import open_store

    store = open_store(root / "store")
    store.verify()
    return json.dumps([store[:].sum().item(), store.manifest["parts"]])


def fetch(root: Path) -> None:
    store = BarStore(root / "series")
    bars = {"time": np.arange(50) * 3_600_000} | {
        name: np.full(50, 1.0) for name in ("open", "high", "low", "close", "volume")
    }
    with store.locked():
        store.stage("bars.zip", b"zip", "0" * 64)
        store.commit(bars, CacheManifest("test", "spot", "A", "1h"))


def fetched(root: Path) -> list[float]:
    return BarStore(root / "series").read(start=None, end=None)["close"].tolist()


def market(root: Path) -> None:
    with Exchange() as exchange:
        publish(exchange, "BTCUSDT", ("2024-01", "2024-02"), ["2024-02-01"], ("2024-02-02", "2024-02-03"))
        asked = ["data.symbols=[BTCUSDT]", "data.start=2024-01-01", "data.end=2024-02-03", "data.source.workers=1"]
        places = [f"data.source.{name}_url={exchange.url}" for name in ("archive", "listing", "rest")]
        cfg = compose("task=fetch", f"outputs={root}", "data.source.backoff=0.001", *asked, *places)
        build(cfg, "task", cfg)


def marketed(root: Path) -> str:
    """The bars in the cache and what they came from, but for the port of the loopback exchange."""
    store = BarStore(next(root.rglob("manifest.json")).parent)
    bars, manifest = store.read(start=None, end=None), store.manifest()
    used = sorted(f"{Path(file['url']).name} {file['sha256']} {file['rows']}" for file in manifest.files)
    return json.dumps([bars["time"].tolist(), bars["close"].tolist(), used, manifest.covered, manifest.rows])


def export(root: Path, *more: str) -> None:
    words = (f"task.run={root / 'study' / 'run'}", "task.n_calls=1", "task.n_validation=8", "task.int8=false")
    cfg = compose("task=export", *words, *more)
    build(cfg, "task", cfg)


def export_bytes(root: Path) -> None:
    export(root, "task.int8=true", "task.n_calibration=8", "task.max_accuracy_drop=100")


def a_series_run(root: Path) -> None:
    shutil.copytree(finished("series").folder, root / "study" / "run")


def a_fusion_run(root: Path) -> None:
    shutil.copytree(finished("fusion").folder, root / "study" / "run")


def exported(root: Path) -> list[str]:
    from candlelab.export.onnx_file import read_card

    folder = root / "study" / "run" / runs.EXPORTS
    return sorted(f"{path.name} {bool(read_card(path).metadata)}" for path in folder.glob("*.onnx"))


WORKS = {
    "fetch": Work(nothing, fetch, fetched),
    "market": Work(nothing, market, marketed),
    "render": Work(nothing, render, rendered),
    "report": Work(a_run, report, reported),
    "train": Work(nothing, train, trained),
    "export": Work(a_series_run, export, exported),
    "int8": Work(a_fusion_run, export_bytes, exported),
}
PARTS = {"train": 12, "report": 4, "int8": 4}  # in how many tests every fault of a long command is tried
SAMPLED = {"fetch": 1, "market": 12, "render": 5, "report": 12, "train": 60}  # of the fast tests: every n-th call


def undisturbed(work: Work, root: Path, monkeypatch) -> tuple[Disk, PowerCut, object]:
    """Do the work once, watched; return the calls, the states of the disk, and the outcome."""
    work.prepare(root)
    cut = PowerCut(root)
    with patched(Disk(root, cut.at), monkeypatch) as disk:
        work.act(root)
    return disk, cut, work.outcome(root)


def assert_repeated_outcome(work: Work, root: Path, expected: object, told: str) -> None:
    """Do the work (again): the outcome is the expected one, and no temporary file is left where a run or a store is."""
    work.act(root)
    assert work.outcome(root) == expected, told


def assert_refusals_lose_nothing(work: Work, tmp: Path, calls: list, expected: object, numbers, monkeypatch) -> None:
    """Refuse one call after another: the disk is full, at every fifth of them read-only."""
    for n, k in enumerate(numbers):
        root, code = tmp / f"refused-{k}", READ_ONLY if n % 5 == 1 else FULL
        work.prepare(root)
        try:
            with patched(Disk(root, refusing(k, code)), monkeypatch):
                work.act(root)
        except UserError as error:
            assert "\n" not in str(error), f"{calls[k]}: {error}"
        assert_repeated_outcome(work, root, expected, f"{calls[k]} refused with {code}")
        shutil.rmtree(root)


def writes(calls: list) -> list[int]:
    """Return the numbers of the calls that can be refused, each line of a log but the first and the last left out."""
    logs = [k for k, (_, path) in enumerate(calls) if path.name == runs.LOG]
    return [k for k, (call, _) in enumerate(calls) if call != "unlink" and k not in logs[1:-1]]


def assert_power_cuts_lose_nothing(work: Work, tmp: Path, states: list, expected: object) -> None:
    for k, state in enumerate(states):
        root = tmp / f"cut-{k}"
        root.mkdir()
        restored(state, root)
        for folder in (path.parent for path in root.glob(f"*/*/{runs.METRICS}")):
            assert work.act is not train or runs.load_run(folder).verdict or not state, (
                f"state {k} claims to be finished"
            )
        assert_repeated_outcome(work, root, expected, f"power cut at state {k} of {len(states)}")
        shutil.rmtree(root)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name == "train" else []) for name in SAMPLED]
)
def test_a_sample_of_faults_leaves_the_outcome_of_an_undisturbed_command(name, tmp_path, monkeypatch):
    work, every = WORKS[name], SAMPLED[name]
    disk, cut, expected = undisturbed(work, tmp_path / "whole", monkeypatch)
    assert_refusals_lose_nothing(
        work, tmp_path, disk.events, expected, writes(disk.events)[every // 2 :: every], monkeypatch
    )
    assert_power_cuts_lose_nothing(work, tmp_path, cut.states[min(every, len(cut.states)) // 2 :: every], expected)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "part"), [(name, part) for name in WORKS for part in range(PARTS.get(name, 1))])
def test_every_fault_leaves_the_outcome_of_an_undisturbed_command(name, part, tmp_path, monkeypatch):
    work, every = WORKS[name], PARTS.get(name, 1)
    disk, cut, expected = undisturbed(work, tmp_path / "whole", monkeypatch)
    refused, states = writes(disk.events)[part::every], cut.states[part::every]
    print(f"{name}: {len(refused)} of {len(disk.events)} calls, {len(states)} of {len(cut.states)} states of the disk")
    assert_refusals_lose_nothing(work, tmp_path, disk.events, expected, refused, monkeypatch)
    assert_power_cuts_lose_nothing(work, tmp_path, states, expected)


def test_a_full_disk_refuses_eight_bit_forms_in_words(tmp_path, monkeypatch):
    model, target = tmp_path / "model.onnx", tmp_path / "model.int8.onnx"
    little_model(model)
    (tmp_path / ".int8-left").mkdir()  # by an export that was killed
    judge = Judge(lambda path: np.zeros(4, int), np.zeros(4, int))
    with patched(Disk(tmp_path, refusing(0, FULL)), monkeypatch), pytest.raises(CannotWrite, match="make room"):
        quantize(model, target, calibration_set={}, judge=judge, max_accuracy_drop=1.0, n_calls=1, card={})
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_start_removes_what_a_full_disk_left(tmp_path):
    (tmp_path / ".model.safetensors.1-ab.tmp").write_bytes(b"half")
    remove_litter(tmp_path)
    assert not list(tmp_path.iterdir())
