"""The workers of these tests: `faust -A tests.integration.streaming.faust_app:app worker`, told by TEST_WORKER (JSON) what to do.

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

from app.streaming.application import StreamApp, add_agents, add_table, build_batch_committer, build_shared_outbox, build_stream_app
from app.streaming.settings import StreamSettings
from schemas.errors import PartitionFencedError
from schemas.ports import BatchHandle

PRIORITIES = ("high", "medium", "low")
options: dict[str, Any] = json.loads(os.environ["TEST_WORKER"])
prefix, kind = options["prefix"], options["kind"]
settings = StreamSettings(
    app_id=f"{prefix}copy",
    bootstrap_servers=options["kafka"],
    datadir=Path(options["datadir"]),
    topic_partitions=2,
    topic_allow_declare=True,
    commit_interval=0.2,
    session_timeout=6.0,
    heartbeat_interval=1.0,
    **{"drain_timeout": 5.0, "shutdown_timeout": 20.0, **options.get("settings", {})},
)
app: StreamApp = build_stream_app(settings)
seen = add_table(app, "seen")
app.sink_topics.append(f"{prefix}out")


async def copy_records(batches: AsyncIterator[BatchHandle]) -> None:
    """One row and one output for each id that has no row yet; the next batch is decided while the one before is on its way."""
    commit = build_batch_committer(app)
    async for held in batches:
        partition, values = held.batch.partition, [record.value or b"" for record in held.batch.records]
        outbox, new = commit.create_outbox(partition), dict[bytes, bytes | None]()
        for value, row in zip(values, seen.get_many(partition, values), strict=True):
            if value == options.get("fail_at", "").encode():
                raise ValueError("told to fail")
            if row is None and value not in new:
                new[value] = b"done"
                outbox.add(f"{prefix}out", partition, value, value)
        commit.commit(partition, outbox, [(seen, new)]).add_done_callback(partial(ack_or_release, held))


def ack_or_release(held: BatchHandle, safe: asyncio.Future[None]) -> None:
    """Acknowledge a batch that is safe; one that was lost comes again."""
    if safe.exception() is None:
        held.ack()
    elif isinstance(safe.exception(), PartitionFencedError):
        held.release()


async def process_out_of_order(batches: AsyncIterator[BatchHandle]) -> None:
    """Takes batches by twos and ends the later one first."""
    outbox = build_shared_outbox(app, seen)
    waiting: list[BatchHandle] = []
    async for held in batches:
        waiting.append(held)
        asyncio.get_running_loop().call_later(0.01, finish_newest_first, outbox, waiting)


def finish_newest_first(outbox: Any, waiting: list[BatchHandle]) -> None:
    """End what waits, newest first."""
    while waiting:
        held = waiting.pop()
        partition, values = held.batch.partition, [record.value or b"" for record in held.batch.records]
        for value, row in zip(values, seen.get_many(partition, values), strict=True):
            if row is None:
                outbox.add(f"{prefix}out", partition, value, value)
                outbox.stage_row(partition, value, b"done")
        outbox.on_committed(held.ack)


topics = [f"{prefix}in.{priority}" for priority in PRIORITIES]
add_agents(app, topics, process_out_of_order if kind == "held" else copy_records, manual_ack=True)


async def _print_ready(app: Any, **_: Any) -> None:
    print("READY", file=sys.__stderr__, flush=True)


app.on_rebalance_complete.connect(_print_ready)
