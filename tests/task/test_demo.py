"""The demo shows what was hidden beside what was found, and says so also where it is not what it should be."""

from types import SimpleNamespace

import pytest

from candlelab.config import ConfigError, compose
from candlelab.report.demo_page import HIDDEN, Market, lesson_of
from candlelab.task.demo import PAGE, demo, job_on

SMALL = (
    "data=planted",
    "data.source.bars=900",
    "data.window=8",
    "model=logistic",
    "data/indicators=bars",
    "data/scaling=none",
    "trainer.max_epochs=1",
    "trainer.progress=none",
    "evaluate.positive_control=off",
    "evaluate.n_bootstrap=2",
    "evaluate.n_permutations=2",
    "task=demo",
    "study=demo",
)


def lesson(truth, found, beyond="not shown"):
    metrics = {"baseline/reversal/auroc_direction": 0.6, "baseline/logistic/auroc_direction": 0.61}
    verdict = SimpleNamespace(
        information=SimpleNamespace(answer=found), beyond_baseline=SimpleNamespace(answer=beyond), kind="forecast"
    )
    return lesson_of(Market(truth, SimpleNamespace(metrics=metrics, verdict=verdict), {}, None, None, ""))


@pytest.mark.parametrize(
    ("truth", "found", "beyond", "words"),
    [
        ("nothing", "not shown", "not shown", "nothing was found"),
        ("nothing", "yes", "not shown", "a false alarm"),
        ("simple", "yes", "not shown", "so it was by logistic regression (AUROC 0.61"),
        ("simple", "not shown", "not shown", "did not find it"),
        ("shape", "yes", "yes", "beyond every simple rule"),
        ("shape", "yes", "not shown", "is not shown to be beyond"),
    ],
)
def test_a_lesson_is_what_came_out_against_what_was_hidden(truth, found, beyond, words):
    assert words in lesson(truth, found, beyond)


def test_one_page_shows_the_markets_side_by_side(tmp_path):
    told = demo(compose(*SMALL, f"outputs={tmp_path}"), markets=["nothing", "simple"])
    page = (tmp_path / "demo" / PAGE).read_text()
    assert list(told) == ["nothing", "simple"] and all(told[truth] in page for truth in told)
    assert HIDDEN["simple"] in page and HIDDEN["shape"] not in page
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    assert len(links) == 2 and all((tmp_path / "demo" / link).is_file() for link in links)


def test_the_markets_differ_in_their_secret_alone():
    cfg = compose("experiment=demo")
    one, two = (job_on(cfg, truth) for truth in ("nothing", "shape"))
    two.name, two.data.source.world = one.name, one.data.source.world
    assert one == two


def test_an_unknown_market_is_refused():
    with pytest.raises(ConfigError, match="give some of nothing, simple, shape"):
        demo(compose("experiment=demo"), markets=["gold"])
