"""The workers of these tests: `faust -A tests.integration.streaming.worker:app worker`, told by TEST_WORKER (JSON) what to do.

`kind` is `copy` (a router in small: one row and one output for each id), `held` (a delivery worker in small: batches end in reversed
order, rows by the shared outbox) or `fail` (as `copy`, but raises at the first record whose value is `fail_at`).
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from app.streaming.application import StreamApp, add_table, attach, build, commit_of, shared_outbox_of
from app.streaming.settings import StreamSettings
from schemas.errors import PartitionLost
from schemas.ports import HeldBatch

LANES = ("high", "medium", "low")
given: dict[str, Any] = json.loads(os.environ["TEST_WORKER"])
prefix, kind = given["prefix"], given["kind"]
settings = StreamSettings(
    app_id=f"{prefix}copy",
    broker=given["kafka"],
    datadir=Path(given["datadir"]),
    partitions=2,
    declare_topics=True,
    commit_interval=0.2,
    session_timeout=6.0,
    heartbeat_interval=1.0,
    **{"drain": 5.0, "end_after": 20.0, **given.get("settings", {})},
)
app: StreamApp = build(settings)
seen = add_table(app, "seen")
app.outputs.append(f"{prefix}out")


async def copy(batches: AsyncIterator[HeldBatch]) -> None:
    """One row and one output for each id that has no row yet; the next batch is decided while the one before is on its way."""
    commit = commit_of(app)
    async for held in batches:
        partition, values = held.batch.partition, [record.value or b"" for record in held.batch.records]
        outbox, new = commit.outbox(partition), dict[bytes, bytes | None]()
        for value, row in zip(values, seen.get_many(partition, values), strict=True):
            if value == given.get("fail_at", "").encode():
                raise ValueError("told to fail")
            if row is None and value not in new:
                new[value] = b"done"
                outbox.add(f"{prefix}out", partition, value, value)
        commit.commit(partition, outbox, [(seen, new)]).add_done_callback(partial(ended, held))


def ended(held: HeldBatch, safe: asyncio.Future[None]) -> None:
    """Acknowledge a batch that is safe; one that was lost comes again."""
    if safe.exception() is None:
        held.ack()
    elif isinstance(safe.exception(), PartitionLost):
        held.let_go()


async def hold(batches: AsyncIterator[HeldBatch]) -> None:
    """Takes batches by twos and ends the later one first."""
    outbox = shared_outbox_of(app, seen)
    waiting: list[HeldBatch] = []
    async for held in batches:
        waiting.append(held)
        asyncio.get_running_loop().call_later(0.01, finish, outbox, waiting)


def finish(outbox: Any, waiting: list[HeldBatch]) -> None:
    """End what waits, newest first."""
    while waiting:
        held = waiting.pop()
        partition, values = held.batch.partition, [record.value or b"" for record in held.batch.records]
        for value, row in zip(values, seen.get_many(partition, values), strict=True):
            if row is None:
                outbox.add(f"{prefix}out", partition, value, value)
                outbox.put(partition, value, b"done")
        outbox.when_committed(held.ack)


topics = [f"{prefix}in.{lane}" for lane in LANES]
attach(app, topics, hold if kind == "held" else copy, held=True)


async def _ready(app: Any, **_: Any) -> None:
    print("READY", file=sys.__stderr__, flush=True)


app.on_rebalance_complete.connect(_ready)
