"""Whose mistake it was: a bug in a component keeps its traceback, the user's mistake in the same component has an address."""

import numpy as np
import tiny
from test_mistakes import answer

from candlelab.data.label.direction import Direction


def test_numpys_own_complaint_inside_a_component_is_a_bug(tmp_path, monkeypatch):
    monkeypatch.setattr(Direction, "__call__", lambda self, candles, window: np.ones(2) + np.ones(3))
    code, said = answer([*tiny.TINY, f"outputs={tmp_path}"])
    assert code == 1 and "Traceback" in said and "operands could not be broadcast" in said


def test_the_users_mistake_in_the_same_component_has_the_address_of_the_setting(tmp_path):
    code, said = answer([*tiny.TINY, f"outputs={tmp_path / 'here'}", "data.label.horizon=0"])
    assert code == 2 and "data.label.horizon" in said and "Traceback" not in said and not (tmp_path / "here").exists()
