"""Services that a real nursery forks: like any other, but with the imports already made."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from app.local import forks
from app.local.forks import CODE_UNKNOWN, NAME, Forks, is_possible
from app.local.keeper import Backoff
from app.local.processes import await_end, recorded
from app.local.service import Service, StartFailed
from app.local.supervisor import Supervisor
from tests.unit.app.local.children import LIVE, POLITE, STUBBORN, Ear, child, told

QUICK = Backoff(first=0.01, most=0.02)
IMPORTED = "colorsys"  # a module that nothing else imports
pytestmark = pytest.mark.skipif(not is_possible(), reason="services are forked on Linux only")


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def pids() -> dict[str, int | None]:
    return {}


@pytest.fixture
async def nursery(ear: Ear, pids: dict[str, int | None]) -> AsyncIterator[Forks]:
    made = Forks([IMPORTED], ear.say, lambda service, pid: pids.update({service.name: pid}))
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def supervisor(nursery: Forks, ear: Ear, pids: dict[str, int | None]) -> AsyncIterator[Supervisor]:
    made = Supervisor(ear.say, lambda service, pid: pids.update({service.name: pid}), QUICK, nursery.spawn)
    yield made
    await made.stop()


def parent(pid: int) -> int:
    return psutil.Process(pid).ppid()


async def kill(pid: int) -> None:
    victim = recorded(pid)
    os.kill(pid, signal.SIGKILL)
    assert await asyncio.to_thread(await_end, [victim], 20.0)


async def test_a_fork_has_the_imports_its_own_words_environment_and_output(supervisor: Supervisor, ear: Ear) -> None:
    code = "import os, sys; print(sys.argv[2:], os.environ['PLACE'], 'colorsys' in sys.modules, __name__); print('error', file=sys.stderr);"
    await supervisor.start([told(name, code + LIVE, name, env={"PLACE": f"at {name}"}) for name in ("one", "two")])
    for name in ("one", "two"):
        await ear.until(name, "up")
        assert {f"['{name}'] at {name} True __main__", "error"} <= set(ear.lines(name))


async def test_a_fork_is_a_child_of_the_nursery_and_leads_a_session(supervisor: Supervisor, pids: dict[str, int | None]) -> None:
    await supervisor.start([told("worker")])
    pid = supervisor.pids()["worker"]
    assert os.getsid(pid) == pid
    assert psutil.Process(pid).name() == "worker"
    assert parent(pid) == pids[NAME]
    assert len(os.listdir(f"/proc/{pid}/fd")) <= len(os.listdir(f"/proc/{pids[NAME]}/fd"))


async def test_what_is_not_for_forking_is_executed(supervisor: Supervisor) -> None:
    await supervisor.start([child("server")])
    assert parent(supervisor.pids()["server"]) == os.getpid()


async def test_a_fork_that_is_killed_is_forked_again(supervisor: Supervisor, ear: Ear, pids: dict[str, int | None]) -> None:
    await supervisor.start([told("worker")])
    first = supervisor.pids()["worker"]
    os.kill(first, signal.SIGKILL)
    await ear.until("worker", "ready in", times=2)
    assert "ended with code -9" in ear.lines("worker")
    assert parent(supervisor.pids()["worker"]) == pids[NAME]
    assert not psutil.pid_exists(first)


async def test_the_exit_code_of_a_fork_and_its_last_words_are_told(supervisor: Supervisor) -> None:
    async def never() -> None:
        raise ConnectionError

    with pytest.raises(StartFailed, match=r"(?s)worker ended with code 3 before it was ready: .*no such setting"):
        await supervisor.start([told("worker", "print('no such setting'); raise SystemExit(3)", ready=never)])


async def test_an_exception_in_a_fork_is_shown_and_ends_it_with_1(supervisor: Supervisor) -> None:
    async def never() -> None:
        raise ConnectionError

    with pytest.raises(StartFailed, match=r"(?s)worker ended with code 1 before it was ready: .*ValueError: bad"):
        await supervisor.start([told("worker", "raise ValueError('bad')", ready=never)])


async def test_forks_stop_by_their_signal_and_the_stubborn_are_killed(supervisor: Supervisor, ear: Ear) -> None:
    await supervisor.start([told("polite", POLITE), told("stubborn", STUBBORN, stop_timeout=0.05)])
    await ear.until("polite", "up")
    await ear.until("stubborn", "up")
    await supervisor.stop()
    assert ear.lines("polite")[-1] == "bye"
    assert "did not stop within 0 s: killed" in ear.lines("stubborn")


async def test_without_its_nursery_a_service_lives_on_and_its_end_is_still_noticed(
    supervisor: Supervisor, ear: Ear, pids: dict[str, int | None]
) -> None:
    await supervisor.start([told("worker")])
    worker, nursery = supervisor.pids()["worker"], pids[NAME]
    assert nursery is not None
    await kill(nursery)
    await ear.until(NAME, "has ended")
    assert supervisor.pids()["worker"] == worker
    os.kill(worker, signal.SIGKILL)
    await ear.until("worker", "ready in", times=2)
    assert f"ended with code {CODE_UNKNOWN}" in ear.lines("worker")
    assert parent(supervisor.pids()["worker"]) == os.getpid()


async def test_a_nursery_that_ends_before_it_answers_is_done_without(ear: Ear) -> None:
    made = Forks(["no_such_module"], ear.say, lambda service, pid: None)
    await made.open()
    supervisor = Supervisor(ear.say, spawn=made.spawn)
    await supervisor.start([told("worker", POLITE)])
    assert parent(supervisor.pids()["worker"]) == os.getpid()
    assert "ModuleNotFoundError: No module named 'no_such_module'" in ear.lines(NAME)
    await ear.until("worker", "up")
    await supervisor.stop()
    await made.close()


async def test_a_module_that_starts_a_thread_is_refused(ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "threaded.py").write_text("import signal, threading; threading.Thread(target=signal.pause, daemon=True).start()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = Forks(["threaded"], ear.say, lambda service, pid: None)
    await made.open()
    await ear.until(NAME, "threaded starts a thread when it is imported")
    await made.close()


async def test_a_birth_that_nobody_waits_for_any_more_is_ended_with_the_nursery(nursery: Forks, ear: Ear, tmp_path: Path) -> None:
    born, heard = tmp_path / "born", tmp_path / "heard"
    write = f"import os; open({str(born)!r}, 'w').write(str(os.getpid())); os.rename({str(born)!r}, {str(heard)!r});"
    read_end, write_end = os.pipe()
    asked = asyncio.create_task(nursery.spawn(told("worker", write + POLITE), write_end))
    await asyncio.sleep(0)  # it has asked
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    os.close(write_end)
    assert (await asyncio.to_thread(os.read, read_end, 100)).startswith(b"up")
    os.close(read_end)
    worker = recorded(int(heard.read_text()))
    await nursery.close()
    assert worker.process() is None


async def test_without_modules_or_on_another_system_everything_is_executed(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    for made in (Forks([], ear.say, lambda service, pid: None), Forks([IMPORTED], ear.say, lambda service, pid: None)):
        await made.open()
        process = await made.spawn(Service("worker", (sys.executable, "-S", "-c", "raise SystemExit(4)"), forked=True), 1)
        assert await process.wait() == 4
        await made.close()
    assert ear.lines(forks.NAME) == []
