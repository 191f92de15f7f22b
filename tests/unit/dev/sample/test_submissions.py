"""A line becomes the record or bulk item that a producer would send, and its notification id is that of the router."""

from typing import Any

import msgspec
import pytest

from agents.router.gates import decode
from agents.router.routing_state import GateContext, RoutingState, build_topic_set
from dev.sample.sample_file import RepeatedText, SampleLine
from dev.sample.submissions import RecordMetadata, build_bulk_item, build_record, number_lines, resolve_notification_id
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from tests.fakes import FakeRecord

GENERATED_ID = make_id(NOTIFICATION_PREFIX, 1000.0, 1)
NOTIFICATION_FIELDS: dict[str, Any] = {"user_id": "u-1", "type": "t"}


def build_line(**fields: Any) -> SampleLine:
    return SampleLine(**{"via": "kafka", "expected": ["routed"], "priority": "low", "notification": NOTIFICATION_FIELDS, **fields})


def test_a_record_has_a_generated_id_and_the_users_key_and_partition() -> None:
    record = build_record(build_line(), GENERATED_ID, 100.0, "p.", 12)
    assert (record.topic, record.key, record.partition) == ("p.notifications.low", b"u-1", compute_partition("u-1", 12))
    assert msgspec.json.decode(record.value or b"") == {"id": GENERATED_ID, **NOTIFICATION_FIELDS}


@pytest.mark.parametrize(
    ("fields", "key", "partition"),
    [
        ({"key": "somebody"}, b"somebody", compute_partition("somebody", 4)),
        ({"partition": "other"}, b"u-1", (compute_partition("u-1", 4) + 1) % 4),
        ({"partition": "murmur2"}, b"u-1", None),
    ],
)
def test_a_record_with_another_key_or_partition(fields: dict[str, Any], key: bytes, partition: int | None) -> None:
    record = build_record(build_line(**fields), GENERATED_ID, 100.0, "", 4)
    assert (record.key, record.partition) == (key, partition)


def test_a_record_with_send_after_has_its_send_at() -> None:
    record = build_record(build_line(send_after=1.5), GENERATED_ID, 100.0, "p.", 12)
    assert msgspec.json.decode(record.value or b"")["send_at"] == 101.5


@pytest.mark.parametrize("id_source", ["none", "custom"])
def test_a_record_without_a_generated_id_is_unchanged(id_source: str) -> None:
    record = build_record(build_line(id_source=id_source), GENERATED_ID, 100.0, "", 4)
    assert msgspec.json.decode(record.value or b"") == NOTIFICATION_FIELDS


def test_a_raw_value_is_unchanged() -> None:
    assert build_record(build_line(notification=None, text="{", key="k"), GENERATED_ID, 100.0, "", 4).value == b"{"
    assert build_record(build_line(notification=None, null=True, key="k", headers={"h": "1"}), GENERATED_ID, 100.0, "", 4)[3:] == (
        None,
        [("h", b"1")],
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"priority": None}, {**NOTIFICATION_FIELDS, "id": GENERATED_ID}),
        ({"priority": "high"}, {**NOTIFICATION_FIELDS, "id": GENERATED_ID, "priority": "high"}),
        ({"priority": None, "send_after": 1.5}, {**NOTIFICATION_FIELDS, "id": GENERATED_ID, "send_at": 101.5}),
        ({"priority": None, "id_source": "none"}, NOTIFICATION_FIELDS),
        ({"priority": None, "id_source": "none", "repeat": RepeatedText("x", "ab", 2)}, {**NOTIFICATION_FIELDS, "data": {"x": "abab"}}),
    ],
)
def test_an_item_of_a_bulk_request(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert build_bulk_item(build_line(via="http", **fields), GENERATED_ID, 100.0) == expected


@pytest.mark.parametrize(
    "line",
    [
        build_line(),
        build_line(id_source="none"),
        build_line(id_source="custom", notification={**NOTIFICATION_FIELDS, "id": "17"}),
        build_line(notification=None, text="{"),
    ],
    ids=["generated", "none", "not an id", "not json"],
)
def test_the_router_derives_the_same_id(line: SampleLine) -> None:
    metadata = RecordMetadata("notifications.low", compute_partition("u-1", 4), 17, 1000.25)
    value = build_record(line, GENERATED_ID, 100.0, "", 4).value if line.notification else line.raw_value
    record = FakeRecord(offset=metadata.offset, timestamp=int(metadata.timestamp * 1000), value=value)
    state = RoutingState(record, build_topic_set("notifications.low", ""), metadata.partition, 1000.3)
    decode.check(state, GateContext(4))
    assert state.id == resolve_notification_id(line, GENERATED_ID, metadata)


def test_the_source_of_a_replay_is_its_original_line() -> None:
    original, replay = build_line(), SampleLine("kafka", ["replayed"], replay_of=1)
    assert number_lines([original, replay])[1] == (2, replay, original)
