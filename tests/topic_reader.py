"""Topics as logs to be judged: where they end, what a group has committed, and everything that was ever written to them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

OffsetsByPartition = dict[TopicPartition, int]


class TopicReader:
    """Reads topics without being part of a group."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer, self._admin = consumer, admin
        self._partitions: dict[str, list[TopicPartition]] = {}

    async def get_end_offsets(self, topics: Iterable[str]) -> OffsetsByPartition:
        """The offset behind the last record of each partition."""
        wanted = []
        for topic in topics:
            if topic not in self._partitions:
                self._partitions[topic] = await self._find_partitions(topic)
            wanted += self._partitions[topic]
        return dict(await self._consumer.end_offsets(wanted))

    async def _find_partitions(self, topic: str) -> list[TopicPartition]:
        (found,) = await self._admin.describe_topics([topic])
        return [TopicPartition(topic, partition["partition"]) for partition in found["partitions"]]

    async def compute_lag(self, group: str, topics: Iterable[str]) -> int:
        """How many records of the topics the group has not committed yet."""
        ends = await self.get_end_offsets(topics)
        committed = await self._admin.list_consumer_group_offsets(group)
        return sum(end - max(0, committed[tp].offset if tp in committed else 0) for tp, end in ends.items())

    async def read_records(self, topics: Iterable[str]) -> AsyncIterator[Any]:
        """Every record up to the present end, in the order of each partition."""
        ends = {tp: end for tp, end in (await self.get_end_offsets(topics)).items() if end}
        self._consumer.assign(list(ends))
        await self._consumer.seek_to_beginning()
        while unread := [tp for tp, end in ends.items() if await self._consumer.position(tp) < end]:
            for tp, records in (await self._consumer.getmany(*unread, timeout_ms=1000)).items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield record


@asynccontextmanager
async def open_topic_reader(bootstrap_servers: str) -> AsyncIterator[TopicReader]:
    """A reader of this broker's topics."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await consumer.start()
    try:
        await admin.start()
        yield TopicReader(consumer, admin)
    finally:
        await admin.close()
        await consumer.stop()
