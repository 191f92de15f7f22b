"""Which records are about a notification, and the times in which they are looked for."""

from typing import Any

import msgspec
import pytest

from schemas.dead_letter import REDRIVEN_ID_HEADER, DeadLetter, encode_headers
from schemas.ids import NOTIFICATION_PREFIX, derive_id
from schemas.notification_records import (
    AFTER,
    BEFORE,
    DescribedRecord,
    RecordPosition,
    WantedRecords,
    Window,
    describe_record,
    find_windows,
)
from schemas.scheduled import Cancel
from tests.delivery_builders import build_delivery
from tests.event_builders import NOW, build_decided_event, build_receipt, build_status_event
from tests.fakes import FakeRecord

EVENT = build_decided_event(1, "email")
WANTED = WantedRecords(EVENT.id, "u-1", frozenset({EVENT.deliveries[0].id}))
DELIVERY_ID = EVENT.deliveries[0].id
STATUS = "notifications.status"


def describe(topic: str, value: Any, **fields: Any) -> DescribedRecord | None:
    """What a record with this value is."""
    encoded = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return describe_record(RecordPosition(topic, 3, FakeRecord(7, value=encoded, **fields)), WANTED, "t.")


def test_times_that_are_near_are_searched_once() -> None:
    windows = find_windows([NOW + 100, NOW, NOW + 1, NOW + 1])
    assert windows == [Window(NOW - BEFORE, NOW + 1 + AFTER), Window(NOW + 100 - BEFORE, NOW + 100 + AFTER)]
    assert find_windows([]) == []


CASES: dict[str, tuple[str, Any, DescribedRecord]] = {
    "submitted": ("notifications.low", {"id": EVENT.id, "user_id": "u-1"}, DescribedRecord("notification")),
    "decided": (STATUS, EVENT, DescribedRecord("decided")),
    "status": (STATUS, build_status_event(attempt=2), DescribedRecord("status", DELIVERY_ID, 2)),
    "receipt": (STATUS, build_receipt(redrive_count=1), DescribedRecord("receipt", DELIVERY_ID, 0, 1)),
    "cancel": ("scheduled.high", Cancel(EVENT.id, "u-1"), DescribedRecord("cancel")),
    "retry": ("scheduled.high", {"kind": "scheduled", "id": DELIVERY_ID, "user_id": "u-1"}, DescribedRecord("scheduled", DELIVERY_ID)),
    "delivery": (
        "deliveries.email.high",
        build_delivery(id=DELIVERY_ID, notification_id=EVENT.id, attempt=1),
        DescribedRecord("delivery", DELIVERY_ID, 1),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_record_is_described_by_its_topic_and_value(name: str) -> None:
    topic, value, expected = CASES[name]
    assert describe(topic, value) == expected


def test_what_is_of_another_one_or_only_mentions_it_is_not_about_it() -> None:
    assert describe(STATUS, build_decided_event(2, duplicate_of=EVENT.id)) is None
    assert describe(STATUS, msgspec.structs.replace(EVENT, user_id="u-2")) is None
    assert describe("notifications.low", {"id": EVENT.id, "user_id": "@shop/u-1"}) is None
    assert describe("deliveries.email.high", build_delivery(number=2)) is None
    assert describe(STATUS, {"kind": "inbound", "id": EVENT.id}) is None
    assert describe(STATUS, EVENT.id.encode()) is None


def test_a_notification_without_an_id_has_that_of_its_place_or_of_its_redrive() -> None:
    at = 1_760_000_000_123
    own = derive_id(NOTIFICATION_PREFIX, at / 1000, "t.notifications.low", "3", "7")
    position = RecordPosition("notifications.low", 3, FakeRecord(7, timestamp=at, value=b'{"user_id":"u-1"}'))
    wanted = WantedRecords(own, "u-1", frozenset())
    assert describe_record(position, wanted, "t.") == DescribedRecord("notification")
    assert describe_record(position, wanted, "another.") is None
    redriven = [(REDRIVEN_ID_HEADER, EVENT.id.encode())]
    assert describe("notifications.low", {"user_id": "u-1"}, headers=redriven) == DescribedRecord("notification")


def test_a_dead_letter_is_known_by_its_headers() -> None:
    dead_letter = DeadLetter("delivery", "x", "", "t", 0, 0, None, None, 0, EVENT.id, DELIVERY_ID, "u-1", redrive_count=2)
    described = DescribedRecord("dead_letter", DELIVERY_ID, None, 2)
    assert describe("notifications.dlq", b"\xff", headers=encode_headers(dead_letter)) == described
    other = encode_headers(msgspec.structs.replace(dead_letter, user_id="u-2"))
    assert describe("notifications.dlq", EVENT.id.encode(), headers=other) is None
