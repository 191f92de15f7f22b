"""`herold topics apply|check` on a real broker."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.admin.topics import apply_topics, build_topic_specs, check_topics, require_topics
from schemas.errors import TopicMismatchError, UnavailableError

TOPIC_ARGUMENTS = (2, 1, 1)  # partitions, replication, min_isr


@pytest.fixture
async def admin_client(kafka_url: str) -> AsyncIterator[Any]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await client.start()
    yield client
    await client.close()


async def wait_for_mismatches(kafka_url: str, prefix: str, problems: int) -> None:
    """Waits until the broker shows what another client has set."""
    async with asyncio.timeout(30):
        while len(await check_topics(kafka_url, prefix, *TOPIC_ARGUMENTS)) != problems:
            await asyncio.sleep(0)


async def describe_dynamic_configs(admin: Any, topic: str) -> dict[str, str]:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for entry in answer.resources[0][4] if entry[3] == 1}


async def test_apply_creates_everything_once(kafka_url: str, prefix: str) -> None:
    names = [topic.name for topic in build_topic_specs(prefix, *TOPIC_ARGUMENTS)]
    assert {problem.setting for problem in await check_topics(kafka_url, prefix, *TOPIC_ARGUMENTS)} == {"missing"}
    assert [change.topic for change in await apply_topics(kafka_url, prefix, *TOPIC_ARGUMENTS)] == names
    assert await check_topics(kafka_url, prefix, *TOPIC_ARGUMENTS) == []
    assert await apply_topics(kafka_url, prefix, *TOPIC_ARGUMENTS) == []
    await require_topics(kafka_url, prefix, *TOPIC_ARGUMENTS)


async def test_two_may_apply_at_once(kafka_url: str, prefix: str) -> None:
    await asyncio.gather(*(apply_topics(kafka_url, prefix, *TOPIC_ARGUMENTS) for _ in range(3)))
    assert await check_topics(kafka_url, prefix, *TOPIC_ARGUMENTS) == []


async def test_apply_corrects_what_drifted_and_keeps_what_an_operator_set(kafka_url: str, prefix: str, admin_client: Any) -> None:
    await apply_topics(kafka_url, prefix, *TOPIC_ARGUMENTS)
    topic = prefix + "notifications.high"
    drifted = {"max.message.bytes": "1000", "message.timestamp.type": "CreateTime", "segment.bytes": "2000000", "retention.ms": "-1"}
    kept = await describe_dynamic_configs(admin_client, topic)
    await admin_client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {**kept, **drifted})])
    await wait_for_mismatches(kafka_url, prefix, problems=2)

    changes = {change.setting: (change.old_value, change.new_value) for change in await apply_topics(kafka_url, prefix, *TOPIC_ARGUMENTS)}

    assert changes == {"max.message.bytes": ("1000", "262144"), "message.timestamp.type": ("CreateTime", "LogAppendTime")}
    assert await check_topics(kafka_url, prefix, *TOPIC_ARGUMENTS) == []
    settings = await describe_dynamic_configs(admin_client, topic)
    assert (settings["segment.bytes"], settings["retention.ms"]) == ("2000000", "-1")


async def test_the_number_of_partitions_is_never_changed(kafka_url: str, prefix: str, admin_client: Any) -> None:
    await admin_client.create_topics([NewTopic(prefix + "notifications.low", 3, 1)])
    with pytest.raises(TopicMismatchError, match=r"notifications\.low: partitions is 3, wanted 2[\s\S]*topic_prefix"):
        await apply_topics(kafka_url, prefix, *TOPIC_ARGUMENTS)
    assert [name for name in await admin_client.list_topics() if name.startswith(prefix)] == [prefix + "notifications.low"], (
        "nothing was created"
    )


async def test_a_start_on_wrong_topics_is_refused(kafka_url: str, prefix: str) -> None:
    with pytest.raises(TopicMismatchError, match=r"notifications\.status: missing[\s\S]*herold topics apply"):
        await require_topics(kafka_url, prefix, *TOPIC_ARGUMENTS)


async def test_a_start_waits_a_moment_for_topics_that_are_about_to_be_there(kafka_url: str, prefix: str) -> None:
    starting = asyncio.create_task(require_topics(kafka_url, prefix, *TOPIC_ARGUMENTS))
    await apply_topics(kafka_url, prefix, *TOPIC_ARGUMENTS)
    await starting


async def test_a_refusal_of_the_broker_is_told_in_its_words(kafka_url: str, prefix: str) -> None:
    with pytest.raises(TopicMismatchError, match="replication factor"):
        await apply_topics(kafka_url, prefix, 1, 9, 1)


async def test_no_broker_is_no_answer(unused_tcp_port: int) -> None:
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{unused_tcp_port}"):
        await check_topics(f"127.0.0.1:{unused_tcp_port}", "", *TOPIC_ARGUMENTS)
