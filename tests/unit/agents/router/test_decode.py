"""The decode gate: what becomes a dead letter, why, and under which id."""

from typing import Any

import msgspec
import pytest

from agents.router.decode import FIRST_SEEN
from schemas.deadletter import letter_of
from schemas.ids import derived_id, is_id
from schemas.topics import MAX_NOTIFICATION_BYTES
from tests.unit.agents.router.world import HOME, NOW, USER, Read, World, an_id, json, notification

DAY = 86_400
DEEP = b'{"user_id":"u-42","type":"order.shipped","data":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}}"


async def test_a_valid_notification_leaves_a_step_for_every_gate() -> None:
    world = World()
    await world.route(notification())
    assert world.outcome == ("routed", "")
    gates = ["decode", "owner", "idempotency", "expiry", "user", "rate_limit", "route", "render", "fan_out"]
    assert [(step.gate, step.verdict) for step in world.accepted[0].trace] == [(gate, "pass") for gate in gates]


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (None, "null_value", "no value"),
        (b"", "undecodable", "truncated"),
        (b"{", "undecodable", "truncated"),
        (b'{"user_id":"\xff"}', "undecodable", "utf-8"),
        (DEEP, "undecodable", "recursion"),
        (b"[]", "invalid", "Expected `object`"),
        (b"{}", "invalid", "$.user_id"),
        ({"user_id": 7, "type": "t"}, "invalid", "$.user_id"),
        ({"user_id": "", "type": "t"}, "invalid", "$.user_id"),
        (notification(channels=["email", "fax"]), "invalid", "$.channels[1]"),
        (notification(to={"email": [""]}), "invalid", "$.to"),
        (notification(id="42"), "invalid", "$.id"),
        (notification(id=an_id(1).replace("ntf_", "dlv_")), "invalid", "$.id"),
        (notification(id=an_id(1).upper()), "invalid", "$.id"),
        (notification(type="a\0b"), "invalid", "$.type"),
        (notification(to={"email": "a\0b"}), "invalid", "$.to"),
        (notification(data={"a": {}} | {"b": msgspec.json.decode(b"[" * 65 + b"]" * 65)}), "invalid", "$.data"),
        (notification(id=an_id(1, NOW - DAY - 1)), "foreign_time", "$.id"),
        (notification(id=an_id(1, NOW + DAY + 1)), "foreign_time", "$.id"),
        (notification(send_at=NOW + 1), "unsupported", "$.send_at"),
        (notification(digest="daily"), "unsupported", "$.digest"),
        (notification(data={"a": "x" * MAX_NOTIFICATION_BYTES}), "too_large", str(MAX_NOTIFICATION_BYTES)),
    ],
)
async def test_bad_records_are_dead_letters(value: bytes | dict[str, Any] | None, reason: str, said: str) -> None:
    world = World()
    await world.route(value)
    assert world.outcome == ("dead", reason)
    step = world.accepted[0].trace[-1]
    assert (step.gate, step.verdict, step.reason) == ("decode", "dead", reason)
    assert said in step.inputs["error"]
    assert not world.deliveries
    assert not world.idempotency.rows


async def test_a_dead_letter_has_the_original_bytes_and_its_place() -> None:
    world = World()
    await world.route(Read(b'{"user_id":', offset=7, key=b"\xfe"))
    (record,) = world.on("notifications.dlq")
    letter = letter_of(record.key, record.value, record.headers)
    assert (record.partition, record.key, record.value) == (HOME, b"\xfe", b'{"user_id":')
    assert (letter.stage, letter.reason, letter.topic) == ("router", "undecodable", "notifications.medium")
    assert (letter.partition, letter.offset) == (HOME, 7)
    assert letter.notification_id == world.accepted[0].id


@pytest.mark.parametrize("key", [None, b"u-42"])
async def test_a_null_value_is_told_from_an_empty_one(key: bytes | None) -> None:
    world = World()
    await world.route(Read(None, key=key))
    (record,) = world.on("notifications.dlq")
    assert record.value == b""
    assert letter_of(record.key, record.value, record.headers).null_value


