"""A stack with three external servers: the order of the start, the home directory and its lock, orphans and taken ports."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dev.stack.process_registry import ProcessRegistry
from dev.stack.service import ServiceStartError
from dev.stack.stack import AlreadyRunningError, ServerUrls, list_embedded_servers, open_stack, resolve_server_urls
from dev.stack.stack_state import LOOPBACK, StackState
from dev.stack.supervisor import StopRequested
from tests.unit.dev.stack.child_processes import EXIT_ON_SIGTERM, LogRecorder, build_service

EXTERNAL_SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://r"}
SUPERVISOR_CODE = """
import asyncio, sys
from pathlib import Path
from dev.stack.stack import open_stack
from tests.unit.dev.stack.child_processes import LogRecorder, build_service

async def main():
    log_recorder = LogRecorder()
    async with open_stack(Path(sys.argv[1]), EXTERNAL_SERVERS, log_recorder.log) as stack:
        await stack.start(stages=[[build_service("worker")]])
        await log_recorder.wait_for("worker", "up")  # otherwise the stack could be stopped before the worker has its handler
        print(stack.supervisor.get_pids()["worker"], flush=True)
        await stack.wait()

asyncio.run(main())
""".replace("EXTERNAL_SERVERS", repr(EXTERNAL_SERVERS))


@pytest.fixture
def log_recorder() -> LogRecorder:
    return LogRecorder()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_servers_of_the_environment_are_used_and_the_others_are_embedded(home: Path) -> None:
    state = StackState(home)
    state.create()
    password = state.get_secret("password")
    urls = resolve_server_urls(state, {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": ""})
    assert urls.kafka == f"127.0.0.1:{state.get_port('kafka')}"
    assert urls.database == "postgresql://db/x"
    assert urls.redis == f"redis://:{password}@127.0.0.1:{state.get_port('valkey')}/0"
    assert resolve_server_urls(state, {}).database == f"postgresql://herold:{password}@127.0.0.1:{state.get_port('postgres')}/postgres"


def test_only_selected_servers_without_an_external_one_are_embedded() -> None:
    assert list_embedded_servers({}) == ["kafka", "postgres", "valkey"]
    assert list_embedded_servers({"DATABASE_URL": "postgresql://db/x"}, ["kafka", "postgres"]) == ["kafka"]
    assert list_embedded_servers(EXTERNAL_SERVERS) == []


def test_urls_become_the_environment_of_a_process() -> None:
    assert ServerUrls("k:9092", "postgresql://db/x", "redis://r").to_env() == EXTERNAL_SERVERS


async def test_prepare_runs_before_the_services_and_the_run_is_recorded(home: Path, log_recorder: LogRecorder) -> None:
    async def prepare(urls: ServerUrls) -> None:
        log_recorder.log("prepare", urls.kafka)

    async with open_stack(home, EXTERNAL_SERVERS, log_recorder.log) as stack:
        urls = await stack.start(
            prepare, [[build_service("simulators", EXIT_ON_SIGTERM)], [build_service("router"), build_service("email")]]
        )
        assert urls == stack.urls == ServerUrls(*EXTERNAL_SERVERS.values())
        order = [name for name, line in log_recorder.entries if name == "prepare" or "ready in" in line]
        assert order[:2] == ["prepare", "simulators"]
        assert set(order[2:]) == {"router", "email"}
        assert ProcessRegistry(home).is_ready()
        assert set(ProcessRegistry(home).read()) == {"supervisor", "simulators", "router", "email"}
        await log_recorder.wait_for("simulators", "up")
    assert log_recorder.get_lines("simulators")[-1] == "bye"
    assert ProcessRegistry(home).read() == {}


async def test_a_failed_preparation_stops_everything(home: Path, log_recorder: LogRecorder) -> None:
    async def prepare(urls: ServerUrls) -> None:
        raise ValueError("no topics")

    with pytest.raises(ValueError, match="no topics"):
        async with open_stack(home, EXTERNAL_SERVERS, log_recorder.log) as stack:
            await stack.start(prepare, [[build_service("worker")]])
    assert log_recorder.get_lines("worker") == []
    assert ProcessRegistry(home).read() == {}


async def test_a_service_that_does_not_start_stops_the_others(home: Path, log_recorder: LogRecorder) -> None:
    async def never() -> None:
        raise ConnectionError

    with pytest.raises(ServiceStartError, match="email exited with code 3"):
        async with open_stack(home, EXTERNAL_SERVERS, log_recorder.log) as stack:
            await stack.start(stages=[[build_service("router")], [build_service("email", "raise SystemExit(3)", readiness_check=never)]])
    assert ProcessRegistry(home).read() == {}


async def test_a_process_that_has_exited_before_it_is_recorded_is_not_recorded(home: Path, log_recorder: LogRecorder) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", "")
    await process.wait()
    async with open_stack(home, EXTERNAL_SERVERS, log_recorder.log) as stack:
        stack.update_process(build_service("worker"), process.pid)
        assert set(ProcessRegistry(home).read()) == {"supervisor"}


async def test_ctrl_c_during_the_preparation_ends_it(home: Path, log_recorder: LogRecorder) -> None:
    async def prepare(urls: ServerUrls) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    with pytest.raises(StopRequested):
        async with open_stack(home, EXTERNAL_SERVERS, log_recorder.log) as stack:
            await stack.start(prepare)


async def test_a_second_run_in_the_same_home_fails_with_the_pid_of_the_first(home: Path, log_recorder: LogRecorder) -> None:
    async with open_stack(home, EXTERNAL_SERVERS, log_recorder.log):
        with pytest.raises(AlreadyRunningError, match=rf"already runs in {home} \(pid {os.getpid()}\): stop that run, or set HEROLD_HOME"):
            async with open_stack(home, EXTERNAL_SERVERS, log_recorder.log):
                pass
        async with open_stack(home.with_name("other"), EXTERNAL_SERVERS, log_recorder.log):
            pass
    async with open_stack(home, EXTERNAL_SERVERS, log_recorder.log):
        pass


def start_and_kill_supervisor(home: Path) -> int:
    """Start a worker under a stack in another process and kill that process alone; returns the worker's pid."""
    command = [sys.executable, "-c", SUPERVISOR_CODE, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[4]) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    return pid


async def test_orphans_of_a_killed_run_are_stopped_by_the_next(home: Path, log_recorder: LogRecorder) -> None:
    pid = start_and_kill_supervisor(home)
    orphan = ProcessRegistry(home).read()["worker"]
    assert orphan.pid == pid
    assert orphan.find_process() is not None
    async with open_stack(home, EXTERNAL_SERVERS, log_recorder.log) as stack:
        assert orphan.find_process() is None
        assert "stopped worker, an orphan of a killed run" in log_recorder.get_lines("herold")
        await stack.start(stages=[[build_service("worker")]])


async def test_a_taken_port_is_replaced_before_the_urls_are_built(home: Path, log_recorder: LogRecorder) -> None:
    state = StackState(home)
    state.create()
    port = state.get_port("kafka")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of an earlier server may be in TIME_WAIT
        other.bind((LOOPBACK, port))
        other.listen()
        async with open_stack(home, {**EXTERNAL_SERVERS, "KAFKA_BOOTSTRAP_SERVERS": ""}, log_recorder.log) as stack:
            assert stack.urls.kafka == f"127.0.0.1:{state.get_port('kafka')}" != f"127.0.0.1:{port}"
    assert log_recorder.get_lines("herold")[:-1] == [
        f"port {port} of kafka is used by another program: kafka now has {state.get_port('kafka')}"
    ]
