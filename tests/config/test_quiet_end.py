"""The end of a command is silent, whatever the start kept from the garbage collector."""

import subprocess
import sys

import pytest
from tiny import ROOT


def test_a_command_that_loaded_a_nanobind_module_ends_without_a_leak_report():
    pytest.importorskip("triton")
    code = "import candlelab.__main__ as door, triton._C.libtriton; door._collect_again()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_other_libraries_speak_up_only_when_something_is_wrong():
    code = (
        "import logging; from candlelab.config.command_line import with_hydra; from hydra.core.utils import configure_log;"
        "full = with_hydra(['experiment=smoke']); configure_log(full.hydra.job_logging, full.hydra.verbose);"
        "[logging.getLogger(name).info(name) for name in ('httpx', 'candlelab.render')]; logging.getLogger('httpx').warning('trouble')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["candlelab.render", "trouble"], done.stderr
