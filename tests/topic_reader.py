"""Reads topics for assertions: their end offsets, the lag of a consumer group, and all their records."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError

OffsetsByPartition = dict[TopicPartition, int]
CONNECT_TIMEOUT = 60.0  # seconds
CONNECT_INTERVAL = 0.2  # seconds


class TopicReader:
    """Reads topics without a consumer group."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer, self._admin = consumer, admin
        self._partitions: dict[str, list[TopicPartition]] = {}

    async def get_end_offsets(self, topics: Iterable[str]) -> OffsetsByPartition:
        """Get the end offset of each partition."""
        return dict(await self._consumer.end_offsets(await self._find_partitions(topics)))

    async def _find_partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        partitions = []
        for topic in topics:
            if topic not in self._partitions:
                description = await self._describe_topic(topic)
                self._partitions[topic] = [TopicPartition(topic, partition["partition"]) for partition in description["partitions"]]
            partitions += self._partitions[topic]
        return partitions

    async def _describe_topic(self, topic: str) -> Any:
        """Describe a topic. A broker that was stopped is connected to again; the client does not wait for that."""
        async with asyncio.timeout(CONNECT_TIMEOUT):
            while True:
                try:
                    (description,) = await self._admin.describe_topics([topic])
                except (NodeNotReadyError, KafkaConnectionError):
                    await asyncio.sleep(CONNECT_INTERVAL)
                else:
                    return description

    async def compute_lag(self, group: str, topics: Iterable[str]) -> int:
        """Count the records of the topics that the group has not committed."""
        topics = list(topics)
        committed = await self.get_committed_offsets(group, topics)
        return sum(end - committed[tp] for tp, end in (await self.get_end_offsets(topics)).items())

    async def get_committed_offsets(self, group: str, topics: Iterable[str]) -> OffsetsByPartition:
        """Get the offset that the group has committed in each partition; 0 without a commit."""
        partitions = await self._find_partitions(topics)
        committed = await self._admin.list_consumer_group_offsets(group)
        return {tp: max(0, committed[tp].offset) if tp in committed else 0 for tp in partitions}

    async def read_records(self, topics: Iterable[str], first_offsets: Mapping[TopicPartition, int] | None = None) -> AsyncIterator[Any]:
        """Read all records up to the current end offsets, in the order of each partition; of some partitions only those from an offset."""
        starts = first_offsets or {}
        end_offsets = {tp: end for tp, end in (await self.get_end_offsets(topics)).items() if end > starts.get(tp, 0)}
        if not end_offsets:
            return
        self._consumer.assign(list(end_offsets))
        await self._consumer.seek_to_beginning()
        for tp in end_offsets.keys() & starts.keys():
            self._consumer.seek(tp, starts[tp])
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
    admin = await _connect_admin(bootstrap_servers)
    try:
        await consumer.start()
        yield TopicReader(consumer, admin)
    finally:
        await consumer.stop()
        await admin.close()


async def _connect_admin(bootstrap_servers: str) -> AIOKafkaAdminClient:
    """Connect a client that knows the brokers.

    A broker that was frozen may be fenced, and then names no brokers. A client that starts meanwhile has one connection to ask again, and
    if that is lost, none.
    """
    async with asyncio.timeout(CONNECT_TIMEOUT):
        while True:
            admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
            with suppress(NodeNotReadyError, KafkaConnectionError):
                await admin.start()
                if (await admin.describe_cluster())["brokers"]:
                    return admin
            await admin.close()
            await asyncio.sleep(CONNECT_INTERVAL)
