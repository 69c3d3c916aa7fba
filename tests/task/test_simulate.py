"""task=simulate prints the table that proves the verdict."""

import csv

import pytest

from candlelab.config import build, compose
from candlelab.evaluate import simulation
from candlelab.task import simulate

FEW = (
    "task=simulate",
    "task.worlds=3",
    "task.again=[]",
    "task.bars=200",
    "task.horizons=[1,5]",
    "task.symbols=[1]",
    "task.autocorrelations=[0.0]",
    "task.markets=[plain]",
    "task.two_valued=[false]",
)


def simulated(tmp_path, *more):
    cfg = compose(*FEW, f"outputs={tmp_path}", *more)
    return build(cfg, "task", cfg)


def test_simulation_has_one_row_per_world_in_print_and_csv(tmp_path, capsys):
    rows = simulated(tmp_path)
    stored = list(csv.DictReader((tmp_path / "simulation.csv").open(encoding="utf-8")))
    assert [row["horizon"] for row in rows] == [1, 5] == [int(row["horizon"]) for row in stored]
    assert "yes: information" in capsys.readouterr().out and set(stored[0]) >= {
        "covers: direction",
        "KS p: direction",
        "power",
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("task.markets=[plane]", "markets holds 'plane'"),
        ("task.horizons=[50]", "give at least twenty horizons"),
        ("task.worlds=1", "worlds is 1"),
        ("task.again=[2]", "again is .2."),
        ("task.again=[9,9]", "again is .9, 9."),
        ("task.autocorrelations=[1.0]", "autocorrelations lie from 0"),
    ],
)
def test_worlds_that_cannot_be_are_refused(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        simulated(tmp_path, wrong)


def interrupted(world, **settings):
    if world.horizon == 5:
        raise KeyboardInterrupt
    return simulation.score_worlds(world, **settings)


def test_an_interrupted_simulation_keeps_what_it_found(tmp_path, monkeypatch):
    monkeypatch.setattr(simulate, "score_worlds", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulated(tmp_path)
    assert len(list(csv.DictReader((tmp_path / "simulation.csv").open(encoding="utf-8")))) == 1


def test_a_simulation_goes_on_where_it_was_interrupted(tmp_path, monkeypatch):
    whole, drawn = simulated(tmp_path / "whole"), []
    monkeypatch.setattr(simulate, "score_worlds", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulated(tmp_path)
    monkeypatch.setattr(
        simulate,
        "score_worlds",
        lambda world, **given: drawn.append(world.horizon) or simulation.score_worlds(world, **given),
    )
    assert simulated(tmp_path) == whole and drawn == [5]


@pytest.mark.parametrize("other", ["seed=1", "task.worlds=4", "task.bars=201"])
def test_cells_of_other_settings_are_drawn_again(tmp_path, other):
    first, second = simulated(tmp_path), simulated(tmp_path, other)
    assert [row["power"] for row in first] != [row["power"] for row in second] or first[0]["edge"] != second[0]["edge"]


def test_cells_of_other_code_are_drawn_again(tmp_path, monkeypatch):
    simulated(tmp_path)
    monkeypatch.setattr(simulate, "_code", lambda: "evaluate 0")
    monkeypatch.setattr(simulate, "score_worlds", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulated(tmp_path)


def test_a_kind_with_a_share_outside_is_drawn_afresh_and_told_alone(tmp_path):
    first, second = simulated(tmp_path / "a")[0], simulated(tmp_path / "b", "task.again=[40]", "task.horizons=[1]")[0]
    assert (first["drawn"], second["drawn"]) == (3, 40)


def test_a_kind_still_outside_is_drawn_once_more(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(simulate.simulation_page, "is_doubtful", lambda row: row["drawn"] < 5)
    monkeypatch.setattr(
        simulate, "score_worlds", lambda world, **given: drawn.append(given) or simulation.score_worlds(world, **given)
    )
    simulated(tmp_path, "task.again=[4,5,6]", "task.horizons=[1]")
    assert [each["count"] for each in drawn] == [3, 4, 5] and len({each["seed"] for each in drawn}) == 3
