"""Reads offsets and consumer groups from Kafka over connections that stay open; after an error they are opened again."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, for_code

from app.api.pipeline.groups import ConsumerGroup, Groups, build_group
from app.api.pipeline.offsets import Offsets, PartitionOffsets
from app.kafka.client_options import ClientOptions
from app.topology import TOPOLOGY, RoleSpec
from schemas.ports import Clock

REQUEST_TIMEOUT = 5_000  # milliseconds


class _Clients(NamedTuple):
    consumer: Any
    admin: Any
    stack: AsyncExitStack


class KafkaReader:
    """The groups are named `<topic_prefix><role>`. Each method raises KafkaError, or OSError, if Kafka does not answer."""

    def __init__(self, options: ClientOptions, topic_prefix: str, partitions: int, clock: Clock) -> None:
        """`clock`: epoch seconds."""
        self._options, self._prefix, self._partitions, self._clock = options, topic_prefix, partitions, clock
        self._clients: _Clients | None = None
        self._opening = asyncio.Lock()

    async def read_offsets(self) -> Offsets:
        """The offsets of all source topics and of the roles' groups."""
        clients = await self._open()
        topics = dict.fromkeys(topic for spec in TOPOLOGY for topic in spec.source_topics)
        partitions = [partition for topic in topics for partition in self._list_partitions(topic)]
        try:
            ends = await clients.consumer.end_offsets(partitions)
            starts = await clients.consumer.beginning_offsets(partitions)
            at = self._clock()
            committed = await asyncio.gather(*(self._read_committed(clients, spec) for spec in TOPOLOGY))
        except BaseException:
            await self._discard(clients)
            raise
        roles = {spec.role: self._collect_committed(spec, found) for spec, found in zip(TOPOLOGY, committed, strict=True)}
        starts_by_topic, ends_by_topic = ({topic: self._collect(found, topic) for topic in topics} for found in (starts, ends))
        return Offsets(at, starts_by_topic, ends_by_topic, roles)

    async def read_groups(self) -> Groups:
        """The groups of the roles; one that has no members is Empty or Dead."""
        clients = await self._open()
        try:
            # one by one: aiokafka 0.14 cannot decode a response with several groups
            responses = await asyncio.gather(*(clients.admin.describe_consumer_groups([self._prefix + spec.role]) for spec in TOPOLOGY))
        except BaseException:
            await self._discard(clients)
            raise
        return {spec.role: self._build_group(spec, response) for spec, (response,) in zip(TOPOLOGY, responses, strict=True)}

    def _build_group(self, spec: RoleSpec, response: Any) -> ConsumerGroup:
        """The group of a response. Raises KafkaError for one that cannot be described, over connections that work."""
        ((error, name, state, _, _, members, *_),) = response.groups
        if error:
            raise for_code(error)(f"the group {name} cannot be described")
        return build_group(state, members, frozenset(self._prefix + topic for topic in spec.source_topics))

    async def close(self) -> None:
        """Close the connections; the next reading opens them again."""
        clients, self._clients = self._clients, None
        if clients is not None:
            await clients.stack.aclose()

    async def _discard(self, clients: _Clients) -> None:
        """Close these connections, unless the other reading has opened new ones in their place."""
        if self._clients is clients:
            await self.close()

    async def _open(self) -> _Clients:
        async with self._opening:
            if self._clients is None:
                async with AsyncExitStack() as stack:
                    consumer = AIOKafkaConsumer(**self._options, enable_auto_commit=False, request_timeout_ms=REQUEST_TIMEOUT)
                    stack.push_async_callback(consumer.stop)
                    await consumer.start()
                    admin = AIOKafkaAdminClient(**self._options, request_timeout_ms=REQUEST_TIMEOUT)
                    stack.push_async_callback(admin.close)
                    await admin.start()
                    self._clients = _Clients(consumer, admin, stack.pop_all())
            return self._clients

    async def _read_committed(self, clients: _Clients, spec: RoleSpec) -> Mapping[Any, Any]:
        wanted = [partition for topic in spec.source_topics for partition in self._list_partitions(topic)]
        found: Mapping[Any, Any] = await clients.admin.list_consumer_group_offsets(self._prefix + spec.role, partitions=wanted)
        return found

    def _collect_committed(self, spec: RoleSpec, found: Mapping[Any, Any]) -> Mapping[str, PartitionOffsets]:
        wanted = {partition for topic in spec.source_topics for partition in self._list_partitions(topic)}
        if missing := wanted - found.keys():  # so answers a coordinator that is not ready
            raise GroupCoordinatorNotAvailableError(f"the coordinator did not report the offsets of {len(missing)} partitions")
        offsets = {partition: committed.offset for partition, committed in found.items()}
        return {topic: self._collect(offsets, topic) for topic in spec.source_topics}

    def _list_partitions(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(self._prefix + topic, partition) for partition in range(self._partitions)]

    def _collect(self, offsets: Mapping[Any, int], topic: str) -> PartitionOffsets:
        return tuple(offsets[partition] for partition in self._list_partitions(topic))
