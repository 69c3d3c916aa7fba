"""The registry of runs, the cleaning of checkpoints, and W&B sweep files."""

import itertools
import os

import pytest
import yaml

from candlelab.config import CONF, ConfigError, build, compose
from candlelab.config.command_line import check_overrides
from candlelab.run import write_json
from candlelab.task.inventory import inventory

PART = {"samples": 1, "first": "2020-01-01T00:00", "last": "2020-02-01T00:00", "classes": {"down": 1, "up": 0}}
CARD = {
    "symbols": ["BTCUSDT"],
    "interval": "1h",
    "window": 32,
    "first": "2020-01-01T00:00",
    "last": "2020-02-01T00:00",
    "bars": 9,
    "horizon": 1,
    "label": "Direction",
    "kind": "forecast",
    "fingerprint": "0",
    "parts": dict.fromkeys(("train", "validation", "test"), PART),
}
CONFIG = {
    "data": {
        "label": {"_target_": "candlelab.data.label.direction.Direction", "horizon": 1, "ties": "drop"},
        "source": {"_target_": "candlelab.data.source.simulated.Simulated"},
        "split": {"_target_": "candlelab.data.split.chronological.Chronological"},
        "symbols": ["BTCUSDT"],
        "interval": "1h",
        "start": None,
        "end": None,
        "resample": None,
        "thin": 0.0,
        "window": 32,
        "stride": 1,
    },
    "model": {"net": {"_target_": "candlelab.model.fusion.Fusion"}},
    "evaluate": {},
    "seed": 0,
}

PREPROCESSING = {
    "shapes": {"classes": 2, "image": None, "caption": 8, "vocabulary": 20, "series": [32, 2]},
    "reads": ["series"],
    "features": ["a", "b"],
    "scaling": None,
    "renderer": None,
    "batch_size": 64,
    "classes": ["down", "up"],
    "kind": "forecast",
    "horizon": 1,
    "label": "Direction",
    "window": 32,
    "warmup": 0,
    "interval": "1h",
    "symbols": ["BTCUSDT"],
    "tokenizer": "closed",
    "caption_length": 8,
    "weights_origin": "random",
    "data_hash": "0",
}


def answer(word):
    return {"question": "?", "answer": word, "sentence": "!", "value": None, "low": None, "high": None, "chance": 0.5}


VERDICT = {
    "information": answer("yes"),
    "beyond_baseline": answer("not shown"),
    "money": answer("no"),
    "volatility": None,
    "lines": [],
    "kind": "forecast",
    "smallest_edge": "",
    "suspicions": [],
    "missing_for_trust": [],
}
SWEEPS = sorted(
    path.stem
    for path in (CONF / "sweep").glob("[!_]*.yaml")
    if yaml.safe_load(path.read_text()).get("hydra", {}).get("sweeper") and not path.stem.startswith("search_")
)


def made_up_run(outputs, name, accuracy, loss, age):
    folder = outputs / "study" / name
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "checkpoints" / "last.ckpt").write_bytes(b"x" * 1000)
    write_json(folder / "preprocessing.json", PREPROCESSING)
    write_json(folder / "data.json", CARD)
    write_json(folder / "verdict.json", VERDICT)
    write_json(folder / "metrics.json", {"test/accuracy": accuracy, "test/log_loss": loss})
    for path in (folder / "config.yaml", folder / "checkpoints" / "last.ckpt"):
        os.utime(path, (1.7e9 - 86_400 * age,) * 2)
    return folder


@pytest.fixture
def outputs(tmp_path):
    """Two finished runs: the newer one is less accurate."""
    made_up_run(tmp_path, "old", 0.6, 0.5, age=10)
    made_up_run(tmp_path, "new", 0.5, 0.4, age=0)
    return tmp_path


def listed(outputs, **settings):
    cfg = compose("task=inventory", f"outputs={outputs}")
    return inventory(cfg, **{"what": "models", "metric": "test/accuracy", "show": "all", **settings})["models"]


def test_a_run_is_listed_with_data_model_verdict_date_and_size(outputs):
    row = listed(outputs)[0]
    assert (
        row["data"] == "BTCUSDT 1h w32 2020-01-01 to 2020-02-01"
        and row["model"] == "Fusion"
        and row["date"] == "2023-11-14 22:13"
    )
    assert row["verdict"] == "knows: yes, beats a simple rule: not shown, pays: no" and row["MB"] == 0.0


def test_latest_is_the_newest(outputs):
    assert [row["run"].rsplit("/", 1)[-1] for row in listed(outputs, show="latest")] == ["new"]


