"""A sweep as a user meets it: every job measured, failures as rows, interrupted ones completed, none trained twice."""

import random
import subprocess
import sys

import pandas as pd
import pytest
import tiny

from candlelab import __main__ as command
from candlelab.model.logistic import Logistic
from candlelab.model.timm_backbone import TimmBackbone

QUICK = (
    "trainer.progress=lines",
    "trainer.max_epochs=2",
    "trainer.checkpoint_minutes=0",
    "evaluate.n_bootstrap=20",
    "evaluate.n_permutations=20",
    "evaluate.threshold.n_bootstrap=5",
)
CHARTS = (
    "sweep=quick_test",
    "experiment=smoke",
    "model=timm_backbone",
    "data.source.bars=150",
    "data.window=8",
    "model.image_size=32",
    "model.net.backbone=test_resnet,test_vit,test_efficientnet",
    *QUICK,
)
CONTROLS = (
    "-m",
    "model=logistic",
    "data=simulated",
    "data.source.bars=400",
    "data/indicators=bars",
    "data/scaling=none",
    "data.window=8",
    *QUICK,
)
TIMED = [
    "Train_Seconds",
    "Epoch_Seconds",
    "Samples_Per_Second",
    "Peak_Memory_MB",
    "Load_Seconds",
    "Latency_P50_MS",
    "Latency_P90_MS",
    "Throughput",
]


def main(monkeypatch, *words):
    """Run the command in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["candlelab", *words])
    monkeypatch.setattr(command, "failures", [])
    monkeypatch.setattr(command, "plans", [])
    try:
        command.main()
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three backbones, of which one breaks in training; then the same again with resume=retry and nothing broken."""
    outputs, forward = tmp_path_factory.mktemp("outputs"), TimmBackbone.forward

    def breaks(net, batch):
        if net.training and type(net.backbone).__name__ == "VisionTransformer":
            raise RuntimeError("the fourth fan failed")
        return forward(net, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TimmBackbone, "forward", breaks)
        codes = [main(patch, *CHARTS, f"outputs={outputs}")]
        broken = pd.read_csv(outputs / "quick_test" / "leaderboard.csv")
        patch.setattr(TimmBackbone, "forward", forward)
        good = {path: path.stat().st_mtime_ns for path in outputs.glob("quick_test/*/metrics.json")}
        codes.append(main(patch, *CHARTS, f"outputs={outputs}"))
        reason = next(outputs.glob("quick_test/*/failed.txt")).read_text().splitlines()[0]
        codes.append(main(patch, *CHARTS, f"outputs={outputs}", "resume=retry"))
    return outputs / "quick_test", codes, broken, good, reason


def test_a_net_that_breaks_in_training_is_one_row_with_its_reason(study):
    _, codes, broken, *_ = study
    nets = broken[broken.Role == "model"]
    assert codes[0] == 3 and sorted(nets.State) == ["failed", "finished", "finished"]
    assert nets[nets.State == "failed"].Reason.tolist() == ["RuntimeError: the fourth fan failed"]


def test_failed_jobs_wait_for_retry_and_finished_ones_are_left_alone(study):
    folder, codes, _, good, reason = study
    assert codes[1:] == [3, 0] and len(good) == 2 and reason == "RuntimeError: the fourth fan failed"
    assert len(list(folder.glob("*/metrics.json"))) == 3
    assert {path: path.stat().st_mtime_ns for path in good} == good


def test_every_finished_job_is_measured(study):
    board = pd.read_csv(study[0] / "leaderboard.csv")
    nets = board[board.Role == "model"]
    assert (nets[["Parameters", "FLOPs", *TIMED]] > 0).all().all() and (
        nets.Latency_P90_MS >= nets.Latency_P50_MS
    ).all()
    assert nets.Pretrained.tolist() == ["random"] * 3


def killed(outputs, words, kills, seed):
    """Issue a sweep, kill -9 at random moments, and again until it ends; return what each issue left finished."""
    chance, left = random.Random(seed), []
    words = [sys.executable, "-m", "candlelab", *words, "study=killed", "trainer.progress=lines", f"outputs={outputs}"]
    for turn in range(kills + 1):
        process = subprocess.Popen(words, cwd=tiny.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if turn < kills:
            wait_for_a_moment(process, chance)
            process.kill()
        process.communicate()
        left.append({path: path.stat().st_mtime_ns for path in outputs.glob("killed/*/metrics.json")})
    return left, process.returncode


def wait_for_a_moment(process, chance):
    """Read up to a random line and then up to half a second more: of the start, or, four times in five, of the training."""
    lines, counting = chance.randint(0, 30), chance.random() < 0.2
    for line in process.stdout:
        counting = counting or line.startswith("epoch")
        lines -= counting
        if lines < 0:
            break
    try:
        process.wait(timeout=chance.random() / 2)
    except subprocess.TimeoutExpired:
        return


def table_of(outputs):
    return pd.read_csv(outputs / "killed" / "leaderboard.csv").drop(columns=TIMED)


TWELVE = f"seed={','.join(map(str, range(12)))}"


@pytest.mark.parametrize(
    ("words", "jobs", "kills"),
    [
        pytest.param((*CONTROLS, "seed=0,1"), 2, 1, id="two jobs, one kill"),
        pytest.param((*CONTROLS, TWELVE), 12, 10, id="twelve jobs, ten kills", marks=pytest.mark.slow),
        pytest.param(
            ("sweep=lstm_variants", "experiment=smoke"), 8, 1, id="sequence nets, one kill", marks=pytest.mark.slow
        ),
    ],
)
def test_a_killed_sweep_ends_like_an_uninterrupted_one_and_trains_nothing_twice(tmp_path, words, jobs, kills):
    left, code = killed(tmp_path / "killed", words, kills, seed=1)
    assert code == 0 and len(left[-1]) == jobs
    assert all(left[-1][path] == time for issue in left for path, time in issue.items()), (
        "a finished job was trained again"
    )
    killed(tmp_path / "whole", words, 0, seed=0)
    pd.testing.assert_frame_equal(table_of(tmp_path / "killed"), table_of(tmp_path / "whole"))


def test_a_run_stopped_after_its_last_epoch_is_completed(tmp_path):
    from candlelab.config import build, compose, run_folder

    cfg = compose(*CONTROLS[1:], f"outputs={tmp_path}")
    whole = build(cfg, "task", cfg)
    for name in ("metrics.json", "predictions.parquet", "preprocessing.json", "model.safetensors"):
        (run_folder(cfg) / name).unlink()
    assert build(cfg, "task", cfg)["test/log_loss"] == whole["test/log_loss"]


def test_a_sweep_whose_jobs_all_fail_ends_with_code_3(tmp_path, monkeypatch, capsys):
    def breaks(net, batch):
        raise RuntimeError("no fan left")

    monkeypatch.setattr(Logistic, "forward", breaks)
    assert (
        main(monkeypatch, *CONTROLS, "seed=0,1", f"outputs={tmp_path}") == 3
        and "no fan left" in capsys.readouterr().err
    )
    assert len(pd.read_csv(tmp_path / "default" / "leaderboard.csv")) == 2


def test_settings_that_make_no_net_are_refused_before_any_job_starts(tmp_path, monkeypatch, capsys):
    code = main(
        monkeypatch,
        "-m",
        "experiment=smoke",
        "model=cnn_lstm_attn",
        "model.net.heads=8,7",
        f"outputs={tmp_path}",
        *QUICK,
    )
    assert code == 2 and "heads=7 does not divide" in capsys.readouterr().err
    assert not list(tmp_path.rglob("config.yaml"))
