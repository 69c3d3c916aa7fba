"""Memory that a training step frees is there for the next one."""

import subprocess
import sys

import pytest
import tiny

from candlelab.trainer.allocator import has_room_to_keep

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


@pytest.mark.parametrize(("gigabytes", "room"), [(8, False), (16, False), (64, True)])
def test_a_small_machine_gets_its_memory_back(monkeypatch, gigabytes, room):
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": gigabytes << 18}.__getitem__)
    assert has_room_to_keep() is room
