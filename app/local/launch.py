"""A run in the background: start it, wait until it is ready, find it again, end it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.local.files import try_locked
from app.local.processes import Processes, await_end, end_orphans
from app.local.service import StartFailed
from app.local.state import State

LOG = "run.log"


def launch(home: Path, env: Mapping[str, str], words: Sequence[str] = (), *, until_eof: bool = False) -> subprocess.Popen[bytes]:
    """Start `run` as a process of its own session that writes `run.log`; does not wait.

    With `until_eof` it stops when the returned process's stdin is closed: so it cannot outlive whoever started it.
    """
    State(home).make()
    log = home / LOG
    with suppress(FileNotFoundError):
        log.replace(home / f"{LOG}.1")
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "app.local", "run", *(["--until-eof"] if until_eof else []), *words],
            stdin=subprocess.PIPE if until_eof else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**env, "HEROLD_HOME": str(home)},
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )


def await_ready(home: Path, child: subprocess.Popen[bytes] | None) -> None:
    """Wait until the run of this home, ours or another's, is ready; raises StartFailed, with the end of its log, if it ends before."""
    processes = Processes(home)
    while not processes.is_ready():
        ours_has_ended = child is None or child.poll() is not None
        if ours_has_ended and processes.supervisor() is None:
            raise StartFailed(f"the run in {home} ended before it was ready; the end of {home / LOG}:\n{_tail(home / LOG)}")
        time.sleep(0.02)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:]) if log.exists() else ""


def bring_down(home: Path, patience: float = 90.0) -> bool:
    """Stop the run of this home and whatever a killed one left; returns whether nothing is left."""
    if not home.exists():
        return True
    processes = Processes(home)
    if supervisor := processes.supervisor():
        with suppress(ProcessLookupError):
            os.kill(supervisor.pid, signal.SIGTERM)
        if not await_end([supervisor], patience):
            return False
    with try_locked(home / "lock") as free:
        if free:
            end_orphans(processes)
            processes.clear()
        return free
