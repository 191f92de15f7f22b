"""The worker app of these tests: `faust -A tests.integration.streaming.faust_app:app worker`, configured by TEST_WORKER (JSON).

`kind`: `copy` works as a router (one row and one output for each id); `shared` works as a delivery worker (batches end in reversed order,
rows go through the shared outbox); `fail` works as `copy`, but raises at the first record whose value is `fail_at`.
`max_file_size`: bytes; writes beyond it fail as on a full disk. `recovery_write_delay`: seconds; each write of recovered rows takes so much
longer, as on a slow disk.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

from app.streaming.application import StreamApp, add_agents, add_table, build_stream_app
from app.streaming.committer_factory import build_batch_committer, build_shared_outbox
from schemas.errors import PartitionFencedError
from schemas.ports import BatchHandle, SharedOutbox
from tests.integration.streaming.harness import PRIORITIES
from tests.unit.app.streaming.app_builder import build_settings

LINGER = 0.005  # seconds
MAX_GROUP_RECORDS = 1024

options: dict[str, Any] = json.loads(os.environ["TEST_WORKER"])
prefix, kind = options["prefix"], options["kind"]
settings = build_settings(
    Path(options["datadir"]),
    app_id=f"{prefix}copy",
    bootstrap_servers=options["kafka"],
    topic_partitions=options["partitions"],
    topic_allow_declare=True,
    commit_interval=0.2,
    session_timeout=6.0,
    **{"drain_timeout": 5.0, "shutdown_timeout": 20.0, **options.get("settings", {})},
)
if max_file_size := options.get("max_file_size"):
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_size, max_file_size))
app: StreamApp = build_stream_app(settings)
seen = add_table(app, "seen")
app.sink_topics.append(f"{prefix}out")


def apply_slowly(apply: Callable[[Any], None], events: Any) -> None:
    """Write recovered rows as on a slow disk."""
    time.sleep(options["recovery_write_delay"])
    apply(events)


if "recovery_write_delay" in options:
    seen.apply_changelog_batch = partial(apply_slowly, seen.apply_changelog_batch)  # type: ignore[method-assign]


def write_line(line: str) -> None:
    """Write a line to standard error in one call: `print` writes the end of the line in a second one, and log lines come in between."""
    assert sys.__stderr__ is not None
    sys.__stderr__.write(f"{line}\n")


async def copy_records(batches: AsyncIterator[BatchHandle]) -> None:
    """Write a row and an output for each id without a row; the next batch is decided while the one before is committed."""
    committer = build_batch_committer(app, linger=LINGER)
    async for handle in batches:
        partition, values = handle.batch.partition, [record.value or b"" for record in handle.batch.records]
        outbox, rows = committer.create_outbox(partition), dict[bytes, bytes | None]()
        for value, row in zip(values, seen.get_many(partition, values), strict=True):
            if value == options.get("fail_at", "").encode():
                raise ValueError("requested failure")
            if row is None and value not in rows:
                rows[value] = b"done"
                outbox.add(f"{prefix}out", partition, value, value)
        committer.commit(partition, outbox, [(seen, rows)]).add_done_callback(partial(ack_or_release, handle))


def ack_or_release(handle: BatchHandle, committed: asyncio.Future[None]) -> None:
    """Acknowledge a committed batch; release a fenced one, which is redelivered."""
    if committed.exception() is None:
        handle.ack()
    elif isinstance(committed.exception(), PartitionFencedError):
        handle.release()


async def process_out_of_order(batches: AsyncIterator[BatchHandle]) -> None:
    """Collect batches for 10 ms, then finish the newest first."""
    outbox = build_shared_outbox(app, seen, linger=LINGER, max_records=MAX_GROUP_RECORDS)
    pending: list[BatchHandle] = []
    async for handle in batches:
        pending.append(handle)
        asyncio.get_running_loop().call_later(0.01, finish_newest_first, outbox, pending)


def finish_newest_first(outbox: SharedOutbox, pending: list[BatchHandle]) -> None:
    """Finish all pending batches, newest first."""
    while pending:
        handle = pending.pop()
        partition, values = handle.batch.partition, [record.value or b"" for record in handle.batch.records]
        for value, row in zip(values, seen.get_many(partition, values), strict=True):
            if row is None:
                outbox.add(f"{prefix}out", partition, value, value)
                outbox.stage_row(partition, value, b"done")
        outbox.on_committed(partition, handle.ack)


app.position_jump_callbacks.append(
    lambda jump: write_line(f"JUMP {jump.topic.removeprefix(prefix)} {jump.partition} {jump.from_offset} {jump.to_offset}")
)
topics = [f"{prefix}in.{priority}" for priority in PRIORITIES]
add_agents(app, topics, process_out_of_order if kind == "shared" else copy_records)


async def _print_ready(app: Any, **_: Any) -> None:
    write_line("READY")


app.on_rebalance_complete.connect(_print_ready)
