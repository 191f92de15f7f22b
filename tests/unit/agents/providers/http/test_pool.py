"""Tests of the connection pool over in-memory connections; the tests advance the ticks."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.providers.http.pool import ConnectionPool
from schemas.http import HttpResponse, MaybeSent, NotSent
from tests.fakes import run_pending_tasks
from tests.settings_builders import build_http_limits
from tests.unit.agents.providers.http.fakes import ACCEPTED_RESPONSE, FakeConnector, ResultCollector

# in ticks: request 4, pool 3, idle 5, age 10
LIMITS = build_http_limits(
    max_connections=2, max_queued_requests=3, request_timeout=3, pool_timeout=2, idle_timeout=4, max_connection_age=9, tick_seconds=1
)


class PoolHarness:
    """A pool with a fake connector, and a collector of its results."""

    def __init__(self) -> None:
        self.connector, self.collector = FakeConnector(), ResultCollector()
        self.pool = ConnectionPool(self.connector.connect, LIMITS, asyncio.get_running_loop(), 0, lambda: None)

    async def send(self, *requests: bytes) -> None:
        """Send requests and run all pending tasks."""
        for request in requests:
            self.pool.send(request, self.collector)
        await run_pending_tasks()

    async def respond(self, number: int = 0) -> None:
        """Receive a response on a connection."""
        self.connector.transports[number].protocol.data_received(ACCEPTED_RESPONSE)
        await run_pending_tasks()

    async def expire_overdue(self, tick: int) -> None:
        """Advance to this tick."""
        self.pool.expire_overdue(tick)
        await run_pending_tasks()

    def get_written(self) -> list[list[bytes]]:
        """The requests written to each connection."""
        return [transport.written for transport in self.connector.transports]


@pytest.fixture
async def harness() -> AsyncIterator[PoolHarness]:
    harness = PoolHarness()
    yield harness
    await harness.pool.close()
    harness.connector.close()


async def test_a_connection_is_opened_for_each_request_up_to_the_limit(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2", b"3")
    assert harness.get_written() == [[b"1"], [b"2"]]


async def test_queued_requests_are_sent_in_order(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2", b"3", b"4")
    await harness.respond(1)
    await harness.respond(0)
    assert harness.get_written() == [[b"1", b"4"], [b"2", b"3"]]


async def test_the_connection_used_last_is_reused_first(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2")
    await harness.respond(0)
    await harness.respond(1)
    await harness.send(b"3")
    assert harness.get_written() == [[b"1"], [b"2", b"3"]]


async def test_a_connection_that_opens_too_late_becomes_idle(harness: PoolHarness) -> None:
    await harness.send(b"1")
    harness.connector.may_connect.clear()
    await harness.send(b"2")
    await harness.respond(0)
    harness.connector.may_connect.set()
    await run_pending_tasks()
    assert harness.get_written() == [[b"1", b"2"], []]
    assert harness.pool.connection_count == 2


async def test_the_queue_is_limited(harness: PoolHarness) -> None:
    await harness.send(*[b"x"] * 6)
    assert harness.collector.results == [NotSent("3 requests are already queued for a connection")]


async def test_a_queued_request_times_out(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2", b"3")
    await harness.expire_overdue(2)
    assert harness.collector.results == []
    await harness.expire_overdue(3)
    assert harness.collector.results == [NotSent("no connection was free within 2 s")]


async def test_a_request_without_a_response_times_out(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2")
    await harness.respond(1)
    await harness.expire_overdue(3)
    assert len(harness.collector.results) == 1
    await harness.expire_overdue(4)
    assert harness.collector.results[1:] == [MaybeSent("no response within 3 s")]
    assert harness.pool.connection_count == 1


async def test_a_timeout_makes_room_for_a_queued_request(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2")
    await harness.expire_overdue(3)
    await harness.send(b"3")
    await harness.expire_overdue(4)
    assert harness.get_written() == [[b"1"], [b"2"], [b"3"]]


async def test_idle_connections_are_closed(harness: PoolHarness) -> None:
    await harness.send(b"1")
    await harness.respond()
    await harness.expire_overdue(4)
    assert harness.pool.connection_count == 1
    await harness.expire_overdue(5)
    assert harness.pool.connection_count == 0
    assert harness.pool.is_empty


async def test_old_connections_are_replaced(harness: PoolHarness) -> None:
    await harness.send(b"1")
    await harness.respond()
    await harness.expire_overdue(3)
    await harness.send(b"2")
    await harness.expire_overdue(6)
    await harness.respond()
    await harness.expire_overdue(9)
    await harness.send(b"3")
    await harness.expire_overdue(10)
    await harness.respond()
    await harness.send(b"4")
    assert harness.get_written() == [[b"1", b"2", b"3"], [b"4"]]


async def test_a_closed_idle_connection_is_replaced(harness: PoolHarness) -> None:
    await harness.send(b"1")
    await harness.respond()
    harness.connector.transports[0].lose_connection()
    await harness.send(b"2")
    assert harness.get_written() == [[b"1"], [b"2"]]


async def test_a_connection_closed_by_the_server_without_notice_is_replaced(harness: PoolHarness) -> None:
    await harness.send(b"1")
    await harness.respond()
    await harness.expire_overdue(1)
    harness.connector.transports[0].far_socket.close()
    await harness.send(b"2")
    assert harness.get_written() == [[b"1"], [b"2"]]
    assert harness.pool.connection_count == 1


async def test_a_request_on_a_connection_that_is_lost_is_not_sent_again(harness: PoolHarness) -> None:
    await harness.send(b"1")
    await harness.respond()
    await harness.send(b"2")
    harness.connector.transports[0].lose_connection(ConnectionResetError())
    await run_pending_tasks()
    assert isinstance(harness.collector.results[1], MaybeSent)
    assert harness.get_written() == [[b"1", b"2"]]


async def test_without_a_connection_a_connect_error_fails_all_queued_requests(harness: PoolHarness) -> None:
    harness.connector.connect_error = "connection refused"
    await harness.send(b"1", b"2", b"3")
    assert harness.collector.results == [NotSent("connection refused")] * 3
    assert harness.pool.is_empty


async def test_with_a_connection_a_connect_error_leaves_the_queue(harness: PoolHarness) -> None:
    await harness.send(b"1")
    harness.connector.connect_error = "connection refused"
    await harness.send(b"2")
    assert harness.collector.results == []
    await harness.respond()
    assert harness.get_written() == [[b"1", b"2"]]


async def test_after_a_connect_error_the_next_request_connects_again(harness: PoolHarness) -> None:
    harness.connector.connect_error = "connection refused"
    await harness.send(b"1")
    harness.connector.connect_error = ""
    await harness.send(b"2")
    await harness.respond()
    assert [type(result) for result in harness.collector.results] == [NotSent, HttpResponse]


async def test_a_connection_that_is_closed_immediately_is_not_retried(harness: PoolHarness) -> None:
    harness.connector.closed_on_open = True
    await harness.send(b"1")
    assert harness.collector.results == [NotSent("the server closed the connection immediately")]
    assert len(harness.connector.transports) == 1


async def test_preconnect_opens_connections_up_to_the_limit(harness: PoolHarness) -> None:
    assert await harness.pool.preconnect(1) == 1
    assert await harness.pool.preconnect(9) == 2
    await harness.send(b"1")
    assert len(harness.connector.transports) == 2


async def test_preconnect_returns_the_number_of_open_connections(harness: PoolHarness) -> None:
    harness.connector.connect_error = "connection refused"
    assert await harness.pool.preconnect(2) == 0


async def test_close_ends_all_requests_and_pending_connections(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2", b"3")
    harness.connector.transports[0].lose_connection()
    harness.connector.may_connect.clear()
    await run_pending_tasks()
    await harness.pool.close()
    await run_pending_tasks()
    assert [type(result) for result in harness.collector.results] == [MaybeSent, MaybeSent, NotSent]
    assert all(transport.aborted for transport in harness.connector.transports)
    assert harness.pool.is_empty
