import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.local.keeper import Backoff
from app.local.processes import await_end, recorded
from app.local.service import Service, StartFailed
from app.local.supervisor import StopRequested, Supervisor
from tests.unit.app.local.children import LIVE, POLITE, STUBBORN, Ear, child

QUICK = Backoff(first=0.01, most=0.02)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def pids() -> list[tuple[str, bool]]:
    return []


@pytest.fixture
async def supervisor(ear: Ear, pids: list[tuple[str, bool]]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(ear.say, lambda service, pid: pids.append((service.name, pid is not None)), QUICK)
    yield supervisor
    await supervisor.stop()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_lines_come_in_the_name_of_the_service_and_its_environment_is_added(supervisor: Supervisor, ear: Ear) -> None:
    code = "import os, sys; print(os.environ['PLACE'], 'PATH' in os.environ); print('error', file=sys.stderr);" + LIVE
    await supervisor.start([child("worker", code, env={"PLACE": "here"})])
    await ear.until("worker", "up")
    assert ear.lines("worker")[0].startswith("ready in")
    assert {"here True", "error"} <= set(ear.lines("worker"))


async def test_noise_is_not_said_but_belongs_to_the_last_words(supervisor: Supervisor, ear: Ear) -> None:
    async def never() -> None:
        raise ConnectionError

    code = "print('LOG: as always'); print('LOG: odd'); raise SystemExit(3)"
    with pytest.raises(StartFailed, match=r"(?s)as always.*odd"):
        await supervisor.start([child("worker", code, ready=never, noise="LOG: (as always|never)")])
    assert ear.lines("worker") == ["LOG: odd"]


async def test_start_returns_when_all_of_the_stage_is_ready(supervisor: Supervisor, tmp_path: Path) -> None:
    def made(name: str) -> Service:
        async def ready() -> None:
            (tmp_path / name).stat()

        return child(name, f"open({str(tmp_path / name)!r}, 'w');" + LIVE, ready=ready)

    await supervisor.start([made("one"), made("two")])
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]
    assert sorted(supervisor.pids()) == ["one", "two"]


async def test_each_service_leads_a_session_of_its_own(supervisor: Supervisor) -> None:
    await supervisor.start([child("worker")])
    pid = supervisor.pids()["worker"]
    assert os.getsid(pid) == pid != os.getsid(0)


async def test_a_service_that_is_killed_is_started_again(supervisor: Supervisor, ear: Ear, pids: list[tuple[str, bool]]) -> None:
    await supervisor.start([child("worker"), child("other")])
    before = supervisor.pids()
    os.kill(before["worker"], signal.SIGKILL)
    await ear.until("worker", "ready in", times=2)
    assert "ended with code -9" in ear.lines("worker")
    assert supervisor.pids()["worker"] != before["worker"]
    assert supervisor.pids()["other"] == before["other"]
    assert [begins for name, begins in pids if name == "worker"] == [True, False, True]


