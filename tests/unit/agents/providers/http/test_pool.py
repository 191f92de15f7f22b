"""A pool over connections in memory, with ticks counted by hand."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.providers.http.limits import Limits
from agents.providers.http.pool import Pool
from schemas.ports import Answered, MaybeSent, NotSent
from tests.unit.agents.providers.http.wires import OK, Ear, Switchboard, settle

# in ticks: read 4, wait 3, idle 5, age 10
LIMITS = Limits(connections=2, waiting=3, read_timeout=3, wait_timeout=2, idle=4, age=9, tick=1)


class Desk:
    """A pool, its switchboard, and an ear for all answers."""

    def __init__(self) -> None:
        self.board, self.ear = Switchboard(), Ear()
        self.pool = Pool(self.board.dial, LIMITS, asyncio.get_running_loop(), 0)

    async def send(self, *requests: bytes) -> None:
        """Send and let happen what follows."""
        for request in requests:
            self.pool.send(request, self.ear)
        await settle()

    async def answer(self, number: int = 0) -> None:
        """The other side of a connection answers."""
        self.board.wires[number].protocol.data_received(OK)
        await settle()

    async def sweep(self, tick: int) -> None:
        """Time goes on to this tick."""
        self.pool.sweep(tick)
        await settle()

    def written(self) -> list[list[bytes]]:
        """What each connection was given."""
        return [wire.written for wire in self.board.wires]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.pool.close()
    desk.board.hang_up()


async def test_a_connection_is_opened_for_each_request_up_to_the_limit(desk: Desk) -> None:
    await desk.send(b"1", b"2", b"3")
    assert desk.written() == [[b"1"], [b"2"]]


async def test_who_waits_is_served_in_order(desk: Desk) -> None:
    await desk.send(b"1", b"2", b"3", b"4")
    await desk.answer(1)
    await desk.answer(0)
    assert desk.written() == [[b"1", b"4"], [b"2", b"3"]]


async def test_the_connection_used_last_is_used_next(desk: Desk) -> None:
    await desk.send(b"1", b"2")
    await desk.answer(0)
    await desk.answer(1)
    await desk.send(b"3")
    assert desk.written() == [[b"1"], [b"2", b"3"]]


async def test_a_dial_that_comes_too_late_leaves_an_idle_connection(desk: Desk) -> None:
    await desk.send(b"1")
    desk.board.open.clear()
    await desk.send(b"2")
    await desk.answer(0)
    desk.board.open.set()
    await settle()
    assert desk.written() == [[b"1", b"2"], []]
    assert desk.pool.open == 2


async def test_the_line_is_bounded(desk: Desk) -> None:
    await desk.send(*[b"x"] * 6)
    assert desk.ear.heard == [NotSent("3 requests wait for a connection already")]


async def test_nobody_waits_for_ever(desk: Desk) -> None:
    await desk.send(b"1", b"2", b"3")
    await desk.sweep(2)
    assert desk.ear.heard == []
    await desk.sweep(3)
    assert desk.ear.heard == [NotSent("no connection was free within 2 s")]


async def test_no_answer_in_time(desk: Desk) -> None:
    await desk.send(b"1", b"2")
    await desk.answer(1)
    await desk.sweep(3)
    assert len(desk.ear.heard) == 1
    await desk.sweep(4)
    assert desk.ear.heard[1:] == [MaybeSent("no answer within 3 s")]
    assert desk.pool.open == 1


async def test_a_connection_given_up_makes_room_for_who_waits(desk: Desk) -> None:
    await desk.send(b"1", b"2")
    await desk.sweep(3)
    await desk.send(b"3")
    await desk.sweep(4)
    assert desk.written() == [[b"1"], [b"2"], [b"3"]]


async def test_unused_connections_are_closed(desk: Desk) -> None:
    await desk.send(b"1")
    await desk.answer()
    await desk.sweep(4)
    assert desk.pool.open == 1
    await desk.sweep(5)
    assert desk.pool.open == 0
    assert desk.pool.unused


async def test_old_connections_are_replaced(desk: Desk) -> None:
    await desk.send(b"1")
    await desk.answer()
    await desk.sweep(3)
    await desk.send(b"2")
    await desk.sweep(6)
    await desk.answer()
    await desk.sweep(9)
    await desk.send(b"3")
    await desk.sweep(10)
    await desk.answer()
    await desk.send(b"4")
    assert desk.written() == [[b"1", b"2", b"3"], [b"4"]]


async def test_one_found_closed_before_anything_was_written_is_replaced(desk: Desk) -> None:
    await desk.send(b"1")
    await desk.answer()
    desk.board.wires[0].lose()
    await desk.send(b"2")
    assert desk.written() == [[b"1"], [b"2"]]


async def test_one_closed_while_this_process_did_not_look_is_replaced(desk: Desk) -> None:
    await desk.send(b"1")
    await desk.answer()
    await desk.sweep(1)
    desk.board.wires[0].far.close()
    await desk.send(b"2")
    assert desk.written() == [[b"1"], [b"2"]]
    assert desk.pool.open == 1


async def test_one_closed_behind_our_back_while_in_use_is_not_sent_again(desk: Desk) -> None:
    await desk.send(b"1")
    await desk.answer()
    await desk.send(b"2")
    desk.board.wires[0].lose(ConnectionResetError())
    await settle()
    assert isinstance(desk.ear.heard[1], MaybeSent)
    assert desk.written() == [[b"1", b"2"]]


async def test_without_any_connection_a_failed_dial_refuses_all_who_wait(desk: Desk) -> None:
    desk.board.down = "refused"
    await desk.send(b"1", b"2", b"3")
    assert desk.ear.heard == [NotSent("refused")] * 3
    assert desk.pool.unused


async def test_with_a_connection_a_failed_dial_lets_them_wait(desk: Desk) -> None:
    await desk.send(b"1")
    desk.board.down = "refused"
    await desk.send(b"2")
    assert desk.ear.heard == []
    await desk.answer()
    assert desk.written() == [[b"1", b"2"]]


async def test_an_origin_that_recovers_is_dialled_again(desk: Desk) -> None:
    desk.board.down = "refused"
    await desk.send(b"1")
    desk.board.down = ""
    await desk.send(b"2")
    await desk.answer()
    assert [type(answer) for answer in desk.ear.heard] == [NotSent, Answered]


async def test_one_closed_as_soon_as_it_is_open_does_not_dial_for_ever(desk: Desk) -> None:
    desk.board.born_dead = True
    await desk.send(b"1")
    assert desk.ear.heard == [NotSent("the other side closed the connection as soon as it was open")]
    assert len(desk.board.wires) == 1


async def test_warm_opens_ahead(desk: Desk) -> None:
    assert await desk.pool.warm(1) == 1
    assert await desk.pool.warm(9) == 2
    await desk.send(b"1")
    assert len(desk.board.wires) == 2


async def test_warm_says_what_it_could_not_do(desk: Desk) -> None:
    desk.board.down = "refused"
    assert await desk.pool.warm(2) == 0


async def test_close_answers_everyone_and_ends_dials(desk: Desk) -> None:
    await desk.send(b"1", b"2", b"3")
    desk.board.wires[0].lose()
    desk.board.open.clear()
    await settle()
    await desk.pool.close()
    await settle()
    assert [type(answer) for answer in desk.ear.heard] == [MaybeSent, MaybeSent, NotSent]
    assert all(wire.aborted for wire in desk.board.wires)
    assert desk.pool.unused
