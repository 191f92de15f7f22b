"""The same notification replayed anywhere gives the same deliveries."""

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ids import compute_partition
from tests.fakes import FakeRecord, ProducedRecord
from tests.unit.agents.router.harness import (
    NOW,
    PARTITIONS,
    USER_ID,
    RouterHarness,
    build_notification,
    build_record,
    build_release,
    encode_value,
    make_notification_id,
)

ADDRESSES = {"email": "grace@example.org", "sms": "+12025550199", "push": ["watch", "phone"]}
CHANNELS = st.lists(st.sampled_from(sorted(ADDRESSES)), min_size=1, max_size=3, unique=True)
KINDS = st.one_of(  # a code has no push message
    st.fixed_dictionaries({"type": st.just("order.shipped"), "channels": st.none() | CHANNELS}),
    st.just({"type": "account.otp"}),
)
FIELDS = st.fixed_dictionaries(
    {
        "id": st.sampled_from([None, make_notification_id(7)]),
        "data": st.just({"order": 17, "name": "Ada", "code": 123}),
        "to": st.none() | CHANNELS.map(lambda names: {name: ADDRESSES[name] for name in names}),
        "locale": st.sampled_from([None, "de", "fr-CA"]),
        "idempotency_key": st.sampled_from([None, "key"]),
        "send_at": st.sampled_from([None, NOW + 60]),
    }
)
NOTIFICATIONS = st.builds(lambda fields, kind: {**fields, **kind}, FIELDS, KINDS)
TOPICS = st.sampled_from(["notifications.high", "notifications.medium", "notifications.low"])
DELAYS = st.lists(st.floats(0, 3600), min_size=1, max_size=3)  # seconds until the record is read again

RELEASE_TIME = re.compile(rb',"due_at":[0-9.]+')

Place = tuple[FakeRecord, int, str]  # a record, its partition and topic


async def decide(place: Place, at: float) -> list[ProducedRecord]:
    """What a worker without any rows writes for a record."""
    harness, (record, partition, topic) = RouterHarness(), place
    harness.now = at
    await harness.route(record, partition=partition, topic=topic)
    return harness.committer.records


def follow(record: ProducedRecord, at: float) -> Place | None:
    """The record as the router reads it again: repartitioned, or released by the scheduler when it is due."""
    if record.topic.startswith("notifications.") and record.topic.split(".")[1] in ("high", "medium", "low"):
        return build_record(record.value, 3, int(at * 1000), record.key, record.headers), record.partition, record.topic
    if record.topic.startswith("scheduled."):
        return build_release(record, 5), record.partition, record.topic.replace("scheduled", "notifications")
    return None


def omit_release_time(value: bytes | None) -> bytes | None:
    """A delivery without the time of its release, which is another one at each replay; latencies are counted from it."""
    return value and RELEASE_TIME.sub(b"", value)


async def deliver(place: Place, delays: list[float]) -> set[tuple[str, bytes | None]]:
    """The deliveries of a record that is decided once per delay: its outputs are out each time, and its rows are lost."""
    deliveries: set[tuple[str, bytes | None]] = set()
    places: list[tuple[Place, float]] = [(place, NOW)]
    while places:
        current, at = places.pop()
        for delay in delays:
            for record in await decide(current, at + delay):
                if record.topic.startswith("deliveries."):
                    deliveries.add((record.topic, omit_release_time(record.value)))
                elif (following := follow(record, at + delay)) is not None:
                    places.append((following, following[0].timestamp / 1000))
    return deliveries


@settings(max_examples=30)
@given(NOTIFICATIONS, TOPICS, st.integers(0, PARTITIONS - 1), DELAYS)
async def test_the_same_deliveries_come_from_any_replay(fields: dict[str, Any], topic: str, partition: int, delays: list[float]) -> None:
    place = build_record(encode_value(build_notification(**fields)), 11), partition, topic
    first = await deliver(place, [0.0])
    assert first
    assert await deliver(place, delays) == first


@settings(max_examples=30)
@given(NOTIFICATIONS, TOPICS)
async def test_what_has_an_id_gives_the_same_deliveries_on_each_partition(fields: dict[str, Any], topic: str) -> None:
    record = build_record(encode_value(build_notification(**fields | {"id": make_notification_id(7)})), 11)
    home = await deliver((record, compute_partition(USER_ID, PARTITIONS), topic), [0.0])
    for partition in range(PARTITIONS):
        assert await deliver((record, partition, topic), [0.0]) == home
