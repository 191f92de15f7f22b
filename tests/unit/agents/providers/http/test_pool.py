"""A pool over connections in memory, with ticks counted by hand."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.providers.http.limits import HttpLimits
from agents.providers.http.pool import ConnectionPool
from schemas.ports import HttpResponse, MaybeSent, NotSent
from tests.unit.agents.providers.http.fakes import ACCEPTED_RESPONSE, FakeConnector, ResultCollector, run_pending_tasks

# in ticks: read 4, wait 3, idle 5, age 10
LIMITS = HttpLimits(
    max_connections=2, max_queued_requests=3, request_timeout=3, pool_timeout=2, idle_timeout=4, max_connection_age=9, tick_seconds=1
)


class PoolHarness:
    """A pool, its switchboard, and an ear for all answers."""

    def __init__(self) -> None:
        self.connector, self.collector = FakeConnector(), ResultCollector()
        self.pool = ConnectionPool(self.connector.connect, LIMITS, asyncio.get_running_loop(), 0)

    async def send(self, *requests: bytes) -> None:
        """Send and let happen what follows."""
        for request in requests:
            self.pool.send(request, self.collector)
        await run_pending_tasks()

    async def respond(self, number: int = 0) -> None:
        """The other side of a connection answers."""
        self.connector.transports[number].protocol.data_received(ACCEPTED_RESPONSE)
        await run_pending_tasks()

    async def expire_overdue(self, tick: int) -> None:
        """Time goes on to this tick."""
        self.pool.expire_overdue(tick)
        await run_pending_tasks()

    def get_written(self) -> list[list[bytes]]:
        """What each connection was given."""
        return [wire.written for wire in self.connector.transports]


@pytest.fixture
async def harness() -> AsyncIterator[PoolHarness]:
    desk = PoolHarness()
    yield desk
    await desk.pool.close()
    desk.connector.close()


async def test_a_connection_is_opened_for_each_request_up_to_the_limit(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2", b"3")
    assert harness.get_written() == [[b"1"], [b"2"]]


async def test_who_waits_is_served_in_order(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2", b"3", b"4")
    await harness.respond(1)
    await harness.respond(0)
    assert harness.get_written() == [[b"1", b"4"], [b"2", b"3"]]


async def test_the_connection_used_last_is_used_next(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2")
    await harness.respond(0)
    await harness.respond(1)
    await harness.send(b"3")
    assert harness.get_written() == [[b"1"], [b"2", b"3"]]


async def test_a_dial_that_comes_too_late_leaves_an_idle_connection(harness: PoolHarness) -> None:
    await harness.send(b"1")
    harness.connector.may_connect.clear()
    await harness.send(b"2")
    await harness.respond(0)
    harness.connector.may_connect.set()
    await run_pending_tasks()
    assert harness.get_written() == [[b"1", b"2"], []]
    assert harness.pool.connection_count == 2


async def test_the_line_is_bounded(harness: PoolHarness) -> None:
    await harness.send(*[b"x"] * 6)
    assert harness.collector.results == [NotSent("3 requests wait for a connection already")]


async def test_nobody_waits_for_ever(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2", b"3")
    await harness.expire_overdue(2)
    assert harness.collector.results == []
    await harness.expire_overdue(3)
    assert harness.collector.results == [NotSent("no connection was free within 2 s")]


async def test_no_answer_in_time(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2")
    await harness.respond(1)
    await harness.expire_overdue(3)
    assert len(harness.collector.results) == 1
    await harness.expire_overdue(4)
    assert harness.collector.results[1:] == [MaybeSent("no answer within 3 s")]
    assert harness.pool.connection_count == 1


async def test_a_connection_given_up_makes_room_for_who_waits(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2")
    await harness.expire_overdue(3)
    await harness.send(b"3")
    await harness.expire_overdue(4)
    assert harness.get_written() == [[b"1"], [b"2"], [b"3"]]


async def test_unused_connections_are_closed(harness: PoolHarness) -> None:
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


async def test_one_found_closed_before_anything_was_written_is_replaced(harness: PoolHarness) -> None:
    await harness.send(b"1")
    await harness.respond()
    harness.connector.transports[0].lose_connection()
    await harness.send(b"2")
    assert harness.get_written() == [[b"1"], [b"2"]]


async def test_one_closed_while_this_process_did_not_look_is_replaced(harness: PoolHarness) -> None:
    await harness.send(b"1")
    await harness.respond()
    await harness.expire_overdue(1)
    harness.connector.transports[0].far_socket.close()
    await harness.send(b"2")
    assert harness.get_written() == [[b"1"], [b"2"]]
    assert harness.pool.connection_count == 1


async def test_one_closed_behind_our_back_while_in_use_is_not_sent_again(harness: PoolHarness) -> None:
    await harness.send(b"1")
    await harness.respond()
    await harness.send(b"2")
    harness.connector.transports[0].lose_connection(ConnectionResetError())
    await run_pending_tasks()
    assert isinstance(harness.collector.results[1], MaybeSent)
    assert harness.get_written() == [[b"1", b"2"]]


async def test_without_any_connection_a_failed_dial_refuses_all_who_wait(harness: PoolHarness) -> None:
    harness.connector.connect_error = "refused"
    await harness.send(b"1", b"2", b"3")
    assert harness.collector.results == [NotSent("refused")] * 3
    assert harness.pool.is_empty


async def test_with_a_connection_a_failed_dial_lets_them_wait(harness: PoolHarness) -> None:
    await harness.send(b"1")
    harness.connector.connect_error = "refused"
    await harness.send(b"2")
    assert harness.collector.results == []
    await harness.respond()
    assert harness.get_written() == [[b"1", b"2"]]


async def test_an_origin_that_recovers_is_dialled_again(harness: PoolHarness) -> None:
    harness.connector.connect_error = "refused"
    await harness.send(b"1")
    harness.connector.connect_error = ""
    await harness.send(b"2")
    await harness.respond()
    assert [type(answer) for answer in harness.collector.results] == [NotSent, HttpResponse]


async def test_one_closed_as_soon_as_it_is_open_does_not_dial_for_ever(harness: PoolHarness) -> None:
    harness.connector.closed_on_open = True
    await harness.send(b"1")
    assert harness.collector.results == [NotSent("the other side closed the connection as soon as it was open")]
    assert len(harness.connector.transports) == 1


async def test_warm_opens_ahead(harness: PoolHarness) -> None:
    assert await harness.pool.preconnect(1) == 1
    assert await harness.pool.preconnect(9) == 2
    await harness.send(b"1")
    assert len(harness.connector.transports) == 2


async def test_warm_says_what_it_could_not_do(harness: PoolHarness) -> None:
    harness.connector.connect_error = "refused"
    assert await harness.pool.preconnect(2) == 0


async def test_close_answers_everyone_and_ends_dials(harness: PoolHarness) -> None:
    await harness.send(b"1", b"2", b"3")
    harness.connector.transports[0].lose_connection()
    harness.connector.may_connect.clear()
    await run_pending_tasks()
    await harness.pool.close()
    await run_pending_tasks()
    assert [type(answer) for answer in harness.collector.results] == [MaybeSent, MaybeSent, NotSent]
    assert all(wire.aborted for wire in harness.connector.transports)
    assert harness.pool.is_empty
