"""The catalogue is complete and its policies are those of design.md section 4."""

import pytest

from schemas.content import MAX_CONTENT_BYTES
from schemas.dead_letter import MAX_VALUE_BYTES
from schemas.enums import CHANNELS, PRIORITIES
from schemas.topics import (
    DEAD_LETTER_TOPIC,
    MAX_DEAD_LETTER_BYTES,
    MAX_DELIVERY_BYTES,
    MS_PER_DAY,
    STATUS_TOPIC,
    Topic,
    define_topics,
    parse_priority,
)
from schemas.topics import get_deliveries_topic as deliveries_of
from schemas.topics import get_notifications_topic as notifications_of
from schemas.topics import get_scheduled_topic as scheduled_of

TOPICS = {topic.name: topic for topic in define_topics()}


def test_every_priority_and_channel_has_its_topics() -> None:
    expected = [notifications_of(priority) for priority in PRIORITIES] + [scheduled_of(priority) for priority in PRIORITIES]
    expected += [deliveries_of(channel, priority) for channel in CHANNELS for priority in PRIORITIES]
    assert list(TOPICS) == [*expected, STATUS_TOPIC, DEAD_LETTER_TOPIC]
    assert len(TOPICS) == 20


@pytest.mark.parametrize(
    ("name", "days", "max_bytes", "time"),
    [
        ("notifications.high", 7, 256 * 1024, "LogAppendTime"),
        ("scheduled.low", 7, 256 * 1024, None),
        ("deliveries.sms.medium", 3, 256 * 1024, None),
        ("notifications.status", 7, 256 * 1024, None),
        ("notifications.dlq", 30, 1088 * 1024, None),
    ],
)
def test_the_policy_of_a_topic(name: str, days: int, max_bytes: int, time: str | None) -> None:
    policy = TOPICS[name].kafka_config
    assert policy["cleanup.policy"] == "delete"
    assert policy["retention.ms"] == str(days * MS_PER_DAY)
    assert policy["max.message.bytes"] == str(max_bytes)
    assert policy.get("message.timestamp.type") == time


def test_a_topic_may_override_its_policy() -> None:
    assert Topic("t", "k", (), "", 1, 10, {"retention.ms": "5"}).kafka_config["retention.ms"] == "5"


def test_everything_is_keyed_by_user() -> None:
    assert {topic.key for topic in TOPICS.values()} == {"user_id"}


def test_the_largest_of_each_kind_fits_its_topic() -> None:
    assert 2 * MAX_CONTENT_BYTES < MAX_DELIVERY_BYTES  # JSON may double what it escapes
    assert MAX_VALUE_BYTES + 64 * 1024 < MAX_DEAD_LETTER_BYTES  # bytes, key and headers


@pytest.mark.parametrize("priority", PRIORITIES)
def test_the_priority_is_in_the_name(priority) -> None:
    assert parse_priority("prefix-" + notifications_of(priority)) == priority
    assert parse_priority(deliveries_of("push", priority)) == priority


def test_a_topic_without_a_priority_says_so() -> None:
    with pytest.raises(ValueError, match=r"notifications\.status"):
        parse_priority(STATUS_TOPIC)
