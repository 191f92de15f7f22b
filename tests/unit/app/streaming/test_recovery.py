"""Recovery applies every changelog event in order, or ends with an error: no hole, no swallowed error, no endless wait."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from faust.assignor.client_assignment import ClientAssignment
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP

from app.streaming.application import add_table
from app.streaming.recovery import ChangelogTruncatedError, RecoveryTimeoutError, StrictRecovery
from app.streaming.rocksdb_table import RECOVERY_BUFFER_SIZE, RocksDBTable
from schemas.errors import TableWriteError
from schemas.ports import Batch
from tests.unit.app.streaming.app_builder import build_app

CHANGELOG = "t-router-seen-changelog"
STANDBY, ACTIVE, UNASSIGNED = TP(CHANGELOG, 0), TP(CHANGELOG, 1), TP(CHANGELOG, 2)
GENERATION = 7


class ChangelogMessage(NamedTuple):
    tp: TP
    offset: int
    generation_id: int


class ChangelogRecord(NamedTuple):
    offset: int
    key: bytes
    value: bytes


class ChangelogEvent(NamedTuple):
    value: Batch
    message: ChangelogMessage


def build_event(tp: TP, offset: int, generation: int = GENERATION) -> ChangelogEvent:
    records: list[Any] = [ChangelogRecord(offset, b"%d" % offset, b"row")]
    return ChangelogEvent(Batch(tp.topic, tp.partition, records), ChangelogMessage(tp, offset, generation))


@pytest.fixture
async def recovery(tmp_path: Path) -> StrictRecovery:
    recovery = build_app(tmp_path).tables.recovery
    assert isinstance(recovery, StrictRecovery)
    return recovery


@pytest.fixture
async def table(recovery: StrictRecovery) -> Iterator[RocksDBTable]:
    """A table with an active and a standby partition."""
    recovery.app.conf.tabledir.mkdir(parents=True)
    table = add_table(recovery.app, "seen")
    recovery.app.assignor._assignment = ClientAssignment(actives={CHANGELOG: [ACTIVE.partition]}, standbys={CHANGELOG: [STANDBY.partition]})
    recovery.app.consumer_generation_id = GENERATION
    await recovery.on_rebalance(set(), set(), set(), GENERATION)
    yield table
    table.data._dbs.clear()


async def run_until_idle(recovery: StrictRecovery) -> None:
    """Apply the queued events."""
    task = asyncio.ensure_future(StrictRecovery._slurp_changelogs.fun(recovery))
    try:
        async with asyncio.timeout(60):
            while not recovery.tables.changelog_queue.empty():
                await asyncio.sleep(0)
            await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_step_that_ends_in_time_returns(recovery: StrictRecovery) -> None:
    await recovery._wait(asyncio.sleep(0), timeout=60)


async def test_a_step_that_takes_too_long_raises(recovery: StrictRecovery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.streaming.recovery.STEP_TIMEOUT", 0.001)
    with pytest.raises(RecoveryTimeoutError, match=r"longer than 0\.001 s"):
        await recovery._wait(asyncio.Event().wait(), timeout=60)


async def test_a_step_may_take_longer_than_a_request(recovery: StrictRecovery) -> None:
    answered = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, answered.set)  # the request of a frozen broker is repeated until then
    await recovery._wait(answered.wait(), timeout=0.001)


async def test_a_stop_raises_as_in_faust(recovery: StrictRecovery) -> None:
    recovery._stopped.set()
    with pytest.raises(ServiceStopped):
        await recovery._wait(asyncio.Event().wait(), timeout=60)


async def test_a_rebalance_raises_as_in_faust(recovery: StrictRecovery) -> None:
    recovery.signal_recovery_start.set()
    with pytest.raises(RebalanceAgain):
        await recovery._wait(asyncio.Event().wait(), timeout=60)


async def test_resuming_the_flow_keeps_the_fetched_standby_events(recovery: StrictRecovery, table: RocksDBTable) -> None:
    recovery.tables.changelog_queue.put_nowait(build_event(STANDBY, 0))
    recovery.app.flow_control.resume()  # the end of Faust's on_recovery_completed
    await run_until_idle(recovery)
    recovery.flush_buffers()
    assert table.persisted_offset(STANDBY) == 0


async def test_a_new_assignment_reads_from_the_stored_offsets_again(recovery: StrictRecovery, table: RocksDBTable) -> None:
    recovery._buffer_event(build_event(STANDBY, 0))
    recovery.tables.changelog_queue.put_nowait(build_event(STANDBY, 1))
    await recovery.on_rebalance(set(), set(), set(), GENERATION)
    await run_until_idle(recovery)
    recovery.flush_buffers()
    assert table.persisted_offset(STANDBY) is None
    assert recovery.standby_offsets[STANDBY] is None


@pytest.mark.parametrize("event", [build_event(STANDBY, 9, GENERATION - 1), build_event(UNASSIGNED, 9), build_event(ACTIVE, 9)])
async def test_an_event_that_does_not_follow_the_stored_offset_is_dropped(
    recovery: StrictRecovery, table: RocksDBTable, event: ChangelogEvent
) -> None:
    recovery._buffer_event(build_event(STANDBY, 0))
    recovery._buffer_event(event)  # of an earlier generation, of no assigned partition, or of an active one after its recovery
    recovery.flush_buffers()
    assert table.get_many(STANDBY.partition, [b"0", b"9"]) == [b"row", None]
    assert table.open_partitions == [STANDBY.partition, ACTIVE.partition]
    assert table.get_many(ACTIVE.partition, [b"9"]) == [None]


async def test_a_failed_write_ends_the_task_and_keeps_its_events(recovery: StrictRecovery, table: RocksDBTable) -> None:
    table.data._db_for_partition(STANDBY.partition).close()  # so that RocksDB's write fails
    for offset in range(RECOVERY_BUFFER_SIZE):
        recovery.tables.changelog_queue.put_nowait(build_event(STANDBY, offset))
    async with asyncio.timeout(60):
        with pytest.raises(TableWriteError, match=r"table seen: RocksDB could not write .*seen-0\.db: .*; check the disk"):
            await StrictRecovery._slurp_changelogs.fun(recovery)
    assert len(recovery.buffers[table]) == RECOVERY_BUFFER_SIZE
    await recovery.on_stop()


async def test_the_end_of_a_recovery_is_not_missed_by_a_late_waiter(recovery: StrictRecovery, table: RocksDBTable) -> None:
    recovery._set_recovery_started()
    recovery.active_highwaters[ACTIVE] = 1
    recovery.tables.changelog_queue.put_nowait(build_event(ACTIVE, 1))
    recovery.tables.changelog_queue.put_nowait(build_event(STANDBY, 0))
    await run_until_idle(recovery)
    assert recovery.signal_recovery_end.is_set()
    assert table.persisted_offset(ACTIVE) == 1
    recovery._set_recovery_started()
    assert not recovery.signal_recovery_end.is_set()


@pytest.mark.parametrize("is_stopping", [False, True])
async def test_a_recovery_that_ends_while_the_app_stops_is_not_reported_as_complete(
    recovery: StrictRecovery, monkeypatch: pytest.MonkeyPatch, is_stopping: bool
) -> None:
    completed: list[int] = []

    async def on_recovery_completed(self: Recovery, generation_id: int) -> None:
        completed.append(generation_id)

    monkeypatch.setattr(Recovery, "on_recovery_completed", on_recovery_completed)
    if is_stopping:
        recovery.app._stopped.set()
    await recovery.on_recovery_completed(GENERATION)
    assert completed == ([] if is_stopping else [GENERATION])


class FakeConsumer:
    """Knows the ends of changelogs and its positions."""

    def __init__(self, ends: Mapping[TP, int]) -> None:
        self._ends = ends
        self.positions: Mapping[TP, int] = {}

    async def seek_wait(self, positions: Mapping[TP, int]) -> None:
        self.positions = positions

    async def highwaters(self, *tps: TP) -> Mapping[TP, int]:
        return {tp: self._ends[tp] for tp in tps}


@pytest.mark.parametrize(("tp", "title"), [(ACTIVE, "active"), (STANDBY, "standby")])
async def test_a_changelog_that_ends_before_the_stored_offset_is_an_error(
    recovery: StrictRecovery, table: RocksDBTable, tp: TP, title: str
) -> None:
    offsets = recovery.active_offsets if tp == ACTIVE else recovery.standby_offsets
    offsets[tp] = 5
    highwaters: dict[TP, int] = {}
    await recovery._build_highwaters(FakeConsumer({tp: 6}), {tp}, highwaters, title)
    assert highwaters == {tp: 5}
    with pytest.raises(ChangelogTruncatedError, match=r"ends at offset 0, but .*\.db was written up to 5"):
        await recovery._build_highwaters(FakeConsumer({tp: 1}), {tp}, highwaters, title)


async def test_recovery_reads_from_the_offset_after_the_last_applied_one(recovery: StrictRecovery) -> None:
    consumer = FakeConsumer({})
    await recovery._seek_offsets(consumer, {STANDBY, ACTIVE}, {STANDBY: 41, ACTIVE: -1}, "standby")
    assert consumer.positions == {STANDBY: 42, ACTIVE: 0}
