"""Every setting of several presets, given values out of its range: refused in a sentence, or taken; never a traceback, never a folder."""

import contextlib
import io
import random
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from candlelab.config import check_config, compose, leaves, plain
from candlelab.core.errors import UserError
from candlelab.core.refusals import refusal
from candlelab.task import train as task

SMALL = ("data=simulated", "data.source.bars=700", "trainer.progress=none", "pretrained=false")
PRESETS = {
    "fusion": ("experiment=smoke", *SMALL[1:]),
    "lstm": (*SMALL, "model=cnn_lstm_attn", "data/split=walk_forward", "data/label=triple_barrier"),
    "bars": (*SMALL, "model=cnn_small", "render=ohlc_bars", "data/label=balanced", "evaluate/threshold=grid"),
    "jkx": (*SMALL, "model=jkx_cnn", "render=jkx_i20", "data/label=three_class"),
    "line": (*SMALL, "model=vit_patterns_small", "render=line", "model/optimizer=sgd", "data/scaling=minmax"),
    "numbers": (*SMALL, "model=logistic", "data/indicators=bars", "data/scaling=none"),
}
BY_HAND = ("outputs", "resume", "study", "name", "data.source._target_")
FEW = 25


def values(value):
    """Return values of a setting's own type that few settings can have."""
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, int):
        return [-1, 0, 10**9]
    if isinstance(value, float):
        return [-1.0, 0.0, 1e9, 1e300, 1e-300]
    if isinstance(value, list):
        return [[], [-1], [1e300], [""], ["nope", "nope"]]
    return ["", "nope", "../x"] if isinstance(value, str) else []


def confusions():
    """Yield (preset, key, value) for every leaf of every preset; what a preset shares with one before it comes once."""
    seen = set()
    for preset, words in PRESETS.items():
        cfg = compose(*words)
        for key in sorted(leaves(plain(cfg))):
            value = OmegaConf.select(cfg, key)
            value = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            target = OmegaConf.select(cfg, f"{key.rpartition('.')[0]}._target_") if "." in key else None
            if key.startswith("task") or key.endswith("_target_") or key in BY_HAND or (target, key) in seen:
                continue
            seen.add((target, key))
            yield from ((preset, key, wrong) for wrong in values(value))


CORPUS = list(confusions())


def wrong_answers(chosen):
    """Return each confusion that was neither refused in one sentence nor taken."""
    found, made = [], {preset: compose(*words) for preset, words in PRESETS.items()}
    for preset, key, value in chosen:
        cfg = made[preset].copy()
        OmegaConf.set_struct(cfg, False)
        OmegaConf.update(cfg, key, value, merge=False)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                check_config(cfg)
                task.train(cfg)
        except UserError as error:
            if len(str(error)) < 15:
                found.append(f"{preset} {key}={value}: only '{error}'")
        except Exception as error:  # noqa: BLE001 - what the corpus looks for
            if refusal(error, Path("outputs")) is None:
                found.append(f"{preset} {key}={value}: {type(error).__name__}: {str(error)[:200]}")
    return found


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(task, "_fit", lambda cfg, folder, ready, stamp: {})
    return tmp_path


def test_the_corpus_holds_three_hundred_confusions():
    print(f"{len(CORPUS)} confusions")
    assert len(CORPUS) >= 300


def test_some_confusions_are_refused_or_taken(here):
    assert wrong_answers(random.Random(3).sample(CORPUS, FEW)) == [] and not list(here.rglob("config.yaml"))


@pytest.mark.slow
def test_every_confusion_is_refused_or_taken(here):
    wrong = wrong_answers(CORPUS)
    print(f"{len(CORPUS)} confusions, {len(wrong)} answered wrongly")
    assert wrong == [] and not list(here.rglob("config.yaml"))
