"""What a sweep will take, told before it starts and corrected by what it took."""

import pytest
import torch

from candlelab.config import run_folder
from candlelab.config.command_line import check_overrides
from candlelab.core.batch import Shapes
from candlelab.pipeline.training import estimate
from candlelab.pipeline.training.estimate import Plan, guess_of, guess_of_run, one_step, random_net

LOGISTIC = (
    "model=logistic",
    "data=simulated",
    "data.source.bars=600",
    "data/indicators=bars",
    "data/scaling=none",
    "data.window=8",
    "trainer.max_epochs=10",
)


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


def test_a_cap_on_steps_caps_the_estimate():
    (job,) = check_overrides([*LOGISTIC, "trainer.max_steps=30", "data.batch_size=10"])
    assert guess_of(job, (1.0, 0.0, 10), 10, (100, 0)).seconds == 3 * 100


def test_the_estimate_of_a_run_leaves_its_random_numbers_alone(jobs):
    import torch

    from candlelab.pipeline.inputs.assemble import assemble

    data = assemble(jobs[0]).data
    before = torch.random.get_rng_state()
    assert guess_of_run(jobs[0], data).seconds > 0 and torch.equal(before, torch.random.get_rng_state())


def test_time_in_which_other_programs_ran_is_not_told_as_ours(monkeypatch):
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: float(next(clock)))
    net = torch.nn.Linear(2, 2)
    shapes = Shapes(classes=2, image=None, caption=None, vocabulary=None, series=None)
    assert estimate._timed(lambda batch: {"logits": net(torch.ones(1, 2))}, shapes, 1) < 10
