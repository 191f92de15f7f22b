"""A connection over a transport in memory: every way its bytes can be cut, and what comes unasked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.providers.http.connection import Connection
from agents.providers.http.limits import Limits
from schemas.ports import Answered, MaybeSent
from tests.unit.agents.providers.http.wires import OK, Ear, Wire, settle

LIMITS = Limits(max_head=200, max_body=100)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\nX-T: t\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


class Owner:
    """Counts what a connection tells it."""

    def __init__(self) -> None:
        self.freed_times = self.lost_times = 0

    def freed(self, connection: Connection) -> None:
        self.freed_times += 1

    def lost(self, connection: Connection) -> None:
        self.lost_times += 1


class Line:
    """A connection with its owner, its wire, and an ear for its answers."""

    def __init__(self) -> None:
        self.owner, self.wire, self.ear = Owner(), Wire(), Ear()
        self.connection = self.wire.protocol = Connection(self.owner, LIMITS, asyncio.get_running_loop())
        self.connection.connection_made(self.wire)

    def ask(self, *answers: bytes) -> None:
        """Send a request and let the other side say this."""
        self.connection.start(b"request", self.ear, 10)
        for answer in answers:
            self.connection.data_received(answer)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line()
    yield line
    line.wire.near.close()
    line.wire.far.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OK, Answered(202, {b"content-length": b"2"}, b"ok")),
        (CHUNKED, Answered(200, {b"transfer-encoding": b"chunked", b"x-a": b"1", b"x-t": b"t"}, b"wikipedia")),
        (INTERIM + OK, Answered(202, {b"content-length": b"2"}, b"ok")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Answered(204, {}, b"")),
    ],
)
async def test_an_answer_cut_anywhere_is_the_same(answer: bytes, expected: Answered) -> None:
    for place in range(1, len(answer)):
        line = Line()
        line.ask(answer[:place], answer[place:])
        assert line.ear.heard == [expected]
        assert (line.owner.freed_times, line.wire.aborted) == (1, False)
        line.wire.lose()


async def test_one_connection_serves_again_and_again(line: Line) -> None:
    for _ in range(3):
        line.ask(OK)
    line.ask(*(bytes([byte]) for byte in CHUNKED))
    assert [type(answer) for answer in line.ear.heard] == [Answered] * 4
    assert line.wire.written == [b"request"] * 4


@pytest.mark.parametrize("unasked", [OK, b"\x15\x03", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_what_comes_unasked_ends_the_connection(line: Line, unasked: bytes) -> None:
    line.ask(OK)
    line.connection.data_received(unasked)
    assert line.connection.closed
    assert line.wire.aborted
    assert len(line.ear.heard) == 1


@pytest.mark.parametrize("surplus", [OK, b"HT", b"\0"])
async def test_more_than_the_answer_ends_the_connection_and_keeps_the_answer(line: Line, surplus: bytes) -> None:
    line.ask(OK + surplus)
    assert line.ear.heard == [Answered(202, {b"content-length": b"2"}, b"ok")]
    assert line.connection.closed
    assert line.owner.freed_times == 0


async def test_connection_close_is_heeded(line: Line) -> None:
    line.ask(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(line.ear.heard[0], Answered)
    assert line.connection.closed


async def test_an_answer_before_the_request_was_out_leaves_no_usable_connection(line: Line) -> None:
    line.wire.backlog = 1
    line.ask(OK)
    assert isinstance(line.ear.heard[0], Answered)
    assert line.connection.closed
    assert line.owner.freed_times == 0


async def test_a_body_that_ends_with_the_connection(line: Line) -> None:
    line.ask(b"HTTP/1.1 200 OK\r\n\r\nall", b" of it")
    assert not line.ear.heard
    line.connection.eof_received()
    assert line.ear.heard == [Answered(200, {}, b"all of it")]


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", CHUNKED[:-2]])
async def test_a_connection_that_ends_too_early(line: Line, begun: bytes) -> None:
    line.ask(*filter(None, [begun]))
    line.connection.eof_received()
    assert isinstance(line.ear.heard[0], MaybeSent)


async def test_a_body_until_the_end_that_is_reset_instead(line: Line) -> None:
    line.ask(b"HTTP/1.1 200 OK\r\n\r\nall")
    line.wire.lose(ConnectionResetError())
    assert isinstance(line.ear.heard[0], MaybeSent)


@pytest.mark.parametrize(
    ("begin", "more", "cause"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"h" * 100, "headers are longer than 200"),
        (INTERIM, INTERIM, "headers are longer than 200"),
        (CHUNKED[: CHUNKED.index(b"4\r\n")], b"1;" + b"x" * 400 + b"\r\na\r\n", "does not end"),
    ],
)
async def test_what_does_not_end_is_given_up(line: Line, begin: bytes, more: bytes, cause: str) -> None:
    line.ask(begin)
    for _ in range(9):
        line.connection.data_received(more)
    heard = line.ear.heard[0]
    assert isinstance(heard, MaybeSent)
    assert cause in heard.cause
    assert (len(line.ear.heard), line.wire.aborted) == (1, True)


@pytest.mark.parametrize("length", [b"Content-Length: 100000", b"X-None: 0"])
async def test_a_long_body_is_cut_off_and_ends_the_connection(line: Line, length: bytes) -> None:
    line.ask(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n" + b"b" * 60, b"b" * 60)
    heard = line.ear.heard[0]
    assert isinstance(heard, Answered)
    assert (heard.status, heard.body) == (200, b"b" * 100)
    assert line.connection.closed


async def test_a_fault_of_the_callback_is_reported_and_costs_nobody_the_connection(line: Line) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, report: reports.append(report))

    def broken(answer: object) -> None:
        raise RuntimeError("caller's fault")

    line.connection.start(b"request", broken, 10)
    line.connection.data_received(OK)
    assert str(reports[0]["exception"]) == "caller's fault"
    line.ask(OK)
    assert isinstance(line.ear.heard[0], Answered)


async def test_whatever_follows_the_callback_is_one(line: Line) -> None:
    line.ask(b"HTTP/1.1 200 OK\r\n")
    line.connection.give_up("too late")
    line.connection.eof_received()
    line.connection.give_up("again")
    await settle()
    assert line.ear.heard == [MaybeSent("too late")]
    assert line.owner.lost_times == 1
