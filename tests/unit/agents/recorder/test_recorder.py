"""Batches to history, on a store in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable

from agents.recorder import Committed, Recorder, Stray, Waiting
from schemas.history import Entries
from schemas.ports import Batch
from schemas.words import StatusName
from tables.memory import MemoryHistory
from tests.history import NOW, accepted, batch, notification_id, status


class World:
    """A recorder whose pauses end at once, after `at_pause` had its turn."""

    def __init__(self) -> None:
        self.store = MemoryHistory()
        self.seen: list[Committed | Waiting | Stray] = []
        self.pauses: list[float] = []
        self.at_pause: Callable[[], None] = lambda: None
        self.recorder = Recorder(self.store, self.pause, lambda: NOW, self.seen.append, linger=0.0, most=100)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at_pause()
        await asyncio.sleep(0)

    def of(self, kind: type) -> list[object]:
        return [each for each in self.seen if isinstance(each, kind)]


async def stream(*batches: Batch) -> AsyncIterator[Batch]:
    for each in batches:
        yield each


async def test_a_batch_is_in_history_when_it_is_done() -> None:
    world = World()
    await world.recorder.record(batch(accepted(1, "email"), status(1)))
    story = await world.store.story(notification_id(1))
    assert story is not None
    assert story.accepted == accepted(1, "email")
    assert story.current == [status(1)]
    assert world.seen == [Committed(1, 1, 0, 0.0)]


async def test_run_records_one_batch_after_the_other() -> None:
    world = World()
    await world.recorder.run(stream(batch(accepted(1)), batch(accepted(2))))
    assert set(world.store.notifications) == {notification_id(1), notification_id(2)}


async def test_actors_share_commits() -> None:
    world = World()
    await asyncio.gather(*(world.recorder.record(batch(status(n))) for n in range(5)))
    assert world.seen == [Committed(0, 5, 0, 0.0)]


async def test_a_store_that_is_away_is_waited_for_and_nothing_is_done_meanwhile() -> None:
    world = World()
    world.store.gone = True
    backs_off: list[float] = []

    def return_after_eight() -> None:
        backs_off[:] = world.pauses[1:]  # the first pause is the group's
        world.store.gone = len(backs_off) < 8

    world.at_pause = return_after_eight
    await world.recorder.record(batch(accepted(1)))
    assert backs_off == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert len(world.of(Waiting)) == 8
    assert world.store.notifications


async def test_one_bad_row_fails_nothing_else_and_is_filed() -> None:
    world = World()
    good = [status(n) for n in range(1, 20)]
    await world.recorder.record(batch(*good[:7], status(30, delivery_id="dlv_no-id"), *good[7:], start=100))
    assert len(world.store.deliveries) == 19
    (filed,) = world.store.letters.values()
    assert (filed.offset, filed.letter.reason, filed.letter.stage) == (107, "unstorable", "recorder")
    assert b"dlv_no-id" in (filed.letter.value or b"")
    assert world.of(Stray) == [Stray(filed)]


async def test_a_batch_of_bad_rows_only_is_filed_row_by_row() -> None:
    world = World()
    await world.recorder.record(batch(*(accepted(n, id="ntf_") for n in range(5))))
    assert len(world.store.letters) == 5
    assert not world.store.notifications


async def test_a_split_group_still_merges_by_precedence() -> None:
    world = World()
    told = [status(1, status=StatusName.DELIVERED), status(2, delivery_id="x"), status(1, attempt=1, status=StatusName.FAILED)]
    await world.recorder.record(batch(*told))
    assert [event.status for event in world.store.deliveries.values()] == [StatusName.DELIVERED]
    assert len(world.store.attempts) == 2


async def test_what_cannot_be_read_is_filed_and_counted() -> None:
    world = World()
    await world.recorder.record(batch(b"{", accepted(1)))
    assert world.seen[0] == Committed(1, 0, 1, 0.0)
    assert len(world.of(Stray)) == 1


async def test_reading_everything_again_changes_nothing() -> None:
    world = World()
    told = batch(accepted(1, "email"), status(1, attempt=0, status=StatusName.PENDING), status(1, attempt=1), b"{")
    await world.recorder.record(told)
    before = dict(world.store.deliveries), dict(world.store.attempts), dict(world.store.letters)
    await world.recorder.record(told)
    assert before == (world.store.deliveries, world.store.attempts, world.store.letters)


async def test_stop_gives_up_waiting() -> None:
    world = World()
    entered = asyncio.Event()

    async def hang(entries: Entries) -> None:
        entered.set()
        await asyncio.Event().wait()

    world.store.write = hang  # type: ignore[method-assign]
    task = asyncio.ensure_future(world.recorder.record(batch(accepted(1))))
    await entered.wait()
    await world.recorder.stop()
    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError
