"""The sample's edges: a Kafka producer, the gateway, the twins' ledger, and how far the roles have read."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.demo.ledger import Entry
from app.demo.submit import Response
from app.demo.submitted import Outgoing, Place
from schemas.errors import Unavailable
from schemas.topics import DEAD_LETTERS, STATUS, deliveries, notifications
from schemas.words import CHANNELS, LANES

MAX_RECORD = 2 * 1024 * 1024
PAGE = 10_000
Ends = Mapping[TopicPartition, int]

# what each role has to have read before nothing is under way
READS = {
    "router": [notifications(lane) for lane in LANES],
    **{str(channel): [deliveries(channel, lane) for lane in LANES] for channel in CHANNELS},
    "recorder": [STATUS, DEAD_LETTERS],
}
_entries = msgspec.json.Decoder(Entry)


class KafkaProducer:
    """A plain producer; it compresses, so that a record larger than its topic takes gets past the broker to the router."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, record: Outgoing) -> Awaitable[Place]:
        """Write a record; what comes back waits for the broker's confirmation."""
        sent = await self._producer.send(record.topic, record.value, record.key, partition=record.partition, headers=record.headers)
        return _placed(sent)


async def _placed(sent: Awaitable[Any]) -> Place:
    metadata = await sent
    return Place(metadata.topic, metadata.partition, metadata.offset, metadata.timestamp / 1000)


@asynccontextmanager
async def kafka_producer(kafka: str) -> AsyncIterator[KafkaProducer]:
    """A producer as any application has one. Raises Unavailable."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", compression_type="gzip", max_request_size=MAX_RECORD, client_id="herold-sample"
    )
    try:
        await producer.start()
        yield KafkaProducer(producer)
    except KafkaError as error:
        raise Unavailable(f"Kafka at {kafka}: {error!r}") from error
    finally:
        await producer.stop()


class HttpGateway:
    """The gateway's bulk resource."""

    def __init__(self, client: httpx.AsyncClient, url: str, api_key: str) -> None:
        self._client, self._url = client, f"{url}/v1/notifications/bulk"
        self._headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}

    async def post(self, body: bytes) -> Response:
        """Post a bulk request; a gateway that cannot be reached counts as unavailable."""
        try:
            answer = await self._client.post(self._url, content=body, headers=self._headers)
        except httpx.TransportError:
            return Response(503, b"")
        pause = answer.headers.get("retry-after", "")
        return Response(answer.status_code, answer.content, float(pause) if pause.isdecimal() else 0.0)


class TwinsLedger:
    """The ledger of the twins."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url

    async def last(self) -> int:
        """The number of its newest entry. Raises Unavailable."""
        return int(msgspec.json.decode(await self._get("/ledger"))["seq"])

    async def after(self, seq: int) -> list[Entry]:
        """All entries behind that number. Raises Unavailable."""
        found: list[Entry] = []
        while page := _entries.decode_lines(await self._get(f"/ledger/entries?after={found[-1].seq if found else seq}&limit={PAGE}")):
            found += page
        return found

    async def _get(self, path: str) -> bytes:
        try:
            answer = await self._client.get(self._url + path)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"the twins at {self._url}: {error!r}") from error
        return answer.content


class Positions:
    """How far the roles have read."""

    def __init__(self, kafka: str, prefix: str, partitions: int) -> None:
        self._kafka, self._prefix, self._partitions = kafka, prefix, partitions

    async def ends(self, role: str) -> Ends:
        """The ends, now, of what a role reads. Raises Unavailable."""
        places = [TopicPartition(self._prefix + topic, number) for topic in READS[role] for number in range(self._partitions)]
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka)
        try:
            await consumer.start()
            return dict(await consumer.end_offsets(places))
        except KafkaError as error:
            raise Unavailable(f"Kafka at {self._kafka}: {error!r}") from error
        finally:
            await consumer.stop()

    async def unread(self, role: str, ends: Ends) -> int:
        """How many records before those ends a role has not finished. Raises Unavailable."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        try:
            await admin.start()
            done = await admin.list_consumer_group_offsets(self._prefix + role)
        except KafkaError as error:
            raise Unavailable(f"Kafka at {self._kafka}: {error!r}") from error
        finally:
            await admin.close()
        return sum(max(0, end - (done[place].offset if place in done else 0)) for place, end in ends.items())

    async def under_way(self) -> int:
        """How many records any role has not finished. Raises Unavailable."""
        return sum([await self.unread(role, await self.ends(role)) for role in READS])
