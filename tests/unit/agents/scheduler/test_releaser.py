"""Entries are released when they are due by the brokers' time, highest priority first; never early, never twice without a crash."""

import asyncio
from asyncio import Future

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.scheduler.due_queue import DueQueue
from agents.scheduler.releaser import MAX_WAIT
from schemas.enums import PRIORITIES
from schemas.scheduled import Cancel, Reschedule
from tables.due import CANCELLED_ROWS
from tests.fakes import run_pending_tasks
from tests.memory_streaming import MemoryBatchCommitter
from tests.unit.agents.scheduler.harness import MAX_ENTRIES, NOW, PARTITION, SchedulerHarness, build_scheduled


async def test_nothing_is_released_before_it_is_due() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled(due_at=NOW + 0.0005))
    assert await harness.release(NOW) == []
    assert await harness.release(NOW + 0.001) == ["ntf_1"]


async def test_entries_are_released_in_the_order_of_their_times() -> None:
    harness, numbers = SchedulerHarness(), [7, 3, 9, 1]
    await harness.store(*(build_scheduled(f"n{number}", NOW + number) for number in numbers))
    assert await harness.release(NOW + 10) == ["n1", "n3", "n7", "n9"]


async def test_an_overdue_entry_is_released_at_once_although_later_ones_were() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled("late", NOW + 50))
    assert await harness.release(NOW + 50) == ["late"]
    await harness.store(build_scheduled("overdue", NOW + 10))
    assert await harness.release(NOW + 50.002) == ["overdue"]


async def test_a_new_worker_goes_on_where_the_last_one_stopped() -> None:
    harness = SchedulerHarness()
    await harness.store(*(build_scheduled(f"n{number}", NOW + number) for number in range(4)))
    assert await harness.release(NOW + 1) == ["n0", "n1"]
    harness.restart()
    assert await harness.release(NOW + 3) == ["n2", "n3"]
    assert harness.entry_count == 0


async def test_a_scan_begins_at_the_last_entry_and_not_over_what_was_released(monkeypatch: pytest.MonkeyPatch) -> None:
    harness, starts = SchedulerHarness(), list[bytes]()
    await harness.store(*(build_scheduled(f"n{number}", NOW + number) for number in range(3)))
    await harness.release(NOW + 1)
    harness.restart()
    scan = harness.table.scan
    monkeypatch.setattr(harness.table, "scan", lambda *args: starts.append(args[1]) or scan(*args))
    await harness.release(NOW + 2)
    low_starts = [start for start in starts if start[0] == 2]
    assert min(low_starts) >= b"\2" + int((NOW + 1) * 1000).to_bytes(8, "big")


async def test_the_higher_priority_goes_first_and_the_lower_ones_have_their_share() -> None:
    harness = SchedulerHarness()
    for priority in PRIORITIES:
        await harness.store(*(build_scheduled(f"{priority}{number}", NOW) for number in range(2 * MAX_ENTRIES)), priority=priority)
    harness.broker_time = NOW + 1
    harness.releaser.release_due()
    await run_pending_tasks()
    counts = {priority: len(lateness) for priority, lateness in harness.releases[0].lateness.items()}
    assert counts == {"high": MAX_ENTRIES, "medium": MAX_ENTRIES // 4, "low": MAX_ENTRIES // 8}
    assert len(await harness.release(NOW + 1)) == 6 * MAX_ENTRIES - sum(counts.values())


async def test_while_the_brokers_time_is_unknown_a_row_asks_for_it_if_anything_waits() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled(due_at=NOW))
    harness.broker_time = None
    rows = dict(harness.table.rows[PARTITION])
    assert harness.releaser.release_due() == MAX_WAIT
    await run_pending_tasks()
    assert harness.released == []
    assert {key: row for key, row in harness.table.rows[PARTITION].items() if key not in rows} == {b"r\0": bytes(8)}
    assert await harness.release(NOW) == ["ntf_1"]


