"""The gate repartition: one move to the user's partition, and nothing produced twice."""

import msgspec
import pytest

from agents.router.gates.decode import REPARTITION_HEADER
from agents.router.gates.repartition import describe
from agents.router.gates.wording import Facts
from schemas.ids import derive_id, is_id
from schemas.ports import Header
from schemas.scheduled import ORIGINAL_TIME_HEADER
from schemas.topics import MAX_NOTIFICATION_BYTES
from tests.fakes import FakeRecord, ProducedRecord
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

AWAY = (USER_PARTITION + 1) % 4


def read_back(record: ProducedRecord, offset: int = 0) -> FakeRecord:
    """The record as the target's consumer reads it, a minute later."""
    return build_record(record.value, offset, int((NOW + 60) * 1000), record.key, record.headers)


async def test_a_record_on_another_partition_is_repartitioned_and_nothing_else_is_produced() -> None:
    harness = RouterHarness()
    await harness.route(
        build_record(encode_value(build_notification(extra=[1, {"a": 2}])), key=b"wrong", headers=[("trace", b"t")]), partition=AWAY
    )
    (record,) = harness.committer.records
    assert (record.topic, record.partition, record.key) == ("notifications.medium", USER_PARTITION, USER_ID.encode())
    assert msgspec.json.decode(record.value or b"") == build_notification(extra=[1, {"a": 2}])
    assert ("trace", b"t") in record.headers
    assert (REPARTITION_HEADER, b"1") in record.headers
    assert harness.committer.commits == [(AWAY, [], [])]
    assert harness.routed_batches[0].repartitioned == harness.routed_batches[0].records == 1


async def test_the_id_is_stamped_in_so_that_it_stays_the_same() -> None:
    harness = RouterHarness()
    await harness.route(build_record(encode_value(build_notification(id=None)), offset=9), partition=AWAY)
    (record,) = harness.committer.records
    stamped = msgspec.json.decode(record.value or b"")["id"]
    assert stamped == derive_id("ntf_", NOW, "notifications.medium", str(AWAY), "9")
    await harness.route(read_back(record))
    assert harness.last_state == ("routed", "")
    assert harness.decided_events[0].id == stamped
    assert harness.decided_events[0].expires_at == NOW + 86_400


async def test_the_decision_log_says_that_a_record_was_repartitioned_and_only_of_that_one() -> None:
    harness = RouterHarness()
    await harness.route(build_record(encode_value(build_notification()), offset=9), partition=AWAY)
    await harness.route(read_back(harness.committer.records[0]))
    await harness.route(build_record(encode_value(build_notification(id=make_notification_id(7))), headers=[("trace", b"t")]))
    moved, direct = [harness.get_entry("repartition", number) for number in (0, 1)]
    assert (moved.inputs, direct.inputs) == ({"repartitioned": True}, {})
    event = harness.decided_events[0]
    assert "the router wrote it to the right one" in describe(Facts(event, moved.inputs))
    assert describe(Facts(event, direct.inputs)) == "it was on the partition of its user"


async def test_a_record_repartitioned_twice_is_decided_once() -> None:
    harness = RouterHarness()
    for _ in range(2):
        await harness.route(build_record(encode_value(build_notification(id=None, idempotency_key="k")), offset=9), partition=AWAY)
    first, second = harness.get_records("notifications.medium")
    await harness.route(read_back(first, 20), read_back(second, 21))
    assert [event.state for event in harness.decided_events] == ["routed"]
    assert harness.routed_batches[-1].replays == 1


async def test_a_record_keeps_its_age_when_it_is_repartitioned_late() -> None:
    harness = RouterHarness()
    two_days = 2 * 86_400
    old = build_record(encode_value(build_notification(id=make_notification_id(1, NOW - two_days))), timestamp=int((NOW - two_days) * 1000))
    await harness.route(old, partition=AWAY)
    await harness.route(read_back(harness.committer.records[0]))
    assert harness.last_state == ("rejected", "expired")


async def test_a_time_that_the_producer_set_itself_decides_nothing() -> None:
    harness = RouterHarness()
    long_ago = (ORIGINAL_TIME_HEADER, b"%d" % int((NOW - 2 * 86_400) * 1000))
    await harness.route(build_record(encode_value(build_notification()), headers=[long_ago]), partition=AWAY)
    (record,) = harness.committer.records
    assert [value for name, value in record.headers if name == ORIGINAL_TIME_HEADER] == [b"%d" % int(NOW * 1000)]
    await harness.route(build_record(encode_value(build_notification(id=make_notification_id(2))), headers=[long_ago]))
    assert harness.last_state == ("routed", "")
    assert harness.decided_events[-1].expires_at == NOW + 86_400


async def test_a_second_repartitioning_is_a_dead_letter() -> None:
    harness = RouterHarness()
    await harness.route(build_record(encode_value(build_notification()), headers=[(REPARTITION_HEADER, b"1")]), partition=AWAY)
    assert harness.last_state == ("dead", "wrong_partition")
    assert harness.decided_events[0].id == make_notification_id(1)
    assert not harness.get_records("notifications.medium")


@pytest.mark.parametrize(("room", "headers"), [(200, []), (2300, [("baggage", b"x" * 2000)])])
async def test_a_record_that_the_id_makes_too_large_is_dead(room: int, headers: list[Header]) -> None:
    harness = RouterHarness()
    value = build_notification(id=None, data={"a": "x" * (MAX_NOTIFICATION_BYTES - room)})
    await harness.route(build_record(encode_value(value), headers=headers), partition=AWAY)
    assert harness.last_state == ("dead", "too_large")
    assert is_id(harness.decided_events[0].id)


@pytest.mark.parametrize("prefix", ["", "t1."])
async def test_it_stays_in_its_priority(prefix: str) -> None:
    harness = RouterHarness(prefix=prefix)
    await harness.route(build_notification(), partition=AWAY, topic=f"{prefix}notifications.high")
    assert harness.committer.records[0].topic == f"{prefix}notifications.high"
