import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.cpu_meter import CpuMeter, read_wakeups

SLEEPS = 50
CHILD = f"import sys, time\nfor _ in range({SLEEPS}): time.sleep(0.001)\nprint(flush=True)\nsys.stdin.read()"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="a kernel without proc(5)")
def test_wakeups_are_those_of_a_process_and_its_children() -> None:
    meter, before = CpuMeter({"pytest": os.getpid()}), read_wakeups(os.getpid())
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        of_child, with_child = read_wakeups(child.pid), read_wakeups(os.getpid())
        assert meter.compute_wakeups_per_s()["pytest"] > 0
        child.communicate()
    assert SLEEPS <= of_child < with_child
    assert with_child >= before + of_child


def test_a_process_that_has_ended_has_no_wakeups() -> None:
    assert read_wakeups(2**22 + 1) == 0
