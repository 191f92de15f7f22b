"""Tests of a connection over an in-memory transport: split responses, and data received without a request."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.providers.http.connection import HttpConnection
from schemas.http import HttpResponse, MaybeSent
from tests.fakes import run_pending_tasks
from tests.settings_builders import build_http_limits
from tests.unit.agents.providers.http.fakes import ACCEPTED_RESPONSE, FakeTransport, ResultCollector

LIMITS = build_http_limits(max_head_bytes=200, max_body_bytes=100)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\nX-T: t\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


class FakeListener:
    """Counts the calls of a connection."""

    def __init__(self) -> None:
        self.ready_count = self.closed_count = 0

    def on_ready(self, connection: HttpConnection) -> None:
        self.ready_count += 1

    def on_closed(self, connection: HttpConnection) -> None:
        self.closed_count += 1


class ConnectionHarness:
    """A connection with a fake listener and transport, and a collector of its results."""

    def __init__(self) -> None:
        self.listener, self.transport, self.collector = FakeListener(), FakeTransport(), ResultCollector()
        self.connection = self.transport.protocol = HttpConnection(self.listener, LIMITS, asyncio.get_running_loop())
        self.connection.connection_made(self.transport)

    def exchange(self, *responses: bytes) -> None:
        """Send a request and receive these bytes."""
        self.connection.send_request(b"request", self.collector, 10)
        for response in responses:
            self.connection.data_received(response)


@pytest.fixture
async def harness() -> AsyncIterator[ConnectionHarness]:
    harness = ConnectionHarness()
    yield harness
    harness.transport.near_socket.close()
    harness.transport.far_socket.close()


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (ACCEPTED_RESPONSE, HttpResponse(202, {b"content-length": b"2"}, b"ok")),
        (CHUNKED, HttpResponse(200, {b"transfer-encoding": b"chunked", b"x-a": b"1", b"x-t": b"t"}, b"wikipedia")),
        (INTERIM + ACCEPTED_RESPONSE, HttpResponse(202, {b"content-length": b"2"}, b"ok")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", HttpResponse(204, {}, b"")),
    ],
)
async def test_a_response_split_at_any_byte_has_the_same_result(response: bytes, expected: HttpResponse) -> None:
    for split_at in range(1, len(response)):
        harness = ConnectionHarness()
        harness.exchange(response[:split_at], response[split_at:])
        assert harness.collector.results == [expected]
        assert (harness.listener.ready_count, harness.transport.aborted) == (1, False)
        harness.transport.lose_connection()


async def test_a_control_character_in_a_header_does_not_hide_the_status(harness: ConnectionHarness) -> None:
    harness.exchange(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: a\x00b\x7f\r\nContent-Length: 0\r\n\r\n")
    assert harness.collector.results == [HttpResponse(202, {b"x-message-id": b"a\x00b\x7f", b"content-length": b"0"}, b"")]


@pytest.mark.parametrize(
    ("error", "cause"), [(ConnectionResetError(104, "Connection reset by peer"), ": connection reset by peer"), (None, "")]
)
async def test_a_lost_connection_says_why_in_words(harness: ConnectionHarness, error: Exception | None, cause: str) -> None:
    harness.exchange(b"HTTP/1.1 202 Acc")
    harness.transport.lose_connection(error)
    assert harness.collector.results == [MaybeSent(f"connection lost before the response was complete{cause}")]


async def test_what_is_not_http_says_what_was_expected(harness: ConnectionHarness) -> None:
    harness.exchange(b"220 mail.example.org ESMTP\r\n")
    assert harness.collector.results == [MaybeSent("the response is not HTTP/1.1: Expected HTTP/, RTSP/ or ICE/")]


async def test_a_connection_is_used_for_several_requests(harness: ConnectionHarness) -> None:
    for _ in range(3):
        harness.exchange(ACCEPTED_RESPONSE)
    harness.exchange(*(bytes([byte]) for byte in CHUNKED))
    assert [type(result) for result in harness.collector.results] == [HttpResponse] * 4
    assert harness.transport.written == [b"request"] * 4


@pytest.mark.parametrize("data", [ACCEPTED_RESPONSE, b"\x15\x03", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_data_without_a_request_closes_the_connection(harness: ConnectionHarness, data: bytes) -> None:
    harness.exchange(ACCEPTED_RESPONSE)
    harness.connection.data_received(data)
    assert harness.connection.closed
    assert harness.transport.aborted
    assert len(harness.collector.results) == 1


@pytest.mark.parametrize("surplus", [ACCEPTED_RESPONSE, b"HT", b"\0"])
async def test_data_after_the_response_closes_the_connection_and_keeps_the_response(harness: ConnectionHarness, surplus: bytes) -> None:
    harness.exchange(ACCEPTED_RESPONSE + surplus)
    assert harness.collector.results == [HttpResponse(202, {b"content-length": b"2"}, b"ok")]
    assert harness.connection.closed
    assert harness.listener.ready_count == 0


async def test_connection_close_closes_the_connection(harness: ConnectionHarness) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(harness.collector.results[0], HttpResponse)
    assert harness.connection.closed


async def test_a_response_before_the_request_is_written_closes_the_connection(harness: ConnectionHarness) -> None:
    harness.transport.write_buffer_size = 1
    harness.exchange(ACCEPTED_RESPONSE)
    assert isinstance(harness.collector.results[0], HttpResponse)
    assert harness.connection.closed
    assert harness.listener.ready_count == 0


async def test_a_body_can_end_with_the_connection(harness: ConnectionHarness) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\n\r\nall", b" of it")
    assert not harness.collector.results
    harness.connection.eof_received()
    assert harness.collector.results == [HttpResponse(200, {}, b"all of it")]


@pytest.mark.parametrize("received", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", CHUNKED[:-2]])
async def test_an_incomplete_response_is_maybe_sent(harness: ConnectionHarness, received: bytes) -> None:
    harness.exchange(*filter(None, [received]))
    harness.connection.eof_received()
    assert isinstance(harness.collector.results[0], MaybeSent)


async def test_a_reset_during_a_body_without_length_is_maybe_sent(harness: ConnectionHarness) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\n\r\nall")
    harness.transport.lose_connection(ConnectionResetError())
    assert isinstance(harness.collector.results[0], MaybeSent)


@pytest.mark.parametrize(
    ("begin", "more", "cause"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"h" * 100, "headers are longer than 200"),
        (INTERIM, INTERIM, "headers are longer than 200"),
        (CHUNKED[: CHUNKED.index(b"4\r\n")], b"1;" + b"x" * 400 + b"\r\na\r\n", "is too long"),
    ],
)
async def test_a_response_without_an_end_is_aborted(harness: ConnectionHarness, begin: bytes, more: bytes, cause: str) -> None:
    harness.exchange(begin)
    for _ in range(9):
        harness.connection.data_received(more)
    result = harness.collector.results[0]
    assert isinstance(result, MaybeSent)
    assert cause in result.cause
    assert (len(harness.collector.results), harness.transport.aborted) == (1, True)


@pytest.mark.parametrize("length", [b"Content-Length: 100000", b"X-None: 0"])
async def test_a_long_body_is_cut_and_closes_the_connection(harness: ConnectionHarness, length: bytes) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n" + b"b" * 60, b"b" * 60)
    result = harness.collector.results[0]
    assert isinstance(result, HttpResponse)
    assert (result.status_code, result.body) == (200, b"b" * 100)
    assert harness.connection.closed


async def test_an_exception_of_the_callback_is_reported_and_the_connection_stays_open(harness: ConnectionHarness) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, report: reports.append(report))

    def raise_error(result: object) -> None:
        raise RuntimeError("caller's error")

    harness.connection.send_request(b"request", raise_error, 10)
    harness.connection.data_received(ACCEPTED_RESPONSE)
    assert str(reports[0]["exception"]) == "caller's error"
    harness.exchange(ACCEPTED_RESPONSE)
    assert isinstance(harness.collector.results[0], HttpResponse)


async def test_there_is_exactly_one_result(harness: ConnectionHarness) -> None:
    harness.exchange(b"HTTP/1.1 200 OK\r\n")
    harness.connection.abort("too late")
    harness.connection.eof_received()
    harness.connection.abort("again")
    await run_pending_tasks()
    assert harness.collector.results == [MaybeSent("too late")]
    assert harness.listener.closed_count == 1
