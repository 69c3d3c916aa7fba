"""Every planted leak is named with its place; no clean world is accused."""

import pytest
from zoo import markets, pipelines, predictions, sets, titled

LEAKS = [*pipelines.LEAKS, *markets.LEAKS, *predictions.LEAKS, *sets.LEAKS]
CLEAN = [*pipelines.CLEAN, *markets.CLEAN, *predictions.CLEAN, *sets.CLEAN]
MOST_DOUBTS = 1
doubted = []


@pytest.mark.parametrize("leak", titled(LEAKS))
def test_a_planted_leak_is_named_with_its_place(leak, tmp_path):
    found = [each for each in leak.audit(tmp_path).findings if each.severity != "note"]
    assert any(each.name == leak.name and leak.place in each.place for each in found), found


@pytest.mark.parametrize("world", titled(CLEAN))
def test_a_clean_world_is_not_accused(world, tmp_path):
    made = world.audit(tmp_path)
    doubted.extend(made.doubts)
    assert not made.leaks, made.leaks


def test_all_clean_worlds_together_leave_one_doubt_at_most():
    assert len(doubted) <= MOST_DOUBTS, doubted
