"""A process that does not stop within its time exits by force."""

import subprocess
import sys

from app.forced_exit import FORCED_EXIT_CODE

SCRIPT = """
import threading
from app.forced_exit import schedule_forced_exit
schedule_forced_exit({timeout})
{wait}
"""


def run_script(timeout: float, wait: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(timeout=timeout, wait=wait)], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_process_that_still_runs_after_the_timeout_exits() -> None:
    result = run_script(0.01, "threading.Event().wait()")
    assert result.returncode == FORCED_EXIT_CODE
    assert "did not stop within 0.01 s" in result.stderr


def test_a_process_that_stops_in_time_is_not_affected() -> None:
    assert run_script(3600.0, "").returncode == 0
