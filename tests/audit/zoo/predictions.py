"""Predictions and positions with one planted fault each, and honest ones."""

import numpy as np
import pandas as pd

from candlelab.audit.strategies import audit_predictions
from zoo import Clean, Leak
from zoo.markets import HOUR, START


def strategy(size=3000, hits=0.53, seed=0):
    """Positions decided at each close that are right about the next bar in a share of the cases, and what they earn."""
    rng = np.random.default_rng(seed)
    step = rng.normal(0, 0.005, size)
    close = 100 * np.exp(np.cumsum(step))
    following = np.sign(np.append(step[1:], 1.0))
    position = np.where(rng.random(size) < hits, following, -following)
    earned = np.append(0.0, position[:-1] * (close[1:] / close[:-1] - 1))
    frame = {"time": START + HOUR * np.arange(size), "close": close, "position": position, "return": earned}
    return pd.DataFrame(frame).assign(symbol="SIM")


def answers(size=4000, right=0.54, seed=0, overlap=0.0):
    """Probabilities of two classes for train, validation and test; with `overlap`, training rows stand beside a third of test."""
    rng = np.random.default_rng(seed)
    split = np.repeat(["train", "validation", "test"], [size // 2, size // 4, size // 4])
    time = START + HOUR * np.arange(size)
    inside = (split == "test") & (np.arange(size) < 5 * size // 6) & (overlap > 0)
    time[np.flatnonzero(split == "train")[: inside.sum()]] = time[inside] + HOUR // 2
    label = rng.integers(0, 2, size)
    hit = rng.random(size) < np.where(inside, right + overlap, right)
    up = np.where(hit, label, 1 - label)
    p = 0.5 + 0.5 * rng.random(size)
    return pd.DataFrame({"time": time, "split": split, "label": label, "p_0": np.where(up == 0, p, 1 - p), "p_1": np.where(up == 1, p, 1 - p)})  # fmt: skip


def repainted(_):
    now = answers(seed=2)
    rows = np.arange(500, 900)
    then = now.iloc[:3000].copy()
    then.loc[rows, ["p_0", "p_1"]] = then.loc[rows, ["p_1", "p_0"]].to_numpy()
    return audit_predictions(now, earlier=then)


def same_close(_):
    made = strategy()
    step = np.append(0.0, made.close.to_numpy()[1:] / made.close.to_numpy()[:-1] - 1)
    return audit_predictions(made.assign(**{"return": made.position * step}))


def too_many_trades(_):
    made = strategy()
    entered = np.repeat(made.time.to_numpy()[100:], 2)
    return audit_predictions(made, trades=pd.DataFrame({"entry_time": entered, "exit_time": entered + HOUR}))


def tuned(_):
    """The threshold above which test rows happen to be right."""
    table = answers(right=0.5, seed=4)
    p = table[["p_0", "p_1"]].to_numpy()
    score, hit = p.max(1), p.argmax(1) == table.label
    test = (table.split == "test").to_numpy()
    lucky = test & (score >= 0.83)
    flip = lucky & ~hit & (np.random.default_rng(0).random(len(table)) < 0.35)
    table.loc[flip, "label"] = 1 - table.loc[flip, "label"]
    return audit_predictions(table, threshold=0.83)


LEAKS = [
    Leak("repainting", repainted, "repainting", "p_0, at 2024-01-21 20:00"),
    Leak(
        "one-bar delay",
        lambda _: audit_predictions(strategy(hits=0.75)),
        "profit vanishes with one bar of delay",
        "position, SIM at",
    ),
    Leak("trades at the close it reads", same_close, "trades at the close it reads", "return, SIM at 2024-01-01 0"),
    Leak("more trades than bars", too_many_trades, "more trades than bars", "trades, 2024-01-05 04:00"),
    Leak("threshold too good", tuned, "threshold fits test better than validation explains", "threshold 0.83, test"),
    Leak(
        "accuracy on overlapping rows",
        lambda _: audit_predictions(answers(overlap=0.35), horizon=5),
        "accuracy sits on rows that overlap training",
        "label, at 2024-05-0",
    ),
]


def export_of(seed):
    now = answers(seed=seed)
    return audit_predictions(now, earlier=now.iloc[:3000], horizon=1, threshold=best_on_validation(now))


def best_on_validation(table):
    part = table[table.split == "validation"]
    p = part[["p_0", "p_1"]].to_numpy()
    score, hit = p.max(1), p.argmax(1) == part.label
    cuts = np.quantile(score, np.linspace(0, 0.9, 40))
    gain = [(2 * hit[score >= cut] - 1.0).sum() / np.sqrt((score >= cut).sum()) for cut in cuts]
    return float(cuts[int(np.argmax(gain))])


CLEAN = [
    *(
        Clean(f"strategy that is right {hits:.0%}", lambda _, hits=hits: audit_predictions(strategy(hits=hits, seed=3)))
        for hits in (0.5, 0.53, 0.57, 0.6)
    ),
    *(Clean(f"answers {seed}", lambda _, seed=seed: export_of(seed)) for seed in range(6)),
]
