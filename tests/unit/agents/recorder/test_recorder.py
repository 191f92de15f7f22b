"""Batches to history, on a store in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable

from agents.recorder import HistoryCommit, Recorder, Unrecordable, WriteRetry
from schemas.enums import Status
from schemas.history import HistoryBatch
from schemas.ports import Batch
from tables.in_memory import MemoryHistory
from tests.event_builders import NOW, build_batch, build_decided_event, build_status_event, make_notification_id


class RecorderHarness:
    """A recorder whose pauses end at once, after `at_pause` had its turn."""

    def __init__(self) -> None:
        self.store = MemoryHistory()
        self.observed: list[HistoryCommit | WriteRetry | Unrecordable] = []
        self.sleeps: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None
        self.recorder = Recorder(self.store, self.sleep, lambda: NOW, self.observed.append, linger=0.0, max_items=100)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.on_sleep()
        await asyncio.sleep(0)

    def get_observed(self, kind: type) -> list[object]:
        return [each for each in self.observed if isinstance(each, kind)]


async def iterate_batches(*batches: Batch) -> AsyncIterator[Batch]:
    for each in batches:
        yield each


async def test_a_batch_is_in_history_when_it_is_done() -> None:
    world = RecorderHarness()
    await world.recorder.record(build_batch(build_decided_event(1, "email"), build_status_event(1)))
    story = await world.store.get_notification_history(make_notification_id(1))
    assert story is not None
    assert story.decided == build_decided_event(1, "email")
    assert story.statuses == [build_status_event(1)]
    assert world.observed == [HistoryCommit(1, 1, 0, 0.0)]


async def test_run_records_one_batch_after_the_other() -> None:
    world = RecorderHarness()
    await world.recorder.run(iterate_batches(build_batch(build_decided_event(1)), build_batch(build_decided_event(2))))
    assert set(world.store.notifications) == {make_notification_id(1), make_notification_id(2)}


async def test_actors_share_commits() -> None:
    world = RecorderHarness()
    await asyncio.gather(*(world.recorder.record(build_batch(build_status_event(n))) for n in range(5)))
    assert world.observed == [HistoryCommit(0, 5, 0, 0.0)]


async def test_a_store_that_is_away_is_waited_for_and_nothing_is_done_meanwhile() -> None:
    world = RecorderHarness()
    world.store.unavailable = True
    backs_off: list[float] = []

    def return_after_eight() -> None:
        backs_off[:] = world.sleeps[1:]  # the first pause is the group's
        world.store.unavailable = len(backs_off) < 8

    world.on_sleep = return_after_eight
    await world.recorder.record(build_batch(build_decided_event(1)))
    assert backs_off == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert len(world.get_observed(WriteRetry)) == 8
    assert world.store.notifications


async def test_one_bad_row_fails_nothing_else_and_is_filed() -> None:
    world = RecorderHarness()
    good = [build_status_event(n) for n in range(1, 20)]
    await world.recorder.record(build_batch(*good[:7], build_status_event(30, delivery_id="dlv_no-id"), *good[7:], start=100))
    assert len(world.store.deliveries) == 19
    (filed,) = world.store.dead_letters.values()
    assert (filed.offset, filed.dead_letter.reason, filed.dead_letter.stage) == (107, "unstorable", "recorder")
    assert b"dlv_no-id" in (filed.dead_letter.value or b"")
    assert world.get_observed(Unrecordable) == [Unrecordable(filed)]


async def test_a_batch_of_bad_rows_only_is_filed_row_by_row() -> None:
    world = RecorderHarness()
    await world.recorder.record(build_batch(*(build_decided_event(n, id="ntf_") for n in range(5))))
    assert len(world.store.dead_letters) == 5
    assert not world.store.notifications


async def test_a_split_group_still_merges_by_precedence() -> None:
    world = RecorderHarness()
    told = [
        build_status_event(1, status=Status.DELIVERED),
        build_status_event(2, delivery_id="x"),
        build_status_event(1, attempt=1, status=Status.FAILED),
    ]
    await world.recorder.record(build_batch(*told))
    assert [event.status for event in world.store.deliveries.values()] == [Status.DELIVERED]
    assert len(world.store.attempts) == 2


async def test_what_cannot_be_read_is_filed_and_counted() -> None:
    world = RecorderHarness()
    await world.recorder.record(build_batch(b"{", build_decided_event(1)))
    assert world.observed[0] == HistoryCommit(1, 0, 1, 0.0)
    assert len(world.get_observed(Unrecordable)) == 1


async def test_reading_everything_again_changes_nothing() -> None:
    world = RecorderHarness()
    told = build_batch(
        build_decided_event(1, "email"), build_status_event(1, attempt=0, status=Status.PENDING), build_status_event(1, attempt=1), b"{"
    )
    await world.recorder.record(told)
    before = dict(world.store.deliveries), dict(world.store.attempts), dict(world.store.dead_letters)
    await world.recorder.record(told)
    assert before == (world.store.deliveries, world.store.attempts, world.store.dead_letters)


async def test_stop_gives_up_waiting() -> None:
    world = RecorderHarness()
    entered = asyncio.Event()

    async def hang(entries: HistoryBatch) -> None:
        entered.set()
        await asyncio.Event().wait()

    world.store.write = hang  # type: ignore[method-assign]
    task = asyncio.ensure_future(world.recorder.record(build_batch(build_decided_event(1))))
    await entered.wait()
    await world.recorder.stop()
    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError
