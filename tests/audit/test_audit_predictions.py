"""A table of predictions is held against the run that wrote it."""

import numpy as np
import pandas as pd
import pytest

from candlelab.audit.predictions import mismatches, row_hashes

HOUR = 3_600_000


def table(horizon=1, rows=60, stride=1, seed=0):
    """Validation and test rows of two models as a run writes them: returns that follow from one close."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (rows + horizon + 1) * stride)))
    place = stride * np.arange(rows)
    forward, bar = close[place + horizon] / close[place] - 1, close[place + stride] / close[place] - 1
    frame = pd.DataFrame(
        {
            "symbol": "A",
            "time": HOUR * place,
            "segment": 0,
            "label": (forward > 0).astype(int),
            "forward_return": forward,
            "bar_return": bar,
            "sigma": 0.01,
            "forecast": np.nan,
            "p_0": 0.5,
            "p_1": 0.5,
        }
    )
    frame["split"] = np.where(np.arange(rows) < rows // 3, "validation", "test")
    return pd.concat([frame.assign(model=name) for name in ("net", "majority")], ignore_index=True)


def card(frame, horizon=1, hashes=True):
    own = frame[frame["model"] == "net"]
    parts = {
        split: {
            "samples": len(part),
            "first": str(np.datetime64(int(part.time.min()), "ms")),
            "last": str(np.datetime64(int(part.time.max()), "ms")),
        }
        for split, part in own.groupby("split")
    }
    return {"parts": parts, "horizon": horizon, "interval": "1h", "kind": "forecast", "label": "Direction"} | (
        {"rows": row_hashes(frame)} if hashes else {}
    )


@pytest.mark.parametrize(("horizon", "stride"), [(1, 1), (5, 1), (4, 2), (3, 2)])
def test_the_table_of_the_run_itself_is_believed(horizon, stride):
    frame = table(horizon, stride=stride)
    assert mismatches(frame.sample(frac=1, random_state=0), card(frame, horizon), stride=stride) == []


def edited(name, frame):
    frame, test = frame.copy(), frame["split"] == "test"
    if name == "validation rows are test rows":
        copies = frame[test].assign(split="validation")
        return pd.concat([copies, frame[test]])
    if name == "a fifth of the wrong rows are gone":
        return frame[~(test & (frame["time"] // HOUR % 5 == 0))]
    if name == "validation after test":
        return frame.assign(split=np.where(test, "validation", "test"))
    if name == "bar_return edited":
        return frame.assign(bar_return=np.where(test, np.abs(frame["bar_return"]), frame["bar_return"]))
    return frame.assign(label=np.where(test, 1 - frame["label"], frame["label"]))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("validation rows are test rows", "80 test|40 rows that are both"),
        ("a fifth of the wrong rows are gone", "32 test rows per model where the run had 40"),
        ("validation after test", "validation rows"),
        ("bar_return edited", "bar_return does not lead to their forward_return"),
        ("labels turned round", "against the sign"),
    ],
)
@pytest.mark.parametrize("hashes", [True, False])
def test_an_edited_table_is_not_believed(name, words, hashes):
    frame = table()
    found = mismatches(edited(name, frame), card(frame, hashes=hashes), stride=1)
    assert pd.Series(found).str.contains(words).any(), found


@pytest.mark.parametrize("horizon", [1, 5])
def test_edited_bar_returns_are_found_at_every_horizon(horizon):
    frame = table(horizon)
    wrong = frame.assign(bar_return=frame["bar_return"] + 0.001 * (frame["time"] == 30 * HOUR))
    (found,) = mismatches(wrong, card(frame, horizon, hashes=False), stride=1)
    assert found.startswith(f"{horizon} rows whose bar_return")


def test_an_edit_that_fits_together_is_found_by_the_hash():
    frame = table()
    both = frame.assign(
        bar_return=-frame["bar_return"], forward_return=-frame["forward_return"], label=1 - frame["label"]
    )
    assert "that the run did not write" in mismatches(both, card(frame), stride=1)[0]


def test_a_label_rule_of_ones_own_may_go_against_the_last_close():
    mean = table(horizon=5).assign(label=lambda frame: frame["time"] // HOUR % 2)
    own = card(mean, horizon=5) | {"label": "AverageMove"}
    assert mismatches(mean, own, stride=1) == []
    assert "that the run did not write" in mismatches(mean.assign(label=0), own, stride=1)[0]


def test_a_return_that_ends_early_is_believed_of_a_rule_of_ones_own():
    early = table(horizon=1)
    assert mismatches(early, card(early) | {"label": "FirstTouch", "horizon": 5}, stride=1) == []
