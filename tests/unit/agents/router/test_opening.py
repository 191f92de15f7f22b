"""The router opens what is sealed, seals what leaves it, and waits for keys that cannot be read."""

import msgspec
import pytest

from schemas.enums import Reason
from schemas.ids import compute_partition
from schemas.notification import Notification, SealedNotification
from schemas.policy import Policy
from schemas.sealed_records import is_sealed_record, open_delivery, open_fields, seal_notification
from tests.fakes import FakeRecord
from tests.sealers import MemorySealerReader
from tests.unit.agents.router import digest_harness
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import (
    NOW,
    PARTITIONS,
    USER_ID,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_record,
    make_notification_id,
)

NEIGHBOUR = next(name for number in range(99) if compute_partition(name := f"u-{number}", PARTITIONS) == USER_PARTITION and name != USER_ID)
CANARY = "canary@example.org"
ID = make_notification_id(1)
_decode = msgspec.json.decode


def build_harness(*, seals: bool = True, policy: Policy | None = POLICY) -> tuple[RouterHarness, MemorySealerReader]:
    """A router with sealers."""
    sealers = MemorySealerReader(seals=seals)
    return RouterHarness(policy or POLICY, sealers=sealers), sealers


def build_sealed(sealers: MemorySealerReader, offset: int = 0, **fields: object) -> FakeRecord:
    """A record as the gateway writes it."""
    notification = msgspec.convert(build_notification(**fields), Notification)
    return build_record(msgspec.json.encode(seal_notification(notification, sealers.get(USER_ID), notification.id or "")), offset)


def get_all_bytes(harness: RouterHarness) -> bytes:
    """All that the router has produced and stored."""
    records = [part for record in harness.committer.records for part in (record.value or b"", *(value for _, value in record.headers))]
    tables = (harness.idempotency, harness.rate_windows, harness.digests)
    rows = [row for table in tables for partition in table.rows.values() for row in partition.values()]
    return b"\n".join(part for part in (*records, *rows) if part)


async def test_a_sealed_notification_is_routed_and_its_deliveries_are_sealed() -> None:
    harness, sealers = build_harness()
    await harness.route(build_sealed(sealers, to={"email": CANARY}, data={"order": 17, "name": "Canary"}))
    assert harness.last_state == ("routed", "")
    assert b"anary" not in get_all_bytes(harness)
    first = harness.deliveries[0]
    assert (first.address, first.content.text) == ("", "")  # type: ignore[union-attr]
    opened = open_delivery(first, sealers.get(USER_ID))
    assert opened.address == CANARY
    assert "Canary" in str(opened.content)


async def test_the_deliveries_of_a_plain_record_are_sealed_too_with_the_same_ids_as_without() -> None:
    harness, sealers = build_harness()
    plain = RouterHarness()
    for one in (harness, plain):
        await one.route(build_notification(to={"email": CANARY}))
    assert b"canary" not in get_all_bytes(harness)
    opened = [open_delivery(one, sealers.get(USER_ID)) for one in harness.deliveries]
    assert [(one.id, one.address) for one in opened] == [(one.id, one.address) for one in plain.deliveries]


async def test_with_keys_and_without_sealing_sealed_records_are_opened_and_plain_ones_need_no_key() -> None:
    harness, sealers = build_harness(seals=False)
    await harness.route(build_notification(id=make_notification_id(2)))
    assert sealers.requested == []
    sealers.is_sealing = True
    sealed = build_sealed(sealers, 1, to={"email": CANARY})
    sealers.is_sealing = False
    await harness.route(sealed)
    assert CANARY in [one.address for one in harness.deliveries]
    assert not any(one.sealed for one in harness.deliveries)


async def test_without_keys_a_sealed_record_is_a_dead_letter_and_not_sent_without_its_address() -> None:
    _, sealers = build_harness()
    harness = RouterHarness()
    await harness.route(build_sealed(sealers, to={"email": CANARY}))
    assert harness.last_state == ("dead", Reason.SEAL_BROKEN)
    (dead_letter,) = harness.get_records("notifications.dlq")
    assert b"canary" not in (dead_letter.value or b"")


async def test_an_erased_user_is_rejected_and_those_beside_are_routed() -> None:
    harness, sealers = build_harness(seals=False)
    sealers.is_sealing = True
    sealed = build_sealed(sealers, to={"email": CANARY})
    sealers.is_sealing = False
    sealers.erase(USER_ID)
    await harness.route(sealed, build_record(msgspec.json.encode(build_notification(id=make_notification_id(2))), 1))
    assert [(event.state, event.reason) for event in harness.decided_events] == [("rejected", Reason.ERASED), ("routed", "")]
    assert harness.get_entry("decode", 0).verdict == "reject"
    assert harness.get_records("notifications.dlq") == []


async def test_bytes_that_another_key_sealed_are_a_dead_letter() -> None:
    harness, sealers = build_harness()
    sealed = build_sealed(sealers, to={"email": CANARY})
    sealers.keys.clear()
    await harness.route(sealed)
    assert harness.last_state == ("dead", Reason.SEAL_BROKEN)
    assert harness.get_records("notifications.dlq")[0].value == sealed.value


async def test_a_key_that_is_newer_than_the_cache_is_read_again() -> None:
    harness, sealers = build_harness()
    sealers.get(USER_ID)
    sealers.keys[USER_ID].append(b"2" * 32)
    sealed = build_sealed(sealers, to={"email": CANARY})
    sealers.fresh_only.add(USER_ID)
    await harness.route(sealed)
    assert harness.last_state == ("routed", "")
    assert len(sealers.requested) == 2