@pytest.mark.parametrize(("metric", "best"), [("test/accuracy", "old"), ("test/log_loss", "new")])
def test_best_is_high_accuracy_or_low_loss(outputs, metric, best):
    assert [row["run"].rsplit("/", 1)[-1] for row in listed(outputs, show="best", metric=metric)] == [best]


def test_what_is_staged_for_publishing_is_no_run(outputs):
    (outputs / "publish" / "me--net" / "files").mkdir(parents=True)
    (outputs / "publish" / "me--net" / "files" / "config.yaml").write_text("{}")
    assert len(listed(outputs)) == 2


@pytest.mark.parametrize(
    ("file", "damage"),
    [("config.yaml", "model: ["), ("config.yaml", "[]"), ("metrics.json", "{"), ("data.json", "{}x")],
)
def test_a_damaged_run_is_a_row_that_says_so(outputs, file, damage):
    (outputs / "study" / "old" / file).write_text(damage)
    rows = {row["run"].rsplit("/", 1)[-1]: row["state"] for row in listed(outputs)}
    assert rows["new"] == "finished" and rows["old"].startswith("unreadable: ")


def test_stores_are_listed_wherever_they_lie_under_the_outputs(tmp_path):
    for path in ("mine", "stores"):
        cfg = compose(
            "task=render",
            "data=simulated",
            "data.source.bars=300",
            "render=ohlc_bars",
            "render.height=16",
            "data.window=8",
            "render/storage=npz",
            f"outputs={tmp_path}",
            *([f"render.storage.path={tmp_path}/mine"] if path == "mine" else []),
        )
        build(cfg, "task", cfg)
    cfg = compose("task=inventory", f"outputs={tmp_path}")
    rows = inventory(cfg, what="stores", metric="test/accuracy", show="all")["stores"]
    assert [row["state"] for row in rows] == ["intact"] * 2 and rows[0]["path"] == f"{tmp_path}/mine"


def test_other_labels_are_another_store(tmp_path):
    for label in ("direction", "three_class"):
        cfg = compose(
            "task=render",
            "data=simulated",
            "data.source.bars=300",
            "render=ohlc_bars",
            "render.height=16",
            "data.window=8",
            f"data/label={label}",
            "render/storage=npz",
            f"outputs={tmp_path}",
        )
        build(cfg, "task", cfg)
    assert len(list((tmp_path / "stores").glob("npz*"))) == len(list((tmp_path / "sheets").glob("*.png"))) == 2


def test_cleaning_shows_first_and_removes_when_confirmed(outputs, capsys):
    for words in ((), ("task.confirm=true",)):
        cfg = compose("task=clean", f"outputs={outputs}", *words)
        assert len(build(cfg, "task", cfg)) == 2
    assert "would remove" in capsys.readouterr().out and not list(outputs.rglob("*.ckpt"))


def test_young_checkpoints_stay(outputs):
    os.utime(next(outputs.rglob("new/checkpoints/last.ckpt")))
    cfg = compose("task=clean", f"outputs={outputs}", "task.days=5", "task.confirm=true")
    build(cfg, "task", cfg)
    assert [path.parts[-3] for path in outputs.rglob("*.ckpt")] == ["new"]


@pytest.mark.parametrize("sweep", SWEEPS)
def test_every_combination_of_a_sweep_file_is_one_valid_command(sweep, tmp_path):
    cfg = compose("task=wandb_sweep", f"task.sweep={sweep}", f"outputs={tmp_path}")
    made = yaml.safe_load(build(cfg, "task", cfg).read_text())
    names = list(made["parameters"])
    for values in itertools.islice(itertools.product(*(made["parameters"][name]["values"] for name in names)), 1):
        words = made["command"][4:-1] + [f"{name}={value}" for name, value in zip(names, values)]
        assert len(check_overrides(words)) == 1


def test_a_search_is_no_grid_for_wandb(tmp_path):
    cfg = compose("task=wandb_sweep", "task.sweep=search_lstm", f"outputs={tmp_path}")
    with pytest.raises(ConfigError, match="searches with Optuna"):
        build(cfg, "task", cfg)


def test_an_unknown_sweep_names_the_nearest(tmp_path):
    cfg = compose("task=wandb_sweep", "task.sweep=lstm_variant", f"outputs={tmp_path}")
    with pytest.raises(ConfigError, match="did you mean 'lstm_variants'"):
        build(cfg, "task", cfg)
