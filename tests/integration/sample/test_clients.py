"""The sample's clients on real servers: records with the broker's time, consumer lag, the simulators' request log."""

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
from tests.settings_builders import build_kafka_section

PARTITIONS = 2


@pytest.fixture
async def topics(kafka_url: str, prefix: str) -> str:
    """Create all topics; the prefix of their names."""
    await apply_topics(build_kafka_section(kafka_url, prefix, topic_partitions=PARTITIONS))
    return prefix


async def test_an_oversized_record_reaches_its_topic_and_has_the_brokers_time(kafka_url: str, topics: str) -> None:
    record = ProducerRecord(topics + "notifications.low", 1, b"u", b"x" * 300_000, [("herold-repartitioned", b"1")])
    async with open_kafka_producer({"bootstrap_servers": kafka_url}) as producer:
        metadata = await (await producer.send(record))
        unpartitioned = await (await producer.send(record._replace(value=None, partition=None)))
    assert metadata[:3] == (record.topic, 1, 0)
    assert unpartitioned.partition in range(PARTITIONS)
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(record.topic, 1)])
        consumed = await consumer.getone()
    assert (consumed.timestamp_type, consumed.timestamp / 1000) == (1, metadata.timestamp), "the router derives the id from this time"
    assert (len(consumed.value), consumed.headers) == (300_000, (("herold-repartitioned", b"1"),))


async def test_the_lag_is_the_number_of_records_that_a_group_has_not_committed(kafka_url: str, topics: str) -> None:
    consumer_lag = ConsumerLagReader({"bootstrap_servers": kafka_url}, topics, PARTITIONS)
    async with open_kafka_producer({"bootstrap_servers": kafka_url}) as producer:
        for _ in range(3):
            await (await producer.send(ProducerRecord(topics + "notifications.high", 0, b"u", b"{}", [])))
    end_offsets = await consumer_lag.fetch_end_offsets("router")
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, group_id=topics + "router", enable_auto_commit=False) as consumer:
        partition = TopicPartition(topics + "notifications.high", 0)
        consumer.assign([partition])
        for committed, lag in ((0, 3), (2, 1), (3, 0)):
            await consumer.commit({partition: committed})
            assert (await consumer_lag.fetch_lag("router", end_offsets), await consumer_lag.fetch_total_lag()) == (lag, lag)
    assert await consumer_lag.fetch_lag("email", end_offsets) == 3, "a group without committed offsets has read nothing"


async def test_a_stopped_broker_is_unavailable(unused_tcp_port: int) -> None:
    closed_port = f"127.0.0.1:{unused_tcp_port}"
    with pytest.raises(UnavailableError):
        await ConsumerLagReader({"bootstrap_servers": closed_port}, "", 1).fetch_total_lag()
    with pytest.raises(UnavailableError):
        async with open_kafka_producer({"bootstrap_servers": closed_port}):
            pass


@pytest.fixture
async def simulators(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of simulators with an empty request log."""
    loop = asyncio.get_running_loop()
    request_log = RequestLog(tmp_path / "requests.jsonl")
    simulator_server = SimulatorServer(request_log, loop.time, loop)
    server = await loop.create_server(simulator_server.create_protocol, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()
    request_log.close()


async def test_the_request_log_is_read_from_a_given_entry(simulators: str) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        request_log = RequestLogClient(client, simulators)
        await client.post(f"{simulators}/hooks/a", headers={"webhook-id": "dlv_before", "content-type": "application/json"})
        last_seq = await request_log.fetch_last_seq()
        for name in ("a", "fail/b"):
            await client.post(f"{simulators}/hooks/{name}", headers={"webhook-id": f"dlv_{name}", "content-type": "application/json"})
        entries = await request_log.fetch_requests_after(last_seq)
    assert [(entry.delivery_id, entry.status, entry.accepted) for entry in entries] == [("dlv_a", 204, True), ("dlv_fail/b", 500, False)]


async def test_stopped_simulators_and_a_stopped_gateway_are_unavailable(unused_tcp_port: int) -> None:
    closed_port = f"http://127.0.0.1:{unused_tcp_port}"
    async with httpx.AsyncClient(timeout=60) as client:
        with pytest.raises(UnavailableError, match=closed_port):
            await RequestLogClient(client, closed_port).fetch_last_seq()
        gateway = HttpGatewayClient(client, closed_port, "k")
        requests = gateway.post(b"[]"), gateway.cancel("ntf_1", "u"), gateway.start_broadcast(b"{}"), gateway.get_broadcast("brd_1")
        assert [(await request).status for request in requests] == [503] * 4
