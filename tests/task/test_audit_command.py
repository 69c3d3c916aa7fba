"""task=audit writes what it found, ends with 2 where it is strict, and every run carries its own audit."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny

from candlelab.config import build, compose, run_folder
from candlelab.core.errors import UserError
from candlelab.data.caption import Relative
from candlelab.pipeline.audits.pipelines import cheap_audit
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.run import load_run


def audited(outputs, *more):
    cfg = compose(*tiny.TINY, "task=audit", f"outputs={outputs}", "name=looked", *more)
    return build(cfg, "task", cfg)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Predictions that were changed afterwards."""
    folder = tmp_path_factory.mktemp("export")
    now = pd.DataFrame({"time": 3_600_000 * np.arange(300), "position": np.tile([1.0, -1.0], 150)})
    now.to_csv(folder / "now.csv", index=False)
    now.assign(position=now.position.where(now.index != 7, 0.0)).to_csv(folder / "then.csv", index=False)
    return f"task.predictions={folder / 'now.csv'}", f"task.earlier={folder / 'then.csv'}"


def test_a_pipeline_without_a_leak_is_told_so(tmp_path):
    told = audited(tmp_path)
    assert told["verdict"].startswith("no leak found") and "threshold" in told["clean"]


def test_the_record_is_written_beside_the_page(tmp_path):
    told = audited(tmp_path, "data/indicators=wide")
    folder = tmp_path / "audits" / "looked"
    assert json.loads((folder / "audit.json").read_text()) == told
    assert "knows the time of day" in (folder / "audit.html").read_text().lower()


def test_a_leak_in_predictions_is_a_report_without_strict(tmp_path, export):
    told = audited(tmp_path, *export)
    assert told["findings"][0]["name"] == "repainting"


def test_a_leak_ends_a_strict_audit_with_exit_code_2(tmp_path, export):
    with pytest.raises(UserError, match="these predictions prove nothing: repainting") as raised:
        audited(tmp_path, *export, "task.strict=true")
    assert raised.value.exit_code == 2 and (tmp_path / "audits" / "now.csv" / "audit.html").exists()


def test_two_audits_at_once_are_refused(tmp_path, export):
    with pytest.raises(UserError, match=r"task\.predictions and task\.run are two audits"):
        audited(tmp_path, *export, "task.run=elsewhere")


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not there: give a csv or parquet file"):
        audited(tmp_path, f"task.predictions={tmp_path / 'none.csv'}")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return load_run(tiny.trained(tmp_path_factory.mktemp("outputs")))


def test_every_run_says_in_one_line_what_its_audit_passed(run):
    line = "passed: look-ahead, label, parts, segments, last bar, scaling"
    assert line in (run.folder / "report.html").read_text() and run.card["audit"]["findings"] == []


def test_a_finished_run_is_audited_with_its_threshold(run, tmp_path):
    told = audited(tmp_path, f"task.run={run.folder}")
    assert "threshold" in told["clean"] and not [each for each in told["findings"] if each["severity"] == "leak"]


def test_a_leak_is_the_first_suspicion_of_a_run(tmp_path, monkeypatch):
    honest = Relative.__call__
    late = lambda self, c, ends, window: honest(self, c, np.minimum(ends + 1, len(c) - 1), window)  # noqa: E731
    monkeypatch.setattr(Relative, "__call__", late)
    cfg = compose(*tiny.TINY, f"outputs={tmp_path}")
    build(cfg, "task", cfg)
    run = load_run(run_folder(cfg))
    assert run.verdict["suspicions"][0].startswith("look-ahead (data.caption, caption, SIM at")
    assert "FAILED: look-ahead" in (run.folder / "report.html").read_text()


def test_the_cheap_audit_sees_a_purge_that_is_missing(tmp_path):
    data = assemble(compose(*tiny.TINY, f"outputs={tmp_path}")).data
    made = data.prepared
    part = made.part.copy()
    part[: len(part) // 2] = np.where(np.arange(len(part) // 2) % 2, 2, part[: len(part) // 2])
    found = cheap_audit(data.having(prepared=replace(made, part=part))).leaks
    assert [each.name for each in found][:1] == ["purge missing"]
