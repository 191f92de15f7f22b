"""Reads single records of Kafka by their offsets, without a consumer group."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from app.connection_settings import KafkaSection
from app.kafka.client_options import build_client_options
from schemas.errors import UnavailableError

TIMEOUT = 5.0  # seconds, for one record


class KafkaRecordReader:
    """Connects at the first record, and anew after a failure."""

    def __init__(self, kafka: KafkaSection) -> None:
        self._kafka = kafka
        self._consumer: Any = None
        self._lock = asyncio.Lock()  # a consumer has one assignment

    async def read(self, topic: str, partition: int, offset: int) -> bytes | None:
        """The value of a record; None if there is none any more, or not yet. Raises UnavailableError."""
        async with self._lock:
            try:
                async with asyncio.timeout(TIMEOUT):
                    return await self._read(TopicPartition(topic, partition), offset)
            except (KafkaError, OSError, TimeoutError) as error:
                await self._stop()
                raise UnavailableError(f"a record of {topic} could not be read: {error or 'Kafka does not answer'}") from error

    async def close(self) -> None:
        """Disconnect."""
        async with self._lock:
            await self._stop()

    async def _read(self, partition: TopicPartition, offset: int) -> bytes | None:
        if self._consumer is None:
            options = build_client_options(self._kafka)
            self._consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, auto_offset_reset="none", max_poll_records=1)
            await self._consumer.start()
        self._consumer.assign([partition])
        beginning = (await self._consumer.beginning_offsets([partition]))[partition]
        end = (await self._consumer.end_offsets([partition]))[partition]
        if not beginning <= offset < end:
            return None
        self._consumer.seek(partition, offset)
        try:
            record = await self._consumer.getone(partition)
        except OffsetOutOfRangeError:
            return None
        return bytes(record.value) if record.offset == offset and record.value is not None else None

    async def _stop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
