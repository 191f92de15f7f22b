"""Tests of the recorder on an in-memory store."""

import asyncio
from collections.abc import AsyncIterator, Callable

from agents.recorder import HistoryCommit, Recorder, Unrecordable, WriteRetry
from schemas.enums import Status
from schemas.history import HistoryBatch
from schemas.ports import Batch
from tests.event_builders import NOW, build_batch, build_decided_event, build_status_event, make_notification_id
from tests.memory_stores import MemoryHistory


class RecorderHarness:
    """A recorder whose sleeps end at once, after a call of `on_sleep`."""

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
        return [event for event in self.observed if isinstance(event, kind)]


async def iterate_batches(*batches: Batch) -> AsyncIterator[Batch]:
    for batch in batches:
        yield batch


async def test_record_returns_when_the_batch_is_in_the_history() -> None:
    harness = RecorderHarness()
    await harness.recorder.record(build_batch(build_decided_event(1, "email"), build_status_event(1)))
    history = await harness.store.get_notification_history(make_notification_id(1))
    assert history is not None
    assert history.decided == build_decided_event(1, "email")
    assert history.statuses == [build_status_event(1)]
    assert harness.observed == [HistoryCommit(1, 1, 0, 0.0)]


async def test_run_records_all_batches() -> None:
    harness = RecorderHarness()
    await harness.recorder.run(iterate_batches(build_batch(build_decided_event(1)), build_batch(build_decided_event(2))))
    assert {row.id for row in harness.store.notifications.values()} == {make_notification_id(1), make_notification_id(2)}


async def test_concurrent_batches_share_a_commit() -> None:
    harness = RecorderHarness()
    await asyncio.gather(*(harness.recorder.record(build_batch(build_status_event(n))) for n in range(5)))
    assert harness.observed == [HistoryCommit(0, 5, 0, 0.0)]


async def test_an_unavailable_store_is_retried_with_exponential_backoff() -> None:
    harness = RecorderHarness()
    harness.store.unavailable = True
    backoffs: list[float] = []

    def recover_after_eight_retries() -> None:
        backoffs[:] = harness.sleeps[1:]  # the first sleep is the linger of the group
        harness.store.unavailable = len(backoffs) < 8

    harness.on_sleep = recover_after_eight_retries
    await harness.recorder.record(build_batch(build_decided_event(1)))
    assert backoffs == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert len(harness.get_observed(WriteRetry)) == 8
    assert harness.store.notifications


async def test_one_unstorable_row_becomes_a_dead_letter_and_the_others_are_stored() -> None:
    harness = RecorderHarness()
    valid = [build_status_event(n) for n in range(1, 20)]
    await harness.recorder.record(build_batch(*valid[:7], build_status_event(30, delivery_id="dlv_no-id"), *valid[7:], start=100))
    assert len(harness.store.deliveries) == 19
    (recorded,) = harness.store.dead_letters.values()
    assert (recorded.offset, recorded.dead_letter.reason, recorded.dead_letter.stage) == (107, "unstorable", "recorder")
    assert b"dlv_no-id" in (recorded.dead_letter.value or b"")
    assert harness.get_observed(Unrecordable) == [Unrecordable(recorded)]


async def test_a_batch_of_unstorable_rows_becomes_a_dead_letter_for_each() -> None:
    harness = RecorderHarness()
    await harness.recorder.record(build_batch(*(build_decided_event(n, id="ntf_") for n in range(5))))
    assert len(harness.store.dead_letters) == 5
    assert not harness.store.notifications


async def test_a_split_group_still_keeps_the_winning_event() -> None:
    harness = RecorderHarness()
    events = [
        build_status_event(1, status=Status.DELIVERED),
        build_status_event(2, delivery_id="x"),
        build_status_event(1, attempt=1, status=Status.FAILED),
    ]
    await harness.recorder.record(build_batch(*events))
    assert [event.status for event in harness.store.deliveries.values()] == [Status.DELIVERED]
    assert len(harness.store.attempts) == 2


async def test_an_undecodable_record_is_recorded_as_a_dead_letter_and_reported() -> None:
    harness = RecorderHarness()
    await harness.recorder.record(build_batch(b"{", build_decided_event(1)))
    assert harness.observed[0] == HistoryCommit(1, 0, 1, 0.0)
    assert len(harness.get_observed(Unrecordable)) == 1


async def test_a_replay_changes_nothing() -> None:
    harness = RecorderHarness()
    batch = build_batch(
        build_decided_event(1, "email"), build_status_event(1, attempt=0, status=Status.PENDING), build_status_event(1, attempt=1), b"{"
    )
    await harness.recorder.record(batch)
    before = dict(harness.store.deliveries), dict(harness.store.attempts), dict(harness.store.dead_letters)
    await harness.recorder.record(batch)
    assert before == (harness.store.deliveries, harness.store.attempts, harness.store.dead_letters)


async def test_stop_cancels_a_hanging_write() -> None:
    harness = RecorderHarness()
    write_started = asyncio.Event()

    async def hang(batch: HistoryBatch) -> None:
        write_started.set()
        await asyncio.Event().wait()

    harness.store.write = hang  # type: ignore[method-assign]
    task = asyncio.ensure_future(harness.recorder.record(build_batch(build_decided_event(1))))
    await write_started.wait()
    await harness.recorder.stop()
    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError
