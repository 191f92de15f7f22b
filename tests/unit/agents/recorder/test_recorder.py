"""Tests of the recorder on an in-memory store."""

import asyncio
from collections.abc import Callable

from agents.recorder import HistoryCommit, Recorder, Unrecordable, WriteRetry
from schemas.enums import Status
from schemas.history import HistoryBatch
from tests.event_builders import NOW, build_batch, build_decided_event, build_status_event, make_notification_id
from tests.fakes import run_pending_tasks
from tests.memory_stores import MemoryHistory
from tests.recorder_batches import add_batches, ignore_consent_change, ignore_failure, record_batches


class RecorderHarness:
    """A recorder whose sleeps end at once, after a call of `on_sleep`."""

    def __init__(self) -> None:
        self.store = MemoryHistory()
        self.observed: list[HistoryCommit | WriteRetry | Unrecordable] = []
        self.sleeps: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None
        self.recorder = Recorder(self.store, self.sleep, lambda: NOW, self.observed.append, ignore_failure, 0.0, 100, ignore_consent_change)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.on_sleep()
        await asyncio.sleep(0)

    def get_observed(self, kind: type) -> list[object]:
        return [event for event in self.observed if isinstance(event, kind)]


async def test_a_batch_is_acknowledged_when_it_is_in_the_history() -> None:
    harness = RecorderHarness()
    (handle,) = await add_batches(harness.recorder, build_batch(build_decided_event(1, "email"), build_status_event(1)))
    assert (handle.calls, harness.observed) == ([], [])
    await handle.acked.wait()
    history = await harness.store.get_notification_history(make_notification_id(1))
    assert history is not None
    assert history.decided == build_decided_event(1, "email")
    assert history.statuses == [build_status_event(1)]
    assert harness.observed == [HistoryCommit(1, 1, 0, 0.0)]


async def test_batches_of_one_partition_and_of_several_share_a_commit() -> None:
    harness = RecorderHarness()
    batches = [build_batch(build_status_event(n), start=n) for n in range(3)]
    others = [build_batch(build_status_event(n), partition=n) for n in range(3, 5)]
    await asyncio.gather(record_batches(harness.recorder, *batches), *(record_batches(harness.recorder, batch) for batch in others))
    assert harness.observed == [HistoryCommit(0, 5, 0, 0.0)]


async def test_a_batch_without_records_is_acknowledged() -> None:
    harness = RecorderHarness()
    await record_batches(harness.recorder, build_batch())
    assert harness.observed == []


async def test_an_unavailable_store_is_retried_with_exponential_backoff() -> None:
    harness = RecorderHarness()
    harness.store.unavailable = True
    backoffs: list[float] = []

    def recover_after_eight_retries() -> None:
        backoffs[:] = harness.sleeps[1:]  # the first sleep is the linger of the group
        harness.store.unavailable = len(backoffs) < 8

    harness.on_sleep = recover_after_eight_retries
    await record_batches(harness.recorder, build_batch(build_decided_event(1)))
    assert backoffs == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert len(harness.get_observed(WriteRetry)) == 8
    assert harness.store.notifications


async def test_one_unstorable_row_becomes_a_dead_letter_and_the_others_are_stored() -> None:
    harness = RecorderHarness()
    valid = [build_status_event(n) for n in range(1, 20)]
    await record_batches(harness.recorder, build_batch(*valid[:7], build_status_event(30, delivery_id="dlv_no-id"), *valid[7:], start=100))
    assert len(harness.store.deliveries) == 19
    (recorded,) = harness.store.dead_letters.values()
    assert (recorded.offset, recorded.dead_letter.reason, recorded.dead_letter.stage) == (107, "unstorable", "recorder")
    assert b"dlv_no-id" in (recorded.dead_letter.value or b"")
    assert harness.get_observed(Unrecordable) == [Unrecordable(recorded)]


