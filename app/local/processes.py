"""The processes of the current run, written down so that another process, or the next run, can find and end them.

A process is the recorded one only if both its pid and its start time agree: pids are used again.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from app.local.files import write_private

SUPERVISOR = "supervisor"
CLOCK_TOLERANCE = 1.0  # seconds; a start time is derived from the boot time, which moves a little when the clock is set


@dataclass(frozen=True)
class Recorded:
    """A process of a run: `started` is seconds since the epoch, `stop_signal` a number."""

    pid: int
    started: float
    stop_signal: int = int(signal.SIGTERM)

    def process(self) -> psutil.Process | None:
        """The live process, or None if it has ended (a zombie has) or the pid belongs to another one."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < CLOCK_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def was_reused(self) -> bool:
        """Whether the pid now belongs to somebody else."""
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) >= CLOCK_TOLERANCE
        except psutil.NoSuchProcess:
            return False


def recorded(pid: int, stop_signal: signal.Signals = signal.SIGTERM) -> Recorded:
    """The record of a live process."""
    return Recorded(pid, psutil.Process(pid).create_time(), int(stop_signal))


class Processes:
    """The file `processes.json` of a home: the supervisor, what it runs, and whether all of it is ready."""

    def __init__(self, home: Path) -> None:
        self.file = home / "processes.json"

    def read(self) -> dict[str, Recorded]:
        """Every recorded process by name; empty if there was no run."""
        return self._load()[0]

    def supervisor(self) -> Recorded | None:
        """The supervisor, if it is alive."""
        known = self.read().get(SUPERVISOR)
        return known if known and known.process() else None

    def is_ready(self) -> bool:
        """Whether the supervisor is alive, has seen everything ready, and is not stopping."""
        return self._load()[1] and self.supervisor() is not None

    def begin(self, supervisor: Recorded) -> None:
        """Write down a new run that is not ready; what an earlier one has left stays on record until it is ended."""
        self._save({**self.read(), SUPERVISOR: supervisor}, False)

    def note(self, name: str, process: Recorded | None) -> None:
        """Write down that a process runs, or (None) that it has ended."""
        known, ready = self._load()
        known.pop(name, None)
        self._save(known | ({name: process} if process else {}), ready)

    def note_ready(self, ready: bool) -> None:
        """Write down that everything is ready, or is not any more."""
        self._save(self.read(), ready)

    def clear(self) -> None:
        """Forget the run."""
        self.file.unlink(missing_ok=True)

    def _load(self) -> tuple[dict[str, Recorded], bool]:
        try:
            run = json.loads(self.file.read_text())
        except FileNotFoundError:
            return {}, False
        return {name: Recorded(**fields) for name, fields in run["processes"].items()}, bool(run["ready"])

    def _save(self, known: dict[str, Recorded], ready: bool) -> None:
        plain = {name: asdict(process) for name, process in known.items()}
        write_private(self.file, json.dumps({"ready": ready, "processes": plain}, indent=1) + "\n")


def end_orphans(processes: Processes, patience: float = 20.0, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """End what outlived a killed supervisor; returns the names. Each gets its stop signal, and SIGKILL after `patience` seconds."""
    left = {name: known for name, known in processes.read().items() if name != SUPERVISOR}
    orphans = {name: known for name, known in left.items() if known.process()}
    for known in orphans.values():
        with suppress(ProcessLookupError):
            os.kill(known.pid, known.stop_signal)
    await_end(list(orphans.values()), patience, sleep)
    for known in orphans.values():
        if not known.was_reused():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(known.pid, signal.SIGKILL)  # each one led a session: this is whatever is left of it
    for name in left:
        processes.note(name, None)
    return sorted(orphans)


def await_end(known: list[Recorded], patience: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Wait up to `patience` seconds; returns whether all have ended. (They are not our children: nothing can be waited on.)"""
    deadline = time.monotonic() + patience
    while any(one.process() for one in known):
        if time.monotonic() > deadline:
            return False
        sleep(0.02)
    return True
