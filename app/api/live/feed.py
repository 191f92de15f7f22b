"""Reads `notifications.status` for one gateway, without a consumer group: each gateway shows all events to its own clients."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.kafka.client_options import ClientOptions
from app.telemetry import log_event

FRAME_INTERVAL = 0.1  # seconds; events of this time are shown together
FETCH_TIMEOUT_MS = 1000
RECONNECT_DELAY = 1.0  # seconds

Offsets = Mapping[int, int]
Records = Sequence[ConsumerRecord]


class Feed(Protocol):
    """Reads events while somebody looks."""

    def start(self) -> None:
        """Begin to read, if it does not read yet."""

    async def wait_until_ready(self) -> None:
        """Wait until it shows what happens now."""

    async def stop(self) -> None:
        """Stop to read."""


class StatusFeed:
    """Runs while somebody looks. `on_start` gets the offset of each partition at which it begins, `on_records` what came, at most
    every FRAME_INTERVAL, and `on_failure` is called when it has to begin anew.

    It begins `backlog` records before the end of the topic, so that a client of another gateway, or of this one before a
    restart, can go on.
    """

    def __init__(
        self,
        options: ClientOptions,
        topic: str,
        partitions: int,
        backlog: int,
        on_start: Callable[[Offsets], None],
        on_records: Callable[[Records], None],
        on_failure: Callable[[], None],
    ) -> None:
        self._options, self._topic, self._partitions, self._backlog = options, topic, partitions, backlog
        self._on_start, self._on_records, self._on_failure = on_start, on_records, on_failure
        self._task: asyncio.Task[None] | None = None
        self._is_ready = asyncio.Event()

    def start(self) -> None:
        """Begin to read, if it does not read yet."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def wait_until_ready(self) -> None:
        """Wait until the backlog is read."""
        await self._is_ready.wait()

    async def stop(self) -> None:
        """Stop to read; what was read is forgotten with the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            self._is_ready.clear()

    async def _run(self) -> None:
        while True:
            try:
                async with self._open_consumer() as consumer:
                    await self._read(consumer)
            except Exception as error:
                log_event("gateway.live_feed_failed", logging.ERROR, error=f"{type(error).__name__}: {error}")
            self._is_ready.clear()
            self._on_failure()
            await asyncio.sleep(RECONNECT_DELAY)

    @asynccontextmanager
    async def _open_consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(**self._options, enable_auto_commit=False, auto_offset_reset="none")
        try:
            await consumer.start()
            yield consumer
        finally:
            await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        partitions = [TopicPartition(self._topic, number) for number in range(self._partitions)]
        consumer.assign(partitions)
        first, end = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        starts = {one: max(first[one], end[one] - self._backlog // len(partitions)) for one in partitions}
        for one, offset in starts.items():
            consumer.seek(one, offset)
        self._on_start({one.partition: offset for one, offset in starts.items()})
        while True:
            started_at = time.monotonic()
            self._on_records([record for batch in (await consumer.getmany(timeout_ms=FETCH_TIMEOUT_MS)).values() for record in batch])
            if not self._is_ready.is_set():
                if not await _has_reached(consumer, end):
                    continue
                self._is_ready.set()
            await asyncio.sleep(FRAME_INTERVAL - (time.monotonic() - started_at))


async def _has_reached(consumer: AIOKafkaConsumer, end: Mapping[TopicPartition, int]) -> bool:
    return all([await consumer.position(one) >= offset for one, offset in end.items()])
