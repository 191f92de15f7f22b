"""The commands, over the quickest of the real servers: runs that are started, found, ended, killed, and that clash."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.local.launch import await_ready, bring_down, launch
from app.local.processes import SUPERVISOR, Processes, await_end
from app.local.state import LOOPBACK, State
from tests.servers import remove, session_folder, sweep

ROOT = Path(__file__).parents[3]
OWN = {name: value for name, value in os.environ.items() if name not in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "REDIS_URL")}
VALKEY = ("--only", "valkey")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home-valkey"
    yield home
    assert bring_down(home)


def local(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.local", *words]
    return subprocess.run(command, env={**OWN, "HEROLD_HOME": str(home)}, cwd=ROOT, capture_output=True, text=True, check=False)


def answers(home: Path) -> bool:
    try:
        socket.create_connection((LOOPBACK, State(home).port("valkey"))).close()
    except ConnectionRefusedError:
        return False
    return True


def test_up_status_down(home: Path) -> None:
    assert local(home, "status").returncode == 3
    up = local(home, "up", *VALKEY)
    assert up.stdout == f"export REDIS_URL=redis://:{State(home).secret('password')}@127.0.0.1:{State(home).port('valkey')}/0\n", up.stderr
    pids = {name: process.pid for name, process in Processes(home).read().items()}
    status = local(home, "status")
    assert (status.returncode, [line.split()[0] for line in status.stdout.splitlines()]) == (0, [SUPERVISOR, "valkey"])
    again = local(home, "up", *VALKEY)
    assert again.stdout == up.stdout
    assert {name: process.pid for name, process in Processes(home).read().items()} == pids
    assert local(home, "down").returncode == 0
    assert (answers(home), local(home, "status").returncode, local(home, "down").returncode) == (False, 3, 0)


def test_a_second_run_is_refused(home: Path) -> None:
    local(home, "up", *VALKEY)
    second = local(home, "run", *VALKEY)
    assert second.returncode == 1
    assert second.stderr == f"error: Herold already runs in {home} (pid {Processes(home).read()[SUPERVISOR].pid}): " + (
        "stop that run, or set HEROLD_HOME to another folder for a second one\n"
    )
    assert answers(home)


def test_two_ups_at_once_end_in_one_run(home: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: local(home, "up", *VALKEY), range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout == second.stdout
    assert answers(home)


def test_down_ends_what_a_killed_run_left(home: Path) -> None:
    local(home, "up", *VALKEY)
    known = Processes(home).read()
    os.kill(known[SUPERVISOR].pid, signal.SIGKILL)
    assert await_end([known[SUPERVISOR]], 20.0)
    assert answers(home)
    assert local(home, "down").returncode == 0
    assert not answers(home)


def test_up_after_a_killed_run_has_the_same_url_and_another_server(home: Path) -> None:
    up = local(home, "up", *VALKEY)
    known = Processes(home).read()
    os.kill(known[SUPERVISOR].pid, signal.SIGKILL)
    assert await_end([known[SUPERVISOR]], 20.0)
    assert local(home, "up", *VALKEY).stdout == up.stdout
    assert known["valkey"].process() is None
    assert "ended valkey, left by a run that was killed" in (home / "run.log").read_text()


def test_servers_stop_when_who_started_them_is_gone(home: Path) -> None:
    with launch(home, OWN, VALKEY, until_eof=True) as child:
        await_ready(home, child)
        assert answers(home)
        child.stdin.close()  # type: ignore[union-attr]  # the kernel does this when we are killed
        assert child.wait() == 0
    assert not answers(home)
    assert Processes(home).read() == {}


def test_up_tells_why_a_run_did_not_start(home: Path) -> None:
    State(home).make()
    (home / "valkey").write_text("in the way of the data folder")
    up = local(home, "up", *VALKEY)
    assert up.returncode == 1
    assert "before it was ready" in up.stderr
    assert "FileExistsError" in up.stderr


def test_the_folder_of_a_dead_session_is_removed_with_its_servers(tmp_path: Path) -> None:
    home = tmp_path / "session-dead" / "home-valkey"
    local(home, "up", *VALKEY)
    known = list(Processes(home).read().values())
    with session_folder(tmp_path) as folder:
        assert not home.exists()
        assert await_end(known, 0.0)
        assert folder.exists()
        assert sweep(tmp_path) == []
    assert not folder.exists()


def test_a_session_folder_goes_with_what_runs_in_it(tmp_path: Path) -> None:
    home = tmp_path / "session-x" / "home-valkey"
    local(home, "up", *VALKEY)
    remove(home.parent)
    assert not home.parent.exists()