async def test_a_record_without_id_gets_the_one_of_its_place_every_time() -> None:
    world, again = World(), World()
    record = Read(json(notification(id=None)), offset=7, key=None)
    await world.route(record)
    await again.route(record)
    assert world.accepted[0].id == again.accepted[0].id == derived_id("ntf_", NOW, "notifications.medium", str(HOME), "7")


@pytest.mark.parametrize("offset", [7, 8])
async def test_an_undecodable_record_is_told_by_its_place_too(offset: int) -> None:
    world = World()
    await world.route(Read(b"{", offset=offset))
    assert world.accepted[0].id == derived_id("ntf_", NOW, "notifications.medium", str(HOME), str(offset))


async def test_what_is_invalid_keeps_what_can_be_said_of_it() -> None:
    world = World()
    await world.route(notification(channels=["fax"]))
    dead = world.accepted[0]
    assert (dead.id, dead.user_id, dead.type, dead.lane) == (an_id(1), USER, "order.shipped", "medium")


@pytest.mark.parametrize("bad_id", ["42", an_id(1, NOW - 10 * DAY)])
async def test_an_id_that_cannot_be_one_is_not_kept(bad_id: str) -> None:
    world = World()
    await world.route(notification(id=bad_id), notification(id=bad_id, channels=["fax"]))
    assert all(is_id(dead.id) and dead.id != bad_id for dead in world.accepted)


@pytest.mark.parametrize(("key", "user_id"), [(b"u-7", "u-7"), (None, ""), (b"\xff", "")])
async def test_the_key_tells_the_user_of_what_cannot_be_decoded(key: bytes | None, user_id: str) -> None:
    world = World()
    await world.route(Read(b"{", key=key))
    assert world.accepted[0].user_id == user_id


@pytest.mark.parametrize("sent", [notification(send_at=NOW), notification(data={"a": "\\u0000"}), notification(extra={"new": "field"})])
async def test_what_is_unusual_but_right_passes(sent: dict[str, Any]) -> None:
    world = World()
    await world.route(sent | {"data": {**sent["data"], "order": 1, "name": "Ada"}})
    assert world.outcome == ("routed", "")


async def test_what_is_said_of_a_dead_record_can_be_stored() -> None:
    world = World()
    await world.route({"user_id": "a\0" + "b" * 1000, "type": "c\0d"})
    assert (world.accepted[0].user_id, world.accepted[0].type) == ("a\ufffd" + "b" * 254, "c\ufffdd")


async def test_an_error_quotes_no_more_than_a_sentence() -> None:
    world = World()
    await world.route(notification(channels=["\x01" * 40_000]))
    assert world.outcome == ("dead", "invalid")
    assert len(world.on("notifications.status")[0].value or b"") < 5000


async def test_what_was_compressed_to_fit_is_cut_to_fit_a_dead_letter() -> None:
    world = World()
    await world.route(Read(b"\0" * 2_000_000, key=b"k" * 2_000_000))
    (record,) = world.on("notifications.dlq")
    letter = letter_of(record.key, record.value, record.headers)
    assert (len(record.value or b""), len(record.key or b""), letter.truncated) == (1_000_000, 32 * 1024, True)


async def test_one_bad_record_holds_up_no_other() -> None:
    world = World()
    await world.route(b"{", notification(), None)
    assert [event.state for event in world.accepted] == ["dead", "routed", "dead"]


@pytest.mark.parametrize(
    ("first_seen", "at"),
    [(b"%d" % int((NOW - 60) * 1000), NOW - 60), (b"9" * 15, NOW), (b"9" * 5000, NOW), (b"soon", NOW)],
)
async def test_a_forwarded_record_keeps_its_first_time(first_seen: bytes, at: float) -> None:
    world = World()
    await world.route(Read(json(notification()), headers=[("other", b"x"), (FIRST_SEEN, first_seen)]))
    assert world.accepted[0].expires_at == at + DAY
