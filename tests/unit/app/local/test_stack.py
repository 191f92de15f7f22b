"""The stack with all three servers given from outside: what is left is the order of things, the home, and who may hold it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.local.processes import Processes
from app.local.service import StartFailed
from app.local.stack import AlreadyRunning, Urls, embedded, opened, urls_of
from app.local.state import LOOPBACK, State
from app.local.supervisor import StopRequested
from tests.unit.app.local.children import POLITE, Ear, child

GIVEN = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://r"}
ABANDON = """
import asyncio, sys
from pathlib import Path
from app.local.stack import opened
from tests.unit.app.local.children import Ear, child

async def main():
    ear = Ear()
    async with opened(Path(sys.argv[1]), GIVEN, ear.say) as stack:
        await stack.start(stages=[[child("worker")]])
        await ear.until("worker", "up")  # it would end by itself if nobody hears it say so
        print(stack.supervisor.pids()["worker"], flush=True)
        await stack.wait()

asyncio.run(main())
""".replace("GIVEN", repr(GIVEN))


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_what_the_environment_gives_is_used_and_the_rest_is_embedded(home: Path) -> None:
    state = State(home)
    state.make()
    password = state.secret("password")
    urls = urls_of(state, {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": ""})
    assert urls.kafka == f"127.0.0.1:{state.port('kafka')}"
    assert urls.database == "postgresql://db/x"
    assert urls.redis == f"redis://:{password}@127.0.0.1:{state.port('valkey')}/0"
    assert urls_of(state, {}).database == f"postgresql://herold:{password}@127.0.0.1:{state.port('postgres')}/postgres"


def test_only_what_is_wanted_and_not_given_is_embedded() -> None:
    assert embedded({}) == ["kafka", "postgres", "valkey"]
    assert embedded({"DATABASE_URL": "postgresql://db/x"}, ["kafka", "postgres"]) == ["kafka"]
    assert embedded(GIVEN) == []


def test_urls_become_the_environment_of_a_process() -> None:
    assert Urls("k:9092", "postgresql://db/x", "redis://r").env() == GIVEN


async def test_prepare_comes_before_the_services_and_the_run_is_noted(home: Path, ear: Ear) -> None:
    async def prepare(urls: Urls) -> None:
        ear.say("prepare", urls.kafka)

    async with opened(home, GIVEN, ear.say) as stack:
        urls = await stack.start(prepare, [[child("twins", POLITE)], [child("router"), child("email")]])
        assert urls == stack.urls == Urls(*GIVEN.values())
        order = [name for name, line in ear.heard if name == "prepare" or "ready in" in line]
        assert order[:2] == ["prepare", "twins"]
        assert set(order[2:]) == {"router", "email"}
        assert Processes(home).is_ready()
        assert set(Processes(home).read()) == {"supervisor", "twins", "router", "email"}
        await ear.until("twins", "up")
    assert ear.lines("twins")[-1] == "bye"
    assert Processes(home).read() == {}


async def test_a_failed_preparation_stops_everything(home: Path, ear: Ear) -> None:
    async def prepare(urls: Urls) -> None:
        raise ValueError("no topics")

    with pytest.raises(ValueError, match="no topics"):
        async with opened(home, GIVEN, ear.say) as stack:
            await stack.start(prepare, [[child("worker")]])
    assert ear.lines("worker") == []
    assert Processes(home).read() == {}


async def test_a_service_that_does_not_start_stops_the_others(home: Path, ear: Ear) -> None:
    async def never() -> None:
        raise ConnectionError

    with pytest.raises(StartFailed, match="email ended with code 3"):
        async with opened(home, GIVEN, ear.say) as stack:
            await stack.start(stages=[[child("router")], [child("email", "raise SystemExit(3)", ready=never)]])
    assert Processes(home).read() == {}


async def test_ctrl_c_during_the_preparation_ends_it(home: Path, ear: Ear) -> None:
    async def prepare(urls: Urls) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    with pytest.raises(StopRequested):
        async with opened(home, GIVEN, ear.say) as stack:
            await stack.start(prepare)


async def test_a_second_run_in_the_same_home_is_refused_with_the_pid_of_the_first(home: Path, ear: Ear) -> None:
    async with opened(home, GIVEN, ear.say):
        with pytest.raises(AlreadyRunning, match=rf"already runs in {home} \(pid {os.getpid()}\): stop that run, or set HEROLD_HOME"):
            async with opened(home, GIVEN, ear.say):
                pass
        async with opened(home.with_name("other"), GIVEN, ear.say):
            pass
    async with opened(home, GIVEN, ear.say):
        pass


def kill_a_run(home: Path) -> int:
    """Start a worker under a stack in another process and kill that process alone; returns the worker's pid."""
    command = [sys.executable, "-c", ABANDON, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[4]) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        run.kill()
    return pid


async def test_what_outlived_a_killed_run_is_ended_by_the_next(home: Path, ear: Ear) -> None:
    pid = kill_a_run(home)
    orphan = Processes(home).read()["worker"]
    assert orphan.pid == pid
    assert orphan.process() is not None
    async with opened(home, GIVEN, ear.say) as stack:
        assert orphan.process() is None
        assert "ended worker, left by a run that was killed" in ear.lines("herold")
        await stack.start(stages=[[child("worker")]])


async def test_a_port_that_somebody_has_taken_is_replaced_before_the_urls_are_known(home: Path, ear: Ear) -> None:
    state = State(home)
    state.make()
    port = state.port("kafka")
    with socket.socket() as other:
        other.bind((LOOPBACK, port))
        other.listen()
        async with opened(home, {**GIVEN, "KAFKA_BOOTSTRAP_SERVERS": ""}, ear.say) as stack:
            assert stack.urls.kafka == f"127.0.0.1:{state.port('kafka')}" != f"127.0.0.1:{port}"
    assert ear.lines("herold")[:-1] == [f"port {port} of kafka is used by another program: kafka now has {state.port('kafka')}"]
