"""Several gateway processes on one port."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psutil
import pytest

from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import WAIT, read_start_error, run_gateway, wait_until_listening

PROCESSES = 3


@pytest.fixture
def gateway() -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    with run_gateway(HEROLD_GATEWAY_API_KEY=API_KEY, HEROLD_GATEWAY_PROCESSES=str(PROCESSES)) as (process, port):
        wait_until_listening(process, port)
        deadline = time.monotonic() + WAIT
        while not all(has_event_loop(child) for child in find_children(process)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process, port
        for child in find_children(process):
            child.kill()


def find_children(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children() if process.poll() is None else []


def has_event_loop(process: psutil.Process) -> bool:
    """Whether the process has begun to serve."""
    return any("eventpoll" in os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd"))


def count_connections(process: psutil.Process, port: int) -> int:
    connections = process.net_connections("tcp")
    return sum(connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED for connection in connections)


def request(port: int, path: str = "/healthz") -> httpx.Response:
    """The response on a new connection, which any process may accept."""
    return httpx.get(f"http://127.0.0.1:{port}{path}", headers={"x-api-key": API_KEY}, timeout=WAIT)


def count_not_found(port: int, client: httpx.Client | None = None) -> int:
    """The count that a process shows: that of the client's connection, else any."""
    page = client.get(f"http://127.0.0.1:{port}/metrics") if client else request(port, "/metrics")
    match = re.search(r'http_requests_total{route="-",status_code="404"} (\d+)', page.text)
    return int(match[1]) if match else 0


def wait_for_count(port: int, expected: int) -> None:
    deadline = time.monotonic() + WAIT
    while count_not_found(port) != expected:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def wait_until_all_have_counted(port: int, expected: int) -> None:
    """Wait until every process shows this count: each has its own, and what the others have written."""
    with ExitStack() as stack:
        clients = [stack.enter_context(httpx.Client(timeout=WAIT, headers={"x-api-key": API_KEY})) for _ in range(40)]
        deadline = time.monotonic() + WAIT
        while {count_not_found(port, client) for client in clients} != {expected}:
            assert time.monotonic() < deadline


def test_all_processes_serve_and_each_shows_the_metrics_of_all(gateway: tuple["subprocess.Popen[bytes]", int]) -> None:
    process, port = gateway
    children = find_children(process)
    assert len(children) == PROCESSES
    with ExitStack() as stack:
        for _ in range(60):
            client = stack.enter_context(httpx.Client(timeout=WAIT, headers={"x-api-key": API_KEY}))
            assert client.get(f"http://127.0.0.1:{port}/no/such/path").status_code == 404
        assert all(count_connections(child, port) for child in children)
        wait_for_count(port, 60)


def test_a_killed_process_is_replaced_and_its_counts_stay(gateway: tuple["subprocess.Popen[bytes]", int]) -> None:
    process, port = gateway
    for _ in range(20):
        request(port, "/no/such/path")
    wait_until_all_have_counted(port, 20)
    killed = find_children(process)[0]
    killed.kill()
    for _ in range(20):
        assert request(port, "/no/such/path").status_code == 404, "no connection is refused or reset"
    children = find_children(process)
    assert len(children) == PROCESSES
    assert killed.pid not in {child.pid for child in children}
    wait_for_count(port, 40)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_processes(gateway: tuple["subprocess.Popen[bytes]", int], signal_number: int) -> None:
    process, port = gateway
    children = find_children(process)
    process.send_signal(signal_number)
    assert process.wait(WAIT) == 0
    assert not any(child.is_running() for child in children)
    with pytest.raises(httpx.ConnectError):
        request(port)


def test_the_processes_end_with_their_parent(gateway: tuple["subprocess.Popen[bytes]", int]) -> None:
    process, _ = gateway
    children = find_children(process)
    process.kill()
    _, alive = psutil.wait_procs(children, WAIT)
    assert not alive


def test_a_port_in_use_is_a_start_error(gateway: tuple["subprocess.Popen[bytes]", int]) -> None:
    _, port = gateway
    variables = {"HEROLD_GATEWAY_API_KEY": API_KEY, "HEROLD_GATEWAY_PROCESSES": "2", "HEROLD_GATEWAY_PORT": str(port)}
    with run_gateway(**variables) as (second, _):
        assert f"gateway.port {port}" in read_start_error(second)
