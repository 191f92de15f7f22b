"""The sample's edges on real servers: records with the broker's time, positions of a group, the twins' ledger."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.demo.submitted import Outgoing
from app.demo.world import HttpGateway, Positions, TwinsLedger, kafka_producer
from app.topics import apply
from schemas.errors import Unavailable
from twins.ledger import Ledger
from twins.server import Twins

PARTITIONS = 2


@pytest.fixture
async def topics(kafka_url: str, prefix: str) -> str:
    """The prefix under which all topics are."""
    await apply(kafka_url, prefix, PARTITIONS, 1, 1)
    return prefix


async def test_an_oversized_record_reaches_its_topic_and_has_the_brokers_time(kafka_url: str, topics: str) -> None:
    record = Outgoing(topics + "notifications.low", 1, b"u", b"x" * 300_000, [("herold-hop", b"1")])
    async with kafka_producer(kafka_url) as producer:
        place = await (await producer.send(record))
        later = await (await producer.send(record._replace(value=None, partition=None)))
    assert place[:3] == (record.topic, 1, 0)
    assert later.partition in range(PARTITIONS)
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(record.topic, 1)])
        read = await consumer.getone()
    assert (read.timestamp_type, read.timestamp / 1000) == (1, place.at), "the id that the router derives is made from this time"
    assert (len(read.value), read.headers) == (300_000, (("herold-hop", b"1"),))


async def test_unread_is_what_a_group_has_not_committed(kafka_url: str, topics: str) -> None:
    positions = Positions(kafka_url, topics, PARTITIONS)
    async with kafka_producer(kafka_url) as producer:
        for _ in range(3):
            await (await producer.send(Outgoing(topics + "notifications.high", 0, b"u", b"{}", [])))
    ends = await positions.ends("router")
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, group_id=topics + "router", enable_auto_commit=False) as consumer:
        place = TopicPartition(topics + "notifications.high", 0)
        consumer.assign([place])
        for done, unread in ((0, 3), (2, 1), (3, 0)):
            await consumer.commit({place: done})
            assert (await positions.unread("router", ends), await positions.under_way()) == (unread, unread)
    assert await positions.unread("email", ends) == 3, "a group that has never committed has read nothing"


async def test_a_broker_that_is_gone_is_unavailable(unused_tcp_port: int) -> None:
    nowhere = f"127.0.0.1:{unused_tcp_port}"
    with pytest.raises(Unavailable):
        await Positions(nowhere, "", 1).under_way()
    with pytest.raises(Unavailable):
        async with kafka_producer(nowhere):
            pass


@pytest.fixture
async def twins(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of twins with an empty ledger."""
    loop = asyncio.get_running_loop()
    ledger = Ledger(tmp_path / "ledger.log")
    served = Twins(ledger, loop.time, loop)
    server = await loop.create_server(served.connection, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()
    ledger.close()


async def test_the_ledger_is_read_from_where_it_stood(twins: str) -> None:
    async with httpx.AsyncClient() as client:
        ledger = TwinsLedger(client, twins)
        await client.post(f"{twins}/hooks/a", headers={"webhook-id": "dlv_before"})
        before = await ledger.last()
        for name in ("a", "fail/b"):
            await client.post(f"{twins}/hooks/{name}", headers={"webhook-id": f"dlv_{name}"})
        found = await ledger.after(before)
    assert [(entry.delivery, entry.status, entry.accepted) for entry in found] == [("dlv_a", 204, True), ("dlv_fail/b", 500, False)]


async def test_twins_and_gateway_that_are_gone(unused_tcp_port: int) -> None:
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    async with httpx.AsyncClient() as client:
        with pytest.raises(Unavailable, match=nowhere):
            await TwinsLedger(client, nowhere).last()
        assert (await HttpGateway(client, nowhere, "k").post(b"[]")).status == 503
