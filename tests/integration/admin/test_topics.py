"""`herold topics apply|check` on a real broker."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.admin import topics
from app.admin.topic_specs import build_topic_specs
from app.admin.topics import apply_topics, check_topics, require_topics
from app.connection_settings import KafkaSection
from schemas.errors import TopicMismatchError, UnavailableError
from tests.settings_builders import build_kafka_section


@pytest.fixture
def kafka(kafka_url: str, prefix: str) -> KafkaSection:
    return build_kafka_section(kafka_url, prefix, topic_partitions=2)


@pytest.fixture
async def admin_client(kafka_url: str) -> AsyncIterator[Any]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await client.start()
    yield client
    await client.close()


async def wait_for_mismatches(kafka: KafkaSection, count: int) -> None:
    """Wait until the broker returns what another client has set."""
    async with asyncio.timeout(60):
        while len(await check_topics(kafka)) != count:
            await asyncio.sleep(0)


async def create_topic(admin: Any, topic: str, partitions: int) -> None:
    """Create a topic as another client does, and wait until the broker shows it with its leaders."""
    await admin.create_topics([NewTopic(topic, partitions, 1)])
    async with asyncio.timeout(60):
        while not await has_leaders(admin, topic):
            await asyncio.sleep(0)


async def has_leaders(admin: Any, topic: str) -> bool:
    (row,) = await admin.describe_topics([topic])
    return bool(row["partitions"]) and all(partition["leader"] >= 0 for partition in row["partitions"])


async def describe_dynamic_configs(admin: Any, topic: str) -> dict[str, str]:
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for entry in response.resources[0][4] if entry[3] == 1}


async def test_apply_creates_everything_once(kafka: KafkaSection) -> None:
    names = [topic.name for topic in build_topic_specs(kafka)]
    assert {mismatch.setting for mismatch in await check_topics(kafka)} == {"missing"}
    assert [change.topic for change in await apply_topics(kafka)] == names
    assert await check_topics(kafka) == []
    assert await apply_topics(kafka) == []
    await require_topics(kafka)


async def test_concurrent_applies_succeed(kafka: KafkaSection) -> None:
    await asyncio.gather(*(apply_topics(kafka) for _ in range(3)))
    assert await check_topics(kafka) == []


async def test_apply_corrects_differences_and_keeps_the_values_of_an_operator(kafka: KafkaSection, admin_client: Any) -> None:
    await apply_topics(kafka)
    topic = kafka.topic_prefix + "notifications.high"
    changed = {"max.message.bytes": "1000", "message.timestamp.type": "CreateTime", "segment.bytes": "2000000", "retention.ms": "-1"}
    kept = await describe_dynamic_configs(admin_client, topic)
    await admin_client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {**kept, **changed})])
    await wait_for_mismatches(kafka, 2)

    changes = {change.setting: (change.old_value, change.new_value) for change in await apply_topics(kafka)}

    assert changes == {"max.message.bytes": ("1000", "262144"), "message.timestamp.type": ("CreateTime", "LogAppendTime")}
    assert await check_topics(kafka) == []
    settings = await describe_dynamic_configs(admin_client, topic)
    assert (settings["segment.bytes"], settings["retention.ms"]) == ("2000000", "-1")


async def test_the_number_of_partitions_is_never_changed(kafka: KafkaSection, admin_client: Any) -> None:
    await create_topic(admin_client, kafka.topic_prefix + "notifications.low", 3)
    with pytest.raises(TopicMismatchError, match=r"notifications\.low: partitions is 3, expected 2[\s\S]*docs/kafka.md"):
        await apply_topics(kafka)
    assert [name for name in await admin_client.list_topics() if name.startswith(kafka.topic_prefix)] == [
        kafka.topic_prefix + "notifications.low"
    ], "nothing was created"


class LateAdminClient(AIOKafkaAdminClient):
    """A client whose first looks at the topics come before those that another client is just creating."""

    early_looks = 1

    async def describe_topics(self, *arguments: Any) -> Any:
        self.early_looks -= 1
        return [] if self.early_looks >= 0 else await super().describe_topics(*arguments)


async def test_the_partitions_of_a_topic_that_another_client_just_creates_are_found(
    kafka: KafkaSection, admin_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create_topic(admin_client, kafka.topic_prefix + "notifications.low", 3)
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", LateAdminClient)
    with pytest.raises(TopicMismatchError, match=r"notifications\.low: partitions is 3, expected 2"):
        await apply_topics(kafka)


async def test_the_configuration_of_a_topic_that_another_client_just_creates_is_corrected(
    kafka: KafkaSection, admin_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create_topic(admin_client, kafka.topic_prefix + "notifications.low", 2)
    with monkeypatch.context() as patches:
        patches.setattr(topics, "AIOKafkaAdminClient", LateAdminClient)
        await apply_topics(kafka)
    assert await check_topics(kafka) == []


async def test_what_the_broker_does_not_show_in_time_is_named(kafka: KafkaSection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "METADATA_TIMEOUT", 1.0)
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", LateAdminClient)
    monkeypatch.setattr(LateAdminClient, "early_looks", 1_000_000)
    with pytest.raises(UnavailableError, match=r"Kafka does not show what it was asked for: .+; try again"):
        await apply_topics(kafka)


async def test_a_start_on_wrong_topics_fails(kafka: KafkaSection) -> None:
    with pytest.raises(TopicMismatchError, match=r"notifications\.status: missing[\s\S]*herold topics apply"):
        await require_topics(kafka)


async def test_a_start_waits_for_topics_that_are_being_created(kafka: KafkaSection) -> None:
    require_task = asyncio.create_task(require_topics(kafka))
    await apply_topics(kafka)
    await require_task


async def test_an_error_of_the_broker_is_shown_with_its_text(kafka: KafkaSection) -> None:
    with pytest.raises(TopicMismatchError, match="replication factor"):
        await apply_topics(msgspec.structs.replace(kafka, topic_replication_factor=9))


async def test_without_a_broker_kafka_is_unavailable(unused_tcp_port: int) -> None:
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{unused_tcp_port}"):
        await check_topics(build_kafka_section(f"127.0.0.1:{unused_tcp_port}"))
