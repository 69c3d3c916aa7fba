"""task=simulate prints the table that proves the verdict."""

import csv

import pytest

from candlelab.config import build, compose

FEW = (
    "task=simulate",
    "task.worlds=3",
    "task.bars=200",
    "task.horizons=[1,5]",
    "task.symbols=[1]",
    "task.memories=[0.0]",
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
        ("task.memories=[1.0]", "memories lie from 0"),
    ],
)
def test_worlds_that_cannot_be_are_refused(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        simulated(tmp_path, wrong)


def test_an_interrupted_simulation_keeps_what_it_found(tmp_path, monkeypatch):
    from candlelab.task import simulate

    honest = simulate.run

    def interrupted(world, **settings):
        if world.horizon == 5:
            raise KeyboardInterrupt
        return honest(world, **settings)

    monkeypatch.setattr(simulate, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulated(tmp_path)
    assert len(list(csv.DictReader((tmp_path / "simulation.csv").open(encoding="utf-8")))) == 1
