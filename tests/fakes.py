"""Fakes that several tests share."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from schemas.ports import Clock, Header

RECORD_TIMESTAMP = 1_760_000_000_000


class FixedToken:
    """An access token of FCM that does not change (agents.providers.fcm.AccessTokenSource); counts its rejections."""

    def __init__(self, value: str = "token", problem: str = "") -> None:
        self.value, self.problem, self.rejection_count = value, problem, 0

    async def start(self, clock: Clock) -> None:
        """Do nothing."""

    def reject(self, now: float) -> None:
        """Count a rejection."""
        self.rejection_count += 1


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
