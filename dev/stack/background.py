"""A run in the background: start it, wait until it is ready, find it again, end it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from dev.stack.files import try_acquire_file_lock
from dev.stack.process_registry import ProcessRegistry, stop_orphans, wait_until_exited
from dev.stack.service import ServiceStartError
from dev.stack.stack_state import StackState

LOG_FILE_NAME = "run.log"


def start_supervisor(
    home: Path, env: Mapping[str, str], arguments: Sequence[str] = (), *, until_eof: bool = False
) -> subprocess.Popen[bytes]:
    """Start `run` as a process of its own session that writes `run.log`; does not wait.

    With `until_eof` it stops when the returned process's stdin is closed: so it cannot outlive whoever started it.
    """
    StackState(home).create()
    log = home / LOG_FILE_NAME
    with suppress(FileNotFoundError):
        log.replace(home / f"{LOG_FILE_NAME}.1")
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "dev.stack", "run", *(["--until-eof"] if until_eof else []), *arguments],
            stdin=subprocess.PIPE if until_eof else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**env, "HEROLD_HOME": str(home)},
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )


def wait_until_ready(home: Path, child: subprocess.Popen[bytes] | None) -> None:
    """Wait until the run of this home, ours or another's, is ready; raises StartFailed, with the end of its log, if it ends before."""
    processes = ProcessRegistry(home)
    while not processes.is_ready():
        ours_has_ended = child is None or child.poll() is not None
        if ours_has_ended and processes.find_supervisor() is None:
            raise ServiceStartError(
                f"the run in {home} ended before it was ready; the end of {home / LOG_FILE_NAME}:\n{_read_log_tail(home / LOG_FILE_NAME)}"
            )
        time.sleep(0.02)


def _read_log_tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:]) if log.exists() else ""


def stop_supervisor(home: Path, timeout: float = 90.0) -> bool:
    """Stop the run of this home and whatever a killed one left; returns whether nothing is left."""
    if not home.exists():
        return True
    processes = ProcessRegistry(home)
    if supervisor := processes.find_supervisor():
        with suppress(ProcessLookupError):
            os.kill(supervisor.pid, signal.SIGTERM)
        if not wait_until_exited([supervisor], timeout):
            return False
    with try_acquire_file_lock(home / "lock") as free:
        if free:
            stop_orphans(processes)
            processes.clear()
        return free
