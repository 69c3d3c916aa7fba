"""Dashboards: what an offline W&B run holds, and that no logger can harm a run."""

import json
import shutil

import pytest
import tiny
from wandb_reader import dashboards

from candlelab import load_run
from candlelab.config import ConfigError, build, compose
from candlelab.trainer.logger import guarded, wandb_log
from candlelab.trainer.logger.results import config_of

METRICS = {"train/loss", "val/loss", "lr", "val/accuracy", "val/balanced_accuracy", "val/auroc", "epoch"}
SHOWN = {
    "confusion_matrix_table",
    "precision_recall_table",
    "roc_table",
    "reliability_table",
    "threshold_table",
    "equity_table",
    "predictions",
    "charts",
    "heat_map/confusion",
}
JUDGED = ("val", "test", "baseline")  # metrics that no clock has part in


def numbers(folder):
    return {name: value for name, value in load_run(folder).metrics.items() if name.split("/")[0] in JUDGED}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The tiny run without any dashboard."""
    return tiny.trained(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tiny run with an offline W&B run."""
    patch = pytest.MonkeyPatch()
    patch.setenv("WANDB_API_KEY", "0123456789abcdef0123456789abcdef01234567")
    yield tiny.trained(
        tmp_path_factory.mktemp("logged"),
        "trainer/logger=wandb",
        "trainer.logger.system_seconds=0.1",
        "trainer.logger.timeout=180",
        "trainer.logger.rows=30",
    )
    patch.undo()


@pytest.fixture(scope="module")
def board(folder):
    (found,) = dashboards(folder)
    return found


def test_metrics_of_every_epoch_are_there(board, folder):
    epochs = [row["epoch"] for row in board.history if "val/loss" in row]
    assert board.keys >= METRICS and epochs == list(range(load_run(folder).metrics["fit/epochs"]))


def test_curves_charts_and_tables_are_there(board):
    assert [name for name in SHOWN if name not in board.keys] == []


def test_the_table_of_predictions_has_thumbnails(board, folder):
    table = json.loads(next(board.folder.rglob("predictions*.table.json")).read_text())
    (kept,) = [a for a in board.of("artifact") if a.type == "run_table" and "predictions" in a.name]
    assert len(table["data"]) == 30 and table["columns"][:4] == ["chart", "time", "symbol", "label"]
    drawn = len(load_run(folder).charts["rows"])
    assert sum(entry.path.endswith(".png") for entry in kept.manifest.contents) == drawn > 5


def test_artifacts_carry_data_hash_model_and_report(board, folder):
    kept = {artifact.type: {entry.path for entry in artifact.manifest.contents} for artifact in board.of("artifact")}
    assert (
        {"data", "model", "predictions", "report"} <= set(kept)
        and "model.safetensors" in kept["model"]
        and "predictions.parquet" in kept["predictions"]
        and kept["data"] == {"data.json"}
    )
    (model,) = [a for a in board.of("artifact") if a.type == "model"]
    assert json.loads(model.metadata)["data_hash"] == load_run(folder).preprocessing["data_hash"]


def test_the_run_is_named_grouped_and_tagged(board, folder):
    (run,) = board.of("run")[:1]
    assert (run.display_name, run.run_group) == (folder.name, "smoke") and {"SIM", "1h", "Fusion", "seed 0"} <= set(
        run.tags
    )
    assert board.config["data"]["window"] == 16


def test_the_machine_is_measured(board):
    assert len(board.of("stats")) > 1


def test_the_run_is_finished(board):
    assert [end.exit_code for end in board.of("exit")] == [0]


def test_the_verdict_is_in_the_summary(board):
    keys = {item.key for summary in board.of("summary") for item in summary.update}
    assert "verdict" in keys and "test/accuracy" in keys


def test_logging_leaves_the_metrics_identical(plain, folder):
    assert numbers(folder) == numbers(plain)


class Broken:
    """A W&B run that raises whatever is asked of it."""

    id = "broken"

    def __getattr__(self, name):
        raise ConnectionError(f"no {name} today")


