"""The sample's edges on real servers: records with the broker's time, positions of a group, the simulators' ledger."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.admin.topics import apply_topics
from dev.sample.clients import ConsumerLagReader, HttpGatewayClient, RequestLogClient, open_kafka_producer
from dev.sample.submissions import ProducerRecord
from dev.simulators.request_log import RequestLog
from dev.simulators.server import SimulatorServer
from schemas.errors import UnavailableError

PARTITIONS = 2


@pytest.fixture
async def topics(kafka_url: str, prefix: str) -> str:
    """The prefix under which all topics are."""
    await apply_topics(kafka_url, prefix, PARTITIONS, 1, 1)
    return prefix


async def test_an_oversized_record_reaches_its_topic_and_has_the_brokers_time(kafka_url: str, topics: str) -> None:
    record = ProducerRecord(topics + "notifications.low", 1, b"u", b"x" * 300_000, [("herold-repartitioned", b"1")])
    async with open_kafka_producer(kafka_url) as producer:
        place = await (await producer.send(record))
        later = await (await producer.send(record._replace(value=None, partition=None)))
    assert place[:3] == (record.topic, 1, 0)
    assert later.partition in range(PARTITIONS)
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(record.topic, 1)])
        read = await consumer.getone()
    assert (read.timestamp_type, read.timestamp / 1000) == (1, place.timestamp), "the id that the router derives is made from this time"
    assert (len(read.value), read.headers) == (300_000, (("herold-repartitioned", b"1"),))


async def test_lag_is_what_a_group_has_not_committed(kafka_url: str, topics: str) -> None:
    positions = ConsumerLagReader(kafka_url, topics, PARTITIONS)
    async with open_kafka_producer(kafka_url) as producer:
        for _ in range(3):
            await (await producer.send(ProducerRecord(topics + "notifications.high", 0, b"u", b"{}", [])))
    ends = await positions.fetch_end_offsets("router")
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, group_id=topics + "router", enable_auto_commit=False) as consumer:
        place = TopicPartition(topics + "notifications.high", 0)
        consumer.assign([place])
        for done, unread in ((0, 3), (2, 1), (3, 0)):
            await consumer.commit({place: done})
            assert (await positions.fetch_lag("router", ends), await positions.fetch_total_lag()) == (unread, unread)
    assert await positions.fetch_lag("email", ends) == 3, "a group that has never committed has read nothing"


async def test_a_broker_that_is_gone_is_unavailable(unused_tcp_port: int) -> None:
    nowhere = f"127.0.0.1:{unused_tcp_port}"
    with pytest.raises(UnavailableError):
        await ConsumerLagReader(nowhere, "", 1).fetch_total_lag()
    with pytest.raises(UnavailableError):
        async with open_kafka_producer(nowhere):
            pass


@pytest.fixture
async def simulators(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of simulators with an empty ledger."""
    loop = asyncio.get_running_loop()
    ledger = RequestLog(tmp_path / "requests.jsonl")
    served = SimulatorServer(ledger, loop.time, loop)
    server = await loop.create_server(served.create_protocol, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()
    ledger.close()


async def test_the_request_log_is_read_from_a_given_entry(simulators: str) -> None:
    async with httpx.AsyncClient() as client:
        ledger = RequestLogClient(client, simulators)
        await client.post(f"{simulators}/hooks/a", headers={"webhook-id": "dlv_before"})
        before = await ledger.fetch_last_seq()
        for name in ("a", "fail/b"):
            await client.post(f"{simulators}/hooks/{name}", headers={"webhook-id": f"dlv_{name}"})
        found = await ledger.fetch_requests_after(before)
    assert [(entry.delivery_id, entry.status, entry.accepted) for entry in found] == [("dlv_a", 204, True), ("dlv_fail/b", 500, False)]


async def test_simulators_and_gateway_that_are_gone(unused_tcp_port: int) -> None:
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    async with httpx.AsyncClient() as client:
        with pytest.raises(UnavailableError, match=nowhere):
            await RequestLogClient(client, nowhere).fetch_last_seq()
        assert (await HttpGatewayClient(client, nowhere, "k").post(b"[]")).status == 503
