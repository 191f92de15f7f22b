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

from dev.stack.files import write_private_file

SUPERVISOR_NAME = "supervisor"
START_TIME_TOLERANCE = 1.0  # seconds; a start time is derived from the boot time, which moves a little when the clock is set


@dataclass(frozen=True)
class ProcessRecord:
    """A process of a run: `started` is seconds since the epoch, `stop_signal` a number."""

    pid: int
    started_at: float
    stop_signal: int = int(signal.SIGTERM)

    def find_process(self) -> psutil.Process | None:
        """The live process, or None if it has ended (a zombie has) or the pid belongs to another one."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < START_TIME_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def is_pid_reused(self) -> bool:
        """Whether the pid now belongs to somebody else."""
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started_at) >= START_TIME_TOLERANCE
        except psutil.NoSuchProcess:
            return False


def get_process_record(pid: int, stop_signal: signal.Signals = signal.SIGTERM) -> ProcessRecord:
    """The record of a live process."""
    return ProcessRecord(pid, psutil.Process(pid).create_time(), int(stop_signal))


class ProcessRegistry:
    """The file `processes.json` of a home: the supervisor, what it runs, and whether all of it is ready."""

    def __init__(self, home: Path) -> None:
        self.path = home / "processes.json"

    def read(self) -> dict[str, ProcessRecord]:
        """Every recorded process by name; empty if there was no run."""
        return self._load()[0]

    def find_supervisor(self) -> ProcessRecord | None:
        """The supervisor, if it is alive."""
        known = self.read().get(SUPERVISOR_NAME)
        return known if known and known.find_process() else None

    def is_ready(self) -> bool:
        """Whether the supervisor is alive, has seen everything ready, and is not stopping."""
        return self._load()[1] and self.find_supervisor() is not None

    def register_supervisor(self, supervisor: ProcessRecord) -> None:
        """Write down a new run that is not ready; what an earlier one has left stays on record until it is ended."""
        self._save({**self.read(), SUPERVISOR_NAME: supervisor}, False)

    def update_process(self, name: str, process: ProcessRecord | None) -> None:
        """Write down that a process runs, or (None) that it has ended."""
        known, ready = self._load()
        known.pop(name, None)
        self._save(known | ({name: process} if process else {}), ready)

    def set_ready(self, ready: bool) -> None:
        """Write down that everything is ready, or is not any more."""
        self._save(self.read(), ready)

    def clear(self) -> None:
        """Forget the run."""
        self.path.unlink(missing_ok=True)

    def _load(self) -> tuple[dict[str, ProcessRecord], bool]:
        try:
            run = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}, False
        return {name: ProcessRecord(**fields) for name, fields in run["processes"].items()}, bool(run["ready"])

    def _save(self, known: dict[str, ProcessRecord], ready: bool) -> None:
        plain = {name: asdict(process) for name, process in known.items()}
        write_private_file(self.path, json.dumps({"ready": ready, "processes": plain}, indent=1) + "\n")


def stop_orphans(registry: ProcessRegistry, timeout: float = 20.0, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """End what outlived a killed supervisor; returns the names. Each gets its stop signal, and SIGKILL after `patience` seconds."""
    left = {name: known for name, known in registry.read().items() if name != SUPERVISOR_NAME}
    orphans = {name: known for name, known in left.items() if known.find_process()}
    for known in orphans.values():
        with suppress(ProcessLookupError):
            os.kill(known.pid, known.stop_signal)
    wait_until_exited(list(orphans.values()), timeout, sleep)
    for known in orphans.values():
        if not known.is_pid_reused():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(known.pid, signal.SIGKILL)  # each one led a session: this is whatever is left of it
    for name in left:
        registry.update_process(name, None)
    return sorted(orphans)


def wait_until_exited(records: list[ProcessRecord], timeout: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Wait up to `patience` seconds; returns whether all have ended. (They are not our children: nothing can be waited on.)"""
    deadline = time.monotonic() + timeout
    while any(one.find_process() for one in records):
        if time.monotonic() > deadline:
            return False
        sleep(0.02)
    return True
