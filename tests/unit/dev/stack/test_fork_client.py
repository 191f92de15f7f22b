"""Services that a real fork server forks: like subprocesses, but with modules already imported."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from dev.stack.fork_client import PROCESS_NAME, UNKNOWN_EXIT_CODE, ForkClient, is_fork_supported
from dev.stack.managed_process import RestartPolicy
from dev.stack.process_registry import get_process_record, wait_until_exited
from dev.stack.service import Service, ServiceStartError
from dev.stack.supervisor import Supervisor
from tests.unit.dev.stack.child_processes import (
    EXIT_ON_SIGTERM,
    IGNORE_SIGTERM,
    WAIT_FOR_SIGNAL,
    LogRecorder,
    build_forkable_service,
    build_service,
)

FAST_RESTART = RestartPolicy(initial_delay=0.01, max_delay=0.02)
PRELOADED_MODULE = "colorsys"  # a module that nothing else imports
pytestmark = pytest.mark.skipif(not is_fork_supported(), reason="services are forked on Linux only")


@pytest.fixture
def log_recorder() -> LogRecorder:
    return LogRecorder()


@pytest.fixture
def pids() -> dict[str, int | None]:
    return {}


@pytest.fixture
async def fork_client(log_recorder: LogRecorder, pids: dict[str, int | None]) -> AsyncIterator[ForkClient]:
    fork_client = ForkClient([PRELOADED_MODULE], log_recorder.log, lambda service, pid: pids.update({service.name: pid}))
    await fork_client.start()
    yield fork_client
    await fork_client.stop()


@pytest.fixture
async def supervisor(fork_client: ForkClient, log_recorder: LogRecorder, pids: dict[str, int | None]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(log_recorder.log, lambda service, pid: pids.update({service.name: pid}), FAST_RESTART, fork_client.spawn)
    yield supervisor
    await supervisor.stop()


def get_parent_pid(pid: int) -> int:
    return psutil.Process(pid).ppid()


async def kill_process(pid: int) -> None:
    record = get_process_record(pid)
    os.kill(pid, signal.SIGKILL)
    assert await asyncio.to_thread(wait_until_exited, [record], 20.0)


async def test_a_fork_has_the_imports_and_its_own_arguments_environment_and_output(
    supervisor: Supervisor, log_recorder: LogRecorder
) -> None:
    code = "import os, sys; print(sys.argv[2:], os.environ['PLACE'], 'colorsys' in sys.modules, __name__); print('error', file=sys.stderr);"
    await supervisor.start(
        [build_forkable_service(name, code + WAIT_FOR_SIGNAL, name, env={"PLACE": f"at {name}"}) for name in ("one", "two")]
    )
    for name in ("one", "two"):
        await log_recorder.wait_for(name, "up")
        assert {f"['{name}'] at {name} True __main__", "error"} <= set(log_recorder.get_lines(name))


async def test_a_fork_is_a_child_of_the_fork_server_and_leads_a_session(supervisor: Supervisor, pids: dict[str, int | None]) -> None:
    await supervisor.start([build_forkable_service("worker")])
    pid = supervisor.get_pids()["worker"]
    assert os.getsid(pid) == pid
    assert psutil.Process(pid).name() == "worker"
    assert get_parent_pid(pid) == pids[PROCESS_NAME]
    assert len(os.listdir(f"/proc/{pid}/fd")) <= len(os.listdir(f"/proc/{pids[PROCESS_NAME]}/fd"))


async def test_a_service_that_is_not_forkable_is_a_subprocess(supervisor: Supervisor) -> None:
    await supervisor.start([build_service("server")])
    assert get_parent_pid(supervisor.get_pids()["server"]) == os.getpid()


async def test_a_killed_fork_is_forked_again(supervisor: Supervisor, log_recorder: LogRecorder, pids: dict[str, int | None]) -> None:
    await supervisor.start([build_forkable_service("worker")])
    first = supervisor.get_pids()["worker"]
    os.kill(first, signal.SIGKILL)
    await log_recorder.wait_for("worker", "ready in", times=2)
    assert "exited with code -9" in log_recorder.get_lines("worker")
    assert get_parent_pid(supervisor.get_pids()["worker"]) == pids[PROCESS_NAME]
    assert not psutil.pid_exists(first)


async def test_a_failed_start_reports_the_exit_code_and_last_lines(supervisor: Supervisor) -> None:
    async def never() -> None:
        raise ConnectionError

    with pytest.raises(ServiceStartError, match=r"(?s)worker exited with code 3 before it was ready: .*no such setting"):
        await supervisor.start([build_forkable_service("worker", "print('no such setting'); raise SystemExit(3)", readiness_check=never)])


async def test_an_exception_in_a_fork_is_logged_and_the_exit_code_is_1(supervisor: Supervisor) -> None:
    async def never() -> None:
        raise ConnectionError

    with pytest.raises(ServiceStartError, match=r"(?s)worker exited with code 1 before it was ready: .*ValueError: bad"):
        await supervisor.start([build_forkable_service("worker", "raise ValueError('bad')", readiness_check=never)])


async def test_forks_stop_by_their_signal_or_are_killed(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    await supervisor.start(
        [build_forkable_service("polite", EXIT_ON_SIGTERM), build_forkable_service("stubborn", IGNORE_SIGTERM, stop_timeout=0.05)]
    )
    await log_recorder.wait_for("polite", "up")
    await log_recorder.wait_for("stubborn", "up")
    await supervisor.stop()
    assert log_recorder.get_lines("polite")[-1] == "bye"
    assert "did not stop within 0 s: killed" in log_recorder.get_lines("stubborn")


async def test_a_service_survives_the_fork_server_and_is_still_supervised(
    supervisor: Supervisor, log_recorder: LogRecorder, pids: dict[str, int | None]
) -> None:
    await supervisor.start([build_forkable_service("worker")])
    worker, fork_server = supervisor.get_pids()["worker"], pids[PROCESS_NAME]
    assert fork_server is not None
    await kill_process(fork_server)
    await log_recorder.wait_for(PROCESS_NAME, "has exited")
    assert supervisor.get_pids()["worker"] == worker
    os.kill(worker, signal.SIGKILL)
    await log_recorder.wait_for("worker", "ready in", times=2)
    assert f"exited with code {UNKNOWN_EXIT_CODE}" in log_recorder.get_lines("worker")
    assert get_parent_pid(supervisor.get_pids()["worker"]) == os.getpid()


async def test_services_start_as_subprocesses_if_the_fork_server_exits(log_recorder: LogRecorder) -> None:
    fork_client = ForkClient(["no_such_module"], log_recorder.log, lambda service, pid: None)
    await fork_client.start()
    supervisor = Supervisor(log_recorder.log, spawn=fork_client.spawn)
    await supervisor.start([build_forkable_service("worker", EXIT_ON_SIGTERM)])
    assert get_parent_pid(supervisor.get_pids()["worker"]) == os.getpid()
    assert "ModuleNotFoundError: No module named 'no_such_module'" in log_recorder.get_lines(PROCESS_NAME)
    await log_recorder.wait_for("worker", "up")
    await supervisor.stop()
    await fork_client.stop()


async def test_a_module_that_starts_a_thread_is_rejected(
    log_recorder: LogRecorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "threaded.py").write_text("import signal, threading; threading.Thread(target=signal.pause, daemon=True).start()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    fork_client = ForkClient(["threaded"], log_recorder.log, lambda service, pid: None)
    await fork_client.start()
    await log_recorder.wait_for(PROCESS_NAME, "threaded starts a thread when it is imported")
    await fork_client.stop()


async def test_a_cancelled_fork_is_stopped_with_the_fork_server(fork_client: ForkClient, log_recorder: LogRecorder, tmp_path: Path) -> None:
    new_file, pid_file = tmp_path / "new", tmp_path / "pid"
    write = f"import os; open({str(new_file)!r}, 'w').write(str(os.getpid())); os.rename({str(new_file)!r}, {str(pid_file)!r});"
    read_end, write_end = os.pipe()
    spawn_task = asyncio.create_task(fork_client.spawn(build_forkable_service("worker", write + EXIT_ON_SIGTERM), write_end))
    await asyncio.sleep(0)  # it has sent the request
    spawn_task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await spawn_task
    os.close(write_end)
    assert (await asyncio.to_thread(os.read, read_end, 100)).startswith(b"up")
    os.close(read_end)
    worker = get_process_record(int(pid_file.read_text()))
    await fork_client.stop()
    assert worker.find_process() is None


async def test_without_modules_or_on_another_system_all_are_subprocesses(
    log_recorder: LogRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    for fork_client in (
        ForkClient([], log_recorder.log, lambda service, pid: None),
        ForkClient([PRELOADED_MODULE], log_recorder.log, lambda service, pid: None),
    ):
        await fork_client.start()
        process = await fork_client.spawn(Service("worker", (sys.executable, "-S", "-c", "raise SystemExit(4)"), forkable=True), 1)
        assert await process.wait() == 4
        await fork_client.stop()
    assert log_recorder.get_lines(PROCESS_NAME) == []
