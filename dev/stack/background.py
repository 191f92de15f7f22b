"""A supervisor in the background: start it, wait until it is ready, stop it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from dev.stack.private_files import try_acquire_file_lock
from dev.stack.process_registry import ProcessRegistry, stop_orphans, wait_until_exited
from dev.stack.service import ServiceStartError
from dev.stack.stack_state import StackState

LOG_FILE_NAME = "run.log"


def start_supervisor(
    home: Path, env: Mapping[str, str], arguments: Sequence[str] = (), *, until_eof: bool = False
) -> subprocess.Popen[bytes]:
    """Start `python -m dev.stack run` in a session of its own with its output in `run.log`; returns before it is ready.

    `until_eof`: it stops when the stdin of the returned process is closed, so it cannot outlive the caller.
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
    """Wait until the run of this home is ready. Raises ServiceStartError with the end of its log if it exits before.

    `child`: the supervisor if this process started it, otherwise None.
    """
    registry = ProcessRegistry(home)
    while not registry.is_ready():
        child_has_exited = child is None or child.poll() is not None
        if child_has_exited and registry.find_supervisor() is None:
            raise ServiceStartError(
                f"the run in {home} exited before it was ready; the end of {home / LOG_FILE_NAME}:\n{_read_log_tail(home / LOG_FILE_NAME)}"
            )
        time.sleep(0.02)


def _read_log_tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:]) if log.exists() else ""


def stop_supervisor(home: Path, timeout: float = 90.0) -> bool:
    """Stop the run of this home and the orphans of a killed run; returns whether all processes have exited within `timeout` seconds."""
    if not home.exists():
        return True
    registry = ProcessRegistry(home)
    if supervisor := registry.find_supervisor():
        with suppress(ProcessLookupError):
            os.kill(supervisor.pid, signal.SIGTERM)
        if not wait_until_exited([supervisor], timeout):
            return False
    with try_acquire_file_lock(home / "lock") as acquired:
        if acquired:
            stop_orphans(registry)
            registry.clear()
        return acquired
