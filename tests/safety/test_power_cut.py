"""Cutting power while a run is made: every file of it reaches the disk, and no state claims to be finished with less than all."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from test_faults import WORKS, undisturbed

from candlelab import run as runs


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """Every state in which a cut of power could leave the disk while the smallest run is trained, and the folder it made."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("power") / "whole"
        _disk, seen, _outcome = undisturbed(WORKS["train"], root, patch)
    return seen, next(root.glob(f"*/*/{runs.METRICS}")).parent


def test_every_file_of_a_finished_run_was_flushed_with_its_name(cut):
    seen, folder = cut
    made = {path.relative_to(seen.root).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    lost = [name for name in made if Path(name).name not in (".lock", ".owner", runs.LOG) and name not in seen.lazy]
    short = [name for name in made if name in seen.lazy and seen.contents.get(seen.lazy[name], b"") != made[name]]
    assert not lost and set(map(Path, short)) <= {Path(name) for name in made if Path(name).name in (".lock", runs.LOG)}


def test_no_state_claims_to_be_finished_with_less_than_all_its_parts(cut):
    seen, folder = cut
    where = folder.relative_to(seen.root).as_posix()
    finished = [state for state in seen.states if state.get(f"{where}/{runs.METRICS}")]
    for state in finished:
        for name, part in json.loads(state[f"{where}/{runs.MANIFEST}"])["manifest"]["files"].items():
            assert sha256(state[f"{where}/{name}"]).hexdigest() == part["sha256"], name
    assert finished
