"""What recording costs: `python -m tests.bench.recorder_rows [N]`, on a database of its own beside DATABASE_URL.

One Accepted and one Status event per notification, as the router and the e-mail worker write them, in batches of 2,000 of four partitions,
fed by eight actors per partition. Prints CPU microseconds per notification of this process (recorder) and of PostgreSQL's processes.
"""

import asyncio
import gc
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple

import asyncpg
import msgspec
import psutil
import uvloop

from agents.recorder import Recorder
from app.admin.database import upgrade_database
from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.ids import NOTIFICATION_PREFIX, derive_delivery_id, make_id
from schemas.ports import Batch
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter

BATCH, PARTITIONS, ACTORS = 2000, 4, 8
GATES = ("decode", "repartition", "idempotency", "expiry", "user", "rate limit", "route", "render", "fan-out")


class FakeRecord(NamedTuple):
    """A record as the consumer gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def build_decided_event(an_id: str, user: str, now: float) -> DecidedEvent:
    """The router's event for a plain e-mail."""
    delivery = derive_delivery_id(an_id, user, "email", f"{user}@example.org")
    trace = [GateResult(gate, "pass", "", {"template": "order-shipped", "version": 1} if gate == "render" else {}) for gate in GATES]
    return DecidedEvent(an_id, user, State.ROUTED, now + 0.01, now, "low", "order.shipped", "transactional", "",
                    [DeliveryRef(delivery, "email")], trace, "", now + 86400)  # fmt: skip


def build_status_event(event: DecidedEvent, now: float) -> StatusEvent:
    """The e-mail worker's event for it."""
    return StatusEvent(event.deliveries[0].id, event.id, event.user_id, "email", Status.SENT, now + 0.05, now, 0, 0,
                  Outcome.ACCEPTED, "", "sendgrid", f"pr-{event.id[-20:]}", 202, 12.5)  # fmt: skip


def build_batches(count: int, now: float) -> list[Batch]:
    """All events as batches: the router's run ahead of the worker's by some thousand, as under load."""
    times = [now + i / 20_000 for i in range(count)]
    ids = [make_id(NOTIFICATION_PREFIX, at, uuid.uuid4().int >> 54) for at in times]
    events = [build_decided_event(an_id, f"user-{i % 100_000}", at) for i, (an_id, at) in enumerate(zip(ids, times, strict=True))]
    encode = msgspec.json.encode
    values = [encode(event) for event in events], [encode(build_status_event(event, event.created_at)) for event in events]
    records = [FakeRecord(i, int(now * 1000), b"u", value) for i, value in enumerate(_interleave(*values, lag=4 * BATCH))]
    return [Batch("notifications.status", n % PARTITIONS, records[start : start + BATCH]) for n, start in
            enumerate(range(0, len(records), BATCH))]  # fmt: skip


def _interleave(first: list[bytes], second: list[bytes], lag: int) -> list[bytes]:
    mixed = []
    for i in range(len(first) + lag):
        mixed += first[i : i + 1]
        if i >= lag:
            mixed.append(second[i - lag])
    return mixed


def measure_calibration_ms() -> float:
    """Milliseconds of CPU for the fixed piece of work that all our figures carry (4.3-5.3 on a fast host)."""
    began, work = time.thread_time(), {}
    for i in range(4000):
        work[str(i)] = (i, [i])
    json.loads(json.dumps(work))
    return (time.thread_time() - began) * 1000


def read_postgres_cpu_seconds(postmaster: psutil.Process) -> float:
    """CPU seconds that PostgreSQL has used: the postmaster, its children, and those that have ended."""
    used = sum(postmaster.cpu_times()[:4])
    for child in postmaster.children():
        with suppress(psutil.NoSuchProcess):
            used += sum(child.cpu_times()[:2])
    return used


async def run(dsn: str, count: int) -> None:
    """Record `count` notifications and print what it cost."""
    waiting = build_batches(count, time.time())
    database = Database(dsn, size=2)
    (row,) = await database.fetch("select pg_backend_pid()")
    postmaster = psutil.Process(row[0]).parent()
    assert postmaster is not None
    recorder = Recorder(PostgresHistoryWriter(database), asyncio.sleep, time.time)
    queue = iter(waiting)

    async def actor() -> AsyncIterator[Batch]:
        for batch in queue:
            yield batch

    gc.collect()
    gc.freeze()  # as the roles do
    gc.set_threshold(100_000, 50, 100)
    cal, began = [measure_calibration_ms()], (time.process_time(), read_postgres_cpu_seconds(postmaster), time.perf_counter())
    tasks = [asyncio.ensure_future(recorder.run(actor())) for _ in range(PARTITIONS * ACTORS)]
    while not all(task.done() for task in tasks):
        cal.append(measure_calibration_ms())
        await asyncio.wait(tasks, timeout=0.3)
    mine = time.process_time() - began[0] - sum(cal[1:]) / 1000
    theirs, wall = read_postgres_cpu_seconds(postmaster) - began[1], time.perf_counter() - began[2]
    tally = await PostgresHistoryReader(database).get_counts(0, time.time() + 60, {})
    assert tally.deliveries == {"SENT": count}, tally
    assert tally.in_flight == 0
    await database.close()
    figures = {"notifications": count, "recorder_us": mine / count * 1e6, "postgres_us": theirs / count * 1e6,
               "per_s": count / wall, "calibration_ms": sorted(cal)[len(cal) // 2]}  # fmt: skip
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


async def main(count: int) -> None:
    """Run on a database that is dropped at the end."""
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
