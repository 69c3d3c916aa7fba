"""Somebody else's package brings components and yaml; a config by itself never names one."""

import os
import subprocess
import sys

import extension_cases
import pytest
import tiny

from candlelab.config import ConfigError, catalogue, compose, groups, packages, signature

NAME = "lab_of_config"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """The folder of a package on the path that the person names in CANDLELAB_EXTENSIONS."""
    extension_cases.written(tmp_path, NAME)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("CANDLELAB_EXTENSIONS", NAME)
    packages._place.cache_clear()
    yield tmp_path / NAME
    packages._place.cache_clear()


def test_options_of_an_extension_compose_beside_ours(lab):
    cfg = compose(f"model={NAME}_net", f"data/label={NAME}_average", f"render={NAME}_bodies", "data=simulated")
    assert cfg.model.net._target_ == f"{NAME}.net.LabNet" and cfg.model.loss._target_ == f"{NAME}.loss.Brier"


def test_the_catalogue_lists_an_extension_under_its_name(lab):
    assert f"from {NAME}:" in catalogue() and f"    {NAME}_net" in catalogue().partition(f"from {NAME}:")[2]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("model.net.chanels=4", "did you mean 'model.net.channels'"),
        ("model.net.channels=many", "expected a whole number"),
        ("render={}_bodys", "did you mean '{}_bodies'"),
    ],
)
def test_settings_of_an_extension_are_checked_like_ours(lab, word, said):
    with pytest.raises(ConfigError, match=said.format(NAME)):
        compose(f"experiment={NAME}", word.format(NAME))


def test_another_source_text_is_another_run(lab):
    before = signature(compose(f"experiment={NAME}"))
    (lab / "net.py").write_text((lab / "net.py").read_text() + "\n# another thought\n")
    assert signature(compose(f"experiment={NAME}")) != before


def test_an_extension_that_is_not_used_moves_no_run(lab, monkeypatch):
    here = signature(compose("experiment=smoke"))
    monkeypatch.delenv("CANDLELAB_EXTENSIONS")
    assert signature(compose("experiment=smoke")) == here


def test_an_option_with_a_name_of_ours_is_refused(lab):
    (lab / "conf" / "model" / "cnn_small.yaml").write_text("# mine instead of candlelab's\n")
    with pytest.raises(ConfigError, match="has the name of an option of candlelab: give it another name"):
        groups()


def test_an_extension_says_nothing_to_hydra(lab):
    (lab / "conf" / "hydra" / "launcher").mkdir(parents=True)
    (lab / "conf" / "hydra" / "launcher" / "mine.yaml").write_text("# starts programs\n_target_: os.system\n")
    with pytest.raises(ConfigError, match="an extension brings no hydra/ options"):
        groups()


def test_a_target_that_nobody_declared_says_what_to_install():
    with pytest.raises(ConfigError, match="install the package 'lab_of_nobody' if you trust it"):
        compose("model=cnn_small", "model.net._target_=lab_of_nobody.net.LabNet")


def test_what_moved_since_a_run_was_trained_is_told():
    told, now = {"a": {"version": "1", "source": "x"}}, {"a": {"version": "2", "source": "y"}}
    assert packages.changed_extensions(told, now) == "it was trained with a 1 (source x); installed is a 2 (source y)"


@pytest.mark.parametrize("told", [None, "text", {}, {"a": None}])
def test_a_run_that_says_nothing_of_extensions_moves_nothing(told):
    assert packages.changed_extensions(told, {"a": {"version": "2", "source": "y"}}) is None


def command(*words, cwd, path, **env):
    return subprocess.run(
        [sys.executable, "-m", "candlelab", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{tiny.ROOT}", **env},
    )


def test_an_entry_point_declares_a_package(tmp_path):
    extension_cases.installed(tmp_path, "lab_of_pip")
    assert "from lab_of_pip:" in command("--help", cwd=tmp_path, path=tmp_path).stdout


def test_a_package_without_entry_point_brings_no_option(tmp_path):
    extension_cases.written(tmp_path, "lab_of_pip")
    assert "lab_of_pip" not in command("--help", cwd=tmp_path, path=tmp_path).stdout


def test_a_folder_of_yaml_and_a_module_serve_a_script_without_packaging(tmp_path):
    (tmp_path / "conf" / "data" / "label").mkdir(parents=True)
    (tmp_path / "conf" / "data" / "label" / "mine.yaml").write_text("# my rule\n_target_: rules.Mine\nhorizon: 3\n")
    (tmp_path / "rules.py").write_text("class Mine:\n    def __init__(self, *, horizon: int) -> None: ...\n")
    words = ("--cfg", "job", "data/label=mine", "data.label.horizon=4", "--config-dir=conf")
    done = command(*words, cwd=tmp_path, path=tmp_path, CANDLELAB_EXTENSIONS="rules")
    assert done.returncode == 0 and "_target_: rules.Mine\n    horizon: 4" in done.stdout, done.stderr


def test_a_folder_of_yaml_that_is_none_is_refused():
    done = tiny.command("--config-dir", "/nowhere/at/all")
    assert done.returncode == 2 and "'/nowhere/at/all' is no folder" in done.stderr
