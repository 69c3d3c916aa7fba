"""Memory that a training step frees is there for the next one."""

import subprocess
import sys

import pytest
import tiny

STEPS = """
import resource, sys
import numpy as np
from candlelab.trainer.allocator import keep_freed_memory
kept = keep_freed_memory() if sys.argv[1] == "keep" else True
faults = []
for step in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(20_000_000)  # 160 MB
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(kept, faults[-1])
"""


def last_step(how):
    done = subprocess.run([sys.executable, "-c", STEPS, how], cwd=tiny.ROOT, capture_output=True, text=True, check=True)
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_a_step_asks_for_no_page_that_the_last_one_freed():
    kept, faults = last_step("keep")
    assert not kept or faults < 10
