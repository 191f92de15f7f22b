"""The owner gate: one hop to the user's partition, and nothing said twice."""

import msgspec
import pytest

from agents.router.owner import HOP
from schemas.ids import derived_id, is_id
from schemas.ports import Header
from schemas.topics import MAX_NOTIFICATION_BYTES
from tests.unit.agents.router.world import HOME, NOW, USER, Read, World, Written, an_id, json, notification

AWAY = (HOME + 1) % 4


def read_back(record: Written, offset: int = 0) -> Read:
    """The record as the target's consumer reads it, a minute later."""
    return Read(record.value, offset, int((NOW + 60) * 1000), record.key, record.headers)


async def test_a_record_on_a_foreign_partition_is_forwarded_and_nothing_else_is_said() -> None:
    world = World()
    await world.route(Read(json(notification(extra=[1, {"a": 2}])), key=b"wrong", headers=[("trace", b"t")]), partition=AWAY)
    (record,) = world.commit.sent
    assert (record.topic, record.partition, record.key) == ("notifications.medium", HOME, USER.encode())
    assert msgspec.json.decode(record.value or b"") == notification(extra=[1, {"a": 2}])
    assert ("trace", b"t") in record.headers
    assert (HOP, b"1") in record.headers
    assert world.commit.commits == [(AWAY, [], [])]
    assert world.batches[0].forwarded == world.batches[0].records == 1


async def test_the_id_is_stamped_in_so_that_it_is_the_same_after_the_hop() -> None:
    world = World()
    await world.route(Read(json(notification(id=None)), offset=9), partition=AWAY)
    (record,) = world.commit.sent
    stamped = msgspec.json.decode(record.value or b"")["id"]
    assert stamped == derived_id("ntf_", NOW, "notifications.medium", str(AWAY), "9")
    await world.route(read_back(record))
    assert world.outcome == ("routed", "")
    assert world.accepted[0].id == stamped
    assert world.accepted[0].expires_at == NOW + 86_400


async def test_forwarding_twice_after_a_crash_is_decided_once() -> None:
    world = World()
    for _ in range(2):
        await world.route(Read(json(notification(id=None, idempotency_key="k")), offset=9), partition=AWAY)
    first, second = world.on("notifications.medium")
    await world.route(read_back(first, 20), read_back(second, 21))
    assert [event.state for event in world.accepted] == ["routed"]
    assert world.batches[-1].replays == 1


async def test_a_record_forwarded_long_after_it_was_written_has_its_old_age() -> None:
    world = World()
    two_days = 2 * 86_400
    old = Read(json(notification(id=an_id(1, NOW - two_days))), timestamp=int((NOW - two_days) * 1000))
    await world.route(old, partition=AWAY)
    await world.route(read_back(world.commit.sent[0]))
    assert world.outcome == ("refused", "expired")


async def test_a_second_hop_is_a_dead_letter() -> None:
    world = World()
    await world.route(Read(json(notification()), headers=[(HOP, b"1")]), partition=AWAY)
    assert world.outcome == ("dead", "wrong_partition")
    assert world.accepted[0].id == an_id(1)
    assert not world.on("notifications.medium")


@pytest.mark.parametrize(("room", "headers"), [(200, []), (2300, [("baggage", b"x" * 2000)])])
async def test_a_record_that_the_hop_makes_too_large_is_not_forwarded(room: int, headers: list[Header]) -> None:
    world = World()
    value = notification(id=None, data={"a": "x" * (MAX_NOTIFICATION_BYTES - room)})
    await world.route(Read(json(value), headers=headers), partition=AWAY)
    assert world.outcome == ("dead", "too_large")
    assert is_id(world.accepted[0].id)


@pytest.mark.parametrize("prefix", ["", "t1."])
async def test_it_stays_in_its_lane(prefix: str) -> None:
    world = World(prefix=prefix)
    await world.route(notification(), partition=AWAY, topic=f"{prefix}notifications.high")
    assert world.commit.sent[0].topic == f"{prefix}notifications.high"
