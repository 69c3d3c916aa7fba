"""A stored config is data: what it may hold, and whose places are used."""

import json

import pytest
import tiny

from candlelab import load_run
from candlelab.config import ConfigError, locate
from candlelab.config.schema import schema_of
from candlelab.config.stored import read_stored, without_places
from candlelab.core import origin
from candlelab.core.errors import UserError

PLAIN = "data:\n  window: 3\nmodel:\n  lr: 1.0e-3\n"


@pytest.mark.parametrize(
    "extra",
    [
        "key: ${oc.env:HF_TOKEN}",
        'key: "\\x24{oc.env:HF_TOKEN}"',
        "'${a}': 1",
        "a: &a [1]\nb: *a",
        "a: !!python/object/apply:os.system [ls]",
        "a: " + "[" * 40 + "]" * 40,
        "x: " + "y" * 1_000_001,
    ],
)
def test_a_stored_config_with_tricks_is_refused(tmp_path, extra):
    path = tmp_path / "config.yaml"
    path.write_text(PLAIN + extra + "\n")
    with pytest.raises(UserError):
        read_stored(path)


def test_a_stored_config_keeps_its_numbers(tmp_path):
    (tmp_path / "config.yaml").write_text(PLAIN)
    assert read_stored(tmp_path / "config.yaml") == {"data": {"window": 3}, "model": {"lr": 0.001}}


@pytest.mark.parametrize(
    "target",
    [
        "candlelab./tmp/evil.Thing",
        "candlelab.../evil.Thing",
        "candlelab.run.__builtins__",
        "os.system",
        "candlelab.data.source.file.File; import os",
        "candlelab.__main__.main",
        "candlelab",
        "",
        5,
        None,
    ],
)
def test_a_target_that_is_no_dotted_name_of_a_declared_package_is_refused(target):
    with pytest.raises(ConfigError):
        locate(target)


def test_a_component_stands_only_in_its_own_room():
    with pytest.raises(ConfigError, match="does not belong here"):
        locate("candlelab.task.clean.clean", "model")


def test_a_file_named_by_a_target_is_never_read(tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    (tmp_path / "evil.py").write_text(f"class Thing:\n    def __init__(self, *, x: open({str(canary)!r}, 'w')): ...\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError):
        locate("evil.Thing")
    assert not canary.exists()


def test_an_annotation_is_never_evaluated(tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    (tmp_path / "my_lab.py").write_text(
        f"class Thing:\n    def __init__(self, *, x: open({str(canary)!r}, 'w'), y: 'int | None'): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CANDLELAB_EXTENSIONS", "my_lab")
    assert schema_of("my_lab", "Thing").settings["y"] == int | None
    assert not canary.exists()


def test_places_of_another_machine_are_replaced_by_our_own():
    tree = {
        "data": {
            "source": {
                "_target_": "candlelab.data.source.binance_vision.BinanceVision",
                "archive_url": "http://evil",
                "cache": "/x",
                "workers": 2,
            }
        },
        "trainer": {"logger": {"_target_": "candlelab.trainer.logger.wandb_log.WandbLog"}},
    }
    made = without_places(tree)
    assert (
        made["data"]["source"]["archive_url"] == "https://data.binance.vision"
        and made["data"]["source"]["workers"] == 2
    )
    assert made["data"]["source"]["cache"] == "outputs/cache/candles"
    assert made["trainer"]["logger"]["_target_"].endswith("CsvLog")


def test_a_file_of_another_machine_must_be_given():
    source = {
        "_target_": "candlelab.data.source.file.File",
        "path": "/etc/passwd",
        "misaligned": "drop",
        "last_bar": "keep",
    }
    assert without_places({"data": {"source": source}})["data"]["source"]["path"] == "???"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.trained(tmp_path_factory.mktemp("outputs"))


def test_a_run_trained_here_is_ours(folder):
    assert load_run(folder).ours


def test_an_edited_run_is_not_ours(folder, tmp_path):
    import shutil

    copy = shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("manifest.json"))
    (copy / "config.yaml").write_text((copy / "config.yaml").read_text().replace("seed: 0", "seed: 1"))
    assert not load_run(copy).ours


def test_a_mark_made_with_another_key_is_not_ours(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert not load_run(folder).ours
    assert json.loads((folder / "origin.json").read_text())["mark"] != origin.mark_of(
        (folder / "config.yaml").read_bytes()
    )
