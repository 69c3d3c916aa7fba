"""What a sweep will take, told before it starts and corrected by what it took."""

import pytest

from candlelab.config import run_folder
from candlelab.config.command_line import check_overrides
from candlelab.pipeline.estimate import Plan, one_step, random_net, words

LOGISTIC = ("model=logistic", "data=simulated", "data.source.bars=600", "data/indicators=bars", "data/scaling=none", "data.window=8",
            "trainer.max_epochs=10")


@pytest.fixture
def jobs(tmp_path):
    return check_overrides([*LOGISTIC, f"outputs={tmp_path}", "seed=0,1,2"])


def test_every_job_has_an_estimate(jobs, capsys):
    plan = Plan(jobs)
    assert list(plan.guesses) == [run_folder(job) for job in jobs] and plan.seconds_left() > 0
    assert jobs[0].name in capsys.readouterr().out


def test_what_a_job_took_corrects_the_others(jobs):
    plan = Plan(jobs)
    first = plan.seconds_left()
    plan._since -= 10 * plan.guesses[run_folder(jobs[0])].seconds
    run_folder(jobs[0]).mkdir(parents=True)
    (run_folder(jobs[0]) / "metrics.json").write_text("{}")
    plan.finished(jobs[0])
    assert plan.seconds_left() > 5 * first


def test_finished_jobs_take_no_time(jobs):
    run_folder(jobs[1]).mkdir(parents=True)
    (run_folder(jobs[1]) / "metrics.json").write_text("{}")
    assert run_folder(jobs[1]) not in Plan(jobs).guesses


def test_activations_are_counted_without_the_weights(jobs):
    from candlelab.core.batch import Shapes
    shapes = Shapes(classes=2, series=(8, 6))
    _, megabytes, parameters = one_step(random_net(jobs[0], shapes), shapes)
    assert parameters == 2 * 49 and megabytes * 2**20 < 50 * 8 * 6 * 4


def test_a_batch_size_of_auto_is_estimated_too(tmp_path):
    jobs = check_overrides([*LOGISTIC, f"outputs={tmp_path}", "data.batch_size=auto"])
    assert Plan(jobs).guesses[run_folder(jobs[0])].megabytes > 0


def test_durations_are_said_in_words():
    assert [words(s) for s in (5, 600, 7200)] == ["5 s", "10 min", "2.0 h"]
