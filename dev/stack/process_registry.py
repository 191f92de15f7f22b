"""The processes of the current run in a file, so that other processes, or the next run, can find and stop them.

A process is the recorded one only if its pid and its start time match, because pids are reused.
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

from dev.stack.private_files import write_private_file

SUPERVISOR_NAME = "supervisor"
START_TIME_TOLERANCE = 1.0  # seconds; start times are derived from the boot time, which shifts when the clock is set


@dataclass(frozen=True)
class ProcessRecord:
    """A process of a run; `started_at` in epoch seconds, `stop_signal` as a number."""

    pid: int
    started_at: float
    stop_signal: int = int(signal.SIGTERM)

    def find_process(self) -> psutil.Process | None:
        """The live process; None if it has exited (also as a zombie) or another process has the pid."""
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.started_at) < START_TIME_TOLERANCE
            return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def is_pid_reused(self) -> bool:
        """Whether another process has the pid now."""
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started_at) >= START_TIME_TOLERANCE
        except psutil.NoSuchProcess:
            return False


def get_process_record(pid: int, stop_signal: signal.Signals = signal.SIGTERM) -> ProcessRecord:
    """The record of a live process."""
    return ProcessRecord(pid, psutil.Process(pid).create_time(), int(stop_signal))


def find_process_record(pid: int, stop_signal: signal.Signals = signal.SIGTERM) -> ProcessRecord | None:
    """The record of a process; None if it has exited, as a process that fails at once may have before its record is made."""
    try:
        return get_process_record(pid, stop_signal)
    except psutil.NoSuchProcess:
        return None


class ProcessRegistry:
    """The file `processes.json` of a home: the supervisor, its processes, and whether the run is ready."""

    def __init__(self, home: Path) -> None:
        self.path = home / "processes.json"

    def read(self) -> dict[str, ProcessRecord]:
        """The recorded processes by name; empty without a run."""
        return self._load()[0]

    def find_supervisor(self) -> ProcessRecord | None:
        """The supervisor, if it is alive."""
        record = self.read().get(SUPERVISOR_NAME)
        return record if record and record.find_process() else None

    def is_ready(self) -> bool:
        """Whether the supervisor is alive, everything is ready, and the run is not stopping."""
        return self._load()[1] and self.find_supervisor() is not None

    def register_supervisor(self, supervisor: ProcessRecord) -> None:
        """Record the supervisor of a new run, which is not ready; processes of an earlier run stay recorded until they are stopped."""
        self._save({**self.read(), SUPERVISOR_NAME: supervisor}, False)

    def update_process(self, name: str, process: ProcessRecord | None) -> None:
        """Record a process, or remove it (None)."""
        records, ready = self._load()
        records.pop(name, None)
        self._save(records | ({name: process} if process else {}), ready)

    def set_ready(self, ready: bool) -> None:
        """Record whether the run is ready."""
        self._save(self.read(), ready)

    def clear(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def _load(self) -> tuple[dict[str, ProcessRecord], bool]:
        try:
            run = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}, False
        return {name: ProcessRecord(**fields) for name, fields in run["processes"].items()}, bool(run["ready"])

    def _save(self, records: dict[str, ProcessRecord], ready: bool) -> None:
        processes = {name: asdict(record) for name, record in records.items()}
        write_private_file(self.path, json.dumps({"ready": ready, "processes": processes}, indent=1) + "\n")


def stop_orphans(registry: ProcessRegistry, timeout: float = 20.0, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """Stop the processes of a killed supervisor: the stop signal of each, and SIGKILL after `timeout` seconds; returns their names."""
    records = {name: record for name, record in registry.read().items() if name != SUPERVISOR_NAME}
    orphans = {name: record for name, record in records.items() if record.find_process()}
    for record in orphans.values():
        with suppress(ProcessLookupError):
            os.kill(record.pid, record.stop_signal)
    wait_until_exited(list(orphans.values()), timeout, sleep)
    for record in orphans.values():
        if not record.is_pid_reused():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(record.pid, signal.SIGKILL)  # each orphan leads a session: this kills the rest of it
    for name in records:
        registry.update_process(name, None)
    return sorted(orphans)


def wait_until_exited(records: list[ProcessRecord], timeout: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Wait up to `timeout` seconds; returns whether all have exited. Polls, because they are not children of this process."""
    deadline = time.monotonic() + timeout
    while any(record.find_process() for record in records):
        if time.monotonic() > deadline:
            return False
        sleep(0.02)
    return True
