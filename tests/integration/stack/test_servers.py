"""The three embedded servers, each with the operations that Herold needs."""

from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio import Redis

from dev.stack.consumer_groups import wait_for_coordinators
from schemas.errors import UnavailableError
from tests.server_processes import start_server


async def create_topic(kafka_url: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1, topic_configs={"max.message.bytes": "1200000"})])
    finally:
        await admin.close()


async def test_kafka_stores_a_record_of_one_mebibyte(kafka_url: str, prefix: str) -> None:
    topic, value = prefix + "big", b"x" * (1 << 20)
    await create_topic(kafka_url, topic)
    async with AIOKafkaProducer(bootstrap_servers=kafka_url, max_request_size=2 << 20, enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value, key=b"u-1")
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka_url, group_id=prefix + "group", auto_offset_reset="earliest") as consumer:
        record = await consumer.getone()
    assert (record.key, record.value) == (b"u-1", value)


async def test_kafka_does_not_create_topics_automatically(kafka_url: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        described = await admin.describe_topics([prefix + "missing"])
        assert described[0]["error_code"] == 3  # UNKNOWN_TOPIC_OR_PARTITION
        assert prefix + "missing" not in await admin.list_topics()
    finally:
        await admin.close()


async def test_groups_that_do_not_exist_have_coordinators(kafka_url: str, prefix: str) -> None:
    await wait_for_coordinators({"bootstrap_servers": kafka_url}, [f"{prefix}{number}" for number in range(4)])


async def test_coordinators_of_an_unavailable_broker(unused_tcp_port: int) -> None:
    with pytest.raises(UnavailableError, match=f"Kafka at 127.0.0.1:{unused_tcp_port} does not coordinate consumer groups"):
        await wait_for_coordinators({"bootstrap_servers": f"127.0.0.1:{unused_tcp_port}"}, ["router"])


@pytest.mark.parametrize(("options", "fsync"), [((), "on"), (("--no-fsync",), "off")])
async def test_postgres_commits_durably_unless_it_is_for_tests(session_dir: Path, options: tuple[str, ...], fsync: str) -> None:
    with start_server("postgres", session_dir / f"home-postgres-fsync-{fsync}", *options) as url:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("CREATE TABLE t (x int PRIMARY KEY)")
            await connection.execute("INSERT INTO t VALUES (1)")
            assert await connection.fetchval("SELECT x FROM t") == 1
            assert [await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit")] == [fsync, "on"]
        finally:
            await connection.close()


async def test_each_test_has_an_empty_database(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    finally:
        await connection.close()


async def test_valkey_runs_a_script(redis_url: str, prefix: str) -> None:
    async with Redis.from_url(redis_url) as client:
        script = "redis.call('set', KEYS[1], ARGV[1], 'PX', 60000) return redis.call('get', KEYS[1])"
        assert await client.eval(script, 1, prefix + "key", "value") == b"value"
