"""The workers of these tests: `faust -A tests.integration.streaming.worker:app worker`, told by TEST_WORKER (JSON) what to do.

`kind` is `copy` (a router in small: one row and one output for each id), `held` (a delivery worker in small: batches end in reversed
order, rows by the shared outbox) or `fail` (as `copy`, but raises at the first record whose value is `fail_at`).
"""

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from app.streaming.application import StreamApp, add_table, attach, build, commit_of, shared_outbox_of
from app.streaming.settings import StreamSettings
from schemas.ports import Batch, HeldBatch

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
locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)


async def copy(batches: AsyncIterator[Batch]) -> None:
    """One row and one output for each id that has no row yet."""
    commit = commit_of(app)
    async for batch in batches:
        async with locks[batch.partition]:
            outbox, new = commit.outbox(), dict[bytes, bytes | None]()
            values = [record.value or b"" for record in batch.records]
            for value, row in zip(values, seen.get_many(batch.partition, values), strict=True):
                if value == given.get("fail_at", "").encode():
                    raise ValueError("told to fail")
                if row is None and value not in new:
                    new[value] = b"done"
                    outbox.add(f"{prefix}out", batch.partition, value, value)
            await commit.commit(batch.partition, outbox, [(seen, new)])


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
if kind == "held":
    attach(app, topics, hold, held=True)
else:
    attach(app, topics, copy)


async def _ready(app: Any, **_: Any) -> None:
    print("READY", file=sys.__stderr__, flush=True)


app.on_rebalance_complete.connect(_ready)