class HeldCommitter(MemoryBatchCommitter):
    """Commits when the test lets it."""

    waiting: list[Future[None]]

    def commit(self, *args, **kwargs) -> Future[None]:
        committed: Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(committed)
        committed.add_done_callback(lambda _: super(HeldCommitter, self).commit(*args, **kwargs))
        return committed


async def test_no_release_goes_past_an_entry_that_is_not_committed() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled("later", NOW + 2))
    committer = HeldCommitter(harness.kafka)
    committer.waiting = []
    harness.scheduler._committer = committer  # the agent's only: the releases are committed at once
    await harness.store_batch(harness.build_batch(build_scheduled("earlier", NOW + 1)))
    assert await harness.release(NOW + 3) == []
    committer.waiting[0].set_result(None)
    await run_pending_tasks()
    assert await harness.release(NOW + 3) == ["earlier", "later"]


async def test_an_error_of_a_commit_ends_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled(due_at=NOW))
    failed: Future[None] = asyncio.get_running_loop().create_future()
    failed.set_exception(RuntimeError("disk"))
    monkeypatch.setattr(harness.committer, "commit", lambda *args: failed)
    with pytest.raises(RuntimeError, match="disk"):
        await harness.releaser.run_forever()


@given(st.lists(st.tuples(st.sampled_from(["high", "medium", "low"]), st.floats(NOW, NOW + 10)), max_size=20))
def test_the_time_of_an_entry_is_never_before_it_is_due_nor_before_what_is_released(entries) -> None:
    queue = DueQueue(dict.fromkeys(PRIORITIES, int((NOW + 5) * 1000)))
    for priority, due_at in entries:
        due_ms = queue.compute_due_ms(priority, due_at)
        assert due_ms >= due_at * 1000
        assert due_ms > queue.released_until[priority]


ids = st.sampled_from("abcd")
offsets = st.integers(0, 20)
steps = st.one_of(
    st.tuples(st.just("store"), ids, offsets),
    st.tuples(st.just("cancel"), ids, st.just(0)),
    st.tuples(st.just("move"), ids, offsets),
    st.tuples(st.just("release"), st.just(""), offsets),
    st.tuples(st.just("crash"), st.just(""), st.integers(1, 3)),
)


@settings(max_examples=60)
@given(st.lists(steps, max_size=25))
def test_every_entry_is_released_once_at_its_time_or_cancelled(script: list[tuple[str, str, int]]) -> None:
    asyncio.run(run_script(script))


async def run_script(script: list[tuple[str, str, int]]) -> None:
    """A model of 20 lines: what waits, until when; a crash reads the last batches again, which must change nothing."""
    harness, waiting, batches, now, count = SchedulerHarness(), dict[str, float](), [], NOW, 0
    cancelled = set[str]()
    for action, entry_id, number in [*script, ("release", "", 100)]:
        at = now + number
        if action == "release":
            expected = {one for one, due_at in waiting.items() if due_at <= at}
            released = await harness.release(at + 0.001 * count)  # entries that are due now get a time after what was released
            assert sorted(released) == sorted(expected)
            waiting, now, count = {one: due_at for one, due_at in waiting.items() if one not in expected}, at, count + 30
        elif action == "crash":
            harness.restart()
            for batch in batches[-number:]:
                await harness.store_batch(batch)
        else:
            count += 1
            values = {
                "store": build_scheduled(entry_id, at, count),
                "cancel": Cancel(entry_id, "u-1"),
                "move": Reschedule(entry_id, "u-1", at),
            }
            batches.append(harness.build_batch(values[action]))
            await harness.store_batch(batches[-1])
            if (action == "store" and entry_id not in cancelled) or (action == "move" and entry_id in waiting):
                waiting[entry_id] = at
            elif action == "cancel" and waiting.pop(entry_id, None) is not None:
                cancelled.add(entry_id)
    assert await harness.release(now + 2 * CANCELLED_ROWS) == []
    assert harness.entry_count == 0
