"""The catalogue is complete and its policies are those of design.md section 4."""

import pytest

from schemas.content import MAX_CONTENT_BYTES
from schemas.deadletter import MAX_VALUE_BYTES
from schemas.topics import DAY_MS, DEAD_LETTERS, MAX_DEAD_LETTER_BYTES, MAX_DELIVERY_BYTES, STATUS, Topic, catalogue, lane_of
from schemas.topics import deliveries as deliveries_of
from schemas.topics import notifications as notifications_of
from schemas.topics import scheduled as scheduled_of
from schemas.words import CHANNELS, LANES

TOPICS = {topic.name: topic for topic in catalogue()}


def test_every_lane_and_channel_has_its_topics() -> None:
    expected = [notifications_of(lane) for lane in LANES] + [scheduled_of(lane) for lane in LANES]
    expected += [deliveries_of(channel, lane) for channel in CHANNELS for lane in LANES]
    assert list(TOPICS) == [*expected, STATUS, DEAD_LETTERS]
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
    policy = TOPICS[name].policy
    assert policy["cleanup.policy"] == "delete"
    assert policy["retention.ms"] == str(days * DAY_MS)
    assert policy["max.message.bytes"] == str(max_bytes)
    assert policy.get("message.timestamp.type") == time


def test_a_topic_may_override_its_policy() -> None:
    assert Topic("t", "k", (), "", 1, 10, {"retention.ms": "5"}).policy["retention.ms"] == "5"


def test_everything_is_keyed_by_user() -> None:
    assert {topic.key for topic in TOPICS.values()} == {"user_id"}


def test_the_largest_of_each_kind_fits_its_topic() -> None:
    assert 2 * MAX_CONTENT_BYTES < MAX_DELIVERY_BYTES  # JSON may double what it escapes
    assert MAX_VALUE_BYTES + 64 * 1024 < MAX_DEAD_LETTER_BYTES  # bytes, key and headers


@pytest.mark.parametrize("lane", LANES)
def test_the_lane_is_in_the_name(lane) -> None:
    assert lane_of("prefix-" + notifications_of(lane)) == lane
    assert lane_of(deliveries_of("push", lane)) == lane


def test_a_topic_without_a_lane_says_so() -> None:
    with pytest.raises(ValueError, match=r"notifications\.status"):
        lane_of(STATUS)
