"""Fit, stop, resume: a run that was killed ends like one that was not."""

import pandas as pd
import pytest
from stoppable_fit import SAID, trained


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert trained(folder) == 0
    return folder


@pytest.mark.parametrize("how", ["kill", "interrupt"])
def test_a_stopped_run_ends_like_an_uninterrupted_one(whole, tmp_path, how):
    assert trained(tmp_path, 17, how) != 0 and (tmp_path / "checkpoints" / "last.ckpt").exists()
    assert trained(tmp_path) == 0 and (tmp_path / SAID).read_text() == (whole / SAID).read_text()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "metrics.csv"), pd.read_csv(whole / "metrics.csv"))


def test_a_stop_leaves_no_half_written_checkpoint(tmp_path):
    trained(tmp_path, 9)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir() if p.suffix == ".ckpt"] != []
