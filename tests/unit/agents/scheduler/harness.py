"""A scheduler in memory: its agent and its releaser over one table, with the time of the brokers set by the test."""

import asyncio
from asyncio import Future
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec import Raw, Struct

from agents.scheduler.releaser import Releaser, ReleaseSummary
from agents.scheduler.scheduler import BatchSummary, Scheduler
from schemas.enums import Priority
from schemas.events import DecidedEvent
from schemas.ports import Batch
from schemas.scheduled import Scheduled
from schemas.topics import get_scheduled_topic
from tests.fakes import FakeRecord, TopicRecord, run_pending_tasks
from tests.memory_streaming import MemoryBatchCommitter, MemoryKafka, MemoryTable
from tests.unit.agents.router.harness import FakeBatchHandle, iterate

NOW = 1_760_000_000.0
PARTITION = 1
PREFIX = "t1."
TARGET = "t1.notifications.low"
MAX_ENTRIES = 16


def build_scheduled(entry_id: str = "ntf_1", due_at: float = NOW + 60, resume_count: int = 1, **fields: Any) -> Scheduled:
    """An entry of the user."""
    payload = Raw(msgspec.json.encode({"user_id": "u-1", "type": "order.shipped", "id": entry_id}))
    defaults = {
        "target_topic": TARGET,
        "payload": payload,
        "resume_count": resume_count,
        "resume_gate": "schedule",
        "record_time": int(NOW * 1000),
        "category": "marketing",
        "expires_at": NOW + 86_400,
    }
    return Scheduled(entry_id, "u-1", due_at, **{**defaults, **fields})


class SchedulerHarness:
    """One partition. `restart` forgets everything but the table and the topics."""

    def __init__(self) -> None:
        self.kafka, self.table = MemoryKafka(), MemoryTable("due")
        self.committer = MemoryBatchCommitter(self.kafka)
        self.broker_time: float | None = NOW
        self.assignment_number, self.offset = 1, 0
        self.batches: list[BatchSummary] = []
        self.releases: list[ReleaseSummary] = []
        self.restart()

    def restart(self) -> None:
        """A new worker with the same table."""
        self.assignment_number += 1
        self.releaser = Releaser(
            self.table,
            self.committer,
            lambda: [PARTITION],
            lambda: self.assignment_number,
            lambda: self.broker_time,
            asyncio.sleep,
            0.001,
            MAX_ENTRIES,
            self.releases.append,
        )
        self.scheduler = Scheduler(
            self.table,
            self.releaser.get_queue,
            self.committer,
            lambda: self.broker_time or 0.0,
            {TARGET, "t1.deliveries.sms.low", "t1.deliveries.webhook.low"},
            PREFIX,
            self.batches.append,
            self.releaser.wake_up,
        )

    def build_batch(self, *values: Struct | bytes | None, priority: Priority = "low") -> Batch:
        """The next records of a priority."""
        records = []
        for value in values:
            encoded = msgspec.json.encode(value) if isinstance(value, Struct) else value
            records.append(FakeRecord(self.offset, int((self.broker_time or NOW) * 1000), b"u-1", encoded))
            self.offset += 1
        return Batch(PREFIX + get_scheduled_topic(priority), PARTITION, records)

    async def store_batch(self, batch: Batch) -> FakeBatchHandle:
        """Let the agent store a batch."""
        handle = FakeBatchHandle(batch)
        await self.scheduler.run(iterate(handle))
        await run_pending_tasks()
        return handle

    async def store(self, *values: Struct | bytes | None, priority: Priority = "low") -> dict[str, int]:
        """Let the agent store these values; returns the results."""
        handle = await self.store_batch(self.build_batch(*values, priority=priority))
        assert handle.calls == ["acknowledged"]
        return self.batches[-1].results | self.batches[-1].dead_letters

    async def release(self, at: float) -> list[str]:
        """Release what is due at this time; returns the ids, in order."""
        self.broker_time, before = at, len(self.released)
        for _ in range(100):
            self.releaser.release_due()
            await run_pending_tasks()
        return [msgspec.json.decode(record.value or b"")["id"] for record in self.released[before:]]

    async def crash_in_release(self, at: float, monkeypatch: pytest.MonkeyPatch, *, is_produced: bool) -> None:
        """Kill the worker when the claims of a release are written, perhaps its outputs, but not its rows; start another one."""
        commit, create_outbox = self.committer.commit, self.committer.create_outbox

        def commit_claims(partition: int, outbox: Any, rows: Any, claims: Any = ()) -> Future[None]:
            return commit(partition, outbox if is_produced else create_outbox(partition), claims)

        with monkeypatch.context() as patch:
            patch.setattr(self.committer, "commit", commit_claims)
            self.broker_time = at
            self.releaser.release_due()
            await run_pending_tasks()
        self.restart()

    @property
    def released(self) -> Sequence[TopicRecord]:
        """The records that were released."""
        return self.kafka.get_records(TARGET, PARTITION)

    @property
    def events(self) -> list[DecidedEvent]:
        """The events that were written."""
        records = self.kafka.get_records("t1.notifications.status", PARTITION)
        return [msgspec.json.decode(record.value or b"", type=DecidedEvent) for record in records]

    @property
    def entry_count(self) -> int:
        """How many rows are there beside the positions."""
        return sum(key[:1] not in (b"r", b"s") for key in self.table.rows[PARTITION])
