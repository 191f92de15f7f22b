"""What a client can use of the running gateway before its API key is checked."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening

MAX_HEADER_BYTES = 32 * 1024
MAX_CONNECTIONS = 5
READ_TIMEOUT = 60.0  # seconds, after which a test fails


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    limits = {"HEADER_TIMEOUT": "0.5", "BODY_TIMEOUT": "0.5", "MAX_CONNECTIONS": str(MAX_CONNECTIONS), "API_KEY": API_KEY}
    with run_gateway(**{f"HEROLD_GATEWAY_{name}": value for name, value in limits.items()}) as (process, port):
        wait_until_listening(process, port)
        yield port


def connect(port: int, data: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=READ_TIMEOUT)
    connection.sendall(data)
    return connection


def read_to_end(connection: socket.socket) -> tuple[int, Any]:
    """The status and the JSON of the last response, when the gateway has closed the connection."""
    with connection, connection.makefile("rb") as file:
        head, _, body = file.read().rpartition(b"\r\n\r\n")
    return int(head.rpartition(b"HTTP/1.1 ")[2][:3]), json.loads(body)


def build_request(header_bytes: int) -> bytes:
    request = b"GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx: \r\n\r\n"
    return request.replace(b"x: ", b"x: " + b"x" * (header_bytes - len(request)))


def test_headers_up_to_the_limit_are_read(port: int) -> None:
    assert read_to_end(connect(port, build_request(MAX_HEADER_BYTES))) == (200, {"status": "alive"})


@pytest.mark.parametrize(
    "data",
    [
        build_request(MAX_HEADER_BYTES + 100),
        build_request(MAX_HEADER_BYTES + 100)[:-4] + b"x" * MAX_HEADER_BYTES,  # one header that does not end
        b"GET /" + b"x" * MAX_HEADER_BYTES + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * (MAX_HEADER_BYTES // 4),
    ],
)
def test_larger_headers_are_rejected(port: int, data: bytes) -> None:
    status, problem = read_to_end(connect(port, data))
    assert (status, problem["type"]) == (431, "/docs#headers-too-large")


@pytest.mark.parametrize("data", [b"", b"\r\n", b"GET /healthz HTTP/1.1\r\nhost: h\r\n"])
def test_headers_that_do_not_come_to_their_end_are_a_timeout(port: int, data: bytes) -> None:
    status, problem = read_to_end(connect(port, data))
    assert (status, problem["type"]) == (408, "/docs#timeout")
    assert "headers" in problem["detail"]


def test_the_second_request_of_a_connection_has_the_same_limits(port: int) -> None:
    first = b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n"
    assert read_to_end(connect(port, first + b"GET /healthz HTTP/1.1\r\n"))[0] == 408
    assert read_to_end(connect(port, first + build_request(MAX_HEADER_BYTES * 2)))[0] == 431


def test_a_body_that_does_not_come_to_its_end_is_a_timeout(port: int) -> None:
    head = b"POST /v1/notifications HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\nx-api-key: %b\r\n\r\n{"
    status, problem = read_to_end(connect(port, head % API_KEY.encode()))
    assert (status, problem["type"]) == (408, "/docs#timeout")
    assert "body" in problem["detail"]


def test_a_rejected_body_that_does_not_end_ends_with_the_connection(port: int) -> None:
    head = b"POST /v1/notifications HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n"
    assert read_to_end(connect(port, head))[0] == 401


def test_what_is_not_http_is_a_problem(port: int) -> None:
    status, problem = read_to_end(connect(port, b"\x16\x03\x01 hello\r\n\r\n"))
    assert (status, problem["type"]) == (400, "/docs#bad-request")


def test_one_connection_too_many_is_rejected_until_another_ends(port: int) -> None:
    request = b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            connection = stack.enter_context(connect(port, request))
            assert connection.recv(1024).startswith(b"HTTP/1.1 200")
        status, problem = read_to_end(connect(port))
        assert (status, problem["type"]) == (503, "/docs#unavailable")
        assert "max_connections" in problem["detail"]
    with connect(port, request) as connection:
        while not (received := connection.recv(1024)).startswith(b"HTTP/1.1 200"):
            assert b" 503 " in received
            connection.close()
            connection = connect(port, request)


def test_a_client_that_does_not_read_its_responses_gives_its_connection_up() -> None:
    limits = {"RESPONSE_TIMEOUT": "0.5", "MAX_CONNECTIONS": "1", "API_KEY": API_KEY}
    with run_gateway(**{f"HEROLD_GATEWAY_{name}": value for name, value in limits.items()}) as (process, port):
        wait_until_listening(process, port)
        with open_only_connection(port, b"GET /openapi.json HTTP/1.1\r\nhost: h\r\n\r\n" * 200):
            assert read_to_end(connect(port))[0] == 503
            wait_until_free(port)


def open_only_connection(port: int, data: bytes) -> socket.socket:
    """A connection with a small window that has sent data and read the beginning of the first response; the start's may still be open."""
    while True:
        connection = socket.socket()
        connection.settimeout(READ_TIMEOUT)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        with suppress(ConnectionError):
            connection.sendall(data)
            if connection.recv(16).startswith(b"HTTP/1.1 200"):
                return connection
        connection.close()


def wait_until_free(port: int) -> None:
    """Wait until the only connection can be opened; it is closed again."""
    while True:
        connection = connect(port)
        try:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
            if read_to_end(connection)[0] == 200:
                return
        except ConnectionError:  # closed before it was read to its end
            connection.close()
