import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dev.stack.process_registry import SUPERVISOR_NAME, ProcessRecord, ProcessRegistry, get_process_record, stop_orphans, wait_until_exited
from tests.unit.dev.stack.child_processes import EXIT_ON_SIGTERM, IGNORE_SIGTERM, WAIT_FOR_SIGNAL


class ChildProcesses:
    """Unsupervised processes, each of which has written its first line."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[str]] = []

    def start(self, code: str = WAIT_FOR_SIGNAL) -> subprocess.Popen[str]:
        command = [sys.executable, "-S", "-u", "-c", code]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        self.running.append(child)
        return child

    def kill_all(self) -> None:
        for child in self.running:
            child.kill()
            child.wait()
            assert child.stdout is not None
            child.stdout.close()


@pytest.fixture
def children() -> Iterator[ChildProcesses]:
    children = ChildProcesses()
    yield children
    children.kill_all()


@pytest.fixture
def registry(tmp_path: Path) -> ProcessRegistry:
    return ProcessRegistry(tmp_path)


def test_a_process_is_found_by_pid_and_start_time(children: ChildProcesses) -> None:
    record = get_process_record(children.start().pid)
    assert record.find_process() is not None
    other = replace(record, started_at=record.started_at - 60)
    assert other.find_process() is None
    assert (record.is_pid_reused(), other.is_pid_reused()) == (False, True)


def test_a_zombie_counts_as_exited(children: ChildProcesses) -> None:
    child = children.start()
    record = get_process_record(child.pid)
    child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert record.find_process() is None
    child.wait()
    assert record.find_process() is None
    assert not record.is_pid_reused()


def test_records_can_be_read_by_another_process(registry: ProcessRegistry, tmp_path: Path) -> None:
    kafka, worker = ProcessRecord(1, 2.5, signal.SIGINT), ProcessRecord(3, 4.5)
    registry.update_process("kafka", kafka)
    registry.update_process("worker", worker)
    assert ProcessRegistry(tmp_path).read() == {"kafka": kafka, "worker": worker}
    registry.update_process("worker", None)
    registry.update_process("worker", None)
    assert ProcessRegistry(tmp_path).read() == {"kafka": kafka}
    registry.clear()
    assert ProcessRegistry(tmp_path).read() == {}


def test_a_run_is_ready_while_it_is_recorded_as_ready_and_its_supervisor_is_alive(registry: ProcessRegistry) -> None:
    assert not registry.is_ready()
    registry.register_supervisor(get_process_record(os.getpid()))
    assert not registry.is_ready()
    registry.set_ready(True)
    registry.update_process("worker", ProcessRecord(1, 2.0))
    assert registry.is_ready()
    assert registry.find_supervisor() == get_process_record(os.getpid())
    registry.set_ready(False)
    assert not registry.is_ready()
    registry.set_ready(True)
    registry.update_process(SUPERVISOR_NAME, replace(get_process_record(os.getpid()), started_at=0.0))
    assert not registry.is_ready()
    assert registry.find_supervisor() is None


def test_a_new_run_is_not_ready_and_keeps_the_records_of_the_last_one(registry: ProcessRegistry) -> None:
    registry.register_supervisor(ProcessRecord(1, 2.0))
    registry.update_process("worker", ProcessRecord(3, 4.0))
    registry.set_ready(True)
    registry.register_supervisor(get_process_record(os.getpid()))
    assert not registry.is_ready()
    assert registry.read() == {SUPERVISOR_NAME: get_process_record(os.getpid()), "worker": ProcessRecord(3, 4.0)}


def test_orphans_get_their_own_stop_signal(registry: ProcessRegistry, children: ChildProcesses) -> None:
    polite, server = children.start(EXIT_ON_SIGTERM), children.start(EXIT_ON_SIGTERM.replace("SIGTERM", "SIGINT"))
    registry.update_process("polite", get_process_record(polite.pid))
    registry.update_process("server", get_process_record(server.pid, signal.SIGINT))
    assert stop_orphans(registry) == ["polite", "server"]
    assert [child.communicate()[0] for child in (polite, server)] == ["bye\n", "bye\n"]
    assert registry.read() == {}


def test_an_orphan_that_does_not_stop_is_killed(registry: ProcessRegistry, children: ChildProcesses) -> None:
    child = children.start(IGNORE_SIGTERM)
    registry.update_process("worker", get_process_record(child.pid))
    assert stop_orphans(registry, timeout=0.0) == ["worker"]
    assert child.wait() == -signal.SIGKILL


def test_a_process_with_the_reused_pid_of_an_orphan_is_not_stopped(registry: ProcessRegistry, children: ChildProcesses) -> None:
    child = children.start()
    registry.update_process("worker", replace(get_process_record(child.pid), started_at=0.0))
    assert stop_orphans(registry) == []
    assert child.poll() is None


def test_the_supervisor_is_no_orphan(registry: ProcessRegistry, children: ChildProcesses) -> None:
    child = children.start()
    registry.update_process(SUPERVISOR_NAME, get_process_record(child.pid))
    assert stop_orphans(registry) == []
    assert child.poll() is None


def test_waiting_for_an_exit_ends_after_the_timeout(children: ChildProcesses) -> None:
    delays: list[float] = []
    records = [get_process_record(children.start().pid)]
    assert not wait_until_exited(records, timeout=-1.0, sleep=delays.append)
    assert wait_until_exited([replace(records[0], started_at=0.0)], timeout=0.0, sleep=delays.append)
