"""Fakes that several tests share."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from schemas.ports import Header

RECORD_TIMESTAMP = 1_760_000_000_000


class FakeRecord(NamedTuple):
    """A record as the consumer returns it (schemas.ports.Record); `timestamp` in milliseconds."""

    offset: int = 0
    timestamp: int = RECORD_TIMESTAMP
    key: bytes | None = b"u-1"
    value: bytes | None = b"v"
    headers: Sequence[Header] = ()


class TopicRecord(NamedTuple):
    """A record as a partition stores it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


class ProducedRecord(NamedTuple):
    """A record as an outbox received it."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()


async def run_pending_tasks() -> None:
    """Let all tasks run until each waits for something."""
    for _ in range(10):
        await asyncio.sleep(0)
