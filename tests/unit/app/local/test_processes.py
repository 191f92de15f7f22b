import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.local.processes import SUPERVISOR, Processes, Recorded, await_end, end_orphans, recorded
from tests.unit.app.local.children import LIVE, POLITE, STUBBORN


class Children:
    """Processes that nobody supervises, each past its first line."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[str]] = []

    def start(self, code: str = LIVE) -> subprocess.Popen[str]:
        command = [sys.executable, "-S", "-u", "-c", code]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        self.running.append(child)
        return child

    def end(self) -> None:
        for child in self.running:
            child.kill()
            child.wait()
            assert child.stdout is not None
            child.stdout.close()


@pytest.fixture
def children() -> Iterator[Children]:
    children = Children()
    yield children
    children.end()


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(tmp_path)


def test_a_process_is_found_by_pid_and_start_time(children: Children) -> None:
    known = recorded(children.start().pid)
    assert known.process() is not None
    other = replace(known, started=known.started - 60)
    assert other.process() is None
    assert (known.was_reused(), other.was_reused()) == (False, True)


def test_a_zombie_has_ended(children: Children) -> None:
    child = children.start()
    known = recorded(child.pid)
    child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert known.process() is None
    child.wait()
    assert known.process() is None
    assert not known.was_reused()


def test_what_is_noted_can_be_read_by_another_process(processes: Processes, tmp_path: Path) -> None:
    kafka, worker = Recorded(1, 2.5, signal.SIGINT), Recorded(3, 4.5)
    processes.note("kafka", kafka)
    processes.note("worker", worker)
    assert Processes(tmp_path).read() == {"kafka": kafka, "worker": worker}
    processes.note("worker", None)
    processes.note("worker", None)
    assert Processes(tmp_path).read() == {"kafka": kafka}
    processes.clear()
    assert Processes(tmp_path).read() == {}


def test_a_run_is_ready_when_it_says_so_and_its_supervisor_lives(processes: Processes) -> None:
    assert not processes.is_ready()
    processes.begin(recorded(os.getpid()))
    assert not processes.is_ready()
    processes.note_ready(True)
    processes.note("worker", Recorded(1, 2.0))
    assert processes.is_ready()
    assert processes.supervisor() == recorded(os.getpid())
    processes.note_ready(False)
    assert not processes.is_ready()
    processes.note_ready(True)
    processes.note(SUPERVISOR, replace(recorded(os.getpid()), started=0.0))
    assert not processes.is_ready()
    assert processes.supervisor() is None


def test_a_new_run_is_not_ready_and_still_knows_what_the_last_one_left(processes: Processes) -> None:
    processes.begin(Recorded(1, 2.0))
    processes.note("worker", Recorded(3, 4.0))
    processes.note_ready(True)
    processes.begin(recorded(os.getpid()))
    assert not processes.is_ready()
    assert processes.read() == {SUPERVISOR: recorded(os.getpid()), "worker": Recorded(3, 4.0)}


def test_orphans_are_ended_by_their_own_stop_signal(processes: Processes, children: Children) -> None:
    polite, server = children.start(POLITE), children.start(POLITE.replace("SIGTERM", "SIGINT"))
    processes.note("polite", recorded(polite.pid))
    processes.note("server", recorded(server.pid, signal.SIGINT))
    assert end_orphans(processes) == ["polite", "server"]
    assert [child.communicate()[0] for child in (polite, server)] == ["bye\n", "bye\n"]
    assert processes.read() == {}


def test_an_orphan_that_does_not_stop_is_killed(processes: Processes, children: Children) -> None:
    child = children.start(STUBBORN)
    processes.note("worker", recorded(child.pid))
    assert end_orphans(processes, patience=0.0) == ["worker"]
    assert child.wait() == -signal.SIGKILL


def test_a_process_that_has_got_the_pid_of_an_orphan_is_left_alone(processes: Processes, children: Children) -> None:
    child = children.start()
    processes.note("worker", replace(recorded(child.pid), started=0.0))
    assert end_orphans(processes) == []
    assert child.poll() is None


def test_the_supervisor_itself_is_no_orphan(processes: Processes, children: Children) -> None:
    child = children.start()
    processes.note(SUPERVISOR, recorded(child.pid))
    assert end_orphans(processes) == []
    assert child.poll() is None


def test_waiting_for_an_end_gives_up(children: Children) -> None:
    naps: list[float] = []
    known = [recorded(children.start().pid)]
    assert not await_end(known, patience=-1.0, sleep=naps.append)
    assert await_end([replace(known[0], started=0.0)], patience=0.0, sleep=naps.append)
