"""The idempotent producer, which loads the metadata of its topics before the first record."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faust.exceptions import NotReady
from faust.transport.drivers import aiokafka as driver

from app.streaming.partition_check import require_partition_counts
from app.streaming.time_limit import run_with_time_limit

log = logging.getLogger(__name__)

# A broker that has just started, or just created topics, reports them one after the other.
METADATA_ATTEMPTS = 20
METADATA_RETRY_INTERVAL = 0.5  # seconds
METADATA_TIMEOUT = 10.0  # seconds
STOP_TIMEOUT = 1.5  # seconds that records which are not acknowledged may take at a stop; Kafka may be unreachable


class CountingProducer(AIOKafkaProducer):
    """aiokafka's producer, which counts the records of the batches that it has queued, by topic."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.record_counts: Counter[str] = Counter()

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Queue a batch. Raises KafkaTimeoutError if the one before it is not sent yet."""
        future: asyncio.Future[Any] = await super().send_batch(batch, topic, partition=partition)
        self.record_counts[topic] += batch.record_count()
        return future


class IdempotentProducer(driver.Producer):
    """Faust's producer with enable_idempotence: a retried batch is written once and in order."""

    _producer_type = CountingProducer

    @property
    def record_counts(self) -> Mapping[str, int]:
        """The records of all batches so far, by topic; none before the start."""
        return {} if self._producer is None else self._producer.record_counts

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def flush(self) -> None:
        """Does nothing: all sends are awaited before their batch is acknowledged. A flush waits for partitions without a leader too."""

    async def on_start(self) -> None:
        """Connects and loads the metadata of all topics of the app. Raises TopicMismatchError if a partition count is wrong."""
        await super().on_start()
        await self.load_metadata(self.app.get_required_topics(), self.app.settings.topic_partitions)

    async def on_stop(self) -> None:
        """Closes the producer. Without Kafka it would wait without limit for records whose batches are redelivered anyway."""
        if not await run_with_time_limit(super().on_stop(), STOP_TIMEOUT):
            log.warning("records were not sent within %s s; what they belong to is not acknowledged", STOP_TIMEOUT)

    async def load_metadata(self, topics: Iterable[str], partitions: int) -> None:
        """Load metadata now: otherwise the first record of each topic waits about 100 ms for it. Raises TopicMismatchError."""
        required = sorted(set(topics))
        for _ in range(METADATA_ATTEMPTS):
            partition_counts = await self.fetch_partition_counts(required) or {}
            if partition_counts.keys() >= set(required):
                break
            await asyncio.sleep(METADATA_RETRY_INTERVAL)
        require_partition_counts(required, partitions, partition_counts)

    async def fetch_partition_counts(self, topics: Iterable[str]) -> dict[str, int] | None:
        """The partition count of each of these topics that exists, by fresh metadata; None if no broker answers in time."""
        try:
            client = self._ensure_producer().client
            for topic in topics:
                client.add_topic(topic)
            async with asyncio.timeout(METADATA_TIMEOUT):
                if not await client.force_metadata_update():
                    return None
        except (KafkaError, NotReady, TimeoutError):
            return None
        partitions = {topic: client.cluster.partitions_for_topic(topic) for topic in topics}
        return {topic: len(numbers) for topic, numbers in partitions.items() if numbers}
