"""Reads topics for assertions: their end offsets, the lag of a consumer group, and all their records."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

OffsetsByPartition = dict[TopicPartition, int]


class TopicReader:
    """Reads topics without a consumer group."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer, self._admin = consumer, admin
        self._partitions: dict[str, list[TopicPartition]] = {}

    async def get_end_offsets(self, topics: Iterable[str]) -> OffsetsByPartition:
        """Get the end offset of each partition."""
        partitions = []
        for topic in topics:
            if topic not in self._partitions:
                self._partitions[topic] = await self._find_partitions(topic)
            partitions += self._partitions[topic]
        return dict(await self._consumer.end_offsets(partitions))

    async def _find_partitions(self, topic: str) -> list[TopicPartition]:
        (description,) = await self._admin.describe_topics([topic])
        return [TopicPartition(topic, partition["partition"]) for partition in description["partitions"]]

    async def compute_lag(self, group: str, topics: Iterable[str]) -> int:
        """Count the records of the topics that the group has not committed."""
        end_offsets = await self.get_end_offsets(topics)
        committed = await self._admin.list_consumer_group_offsets(group)
        return sum(end - max(0, committed[tp].offset if tp in committed else 0) for tp, end in end_offsets.items())

    async def read_records(self, topics: Iterable[str]) -> AsyncIterator[Any]:
        """Read all records up to the current end offsets, in the order of each partition."""
        end_offsets = {tp: end for tp, end in (await self.get_end_offsets(topics)).items() if end}
        self._consumer.assign(list(end_offsets))
        await self._consumer.seek_to_beginning()
        while unread := [tp for tp, end in end_offsets.items() if await self._consumer.position(tp) < end]:
            for tp, records in (await self._consumer.getmany(*unread, timeout_ms=1000)).items():
                for record in records:
                    if record.offset < end_offsets[tp]:
                        yield record


@asynccontextmanager
async def open_topic_reader(bootstrap_servers: str) -> AsyncIterator[TopicReader]:
    """Open a reader of a cluster's topics."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await consumer.start()
    try:
        await admin.start()
        yield TopicReader(consumer, admin)
    finally:
        await admin.close()
        await consumer.stop()
