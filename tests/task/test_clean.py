"""What task=clean removes: nothing unconfirmed, and only of finished runs."""

import os
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from candlelab.config import ConfigError
from candlelab.task.clean import clean


@pytest.fixture
def outputs(tmp_path):
    """Four finished runs, d the newest, and an interrupted one."""
    for age, name in enumerate(["d", "c", "b", "a", "half"]):
        run = tmp_path / "study" / name
        (run / "checkpoints").mkdir(parents=True)
        (run / "config.yaml").write_text("seed: 0\n")
        (run / "checkpoints" / "last.ckpt").write_bytes(b"weights")
        if name != "half":
            (run / "metrics.json").write_text("{}")
            os.utime(run / "metrics.json", (1e9 - age, 1e9 - age))
    return OmegaConf.create({"outputs": str(tmp_path)})


def left(outputs):
    return sorted(path.name for path in Path(outputs.outputs, "study").iterdir())


def test_the_newest_runs_are_kept_and_the_others_go_whole(outputs):
    clean(outputs, confirm=True, days=0, keep=2)
    assert left(outputs) == ["c", "d", "half"]


def test_unconfirmed_nothing_goes(outputs, capsys):
    clean(outputs, confirm=False, days=0, keep=1)
    assert left(outputs) == ["a", "b", "c", "d", "half"] and "would remove" in capsys.readouterr().out


def test_without_a_cap_only_checkpoints_of_finished_runs_go(outputs):
    found = clean(outputs, confirm=True, days=0, keep=None)
    assert len(left(outputs)) == 5 and len(found) == 4


def test_young_runs_are_kept_beyond_the_cap(outputs):
    clean(outputs, confirm=True, days=1e6, keep=0)
    assert len(left(outputs)) == 5


@pytest.mark.parametrize("settings", [{"days": -1, "keep": None}, {"days": 0, "keep": -1}])
def test_settings_that_cannot_be_are_refused(outputs, settings):
    with pytest.raises(ConfigError, match=r"task\.(days|keep) is -1"):
        clean(outputs, confirm=False, **settings)
