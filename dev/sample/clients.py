"""The clients of the sample: a Kafka producer, the gateway, the simulators' request log, and the consumer lag of the roles."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.kafka.client_options import ClientOptions
from dev.sample.submissions import ProducerRecord, RecordMetadata
from dev.sample.submitter import GatewayResponse
from dev.simulators.protocol import RequestLogEntry
from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES
from schemas.errors import UnavailableError
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_deliveries_topic, get_notifications_topic, get_scheduled_topic

MAX_REQUEST_BYTES = 2 * 1024 * 1024
PAGE_SIZE = 10_000  # entries of the request log; the simulators' maximum
EndOffsets = Mapping[TopicPartition, int]

# the topics that each role consumes
INPUT_TOPICS = {
    "router": [get_notifications_topic(priority) for priority in PRIORITIES],
    **{str(channel): [get_deliveries_topic(channel, priority) for priority in PRIORITIES] for channel in CHANNEL_NAMES},
    "scheduler": [get_scheduled_topic(priority) for priority in PRIORITIES],
    "recorder": [STATUS_TOPIC, DEAD_LETTER_TOPIC],
}
_entry_decoder = msgspec.json.Decoder(RequestLogEntry)


class KafkaSampleProducer:
    """A plain producer. Compression lets a record that exceeds the router's limit pass the broker's limit, which is for batches."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, record: ProducerRecord) -> Awaitable[RecordMetadata]:
        """Send a record; the awaitable ends when the broker has acknowledged it."""
        future = await self._producer.send(record.topic, record.value, record.key, partition=record.partition, headers=record.headers)
        return _await_metadata(future)


async def _await_metadata(future: Awaitable[Any]) -> RecordMetadata:
    metadata = await future
    return RecordMetadata(metadata.topic, metadata.partition, metadata.offset, metadata.timestamp / 1000)


@asynccontextmanager
async def open_kafka_producer(kafka: ClientOptions) -> AsyncIterator[KafkaSampleProducer]:
    """Open a producer, as any application would. Raises UnavailableError."""
    producer = AIOKafkaProducer(**kafka, acks="all", compression_type="gzip", max_request_size=MAX_REQUEST_BYTES, client_id="herold-sample")
    try:
        await producer.start()
        yield KafkaSampleProducer(producer)
    except KafkaError as error:
        raise UnavailableError(f"Kafka at {kafka['bootstrap_servers']}: {error!r}") from error
    finally:
        await producer.stop()


class HttpGatewayClient:
    """Posts bulk requests and broadcasts to the gateway, and cancels notifications; a connection error counts as a 503."""

    def __init__(self, client: httpx.AsyncClient, url: str, api_key: str) -> None:
        self._client, self._url = client, f"{url}/v1"
        self._headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}

    async def post(self, body: bytes) -> GatewayResponse:
        """Post a bulk request."""
        return await self._request("POST", f"{self._url}/notifications/bulk", content=body)

    async def cancel(self, notification_id: str, user_id: str) -> GatewayResponse:
        """Cancel a held notification."""
        return await self._request("DELETE", f"{self._url}/notifications/{notification_id}", params={"user_id": user_id})

    async def start_broadcast(self, body: bytes) -> GatewayResponse:
        """Post a broadcast."""
        return await self._request("POST", f"{self._url}/broadcasts", content=body)

    async def get_broadcast(self, broadcast_id: str) -> GatewayResponse:
        """Get a broadcast."""
        return await self._request("GET", f"{self._url}/broadcasts/{broadcast_id}")

    async def _request(self, method: str, url: str, **fields: Any) -> GatewayResponse:
        try:
            response = await self._client.request(method, url, headers=self._headers, **fields)
        except httpx.TransportError:
            return GatewayResponse(503, b"")
        retry_after = response.headers.get("retry-after", "")
        return GatewayResponse(response.status_code, response.content, float(retry_after) if retry_after.isdecimal() else 0.0)


class RequestLogClient:
    """Reads the request log of the simulators."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url

    async def fetch_last_seq(self) -> int:
        """Fetch the number of the newest entry. Raises UnavailableError."""
        return int(msgspec.json.decode(await self._get("/requests/counts"))["seq"])

    async def fetch_requests_after(self, seq: int) -> list[RequestLogEntry]:
        """Fetch all entries after a number. Raises UnavailableError."""
        entries: list[RequestLogEntry] = []
        while page := _entry_decoder.decode_lines(await self._get(f"/requests?after={seq}&limit={PAGE_SIZE}")):
            entries += page
            seq = page[-1].seq
        return entries

    async def _get(self, path: str) -> bytes:
        try:
            response = await self._client.get(self._url + path)
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise UnavailableError(f"the simulators at {self._url}: {error!r}") from error
        return response.content


class ConsumerLagReader:
    """Reads the consumer lag of the roles."""

    def __init__(self, kafka: ClientOptions, prefix: str, partitions: int) -> None:
        self._kafka, self._prefix, self._partitions = kafka, prefix, partitions

    async def fetch_end_offsets(self, role: str) -> EndOffsets:
        """Fetch the current end offsets of the topics that a role consumes. Raises UnavailableError."""
        partitions = [TopicPartition(self._prefix + topic, number) for topic in INPUT_TOPICS[role] for number in range(self._partitions)]
        consumer = AIOKafkaConsumer(**self._kafka)
        try:
            await consumer.start()
            return dict(await consumer.end_offsets(partitions))
        except KafkaError as error:
            raise UnavailableError(f"Kafka at {self._kafka['bootstrap_servers']}: {error!r}") from error
        finally:
            await consumer.stop()

    async def fetch_lag(self, role: str, end_offsets: EndOffsets) -> int:
        """Count the records before the given end offsets that a role has not committed. Raises UnavailableError."""
        admin = AIOKafkaAdminClient(**self._kafka)
        try:
            await admin.start()
            committed = await admin.list_consumer_group_offsets(self._prefix + role)
        except KafkaError as error:
            raise UnavailableError(f"Kafka at {self._kafka['bootstrap_servers']}: {error!r}") from error
        finally:
            await admin.close()
        return sum(max(0, end - (committed[tp].offset if tp in committed else 0)) for tp, end in end_offsets.items())

    async def fetch_total_lag(self) -> int:
        """Count the records that any role has not committed. Raises UnavailableError."""
        return sum([await self.fetch_lag(role, await self.fetch_end_offsets(role)) for role in INPUT_TOPICS])
