"""`python -m dev.stack` with Valkey, the server that starts fastest: start, status, stop, killed runs and concurrent runs."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dev.stack.background import start_supervisor, stop_supervisor, wait_until_ready
from dev.stack.private_files import try_acquire_file_lock
from dev.stack.process_registry import SUPERVISOR_NAME, ProcessRegistry, wait_until_exited
from dev.stack.stack_state import LOOPBACK, StackState
from tests.server_processes import SESSION_LOCK, SWEEP_LOCK, create_session_dir, remove_dead_sessions, remove_session_dir

ROOT = Path(__file__).parents[3]
EMBEDDED_ENV = {name: value for name, value in os.environ.items() if name not in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "REDIS_URL")}
VALKEY = ("--only", "valkey")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home-valkey"
    yield home
    assert stop_supervisor(home)


def run_command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dev.stack", *arguments]
    return subprocess.run(command, env={**EMBEDDED_ENV, "HEROLD_HOME": str(home)}, cwd=ROOT, capture_output=True, text=True, check=False)


def is_listening(home: Path) -> bool:
    try:
        socket.create_connection((LOOPBACK, StackState(home).get_port("valkey"))).close()
    except ConnectionRefusedError:
        return False
    return True


def test_up_status_down(home: Path) -> None:
    assert run_command(home, "status").returncode == 3
    up = run_command(home, "up", *VALKEY)
    assert (
        up.stdout
        == f"export REDIS_URL=redis://:{StackState(home).get_secret('password')}@127.0.0.1:{StackState(home).get_port('valkey')}/0\n"
    ), up.stderr
    pids = {name: process.pid for name, process in ProcessRegistry(home).read().items()}
    status = run_command(home, "status")
    assert (status.returncode, [line.split()[0] for line in status.stdout.splitlines()]) == (0, [SUPERVISOR_NAME, "valkey"])
    again = run_command(home, "up", *VALKEY)
    assert again.stdout == up.stdout
    assert {name: process.pid for name, process in ProcessRegistry(home).read().items()} == pids
    assert run_command(home, "down").returncode == 0
    assert (is_listening(home), run_command(home, "status").returncode, run_command(home, "down").returncode) == (False, 3, 0)


def test_a_second_run_fails(home: Path) -> None:
    run_command(home, "up", *VALKEY)
    second = run_command(home, "run", *VALKEY)
    assert second.returncode == 1
    assert second.stderr == f"error: Herold already runs in {home} (pid {ProcessRegistry(home).read()[SUPERVISOR_NAME].pid}): " + (
        "stop that run, or set HEROLD_HOME to another directory for a second one\n"
    )
    assert is_listening(home)


def test_two_concurrent_ups_start_one_run(home: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: run_command(home, "up", *VALKEY), range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout == second.stdout
    assert is_listening(home)


def test_down_stops_the_orphans_of_a_killed_run(home: Path) -> None:
    run_command(home, "up", *VALKEY)
    records = ProcessRegistry(home).read()
    os.kill(records[SUPERVISOR_NAME].pid, signal.SIGKILL)
    assert wait_until_exited([records[SUPERVISOR_NAME]], 20.0)
    assert is_listening(home)
    assert run_command(home, "down").returncode == 0
    assert not is_listening(home)


def test_up_after_a_killed_run_has_the_same_url_and_another_server(home: Path) -> None:
    up = run_command(home, "up", *VALKEY)
    records = ProcessRegistry(home).read()
    os.kill(records[SUPERVISOR_NAME].pid, signal.SIGKILL)
    assert wait_until_exited([records[SUPERVISOR_NAME]], 20.0)
    assert run_command(home, "up", *VALKEY).stdout == up.stdout
    assert records["valkey"].find_process() is None
    assert "stopped valkey, an orphan of a killed run" in (home / "run.log").read_text()


def test_servers_stop_when_the_process_that_started_them_exits(home: Path) -> None:
    with start_supervisor(home, EMBEDDED_ENV, VALKEY, until_eof=True) as child:
        wait_until_ready(home, child)
        assert is_listening(home)
        child.stdin.close()  # type: ignore[union-attr]  # the kernel does this if this process is killed
        assert child.wait() == 0
    assert not is_listening(home)
    assert ProcessRegistry(home).read() == {}


def test_up_reports_why_a_run_did_not_start(home: Path) -> None:
    StackState(home).create()
    (home / "valkey").write_text("a file instead of the data directory")
    up = run_command(home, "up", *VALKEY)
    assert up.returncode == 1
    assert "before it was ready" in up.stderr
    assert "FileExistsError" in up.stderr


def test_the_directory_of_a_dead_session_is_removed_with_its_servers(tmp_path: Path) -> None:
    home = tmp_path / "session-dead" / "home-valkey"
    run_command(home, "up", *VALKEY)
    records = list(ProcessRegistry(home).read().values())
    with create_session_dir(tmp_path) as directory:
        assert not home.exists()
        assert wait_until_exited(records, 0.0)
        assert directory.exists()
        assert remove_dead_sessions(tmp_path) == []
    assert not directory.exists()


def test_no_sweep_meets_the_directory_of_a_session_that_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def remove(directory: Path) -> None:
        with try_acquire_file_lock(tmp_path / SWEEP_LOCK) as could_sweep:
            assert not could_sweep
        directory.rmdir()

    with create_session_dir(tmp_path) as directory:
        (directory / SESSION_LOCK).unlink()
        monkeypatch.setattr("tests.server_processes.remove_session_dir", remove)
    assert not directory.exists()


def test_a_session_directory_is_removed_with_its_servers(tmp_path: Path) -> None:
    home = tmp_path / "session-x" / "home-valkey"
    run_command(home, "up", *VALKEY)
    remove_session_dir(home.parent)
    assert not home.parent.exists()
