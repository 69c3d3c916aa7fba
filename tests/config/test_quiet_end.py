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