async def test_a_restart_that_fails_is_tried_again(supervisor: Supervisor, ear: Ear, pids: list[tuple[str, bool]], tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    count = f"f = open({str(lives)!r}, 'a+'); f.write('x'); f.flush(); f.seek(0); n = len(f.read())\n"

    async def ready() -> None:  # the first and the fourth life go well
        assert len(lives.read_text()) == pids.count(("worker", True)) in (1, 4)

    await supervisor.start([child("worker", count + "if n in (2, 3): raise SystemExit(n)\n" + LIVE, ready=ready)])
    os.kill(supervisor.pids()["worker"], signal.SIGKILL)
    await ear.until("worker", "ready in", times=2)
    endings = [line for line in ear.lines("worker") if "ended" in line]
    assert endings == ["ended with code -9", *(f"worker ended with code {n} before it was ready" for n in (2, 3))]


async def test_a_service_that_fails_its_health_check_three_times_is_started_again(supervisor: Supervisor, ear: Ear) -> None:
    sick = asyncio.Event()

    async def ready() -> None:
        if sick.is_set() and supervisor.pids().get("worker") == first:
            raise ConnectionError("no answer")

    first = -1
    await supervisor.start([child("worker", ready=ready, probe_every=0.01)])
    first = supervisor.pids()["worker"]
    sick.set()
    await ear.until("worker", "ready in", times=2)
    assert "failed 3 health checks in a row: ConnectionError('no answer')" in ear.lines("worker")
    assert not is_alive(first)


async def test_a_health_check_that_recovers_in_time_restarts_nothing(supervisor: Supervisor) -> None:
    answers = iter([True, False, False, True, False, False, True])
    asked_often = asyncio.Event()

    async def ready() -> None:
        answer = next(answers, None)
        if answer is None:
            asked_often.set()
        assert answer in (True, None)

    await supervisor.start([child("worker", ready=ready, probe_every=0.01)])
    before = supervisor.pids()
    await asked_often.wait()
    assert supervisor.pids() == before


async def test_what_is_alive_and_no_longer_ready_is_left_alone(supervisor: Supervisor) -> None:
    asked, enough = 0, asyncio.Event()

    async def ready() -> None:
        if asked:
            raise ConnectionError("waits for another")

    async def alive() -> None:
        nonlocal asked
        asked += 1
        if asked == 5:
            enough.set()

    await supervisor.start([child("worker", LIVE, ready=ready, alive=alive, probe_every=0.01)])
    first = supervisor.pids()
    await enough.wait()
    assert supervisor.pids() == first


async def test_a_health_check_that_hangs_counts_as_failed(supervisor: Supervisor, ear: Ear) -> None:
    hang = asyncio.Event()
    hang.set()

    async def ready() -> None:
        await hang.wait()

    await supervisor.start([child("worker", ready=ready, probe_every=0.01, probe_timeout=0.01)])
    hang.clear()
    await ear.until("worker", "failed 3 health checks in a row: TimeoutError()")


async def test_stages_stop_in_reverse(supervisor: Supervisor, ear: Ear) -> None:
    for name in ("server", "worker", "gateway"):
        await supervisor.start([child(name, POLITE)])
        await ear.until(name, "up")
    await supervisor.stop()
    assert [name for name, line in ear.heard if line == "bye"] == ["gateway", "worker", "server"]
    assert supervisor.pids() == {}


async def test_each_service_gets_its_own_stop_signal(supervisor: Supervisor, ear: Ear) -> None:
    await supervisor.start([child("server", POLITE.replace("SIGTERM", "SIGINT"), stop_signal=signal.SIGINT)])
    await ear.until("server", "up")
    await supervisor.stop()
    assert ear.lines("server")[-1] == "bye"


async def test_who_does_not_stop_in_time_is_killed(supervisor: Supervisor, ear: Ear) -> None:
    await supervisor.start([child("worker", STUBBORN, stop_timeout=0.05)])
    await ear.until("worker", "up")
    pid = supervisor.pids()["worker"]
    await supervisor.stop()
    assert "did not stop within 0 s: killed" in ear.lines("worker")
    assert not is_alive(pid)


async def test_what_a_service_leaves_behind_in_its_session_is_killed(supervisor: Supervisor, ear: Ear) -> None:
    code = f"import subprocess, sys; print('grandchild', subprocess.Popen([sys.executable, '-c', {LIVE!r}]).pid);" + LIVE
    await supervisor.start([child("worker", code)])
    await ear.until("worker", "grandchild")
    grandchild = recorded(int(next(line for line in ear.lines("worker") if "grandchild" in line).split()[1]))
    await supervisor.stop()
    assert await_end([grandchild], patience=20.0)


async def test_a_service_is_started_again_though_its_child_keeps_the_output_open(supervisor: Supervisor, ear: Ear) -> None:
    own_session = f"subprocess.Popen([sys.executable, '-c', {LIVE!r}], start_new_session=True)"
    await supervisor.start([child("worker", f"import subprocess, sys; print('grandchild', {own_session}.pid);" + LIVE)])
    await ear.until("worker", "grandchild")
    os.kill(supervisor.pids()["worker"], signal.SIGKILL)
    await ear.until("worker", "grandchild", times=2)
    for line in [line for line in ear.lines("worker") if "grandchild" in line]:
        os.kill(int(line.split()[1]), signal.SIGKILL)


async def test_a_service_that_ends_at_once_fails_the_start_with_its_last_words(supervisor: Supervisor) -> None:
    async def never() -> None:
        raise ConnectionError

    with pytest.raises(StartFailed, match=r"(?s)worker ended with code 3 before it was ready: .*no such setting"):
        await supervisor.start([child("worker", "print('no such setting'); raise SystemExit(3)", ready=never)])


async def test_a_program_that_does_not_exist_fails_the_start(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match=r"worker could not be started: .*no-such-program"):
        await supervisor.start([Service("worker", ("no-such-program",))])


async def test_a_service_that_is_not_ready_in_time_fails_the_start_with_the_probes_error(supervisor: Supervisor) -> None:
    async def never() -> None:
        raise ConnectionError("refused")

    with pytest.raises(StartFailed, match=r"worker was not ready after 0 s: ConnectionError\('refused'\)"):
        await supervisor.start([child("worker", ready=never, start_timeout=0.01)])


async def test_a_request_to_stop_ends_a_start(supervisor: Supervisor, ear: Ear) -> None:
    async def never() -> None:
        supervisor.request_stop()
        raise ConnectionError

    with pytest.raises(StopRequested):
        await supervisor.start([child("worker", ready=never)])
    await supervisor.stop()
    assert supervisor.pids() == {}


async def test_unless_stopped_gives_the_result_or_the_error_of_the_work(supervisor: Supervisor) -> None:
    async def work(fail: bool) -> int:
        if fail:
            raise ValueError("bad")
        return 7

    assert await supervisor.unless_stopped(work(False)) == 7
    with pytest.raises(ValueError, match="bad"):
        await supervisor.unless_stopped(work(True))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_is_a_request_to_stop(supervisor: Supervisor, number: signal.Signals) -> None:
    with supervisor.signals():
        os.kill(os.getpid(), number)
        await supervisor.wait()
    assert supervisor.stop_requested


async def test_under_nohup_the_end_of_the_terminal_is_no_request_to_stop(supervisor: Supervisor) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with supervisor.signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not supervisor.stop_requested


def test_the_wait_before_a_restart_doubles_and_starts_anew_after_a_calm_run() -> None:
    backoff = Backoff(first=0.5, most=10.0, calm=30.0)
    waits = [0.0]
    for _ in range(6):
        waits.append(backoff.after(waits[-1], ran=1.0))
    assert waits[1:] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert backoff.after(10.0, ran=30.0) == 0.5
