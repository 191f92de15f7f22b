import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.stack.managed_process import RestartPolicy
from dev.stack.process_registry import get_process_record, wait_until_exited
from dev.stack.service import Service, ServiceStartError
from dev.stack.supervisor import StopRequested, Supervisor
from tests.unit.dev.stack.child_processes import EXIT_ON_SIGTERM, IGNORE_SIGTERM, WAIT_FOR_SIGNAL, LogRecorder, build_service

FAST_RESTART = RestartPolicy(initial_delay=0.01, max_delay=0.02)


@pytest.fixture
def log_recorder() -> LogRecorder:
    return LogRecorder()


@pytest.fixture
def pids() -> list[tuple[str, bool]]:
    return []


@pytest.fixture
async def supervisor(log_recorder: LogRecorder, pids: list[tuple[str, bool]]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(log_recorder.log, lambda service, pid: pids.append((service.name, pid is not None)), FAST_RESTART)
    yield supervisor
    await supervisor.stop()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_lines_are_logged_under_the_name_of_the_service_and_its_environment_is_added(
    supervisor: Supervisor, log_recorder: LogRecorder
) -> None:
    code = "import os, sys; print(os.environ['PLACE'], 'PATH' in os.environ); print('error', file=sys.stderr);" + WAIT_FOR_SIGNAL
    await supervisor.start([build_service("worker", code, env={"PLACE": "here"})])
    await log_recorder.wait_for("worker", "up")
    assert log_recorder.get_lines("worker")[0].startswith("ready in")
    assert {"here True", "error"} <= set(log_recorder.get_lines("worker"))


async def test_excluded_lines_are_not_logged_but_reported_on_failure(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    async def never() -> None:
        raise ConnectionError

    code = "print('LOG: as always'); print('LOG: odd'); raise SystemExit(3)"
    with pytest.raises(ServiceStartError, match=r"(?s)as always.*odd"):
        await supervisor.start([build_service("worker", code, readiness_check=never, log_exclude_pattern="LOG: (as always|never)")])
    assert log_recorder.get_lines("worker") == ["LOG: odd"]


async def test_start_returns_when_all_of_the_stage_is_ready(supervisor: Supervisor, tmp_path: Path) -> None:
    def build_file_service(name: str) -> Service:
        async def ready() -> None:
            (tmp_path / name).stat()

        return build_service(name, f"open({str(tmp_path / name)!r}, 'w');" + WAIT_FOR_SIGNAL, readiness_check=ready)

    await supervisor.start([build_file_service("one"), build_file_service("two")])
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]
    assert sorted(supervisor.get_pids()) == ["one", "two"]


async def test_each_service_leads_a_session_of_its_own(supervisor: Supervisor) -> None:
    await supervisor.start([build_service("worker")])
    pid = supervisor.get_pids()["worker"]
    assert os.getsid(pid) == pid != os.getsid(0)


async def test_a_killed_service_is_restarted(supervisor: Supervisor, log_recorder: LogRecorder, pids: list[tuple[str, bool]]) -> None:
    await supervisor.start([build_service("worker"), build_service("other")])
    before = supervisor.get_pids()
    os.kill(before["worker"], signal.SIGKILL)
    await log_recorder.wait_for("worker", "ready in", times=2)
    assert "exited with code -9" in log_recorder.get_lines("worker")
    assert supervisor.get_pids()["worker"] != before["worker"]
    assert supervisor.get_pids()["other"] == before["other"]
    assert [begins for name, begins in pids if name == "worker"] == [True, False, True]


async def test_a_failed_restart_is_retried(
    supervisor: Supervisor, log_recorder: LogRecorder, pids: list[tuple[str, bool]], tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    count = f"f = open({str(starts)!r}, 'a+'); f.write('x'); f.flush(); f.seek(0); n = len(f.read())\n"

    async def ready() -> None:  # the first and the fourth start succeed
        assert len(starts.read_text()) == pids.count(("worker", True)) in (1, 4)

    await supervisor.start(
        [build_service("worker", count + "if n in (2, 3): raise SystemExit(n)\n" + WAIT_FOR_SIGNAL, readiness_check=ready)]
    )
    os.kill(supervisor.get_pids()["worker"], signal.SIGKILL)
    await log_recorder.wait_for("worker", "ready in", times=2)
    endings = [line for line in log_recorder.get_lines("worker") if "exited" in line]
    assert endings == ["exited with code -9", *(f"worker exited with code {n} before it was ready" for n in (2, 3))]


async def test_a_service_that_fails_three_health_checks_in_a_row_is_restarted(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    is_failing = asyncio.Event()

    async def ready() -> None:
        if is_failing.is_set() and supervisor.get_pids().get("worker") == first:
            raise ConnectionError("no answer")

    first = -1
    await supervisor.start([build_service("worker", readiness_check=ready, check_interval=0.01)])
    first = supervisor.get_pids()["worker"]
    is_failing.set()
    await log_recorder.wait_for("worker", "ready in", times=2)
    assert "failed 3 health checks in a row: ConnectionError('no answer')" in log_recorder.get_lines("worker")
    assert not is_alive(first)


async def test_a_health_check_that_recovers_in_time_restarts_nothing(supervisor: Supervisor) -> None:
    results = iter([True, False, False, True, False, False, True])
    checked_often = asyncio.Event()

    async def ready() -> None:
        result = next(results, None)
        if result is None:
            checked_often.set()
        assert result in (True, None)

    await supervisor.start([build_service("worker", readiness_check=ready, check_interval=0.01)])
    before = supervisor.get_pids()
    await checked_often.wait()
    assert supervisor.get_pids() == before


async def test_a_service_that_is_alive_and_no_longer_ready_is_not_restarted(supervisor: Supervisor) -> None:
    check_count, enough = 0, asyncio.Event()

    async def ready() -> None:
        if check_count:
            raise ConnectionError("waits for another")

    async def alive() -> None:
        nonlocal check_count
        check_count += 1
        if check_count == 5:
            enough.set()

    await supervisor.start([build_service("worker", WAIT_FOR_SIGNAL, readiness_check=ready, liveness_check=alive, check_interval=0.01)])
    first = supervisor.get_pids()
    await enough.wait()
    assert supervisor.get_pids() == first


async def test_a_health_check_that_hangs_counts_as_failed(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    hang = asyncio.Event()
    hang.set()

    async def ready() -> None:
        await hang.wait()

    await supervisor.start([build_service("worker", readiness_check=ready, check_interval=0.01, check_timeout=0.01)])
    hang.clear()
    await log_recorder.wait_for("worker", "failed 3 health checks in a row: TimeoutError()")


class EndingProcess:
    """A process that has not been started; it ends with `exit_code`."""

    pid = 2**31 - 1  # of no process

    def __init__(self) -> None:
        self.exit_code = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        return self.exit_code.result() if self.exit_code.done() else None

    def send_signal(self, signal: int) -> None:
        raise ProcessLookupError

    async def wait(self) -> int:
        return int(await asyncio.shield(self.exit_code))


async def test_a_service_that_ends_while_it_is_stopped_is_not_restarted(log_recorder: LogRecorder) -> None:
    process = EndingProcess()

    async def spawn(service: Service, output_fd: int) -> EndingProcess:
        return process

    supervisor = Supervisor(log_recorder.log, spawn=spawn)
    await supervisor.start([build_service("worker")])
    await asyncio.sleep(0)  # it is watched
    process.exit_code.get_loop().call_soon(process.exit_code.set_result, 143)
    await asyncio.sleep(0)
    await asyncio.wait_for(supervisor.stop(), 30)
    assert not any("restarting" in line for line in log_recorder.get_lines("worker"))


async def test_stages_stop_in_reverse(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    for name in ("server", "worker", "gateway"):
        await supervisor.start([build_service(name, EXIT_ON_SIGTERM)])
        await log_recorder.wait_for(name, "up")
    await supervisor.stop()
    assert [name for name, line in log_recorder.entries if line == "bye"] == ["gateway", "worker", "server"]
    assert supervisor.get_pids() == {}


async def test_each_service_gets_its_own_stop_signal(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    await supervisor.start([build_service("server", EXIT_ON_SIGTERM.replace("SIGTERM", "SIGINT"), stop_signal=signal.SIGINT)])
    await log_recorder.wait_for("server", "up")
    await supervisor.stop()
    assert log_recorder.get_lines("server")[-1] == "bye"


async def test_a_service_that_does_not_stop_in_time_is_killed(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    await supervisor.start([build_service("worker", IGNORE_SIGTERM, stop_timeout=0.05)])
    await log_recorder.wait_for("worker", "up")
    pid = supervisor.get_pids()["worker"]
    await supervisor.stop()
    assert "did not stop within 0 s: killed" in log_recorder.get_lines("worker")
    assert not is_alive(pid)


async def test_the_rest_of_the_process_group_is_killed(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    code = (
        f"import subprocess, sys; print('grandchild', subprocess.Popen([sys.executable, '-c', {WAIT_FOR_SIGNAL!r}]).pid);" + WAIT_FOR_SIGNAL
    )
    await supervisor.start([build_service("worker", code)])
    await log_recorder.wait_for("worker", "grandchild")
    grandchild = get_process_record(int(next(line for line in log_recorder.get_lines("worker") if "grandchild" in line).split()[1]))
    await supervisor.stop()
    assert wait_until_exited([grandchild], timeout=20.0)


async def test_a_service_is_restarted_although_its_child_keeps_the_output_open(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    own_session = f"subprocess.Popen([sys.executable, '-c', {WAIT_FOR_SIGNAL!r}], start_new_session=True)"
    await supervisor.start([build_service("worker", f"import subprocess, sys; print('grandchild', {own_session}.pid);" + WAIT_FOR_SIGNAL)])
    await log_recorder.wait_for("worker", "grandchild")
    os.kill(supervisor.get_pids()["worker"], signal.SIGKILL)
    await log_recorder.wait_for("worker", "grandchild", times=2)
    for line in [line for line in log_recorder.get_lines("worker") if "grandchild" in line]:
        os.kill(int(line.split()[1]), signal.SIGKILL)


async def test_a_service_that_exits_at_once_fails_the_start_with_its_last_lines(supervisor: Supervisor) -> None:
    async def never() -> None:
        raise ConnectionError

    with pytest.raises(ServiceStartError, match=r"(?s)worker exited with code 3 before it was ready: .*no such setting"):
        await supervisor.start([build_service("worker", "print('no such setting'); raise SystemExit(3)", readiness_check=never)])


async def test_a_program_that_does_not_exist_fails_the_start(supervisor: Supervisor) -> None:
    with pytest.raises(ServiceStartError, match=r"worker could not be started: .*no-such-program"):
        await supervisor.start([Service("worker", ("no-such-program",))])


async def test_a_service_that_is_not_ready_in_time_fails_with_the_checks_error(supervisor: Supervisor) -> None:
    async def never() -> None:
        raise ConnectionError("refused")

    with pytest.raises(ServiceStartError, match=r"worker was not ready after 0 s: ConnectionError\('refused'\)"):
        await supervisor.start([build_service("worker", readiness_check=never, start_timeout=0.01)])


async def test_a_request_to_stop_interrupts_a_start(supervisor: Supervisor, log_recorder: LogRecorder) -> None:
    async def never() -> None:
        supervisor.request_stop()
        raise ConnectionError

    with pytest.raises(StopRequested):
        await supervisor.start([build_service("worker", readiness_check=never)])
    await supervisor.stop()
    assert supervisor.get_pids() == {}


async def test_run_unless_stopped_returns_the_result_or_raises_the_error_of_the_work(supervisor: Supervisor) -> None:
    async def work(fail: bool) -> int:
        if fail:
            raise ValueError("bad")
        return 7

    assert await supervisor.run_unless_stopped(work(False)) == 7
    with pytest.raises(ValueError, match="bad"):
        await supervisor.run_unless_stopped(work(True))


@contextmanager
def set_handler(number: signal.Signals, handler: signal.Handlers) -> Iterator[None]:
    """Handle a signal in this way, whatever the process inherited: under nohup SIGHUP is ignored."""
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_requests_a_stop(supervisor: Supervisor, number: signal.Signals) -> None:
    with set_handler(number, signal.SIG_DFL), supervisor.handle_signals():
        os.kill(os.getpid(), number)
        await supervisor.wait()
    assert supervisor.stop_requested


async def test_under_nohup_sighup_does_not_request_a_stop(supervisor: Supervisor) -> None:
    with set_handler(signal.SIGHUP, signal.SIG_IGN):
        with supervisor.handle_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert not supervisor.stop_requested


def test_the_delay_before_a_restart_doubles_and_is_reset_after_a_long_uptime() -> None:
    policy = RestartPolicy(initial_delay=0.5, max_delay=10.0, reset_after=30.0)
    delays = [0.0]
    for _ in range(6):
        delays.append(policy.compute_delay(delays[-1], uptime=1.0))
    assert delays[1:] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert policy.compute_delay(10.0, uptime=30.0) == 0.5
