"""The gate decode: which records become dead letters, why, and under which id."""

from typing import Any

import msgspec
import pytest

from agents.router.gates.decode import REPARTITION_HEADER
from agents.router.gates.order import GATES
from schemas.dead_letter import decode_dead_letter
from schemas.ids import derive_id, is_id
from schemas.scheduled import ORIGINAL_TIME_HEADER
from schemas.topics import MAX_NOTIFICATION_BYTES
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_record,
    encode_value,
    make_notification_id,
)

DAY = 86_400
DEEP = b'{"user_id":"u-42","type":"order.shipped","data":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}}"


async def test_a_valid_notification_has_an_entry_for_each_gate() -> None:
    harness = RouterHarness()
    await harness.route(build_notification())
    assert harness.last_state == ("routed", "")
    gates = [*(gate.name for gate in GATES), "fan_out"]
    assert [(entry.gate, entry.verdict) for entry in harness.decided_events[0].decision_log] == [(gate, "pass") for gate in gates]


@pytest.mark.parametrize(
    ("value", "reason", "error"),
    [
        (None, "null_value", "no value"),
        (b"", "undecodable", "is empty instead of JSON"),
        (b"{", "undecodable", "ends too early"),
        (b'{"user_id":"\xff"}', "undecodable", "UTF-8"),
        (b'{"user_id":"u","type":"\\ud83d"}', "undecodable", "half a surrogate pair"),
        (b'{"user_id":"u","type":"\\ud83d"}', "undecodable", "$.type"),
        (DEEP, "undecodable", "nested too deeply"),
        (b"[]", "invalid", "must be an object, not an array"),
        (b"{}", "invalid", "$.user_id"),
        ({"user_id": 7, "type": "t"}, "invalid", "$.user_id"),
        ({"user_id": "", "type": "t"}, "invalid", "$.user_id"),
        (build_notification(channels=["email", "fax"]), "invalid", "$.channels[1]"),
        (build_notification(to={"email": [""]}), "invalid", "$.to"),
        (build_notification(id="42"), "invalid", "$.id"),
        (build_notification(id=make_notification_id(1).replace("ntf_", "dlv_")), "invalid", "$.id"),
        (build_notification(id=make_notification_id(1).upper()), "invalid", "$.id"),
        (build_notification(type="a\0b"), "invalid", "$.type"),
        (build_notification(to={"email": "a\0b"}), "invalid", "$.to"),
        (build_notification(data={"a": {}} | {"b": msgspec.json.decode(b"[" * 65 + b"]" * 65)}), "invalid", "$.data"),
        (build_notification(id=make_notification_id(1, NOW - DAY - 1)), "id_time_mismatch", "$.id"),
        (build_notification(id=make_notification_id(1, NOW + DAY + 1)), "id_time_mismatch", "$.id"),
        (build_notification(send_at=NOW + 30 * 86_400 + 1), "invalid", "more than 30 days ahead"),
        (build_notification(digest=""), "invalid", "$.digest"),
        (build_notification(digest="a\0"), "invalid", "$.digest"),
        (build_notification(expires_at=(NOW + 60) * 1e3), "invalid", "milliseconds"),
        (build_notification(expires_at=(NOW + 60) * 1e3), "invalid", "$.expires_at"),
        (build_notification(send_at=NOW * 1e6), "invalid", "$.send_at"),
        (build_notification(created_at=0), "invalid", "$.created_at"),
        (build_notification(expires_at=60), "invalid", "duration"),
        (build_notification(expires_at="1999-12-31T23:59:59Z"), "invalid", "$.expires_at"),
        (build_notification(expires_at="2025-10-09T10:53:20"), "invalid", "$.expires_at"),
        (build_notification(send_at="9999-12-31T23:59:59Z"), "invalid", "$.send_at"),
        (build_notification(data={"a": "x" * MAX_NOTIFICATION_BYTES}), "too_large", str(MAX_NOTIFICATION_BYTES)),
    ],
)
async def test_bad_records_are_dead_letters(value: bytes | dict[str, Any] | None, reason: str, error: str) -> None:
    harness = RouterHarness()
    await harness.route(value)
    assert harness.last_state == ("dead", reason)
    entry = harness.decided_events[0].decision_log[-1]
    assert (entry.gate, entry.verdict, entry.reason) == ("decode", "dead_letter", reason)
    assert error in entry.inputs["error"]
    assert not harness.deliveries
    assert not harness.idempotency.rows


async def test_a_dead_letter_has_the_original_bytes_and_its_place() -> None:
    harness = RouterHarness()
    await harness.route(build_record(b'{"user_id":', offset=7, key=b"\xfe"))
    (record,) = harness.get_records("notifications.dlq")
    dead_letter = decode_dead_letter(record.key, record.value, record.headers)
    assert (record.partition, record.key, record.value) == (USER_PARTITION, b"\xfe", b'{"user_id":')
    assert (dead_letter.stage, dead_letter.reason, dead_letter.source_topic) == ("router", "undecodable", "notifications.medium")
    assert (dead_letter.source_partition, dead_letter.source_offset) == (USER_PARTITION, 7)
    assert dead_letter.notification_id == harness.decided_events[0].id


@pytest.mark.parametrize("key", [None, b"u-42"])
async def test_a_null_value_differs_from_an_empty_one(key: bytes | None) -> None:
    harness = RouterHarness()
    await harness.route(build_record(None, key=key))
    (record,) = harness.get_records("notifications.dlq")
    assert record.value == b""
    assert decode_dead_letter(record.key, record.value, record.headers).null_value