async def test_a_batch_of_unstorable_rows_becomes_a_dead_letter_for_each() -> None:
    harness = RecorderHarness()
    await record_batches(harness.recorder, build_batch(*(build_decided_event(n, id="ntf_") for n in range(5))))
    assert len(harness.store.dead_letters) == 5
    assert not harness.store.notifications


async def test_a_split_group_still_keeps_the_winning_event() -> None:
    harness = RecorderHarness()
    events = [
        build_status_event(1, status=Status.DELIVERED),
        build_status_event(2, delivery_id="x"),
        build_status_event(1, attempt=1, status=Status.FAILED),
    ]
    await record_batches(harness.recorder, build_batch(*events))
    assert [event.status for event in harness.store.deliveries.values()] == [Status.DELIVERED]
    assert len(harness.store.attempts) == 2


async def test_an_undecodable_record_is_recorded_as_a_dead_letter_and_reported() -> None:
    harness = RecorderHarness()
    await record_batches(harness.recorder, build_batch(b"{", build_decided_event(1)))
    assert harness.observed[0] == HistoryCommit(1, 0, 1, 0.0)
    assert len(harness.get_observed(Unrecordable)) == 1


async def test_a_replay_changes_nothing() -> None:
    harness = RecorderHarness()
    batch = build_batch(
        build_decided_event(1, "email"), build_status_event(1, attempt=0, status=Status.PENDING), build_status_event(1, attempt=1), b"{"
    )
    await record_batches(harness.recorder, batch)
    before = dict(harness.store.deliveries), dict(harness.store.attempts), dict(harness.store.dead_letters)
    await record_batches(harness.recorder, batch)
    assert before == (harness.store.deliveries, harness.store.attempts, harness.store.dead_letters)


async def test_an_outage_releases_the_batches_and_acknowledges_them_only_after_the_commit() -> None:
    harness = RecorderHarness()
    harness.store.unavailable = True
    events = [build_status_event(n) for n in range(60)]
    handles = await add_batches(harness.recorder, build_batch(*events), build_batch(*events, start=60))
    while not harness.get_observed(WriteRetry):
        await asyncio.sleep(0)
    assert all(set(handle.calls) == {"released"} for handle in handles)
    harness.store.unavailable = False
    for handle in handles:
        await handle.acked.wait()


async def test_waiting_batches_of_revoked_partitions_are_forgotten() -> None:
    harness = RecorderHarness()
    revoked, kept = [(await add_batches(harness.recorder, build_batch(build_status_event(n), partition=n)))[0] for n in (1, 2)]
    harness.recorder.on_partitions_revoked({1})
    await kept.acked.wait()
    assert revoked.calls == []
    assert [event.notification_id for event in harness.store.deliveries.values()] == [make_notification_id(2)]


async def test_an_error_ends_the_process_and_acknowledges_nothing() -> None:
    harness, failures = RecorderHarness(), asyncio.Queue[BaseException]()
    recorder = Recorder(
        harness.store, harness.sleep, lambda: NOW, harness.observed.append, failures.put_nowait, 0.0, 1, ignore_consent_change
    )

    async def fail(batch: HistoryBatch) -> None:
        raise KeyError("a fault of Herold")

    harness.store.write = fail  # type: ignore[method-assign]
    handles = await add_batches(recorder, *(build_batch(build_status_event(n), start=n) for n in range(2)))
    assert isinstance(await failures.get(), KeyError)
    await run_pending_tasks()
    assert [handle.calls for handle in handles] == [["released"], ["released"]], "the stop waits for none of them"


async def test_stop_cancels_a_hanging_write() -> None:
    harness = RecorderHarness()
    write_started = asyncio.Event()

    async def hang(batch: HistoryBatch) -> None:
        write_started.set()
        await asyncio.Event().wait()

    harness.store.write = hang  # type: ignore[method-assign]
    (handle,) = await add_batches(harness.recorder, build_batch(build_decided_event(1)))
    await write_started.wait()
    await harness.recorder.stop()
    assert handle.calls == []
