"""Every priority and channel has its topics, with the configuration of docs/reference/topics.md."""

import pytest

from schemas.channels import CHANNEL_NAMES
from schemas.content import MAX_CONTENT_BYTES
from schemas.dead_letter import MAX_VALUE_BYTES
from schemas.enums import PRIORITIES
from schemas.lifetimes import DAY
from schemas.topics import (
    DEAD_LETTER_TOPIC,
    MAX_DEAD_LETTER_BYTES,
    MAX_DELIVERY_BYTES,
    STATUS_TOPIC,
    TOPICS,
    Topic,
    get_deliveries_topic,
    get_notifications_topic,
    get_scheduled_topic,
    parse_priority,
)

BY_NAME = {topic.name: topic for topic in TOPICS}


def test_every_priority_and_channel_has_its_topics() -> None:
    expected = [get_notifications_topic(priority) for priority in PRIORITIES] + [get_scheduled_topic(priority) for priority in PRIORITIES]
    expected += [get_deliveries_topic(channel, priority) for channel in CHANNEL_NAMES for priority in PRIORITIES]
    assert list(BY_NAME) == [*expected, STATUS_TOPIC, DEAD_LETTER_TOPIC]
    assert len(TOPICS) == 20


@pytest.mark.parametrize(
    ("name", "retention_days", "max_bytes", "timestamp_type"),
    [
        ("notifications.high", 7, 256 * 1024, "LogAppendTime"),
        ("scheduled.low", 7, 256 * 1024, "LogAppendTime"),
        ("deliveries.sms.medium", 3, 256 * 1024, None),
        ("notifications.status", 7, 256 * 1024, "LogAppendTime"),
        ("notifications.dlq", 30, 1088 * 1024, None),
    ],
)
def test_the_configuration_of_a_topic(name: str, retention_days: int, max_bytes: int, timestamp_type: str | None) -> None:
    config = BY_NAME[name].kafka_config
    assert config["cleanup.policy"] == "delete"
    assert config["retention.ms"] == str(retention_days * DAY * 1000)
    assert config["max.message.bytes"] == str(max_bytes)
    assert config.get("message.timestamp.type") == timestamp_type


def test_a_topic_may_override_its_configuration() -> None:
    assert Topic("t", "k", (), "", 1, 10, {"retention.ms": "5"}).kafka_config["retention.ms"] == "5"


def test_every_topic_is_keyed_by_user() -> None:
    """Only a provider's report has another key: the provider does not know the user."""
    assert {topic.key for topic in TOPICS if topic.name != STATUS_TOPIC} == {"user_id"}
    assert BY_NAME[STATUS_TOPIC].key.startswith("user_id, or of a report")


def test_the_largest_record_fits_its_topic() -> None:
    assert 2 * MAX_CONTENT_BYTES < MAX_DELIVERY_BYTES  # JSON escapes may double the size
    assert MAX_VALUE_BYTES + 64 * 1024 < MAX_DEAD_LETTER_BYTES  # value, key and headers


@pytest.mark.parametrize("priority", PRIORITIES)
def test_the_priority_is_parsed_from_the_name(priority) -> None:
    assert parse_priority("prefix-" + get_notifications_topic(priority)) == priority
    assert parse_priority(get_deliveries_topic("push", priority)) == priority


def test_a_topic_without_a_priority_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"notifications\.status"):
        parse_priority(STATUS_TOPIC)
