"""The ids of topics: a topic that was deleted and made anew has another one. aiokafka knows only the names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from io import BytesIO
from typing import Any

from aiokafka.errors import IncompatibleBrokerVersion, NodeNotReadyError
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

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
