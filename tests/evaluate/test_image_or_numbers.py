"""Which part of a picture carries the gain: the ladder names the step that gains, and nothing where nothing does."""

import numpy as np
import pandas as pd
import pytest

from candlelab.evaluate.image_or_numbers import Contender, decompose

RUNGS = {
    "logistic raw": "raw, linear",
    "logistic scaled": "scaled, linear",
    "trees": "scaled, curved",
    "small CNN": "chart",
    "net": "net",
}
WORLDS = {  # who knows something
    "scaling": ("logistic scaled", "trees", "small CNN", "net"),
    "capacity": ("trees", "small CNN", "net"),
    "geometry": ("small CNN", "net"),
    "nothing": (),
}


def ladder(knowing, seed, *, rows=3000, skill=0.2):
    """Candidates that see the next move through noise, or nothing at all; what is the same in two of them is the same noise."""
    rng = np.random.default_rng(seed)
    move, shared = rng.normal(size=(2, rows))
    frame = pd.DataFrame(
        {"symbol": "A", "segment": 0, "time": 3_600_000 * np.arange(rows), "forward_return": 0.01 * move}
    )
    frame["label"] = (move > 0).astype(int)
    found = []
    for name, rung in RUNGS.items():
        own = 0.9 * shared + 0.44 * rng.normal(size=rows)
        up = 1 / (1 + np.exp(-0.2 * (own + (skill * move if name in knowing else 0.0))))
        val = 0.55 if name in knowing else 0.5
        found.append(Contender(name, rung, val + 0.001 * rng.normal(), [frame.assign(p_0=1 - up, p_1=up)]))
    return found


def judged(candidates):
    return decompose(candidates, horizon=1, interval="1h", confidence_level=0.95)


@pytest.mark.parametrize("part", WORLDS)
def test_the_right_part_is_named_in_nine_of_ten_seeds(part):
    named = [judged(ladder(WORLDS[part], seed)).part for seed in range(10)]
    assert named.count(part) >= 9


def test_of_two_gains_the_larger_is_named():
    first, *rest = ladder(WORLDS["scaling"], 0)
    strong = ladder(("small CNN", "net"), 0, skill=0.8)
    found = judged([first, *rest[:2], *strong[3:]])
    assert found.part == "geometry" and sum(step.shown for step in found.steps) == 2


def test_the_champion_of_a_rung_is_chosen_on_validation_rows():
    candidates = ladder((), 0)
    better = ladder(("trees",), 0)[2]
    tempting = Contender("trees that look good on test rows", "scaled, curved", 0.4, better.tested)
    step = next(step for step in judged([*candidates, tempting]).steps if step.part == "capacity")
    assert step.second == "trees"


def test_a_rung_without_a_model_is_skipped():
    found = judged([each for each in ladder((), 0) if each.rung != "net"])
    assert [step.part for step in found.steps] == ["scaling", "capacity", "geometry"]


def test_seeds_are_averaged_on_the_rows_that_all_share():
    one, *rest = ladder(WORLDS["scaling"], 0)
    other = ladder(WORLDS["scaling"], 0)[0]
    two = Contender(one.name, one.rung, one.validation, [*one.tested, other.tested[0].iloc[500:]])
    assert judged([two, *rest]).rows == len(one.tested[0]) - 500


def test_the_sentence_names_the_part_and_every_step():
    said = judged(ladder(WORLDS["scaling"], 0)).sentence()
    assert said.startswith("Scaling carries the gain") and said.count(" against ") == 4