def test_a_logger_that_raises_on_every_call_leaves_the_metrics_identical(plain, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(wandb_log.WandbLog, "_begin", lambda self, folder, mode: Broken())
    guarded.TOLD.clear()
    folder = tiny.trained(tmp_path, "trainer/logger=wandb")
    assert numbers(folder) == numbers(plain) and "the run goes on without it" in capsys.readouterr().err


def test_what_came_after_training_joins_the_same_run(folder, tmp_path):
    (folder / "export").mkdir()
    (folder / "export" / "model.onnx").write_bytes(b"a model")
    shutil.copy(next(folder.rglob("confusion*.png")), folder / "figures" / "explained.png")
    cfg = compose(*tiny.TINY, f"outputs={tmp_path}", "task=dashboard", f"task.run={folder}", "trainer/logger=wandb")
    build(cfg, "task", cfg)
    first, second = dashboards(folder)
    assert second.of("run")[0].run_id == first.of("run")[0].run_id and "heat_map/explained" in second.keys
    assert "export" in {artifact.type for artifact in second.of("artifact")}


def test_a_dashboard_needs_a_dashboard(folder):
    cfg = compose(*tiny.TINY, "task=dashboard", f"task.run={folder}")
    with pytest.raises(ConfigError, match="trainer/logger=csv is no dashboard"):
        build(cfg, "task", cfg)


def test_an_unreachable_server_means_offline(monkeypatch, tmp_path, capsys):
    log, asked = (
        wandb_log.WandbLog(
            project="x", entity=None, mode="online", tags=[], rows=0, system_seconds=1.0, timeout=1.0, artifacts=False
        ),
        [],
    )
    monkeypatch.delenv("WANDB_MODE")

    def begin(folder, mode):
        asked.append(mode)
        if mode == "online":
            raise ConnectionError

    monkeypatch.setattr(log, "_begin", begin)
    log.open(tmp_path)
    assert asked == ["online", "offline"] and "logged offline" in capsys.readouterr().out


def test_without_a_login_nothing_is_online(monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    assert not wandb_log.logged_in()
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password xxxxxxxx\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert wandb_log.logged_in()


def test_tensorboard_shows_curves_charts_and_the_verdict(plain, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from candlelab.trainer.logger.tensorboard_log import TensorboardLog

    (tmp_path / "run").symlink_to(plain)
    log = TensorboardLog(charts=3)
    log.open(tmp_path / "run")
    log.loggers(plain)[0].log_metrics({"val/loss": 0.5}, 7)
    log.finish(plain)
    log.close(False)
    events = EventAccumulator(str(plain / "tensorboard")).Reload()
    assert {"roc", "precision_recall", "reliability", "threshold", "equity", "heat_map/confusion"} <= set(
        events.Tags()["images"]
    )
    assert events.Scalars("val/loss")[0].step == 7 and "verdict/text_summary" in events.Tags()["tensors"]
    final = {name for name in events.Tags()["scalars"] if name.startswith("final/")}
    assert {"final/test/auroc", "final/test/accuracy"} <= final and len(final) <= 8
    assert "metrics/text_summary" in events.Tags()["tensors"]


def test_a_config_is_shown_without_secrets_and_with_its_tokenizer(tmp_path):
    (tmp_path / "config.yaml").write_text("net: {tokenizer: closed, api_key: x, hf_token: y}\npassword: z\n")
    assert config_of(tmp_path) == {"net": {"tokenizer": "closed"}}


@pytest.mark.slow
def test_a_multirun_of_three_is_three_runs_of_one_group_and_the_failed_one_is_closed(tmp_path):
    done = tiny.command(
        "-m",
        *tiny.TINY,
        f"outputs={tmp_path}",
        "model/optimizer=sgd",
        "model.optimizer.lr=0.001,0.002,1000",  # the last diverges
        "trainer.gradient_clip=0",
        "trainer/logger=wandb",
        "trainer.max_epochs=1",
    )
    boards = dashboards(tmp_path)
    assert done.returncode == 3 and len({b.of("run")[0].run_id for b in boards}) == 3
    assert {b.of("run")[0].run_group for b in boards} == {"smoke"}
    assert sorted(b.of("exit")[0].exit_code for b in boards) == [0, 0, 1]


@pytest.mark.slow
def test_a_broken_wandb_package_leaves_the_exit_code_0(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "__init__.py").write_text("raise RuntimeError('broken')\n")
    done = tiny.command(
        *tiny.TINY, f"outputs={tmp_path}", "trainer/logger=wandb", "trainer.max_epochs=1", PYTHONPATH=str(tmp_path)
    )
    assert done.returncode == 0 and "the run goes on without it" in done.stderr, done.stderr
