"""The topic watch: reads a topic that was made anew under a running worker from its beginning.

Such a topic has another id than before. aiokafka knows only the names of topics, so the request for their ids is here too.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from io import BytesIO
from typing import Any

import mode
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, NodeNotReadyError
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields
from faust.types import TP

from app.streaming.consumer.buffered_records import RESET_TIMEOUT_MS

log = logging.getLogger(__name__)

WATCH_INTERVAL = 5.0  # seconds

TopicIds = Mapping[str, bytes]

NO_ID = bytes(16)


class _Uuid:
    """A type for aiokafka's schemas."""

    @staticmethod
    def encode(value: bytes) -> bytes:
        return value

    @staticmethod
    def decode(data: BytesIO) -> bytes:
        return data.read(16)


UUID: Any = _Uuid
_BROKER_FIELDS = (
    ("node_id", Int32),
    ("host", CompactString("utf-8")),
    ("port", Int32),
    ("rack", CompactString("utf-8")),
    ("tags", TaggedFields),
)
_PARTITION_FIELDS = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline_replicas", CompactArray(Int32)),
    ("tags", TaggedFields),
)
_TOPIC_FIELDS = (
    ("error_code", Int16),
    ("topic", CompactString("utf-8")),
    ("topic_id", UUID),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION_FIELDS)),
    ("authorized_operations", Int32),
    ("tags", TaggedFields),
)


class MetadataResponseV12(Response):
    """Kafka's Metadata response, version 12 (Kafka 3.0 and later)."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER_FIELDS)),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC_FIELDS)),
        ("tags", TaggedFields),
    )


class MetadataRequestV12(RequestStruct):
    """Kafka's Metadata request, version 12."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = MetadataResponseV12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", UUID), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicIdRequest:
    """Asks for the metadata of these topics, with their ids; in place of aiokafka's Request, which has no version with ids."""

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = [(NO_ID, topic, dict[int, bytes]()) for topic in topics]

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> MetadataRequestV12:
        """The request for a broker that supports these versions. Raises IncompatibleBrokerVersion."""
        if versions[MetadataRequestV12.API_KEY][1] < MetadataRequestV12.API_VERSION:
            raise IncompatibleBrokerVersion("the broker knows no ids of topics")
        return MetadataRequestV12(self._topics, False, False, {})


async def fetch_topic_ids(client: Any, topics: Collection[str]) -> TopicIds:
    """The id of each of these topics that exists. Raises KafkaError."""
    node_id = client.get_random_node()
    if node_id is None:
        raise NodeNotReadyError("no broker is known")
    response = await client.send(node_id, TopicIdRequest(topics))
    return {topic: topic_id for error_code, topic, topic_id, *_ in response.topics if not error_code and topic_id != NO_ID}


class TopicIdCheck:
    """Compares the id of each partition's topic with the one it was read from."""

    def __init__(self) -> None:
        self._known_ids: dict[TP, bytes] = {}

    def find_changed(self, tps: Collection[TP], topic_ids: TopicIds) -> list[TP]:
        """The partitions whose topic has another id than before. A topic without an id does not exist at the moment."""
        for tp in tps:
            if tp.topic in topic_ids:
                self._known_ids.setdefault(tp, topic_ids[tp.topic])
        return [tp for tp in tps if self.is_changed(tp, topic_ids)]

    def is_changed(self, tp: TP, topic_ids: TopicIds) -> bool:
        """Whether the partition is read from a topic with another id."""
        return tp.topic in topic_ids and self._known_ids.get(tp, topic_ids[tp.topic]) != topic_ids[tp.topic]

    def forget(self, tp: TP) -> None:
        """Take the next id for the one that the partition is read from: its position was set anew."""
        self._known_ids.pop(tp, None)


class TopicWatch(mode.Service):
    """Checks the topics' ids periodically and after each rebalance, because an offset of the old log may also exist in the new one.

    Only if it does not exist, or if the group's commits are gone, the consumer finds out by itself.
    """

    def __init__(self, consumer: Any, delegate: Any, interval: float, **options: Any) -> None:
        """`delegate`: the consumer's; `interval`: seconds between checks."""
        super().__init__(**options)
        self._consumer, self._delegate, self._interval = consumer, delegate, interval
        self._check = TopicIdCheck()
        self._has_failed = False

    def forget(self, tp: TP) -> None:
        """The position of this partition was set anew."""
        self._check.forget(tp)

    @mode.Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(self._interval)
            if self._consumer.flow_active and not self.should_stop:
                await self.check()

    async def check(self) -> None:
        """Compare the ids; a partition whose topic was made anew continues at its first offset."""
        consumer = self._delegate._consumer
        if consumer is None or consumer._closed:
            return
        try:
            await self._read_recreated_topics(consumer)
            self._has_failed = False
        except KafkaError as error:
            if not self._has_failed:  # once in an outage
                log.warning("the ids of the topics cannot be read, and are asked for every %g s: %r", self._interval, error)
            self._has_failed = True

    async def _read_recreated_topics(self, consumer: Any) -> None:
        changelog_topics = self._consumer.app.tables.changelog_topics
        tps = [TP(topic, partition) for topic, partition in consumer.assignment() if topic not in changelog_topics]
        generation = self._consumer.app.consumer_generation_id
        topic_ids = await fetch_topic_ids(consumer._client, {tp.topic for tp in tps})
        if not (changed := self._check.find_changed(tps, topic_ids)):
            return
        offsets = await consumer._fetcher.beginning_offsets(changed, RESET_TIMEOUT_MS)
        if generation != self._consumer.app.consumer_generation_id:
            return
        for tp in changed:
            # a fetch that found the old offset missing may have set the position anew meanwhile
            if self._check.is_changed(tp, topic_ids) and consumer._subscription.is_assigned(tp):
                consumer._fetcher.seek_to(tp, offsets[tp])
                self._check.forget(tp)
