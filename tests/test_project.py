"""What a person who joins finds: a citation, a workflow that runs .ci/run, a core without torch that says what to add."""

import os
import re
import subprocess
import sys
import tomllib

import pytest
import tiny
import yaml

from candlelab import __version__
from candlelab.core.refusals import OF_TRAINING

PROJECT = tomllib.loads((tiny.ROOT / "pyproject.toml").read_text())["project"]
BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def names(requirements):
    return {re.split(r"[><=\\[ ]", each)[0].lower().replace("-", "_") for each in requirements}


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """Runs Python as it is after `pip install candlelab`: what comes with training is absent."""
    folder = tmp_path_factory.mktemp("core")
    (folder / "sitecustomize.py").write_text(BLOCK.format(names={*OF_TRAINING, "numba"}))

    def run(*words):
        path = f"{folder}{os.pathsep}{tiny.ROOT}"
        return subprocess.run(
            [sys.executable, *words], cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
        )

    return run


def test_the_core_asks_for_nothing_that_only_training_needs():
    own = {"pil": "pillow", "sklearn": "scikit_learn"}
    training = {own.get(name.lower(), name.lower()) for name in OF_TRAINING}
    assert not training & names(PROJECT["dependencies"]) and training <= names(
        PROJECT["optional-dependencies"]["train"]
    )


@pytest.mark.parametrize("words", [("experiment=smoke",), ("task=judge", "task.predictions=x.csv"), ("task=render",)])
def test_the_core_says_what_to_add_for_training(core, words):
    done = core("-m", "candlelab", *words, "data=simulated", "data.source.bars=300")
    assert done.returncode == 2 and "pip install 'candlelab[train]'" in done.stderr and "Traceback" not in done.stderr


def test_the_core_draws_charts_and_makes_labels(core):
    code = (
        "import candlelab; c = candlelab.fetch('SIM', '1h', '2020-01-01', '2020-02-01', source='simulated');"
        "print(candlelab.draw(c, size=64).shape, len(candlelab.label(c, 'three_class').label))"
    )
    done = core("-c", code)
    assert done.returncode == 0 and "3, 64, 64) 744" in done.stdout, done.stderr


@pytest.mark.parametrize("call", ["candlelab.Charts", "candlelab.judge('x.csv', None)"])
def test_the_front_door_of_the_core_says_what_to_add(core, call):
    done = core("-c", f"import candlelab; {call}")
    assert "UserError: this needs" in done.stderr and "pip install 'candlelab[train]'" in done.stderr


def test_the_core_draws_the_same_bytes_as_with_everything_installed(core):
    code = (
        "import candlelab, hashlib; c = candlelab.fetch('SIM', '1h', '2020-01-01', '2020-01-09', source='simulated');"
        "print(*(hashlib.sha256(candlelab.draw(c, style=s)).hexdigest() for s in ('candles', 'jkx_i20', 'line')))"
    )
    complete = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(tiny.ROOT)}, capture_output=True, text=True
    )
    assert core("-c", code).stdout == complete.stdout != ""


def test_the_citation_names_this_version():
    cited = yaml.safe_load((tiny.ROOT / "CITATION.cff").read_text())
    assert cited["version"] == __version__ and cited["cff-version"] == "1.2.0"


def test_the_workflow_runs_what_a_developer_runs():
    jobs = yaml.safe_load((tiny.ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert ".ci/run" in [step.get("run") for step in jobs["test"]["steps"]]


def test_the_lock_holds_every_package_that_the_project_asks_for():
    locked = names((tiny.ROOT / "requirements-dev.lock").read_text().splitlines())
    asked = names(
        [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["train"], *PROJECT["optional-dependencies"]["dev"]]
    )
    assert asked <= locked, asked - locked
