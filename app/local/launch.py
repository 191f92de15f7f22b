"""A run in the background: start it, wait until it is ready, find it again, end it."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.local.files import try_locked
from app.local.processes import SUPERVISOR, Processes, await_end, end_orphans
from app.local.service import StartFailed
from app.local.state import State

LOG = "run.log"


def launch(home: Path, env: Mapping[str, str], words: Sequence[str] = (), *, until_eof: bool = False) -> subprocess.Popen[bytes]:
    """Start `run` as a process of its own session that writes `run.log`; does not wait.

    With `until_eof` it stops when the returned process's stdin is closed: so it cannot outlive whoever started it.
    """
    State(home).make()
    log = home / LOG
    if log.exists():
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
    """Wait until the run of this home is ready; raises StartFailed with the end of its log if the child ends before that."""
    processes = Processes(home)
    while not processes.is_ready():
        if child is not None and child.poll() is not None:
            tail = (home / LOG).read_text(errors="replace").splitlines()[-30:]
            raise StartFailed("\n".join([f"the run ended with code {child.returncode} before it was ready; {home / LOG}:", *tail]))
        if child is None and not is_held(home):
            raise StartFailed(f"the run in {home} ended before it was ready; see {home / LOG}")
        time.sleep(0.02)


def is_held(home: Path) -> bool:
    """Whether a run holds this home."""
    if not home.exists():
        return False
    with try_locked(home / "lock") as free:
        return not free


def bring_down(home: Path, patience: float = 90.0) -> bool:
    """Stop the run of this home and whatever a killed one left; returns whether nothing is left."""
    if not home.exists():
        return True
    processes = Processes(home)
    supervisor = processes.read().get(SUPERVISOR)
    if supervisor is not None and (process := supervisor.process()) is not None:
        process.terminate()
        if not await_end([supervisor], patience):
            return False
    with try_locked(home / "lock") as free:
        if free:
            end_orphans(processes)
        return free
