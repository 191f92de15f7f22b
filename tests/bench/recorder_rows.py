"""Measures the recorder: `python -m tests.bench.recorder_rows [N]`, on a new database on the server of DATABASE_URL.

Each notification has one DecidedEvent and one StatusEvent, as the router and the e-mail worker produce them, in batches of 2,000 records of
four partitions; eight batches per partition are in flight. Prints the CPU microseconds per notification of this process and of PostgreSQL.
"""

import asyncio
import gc
import json
import os
import sys
import time
import uuid
from contextlib import suppress

import asyncpg
import msgspec
import psutil
import uvloop

from agents.recorder import Recorder
from agents.router.decision_log import FAN_OUT
from agents.router.gates import rendering
from agents.router.gates.order import GATES
from app.admin.database import upgrade_database
from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.ids import NOTIFICATION_PREFIX, derive_delivery_id, make_id
from schemas.ports import Batch, BatchHandles
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.bench.cpu_meter import measure_calibration
from tests.fakes import FakeRecord
from tests.history_rows import fetch_counts
from tests.recorder_batches import ignore_consent_change
from tests.settings_builders import DEFAULT_SETTINGS

BATCH_SIZE, PARTITIONS, MAX_IN_FLIGHT_BATCHES = 2000, 4, 8
GATE_NAMES = (*(gate.name for gate in GATES), FAN_OUT)


class BoundedBatchHandle:
    """A batch handle that makes room for another batch when it is acknowledged."""

    def __init__(self, batch: Batch, room: asyncio.Semaphore) -> None:
        self.batch, self._room = batch, room

    def ack(self) -> None:
        self.batch.drop_records()
        self._room.release()

    def set_unfinished(self, records: int, size: int) -> None: ...

    def release(self) -> None:
        raise AssertionError("no batch is released in this benchmark")


def build_decided_event(notification_id: str, user_id: str, now: float) -> DecidedEvent:
    """Build the router's event for an e-mail."""
    delivery_id = derive_delivery_id(notification_id, user_id, "email", f"{user_id}@example.org")
    inputs = {rendering.NAME: {"email": "order-shipped@1 en"}}
    decision_log = [GateResult(name, "pass", "", inputs.get(name, {})) for name in GATE_NAMES]
    return DecidedEvent(notification_id, user_id, State.ROUTED, now + 0.01, now, "low", "order.shipped", "transactional", "",
                    [DeliveryRef(delivery_id, "email")], decision_log, "", now + 86400)  # fmt: skip


def build_status_event(event: DecidedEvent, now: float) -> StatusEvent:
    """Build the e-mail worker's event for the delivery."""
    return StatusEvent(event.deliveries[0].id, event.id, event.user_id, "email", Status.SENT, now + 0.05, now, 0, 0,
                  Outcome.ACCEPTED, "", "sendgrid", f"pr-{event.id[-20:]}", 202, 12.5, priority="low", type=event.type,
                  category=event.category, template="order-shipped")  # fmt: skip


def build_batches(count: int, now: float) -> list[Batch]:
    """Build all events as batches: a status event follows 8,000 records after its notification, as under load."""
    times = [now + number / 20_000 for number in range(count)]
    ids = [make_id(NOTIFICATION_PREFIX, at, uuid.uuid4().int >> 54) for at in times]
    users = [f"user-{number % 100_000}" for number in range(count)]
    events = [build_decided_event(notification_id, user_id, at) for notification_id, user_id, at in zip(ids, users, times, strict=True)]
    encode = msgspec.json.encode
    values = [encode(event) for event in events], [encode(build_status_event(event, event.created_at)) for event in events]
    interleaved = _interleave(*values, lag=4 * BATCH_SIZE)
    records = [FakeRecord(offset, int(now * 1000), b"u", value) for offset, value in enumerate(interleaved)]
    return [Batch("notifications.status", number % PARTITIONS, records[start : start + BATCH_SIZE]) for number, start in
            enumerate(range(0, len(records), BATCH_SIZE))]  # fmt: skip


def _interleave(first: list[bytes], second: list[bytes], lag: int) -> list[bytes]:
    interleaved = []
    for index in range(len(first) + lag):
        interleaved += first[index : index + 1]
        if index >= lag:
            interleaved.append(second[index - lag])
    return interleaved


def read_postgres_cpu_seconds(postmaster: psutil.Process) -> float:
    """Read the CPU seconds of the postmaster, its children, and the children that have ended."""
    seconds = sum(postmaster.cpu_times()[:4])
    for child in postmaster.children():
        with suppress(psutil.NoSuchProcess):
            seconds += sum(child.cpu_times()[:2])
    return seconds


async def run(dsn: str, count: int) -> None:
    """Record `count` notifications and print the figures."""
    batches = build_batches(count, time.time())
    database = Database(dsn, max_size=2)
    (row,) = await database.fetch("select pg_backend_pid()")
    postmaster = psutil.Process(row[0]).parent()
    assert postmaster is not None
    settings = DEFAULT_SETTINGS.recorder
    store = PostgresHistoryWriter(database)
    recorder = Recorder(
        store, asyncio.sleep, time.time, lambda event: None, sys.exit, settings.linger, settings.linger_max_events, ignore_consent_change
    )
    room_size = PARTITIONS * MAX_IN_FLIGHT_BATCHES
    room = asyncio.Semaphore(room_size)

    async def take_batches() -> BatchHandles:
        for batch in batches:
            await room.acquire()
            yield BoundedBatchHandle(batch, room)
        for _ in range(room_size):  # all are acknowledged
            await room.acquire()

    gc.collect()
    gc.freeze()  # as a worker does at the end of its start
    gc.set_threshold(100_000, 50, 100)
    calibrations = [measure_calibration()]
    recorder_start, postgres_start, started_at = time.process_time(), read_postgres_cpu_seconds(postmaster), time.perf_counter()
    task = asyncio.ensure_future(recorder.run(take_batches()))
    while not task.done():
        calibrations.append(measure_calibration())
        await asyncio.wait([task], timeout=0.3)
    recorder_seconds = time.process_time() - recorder_start - sum(calibrations[1:])
    postgres_seconds, wall_seconds = read_postgres_cpu_seconds(postmaster) - postgres_start, time.perf_counter() - started_at
    counts = await fetch_counts(database)
    assert counts == ({"routed": count}, {"SENT": count}, count)
    await database.close()
    calibration_ms = sorted(calibrations)[len(calibrations) // 2] * 1000
    figures = {"notifications": count, "recorder_us": recorder_seconds / count * 1e6, "postgres_us": postgres_seconds / count * 1e6,
               "per_s": count / wall_seconds, "calibration_ms": calibration_ms}  # fmt: skip
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


async def main(count: int) -> None:
    """Run on a new database, which is dropped at the end."""
    url, name = os.environ["DATABASE_URL"], f"bench_{uuid.uuid4().hex[:8]}"
    admin = await asyncpg.connect(url)
    await admin.execute(f"create database {name}")
    try:
        dsn = f"{url.rsplit('/', 1)[0]}/{name}"
        await upgrade_database(dsn, time.time())
        await run(dsn, count)
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