async def test_a_record_without_id_gets_the_id_of_its_position() -> None:
    harness, other_harness = RouterHarness(), RouterHarness()
    record = build_record(encode_value(build_notification(id=None)), offset=7, key=None)
    await harness.route(record)
    await other_harness.route(record)
    assert (
        harness.decided_events[0].id
        == other_harness.decided_events[0].id
        == derive_id("ntf_", NOW, "notifications.medium", str(USER_PARTITION), "7")
    )


@pytest.mark.parametrize("offset", [7, 8])
async def test_an_undecodable_record_gets_the_id_of_its_position(offset: int) -> None:
    harness = RouterHarness()
    await harness.route(build_record(b"{", offset=offset))
    assert harness.decided_events[0].id == derive_id("ntf_", NOW, "notifications.medium", str(USER_PARTITION), str(offset))


async def test_an_invalid_notification_keeps_what_can_be_read_of_it() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(channels=["fax"]))
    dead = harness.decided_events[0]
    assert (dead.id, dead.user_id, dead.type, dead.priority) == (make_notification_id(1), USER_ID, "order.shipped", "medium")


@pytest.mark.parametrize("bad_id", ["42", make_notification_id(1, NOW - 10 * DAY)])
async def test_an_id_that_cannot_be_one_is_not_kept(bad_id: str) -> None:
    harness = RouterHarness()
    await harness.route(build_notification(id=bad_id), build_notification(id=bad_id, channels=["fax"]))
    assert all(is_id(dead.id) and dead.id != bad_id for dead in harness.decided_events)


@pytest.mark.parametrize(("key", "user_id"), [(b"u-7", "u-7"), (None, ""), (b"\xff", "")])
async def test_the_key_names_the_user_of_an_undecodable_record(key: bytes | None, user_id: str) -> None:
    harness = RouterHarness()
    await harness.route(build_record(b"{", key=key))
    assert harness.decided_events[0].user_id == user_id


@pytest.mark.parametrize(
    "notification", [build_notification(send_at=NOW), build_notification(data={"a": "\\u0000"}), build_notification(extra={"new": "field"})]
)
async def test_an_unusual_but_valid_notification_passes(notification: dict[str, Any]) -> None:
    harness = RouterHarness()
    await harness.route(notification | {"data": {**notification["data"], "order": 1, "name": "Ada"}})
    assert harness.last_state == ("routed", "")


async def test_times_in_rfc_3339_count_like_epoch_seconds() -> None:
    harness = RouterHarness()
    created_at, expires_at = "2025-10-09T08:53:15Z", "2025-10-09T10:54:20.5+02:00"  # 5 s before NOW, 60.5 s after it
    await harness.route(build_notification(created_at=created_at, send_at=created_at, expires_at=expires_at))
    event = harness.decided_events[0]
    assert (harness.last_state, event.created_at, event.expires_at) == (("routed", ""), NOW - 5, NOW + 60.5)


async def test_the_identity_of_a_dead_record_can_be_stored() -> None:
    harness = RouterHarness()
    await harness.route({"user_id": "a\0" + "b" * 1000, "type": "c\0d"})
    assert (harness.decided_events[0].user_id, harness.decided_events[0].type) == ("a\ufffd" + "b" * 254, "c\ufffdd")


async def test_an_error_quotes_no_more_than_a_sentence() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(channels=["\x01" * 40_000]))
    assert harness.last_state == ("dead", "invalid")
    assert len(harness.get_records("notifications.status")[0].value or b"") < 5000


async def test_a_byte_order_mark_is_ignored() -> None:
    harness, value = RouterHarness(), b"\xef\xbb\xbf" + (encode_value(build_notification()) or b"")
    await harness.route(build_record(value))
    assert harness.last_state == ("routed", "")
    await harness.route(build_record(value, offset=1), partition=(USER_PARTITION + 1) % 4)
    assert harness.routed_batches[1].repartitioned == 1
    await harness.route(build_record(b"\xef\xbb\xbf" + b'{"user_id":"u-7"}', offset=2))
    assert harness.decided_events[-1].user_id == "u-7"


async def test_an_oversized_record_is_truncated_in_its_dead_letter() -> None:
    harness = RouterHarness()
    await harness.route(build_record(b"\0" * 2_000_000, key=b"k" * 2_000_000))
    (record,) = harness.get_records("notifications.dlq")
    dead_letter = decode_dead_letter(record.key, record.value, record.headers)
    assert (len(record.value or b""), len(record.key or b""), dead_letter.truncated) == (1_000_000, 32 * 1024, True)


async def test_a_bad_record_does_not_block_others() -> None:
    harness = RouterHarness()
    await harness.route(b"{", build_notification(), None)
    assert [event.state for event in harness.decided_events] == ["dead", "routed", "dead"]


@pytest.mark.parametrize(
    ("original_time", "at"),
    [
        (b"%d" % int((NOW - 60) * 1000), NOW - 60),
        (b"%d" % int((NOW - 8 * DAY) * 1000), NOW),
        (b"9" * 15, NOW),
        (b"9" * 5000, NOW),
        (b"soon", NOW),
    ],
)
async def test_a_repartitioned_record_keeps_its_original_time(original_time: bytes, at: float) -> None:
    harness = RouterHarness()
    headers = [("other", b"x"), (REPARTITION_HEADER, b"1"), (ORIGINAL_TIME_HEADER, original_time)]
    await harness.route(build_record(encode_value(build_notification()), headers=headers))
    assert harness.decided_events[0].expires_at == at + DAY
