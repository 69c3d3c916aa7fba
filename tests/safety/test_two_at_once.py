"""Two sweeps at once: the one that comes second leaves no trace in the folder that the other trains in."""

import subprocess
import sys

import pytest
import tiny

from candlelab import __main__ as command
from candlelab import run as runs
from candlelab.config import compose, run_folder

HOLD = """import sys
from pathlib import Path
from candlelab.core.folder_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()"""


@pytest.fixture
def taken(tmp_path):
    """A run folder that another process, which is alive, holds; and its number."""
    folder = run_folder(compose(*tiny.LOGISTIC, f"outputs={tmp_path}"))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=tiny.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "held\n"
        yield folder, other.pid
        other.stdin.close()


def test_the_loser_of_two_sweeps_notes_no_failure_where_the_other_trains(taken, tmp_path, monkeypatch, capsys):
    folder, owner = taken
    monkeypatch.setattr(sys, "argv", ["candlelab", "-m", *tiny.LOGISTIC, f"outputs={tmp_path}"])
    monkeypatch.setattr(command, "failures", [])
    monkeypatch.setattr(command, "plans", [])
    with pytest.raises(SystemExit) as ending:
        command.main()
    assert (
        ending.value.code == command.EXIT_FAILED_JOBS
        and f"another process ({owner}) is at work" in capsys.readouterr().err
    )
    assert {path.name for path in folder.iterdir()} == {runs.LOCK, runs.OWNER}