async def test_while_keys_cannot_be_read_records_wait_and_nothing_is_lost() -> None:
    harness, sealers = build_harness()
    sealers.unavailable = True
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        sealers.unavailable = len(waited) < 3

    harness.sleep = sleep  # type: ignore[method-assign]
    await harness.route(build_sealed(sealers, to={"email": CANARY}), b"{")
    assert len(waited) == 3
    assert [event.state for event in harness.decided_events] == ["routed", "dead"]
    assert harness.routed_batches[0].cause == "no keys now"


async def test_a_user_without_key_does_not_hold_up_others() -> None:
    harness, sealers = build_harness()
    sealers.missing.add(USER_ID)
    waited: list[float] = []
    decided_before: list[str] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            sealers.missing.clear()
            decided_before.extend(event.id for event in harness.decided_events)

    harness.sleep = sleep  # type: ignore[method-assign]
    other = build_notification(id=make_notification_id(2), user_id=NEIGHBOUR, to={"email": CANARY})
    later = build_notification(id=make_notification_id(3))
    records = [build_record(msgspec.json.encode(one), offset, key=one["user_id"].encode()) for offset, one in enumerate([other, later])]
    await harness.route(build_sealed(sealers, 5), *records)
    assert decided_before == [make_notification_id(2)]
    assert [event.id for event in harness.decided_events] == [make_notification_id(number) for number in (2, 1, 3)]


async def test_what_is_held_is_sealed_and_comes_back() -> None:
    harness, sealers = build_harness()
    await harness.route(build_notification(to={"email": CANARY}, send_at=NOW + 60))
    assert harness.last_state[0] == "held"
    assert b"canary" not in get_all_bytes(harness)
    await harness.release()
    assert harness.last_state == ("routed", "")
    assert open_delivery(harness.deliveries[0], sealers.get(USER_ID)).address == CANARY


async def test_what_a_digest_gathers_is_sealed_and_comes_back_in_one_message() -> None:
    harness, sealers = build_harness(policy=digest_harness.build_harness().policies.policy)
    await harness.route(*(digest_harness.build_alert(number, to={"email": CANARY}, data={"n": 777_000 + number}) for number in (1, 2)))
    assert b"canary" not in get_all_bytes(harness)
    assert b"777" not in get_all_bytes(harness)
    await digest_harness.release(harness)
    (delivery,) = harness.deliveries
    opened = open_delivery(delivery, sealers.get(USER_ID))
    assert (opened.address, msgspec.to_builtins(opened.content)["text"]) == (CANARY, "777001 777002 ")
    assert harness.digests.rows[USER_PARTITION] == {}


async def test_a_digest_of_an_erased_user_is_rejected() -> None:
    harness, sealers = build_harness(policy=digest_harness.build_harness().policies.policy)
    await harness.route(digest_harness.build_alert(1))
    sealers.erase(USER_ID)
    sealers.keys[USER_ID].append(b"2" * 32)
    await digest_harness.release(harness)
    assert harness.last_state == ("rejected", Reason.ERASED)
    assert harness.deliveries == []


async def test_a_record_that_is_repartitioned_is_sealed() -> None:
    harness, sealers = build_harness()
    await harness.route(build_notification(to={"email": CANARY}), partition=0)
    (record,) = harness.get_records("notifications.medium")
    assert b"canary" not in (record.value or b"")
    opened = open_fields(record.value or b"", "notification", ID, sealers.get(USER_ID))
    assert _decode(opened)["to"] == {"email": CANARY}


@pytest.mark.parametrize("value", [b'{"user_id": "u-42", "to": "canary"', b'{"user_id": "u-42", "type": 7, "mail": "canary"}'])
async def test_what_cannot_be_decoded_is_sealed_as_a_whole_and_opens_when_it_is_redriven(value: bytes) -> None:
    harness, sealers = build_harness()
    await harness.route(value)
    (dead_letter,) = harness.get_records("notifications.dlq")
    assert is_sealed_record(dead_letter.value or b"")
    headers = dict(dead_letter.headers)
    notification_id = headers["notification_id"] or b""
    assert sealers.get(USER_ID).open("record", notification_id.decode(), dead_letter.value or b"") == value
    redriven = build_record(dead_letter.value, 9, headers=[("herold-redrive-count", b"1"), ("herold-notification-id", notification_id)])
    await harness.route(redriven)
    assert harness.decided_events[-1].id == notification_id.decode()
    assert harness.last_state[0] == "dead"
    assert harness.get_entry("decode").inputs["error"] == harness.get_entry("decode", 0).inputs["error"]


async def test_a_dead_letter_of_a_valid_notification_can_be_found_and_sent_again() -> None:
    harness, sealers = build_harness()
    await harness.route(build_notification(type="unknown.type", to={"email": CANARY}, data={"name": "canary"}))
    (dead_letter,) = harness.get_records("notifications.dlq")
    value = dead_letter.value or b""
    assert b"canary" not in value
    sealed = _decode(value, type=SealedNotification)
    assert (sealed.type, sealed.id) == ("unknown.type", ID)
    assert _decode(open_fields(value, "notification", ID, sealers.get(USER_ID)))["to"] == {"email": CANARY}


async def test_a_user_of_a_project_that_is_not_sealed_is_written_in_plain_and_opened() -> None:
    harness, sealers = build_harness()
    sealed = build_sealed(sealers, to={"email": CANARY})
    sealers.unsealed.add(USER_ID)
    await harness.route(sealed)
    assert CANARY in [one.address for one in harness.deliveries]
    await harness.route(build_notification(id=make_notification_id(2)))
    assert not any(one.sealed for one in harness.deliveries)
    assert sealers.requested == [[USER_ID]], "only to open"
