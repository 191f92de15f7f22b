"""The sample's edges: a Kafka producer, the gateway, the simulators' ledger, and how far the roles have read."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dev.sample.request_log_comparison import LoggedRequest
from dev.sample.submissions import ProducerRecord, RecordMetadata
from dev.sample.submitter import BulkResponse
from schemas.enums import CHANNELS, PRIORITIES
from schemas.errors import UnavailableError
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_deliveries_topic, get_notifications_topic

MAX_REQUEST_BYTES = 2 * 1024 * 1024
PAGE_SIZE = 10_000
EndOffsets = Mapping[TopicPartition, int]

# what each role has to have read before nothing is under way
INPUT_TOPICS = {
    "router": [get_notifications_topic(priority) for priority in PRIORITIES],
    **{str(channel): [get_deliveries_topic(channel, priority) for priority in PRIORITIES] for channel in CHANNELS},
    "recorder": [STATUS_TOPIC, DEAD_LETTER_TOPIC],
}
_request_decoder = msgspec.json.Decoder(LoggedRequest)


class KafkaSampleProducer:
    """A plain producer; it compresses, so that a record larger than its topic takes gets past the broker to the router."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, record: ProducerRecord) -> Awaitable[RecordMetadata]:
        """Write a record; what comes back waits for the broker's confirmation."""
        sent = await self._producer.send(record.topic, record.value, record.key, partition=record.partition, headers=record.headers)
        return _await_metadata(sent)


async def _await_metadata(sent: Awaitable[Any]) -> RecordMetadata:
    metadata = await sent
    return RecordMetadata(metadata.topic, metadata.partition, metadata.offset, metadata.timestamp / 1000)


@asynccontextmanager
async def open_kafka_producer(kafka: str) -> AsyncIterator[KafkaSampleProducer]:
    """A producer as any application has one. Raises Unavailable."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", compression_type="gzip", max_request_size=MAX_REQUEST_BYTES, client_id="herold-sample"
    )
    try:
        await producer.start()
        yield KafkaSampleProducer(producer)
    except KafkaError as error:
        raise UnavailableError(f"Kafka at {kafka}: {error!r}") from error
    finally:
        await producer.stop()


class HttpGatewayClient:
    """The gateway's bulk resource."""

    def __init__(self, client: httpx.AsyncClient, url: str, api_key: str) -> None:
        self._client, self._url = client, f"{url}/v1/notifications/bulk"
        self._headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}

    async def post(self, body: bytes) -> BulkResponse:
        """Post a bulk request; a gateway that cannot be reached counts as unavailable."""
        try:
            answer = await self._client.post(self._url, content=body, headers=self._headers)
        except httpx.TransportError:
            return BulkResponse(503, b"")
        pause = answer.headers.get("retry-after", "")
        return BulkResponse(answer.status_code, answer.content, float(pause) if pause.isdecimal() else 0.0)


class RequestLogClient:
    """The ledger of the simulators."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url

    async def fetch_last_seq(self) -> int:
        """The number of its newest entry. Raises Unavailable."""
        return int(msgspec.json.decode(await self._get("/requests/counts"))["seq"])

    async def fetch_requests_after(self, seq: int) -> list[LoggedRequest]:
        """All entries behind that number. Raises Unavailable."""
        found: list[LoggedRequest] = []
        while page := _request_decoder.decode_lines(
            await self._get(f"/requests?after={found[-1].seq if found else seq}&limit={PAGE_SIZE}")
        ):
            found += page
        return found

    async def _get(self, path: str) -> bytes:
        try:
            answer = await self._client.get(self._url + path)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise UnavailableError(f"the simulators at {self._url}: {error!r}") from error
        return answer.content


class ConsumerLagReader:
    """How far the roles have read."""

    def __init__(self, kafka: str, prefix: str, partitions: int) -> None:
        self._kafka, self._prefix, self._partitions = kafka, prefix, partitions

    async def fetch_end_offsets(self, role: str) -> EndOffsets:
        """The ends, now, of what a role reads. Raises Unavailable."""
        places = [TopicPartition(self._prefix + topic, number) for topic in INPUT_TOPICS[role] for number in range(self._partitions)]
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka)
        try:
            await consumer.start()
            return dict(await consumer.end_offsets(places))
        except KafkaError as error:
            raise UnavailableError(f"Kafka at {self._kafka}: {error!r}") from error
        finally:
            await consumer.stop()

    async def fetch_lag(self, role: str, end_offsets: EndOffsets) -> int:
        """How many records before those ends a role has not finished. Raises Unavailable."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        try:
            await admin.start()
            done = await admin.list_consumer_group_offsets(self._prefix + role)
        except KafkaError as error:
            raise UnavailableError(f"Kafka at {self._kafka}: {error!r}") from error
        finally:
            await admin.close()
        return sum(max(0, end - (done[place].offset if place in done else 0)) for place, end in end_offsets.items())

    async def fetch_total_lag(self) -> int:
        """How many records any role has not finished. Raises Unavailable."""
        return sum([await self.fetch_lag(role, await self.fetch_end_offsets(role)) for role in INPUT_TOPICS])
