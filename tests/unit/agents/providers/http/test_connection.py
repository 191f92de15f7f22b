"""A connection over a transport in memory: every way its bytes can be cut, and what comes unasked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.providers.http.connection import HttpConnection
from agents.providers.http.limits import HttpLimits
from schemas.ports import HttpResponse, MaybeSent
from tests.unit.agents.providers.http.fakes import ACCEPTED_RESPONSE, FakeTransport, ResultCollector, run_pending_tasks

LIMITS = HttpLimits(max_head_bytes=200, max_body_bytes=100)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\nX-T: t\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


class FakeListener:
    """Counts what a connection tells it."""

    def __init__(self) -> None:
        self.ready_count = self.closed_count = 0

    def on_ready(self, connection: HttpConnection) -> None:
        self.ready_count += 1

    def on_closed(self, connection: HttpConnection) -> None:
        self.closed_count += 1


class ConnectionHarness:
    """A connection with its owner, its wire, and an ear for its answers."""

    def __init__(self) -> None:
        self.listener, self.transport, self.collector = FakeListener(), FakeTransport(), ResultCollector()
        self.connection = self.transport.protocol = HttpConnection(self.listener, LIMITS, asyncio.get_running_loop())
        self.connection.connection_made(self.transport)

    def exchange(self, *responses: bytes) -> None:
        """Send a request and let the other side say this."""
        self.connection.send_request(b"request", self.collector, 10)
        for response in responses:
            self.connection.data_received(response)


@pytest.fixture
async def harness() -> AsyncIterator[ConnectionHarness]:
    line = ConnectionHarness()
    yield line
    line.transport.near_socket.close()
    line.transport.far_socket.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ACCEPTED_RESPONSE, HttpResponse(202, {b"content-length": b"2"}, b"ok")),
        (CHUNKED, HttpResponse(200, {b"transfer-encoding": b"chunked", b"x-a": b"1", b"x-t": b"t"}, b"wikipedia")),
        (INTERIM + ACCEPTED_RESPONSE, HttpResponse(202, {b"content-length": b"2"}, b"ok")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", HttpResponse(204, {}, b"")),
    ],
)
async def test_an_answer_cut_anywhere_is_the_same(answer: bytes, expected: HttpResponse) -> None:
    for place in range(1, len(answer)):
        line = ConnectionHarness()
        line.exchange(answer[:place], answer[place:])
        assert line.collector.results == [expected]
        assert (line.listener.ready_count, line.transport.aborted) == (1, False)
        line.transport.lose_connection()


async def test_one_connection_serves_again_and_again(harness: ConnectionHarness) -> None:
    for _ in range(3):
        harness.exchange(ACCEPTED_RESPONSE)
    harness.exchange(*(bytes([byte]) for byte in CHUNKED))
    assert [type(answer) for answer in harness.collector.results] == [HttpResponse] * 4
    assert harness.transport.written == [b"request"] * 4


@pytest.mark.parametrize("unasked", [ACCEPTED_RESPONSE, b"\x15\x03", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_what_comes_unasked_ends_the_connection(harness: ConnectionHarness, unasked: bytes) -> None:
    harness.exchange(ACCEPTED_RESPONSE)
    harness.connection.data_received(unasked)
    assert harness.connection.closed
    assert harness.transport.aborted
    assert len(harness.collector.results) == 1


@pytest.mark.parametrize("surplus", [ACCEPTED_RESPONSE, b"HT", b"\0"])
async def test_more_than_the_answer_ends_the_connection_and_keeps_the_answer(harness: ConnectionHarness, surplus: bytes) -> None:
    harness.exchange(ACCEPTED_RESPONSE + surplus)
    assert harness.collector.results == [HttpResponse(202, {b"content-length": b"2"}, b"ok")]
    assert harness.connection.closed
    assert harness.listener.ready_count == 0


async def test_connection_close_is_heeded(harness: ConnectionHarness) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(harness.collector.results[0], HttpResponse)
    assert harness.connection.closed


async def test_an_answer_before_the_request_was_out_leaves_no_usable_connection(harness: ConnectionHarness) -> None:
    harness.transport.write_buffer_size = 1
    harness.exchange(ACCEPTED_RESPONSE)
    assert isinstance(harness.collector.results[0], HttpResponse)
    assert harness.connection.closed
    assert harness.listener.ready_count == 0


async def test_a_body_that_ends_with_the_connection(harness: ConnectionHarness) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\n\r\nall", b" of it")
    assert not harness.collector.results
    harness.connection.eof_received()
    assert harness.collector.results == [HttpResponse(200, {}, b"all of it")]


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", CHUNKED[:-2]])
async def test_a_connection_that_ends_too_early(harness: ConnectionHarness, begun: bytes) -> None:
    harness.exchange(*filter(None, [begun]))
    harness.connection.eof_received()
    assert isinstance(harness.collector.results[0], MaybeSent)


async def test_a_body_until_the_end_that_is_reset_instead(harness: ConnectionHarness) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\n\r\nall")
    harness.transport.lose_connection(ConnectionResetError())
    assert isinstance(harness.collector.results[0], MaybeSent)


@pytest.mark.parametrize(
    ("begin", "more", "cause"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"h" * 100, "headers are longer than 200"),
        (INTERIM, INTERIM, "headers are longer than 200"),
        (CHUNKED[: CHUNKED.index(b"4\r\n")], b"1;" + b"x" * 400 + b"\r\na\r\n", "does not end"),
    ],
)
async def test_what_does_not_end_is_given_up(harness: ConnectionHarness, begin: bytes, more: bytes, cause: str) -> None:
    harness.exchange(begin)
    for _ in range(9):
        harness.connection.data_received(more)
    heard = harness.collector.results[0]
    assert isinstance(heard, MaybeSent)
    assert cause in heard.cause
    assert (len(harness.collector.results), harness.transport.aborted) == (1, True)


@pytest.mark.parametrize("length", [b"Content-Length: 100000", b"X-None: 0"])
async def test_a_long_body_is_cut_off_and_ends_the_connection(harness: ConnectionHarness, length: bytes) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n" + b"b" * 60, b"b" * 60)
    heard = harness.collector.results[0]
    assert isinstance(heard, HttpResponse)
    assert (heard.status_code, heard.body) == (200, b"b" * 100)
    assert harness.connection.closed


async def test_a_fault_of_the_callback_is_reported_and_costs_nobody_the_connection(harness: ConnectionHarness) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, report: reports.append(report))

    def raise_error(answer: object) -> None:
        raise RuntimeError("caller's fault")

    harness.connection.send_request(b"request", raise_error, 10)
    harness.connection.data_received(ACCEPTED_RESPONSE)
    assert str(reports[0]["exception"]) == "caller's fault"
    harness.exchange(ACCEPTED_RESPONSE)
    assert isinstance(harness.collector.results[0], HttpResponse)


async def test_whatever_follows_the_callback_is_one(harness: ConnectionHarness) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\n")
    harness.connection.abort("too late")
    harness.connection.eof_received()
    harness.connection.abort("again")
    await run_pending_tasks()
    assert harness.collector.results == [MaybeSent("too late")]
    assert harness.listener.closed_count == 1
