"""Retention deletes old records of changelogs: a worker must recover from a changelog without records (Faust issue 597)."""

import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from app.admin.topics import apply_topics
from app.topology import get_role_spec
from dev.stack.herold_services import probe_http
from dev.stack.process_output import build_prefixed_sink
from dev.stack.service import Service
from dev.stack.supervisor import Supervisor
from schemas.ids import compute_partition
from tests.settings_builders import build_kafka_section

PARTITIONS = 2
RECORDS = 20


@pytest.fixture
async def router_env(
    kafka_url: str, shared_database_url: str, redis_url: str, prefix: str, tmp_path: Path, unused_tcp_port: int
) -> dict[str, str]:
    """The settings of a router worker with its own topics."""
    await apply_topics(build_kafka_section(kafka_url, prefix, topic_partitions=PARTITIONS))
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_url,
        "DATABASE_URL": shared_database_url,
        "REDIS_URL": redis_url,
        "HEROLD_KAFKA_TOPIC_PREFIX": prefix,
        "HEROLD_KAFKA_TOPIC_PARTITIONS": str(PARTITIONS),
        "HEROLD_WORKER_DATA_DIR": str(tmp_path / "data"),
        "HEROLD_WORKER_WEB_PORT": str(unused_tcp_port),
    }


@asynccontextmanager
async def run_router(env: Mapping[str, str]) -> AsyncIterator[None]:
    """Run a router worker; inside, it is ready, that is, it has recovered its tables."""
    argv = (str(Path(sys.executable).with_name("faust")), "--quiet", "-A", "app.main:router", "worker", "-l", "warn")
    supervisor = Supervisor(build_prefixed_sink(sys.stdout))
    try:
        await supervisor.start([Service("router", argv, env, partial(probe_http, int(env["HEROLD_WORKER_WEB_PORT"]), "/ready"))])
        yield
    finally:
        await supervisor.stop()


async def count_decided(env: Mapping[str, str], run: str) -> int:
    """Submit notifications and wait for as many decided events; returns the number of users in them."""
    kafka, prefix = env["KAFKA_BOOTSTRAP_SERVERS"], env["HEROLD_KAFKA_TOPIC_PREFIX"]
    users = [f"u-{run}-{number}" for number in range(RECORDS)]
    async with AIOKafkaConsumer(prefix + "notifications.status", bootstrap_servers=kafka) as statuses:
        await statuses.seek_to_end()
        async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
            for user in users:
                value = f'{{"user_id": "{user}", "type": "order.confirmed"}}'.encode()
                partition = compute_partition(user, PARTITIONS)
                await producer.send_and_wait(prefix + "notifications.high", value, user.encode(), partition=partition)
        return len({(await statuses.getone()).key for _ in users})


async def delete_changelog_records(kafka: str, prefix: str) -> int:
    """Delete all records of the router's changelogs, as retention does; returns how many there were."""
    names = [f"{prefix}router-{table}-changelog" for table in get_role_spec("router").table_ttls]
    partitions = [TopicPartition(name, number) for name in names for number in range(PARTITIONS)]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
        ends = await consumer.end_offsets(partitions)
        await admin.delete_records({partition: RecordsToDelete(end) for partition, end in ends.items() if end})
        assert await consumer.beginning_offsets(partitions) == ends
    await admin.close()
    return sum(ends.values())


@pytest.mark.slow
@pytest.mark.parametrize("tables", ["kept", "lost"])
async def test_a_worker_recovers_from_an_emptied_changelog(router_env: dict[str, str], tables: str) -> None:
    async with run_router(router_env):
        assert await count_decided(router_env, "before") == RECORDS
    assert await delete_changelog_records(router_env["KAFKA_BOOTSTRAP_SERVERS"], router_env["HEROLD_KAFKA_TOPIC_PREFIX"]) >= RECORDS
    if tables == "lost":
        shutil.rmtree(router_env["HEROLD_WORKER_DATA_DIR"])
    async with run_router(router_env):
        assert await count_decided(router_env, "after") == RECORDS
