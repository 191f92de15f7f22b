"""Records that cannot be processed, on real workers: they block nothing, and too many of them stop the worker at its position."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import DecidedEvent
from schemas.ids import compute_partition
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_notifications_topic
from tables.postgres.database import Database
from tests import topic_reader
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.database_fixtures import create_database

USER_ID = "u-1"
PARTITION = compute_partition(USER_ID, PARTITIONS)
VALID: dict[str, Any] = {"user_id": USER_ID, "type": "account.password-reset", "channels": ["email"], "to": {"email": "a@example.org"}}
VALID |= {"locale": "en", "data": {"name": "Ada", "link": "https://example.org/reset", "minutes": 10}}
MAX_DEAD_LETTERS = 50
BUG = """
import sys
sys.path.insert(0, {root!r})
from msgspec.structs import replace
from agents.router.gates import expiry
check = expiry.check
def check_with_a_bug(state, context):
    if state.notification.data["minutes"] % 10 == 0:
        raise ZeroDivisionError
    return check(state, context)
expiry.GATE = replace(expiry.GATE, check=check_with_a_bug)
"""
ROOT = Path(__file__).parents[2]

Poison = tuple[bytes | None, bytes | None]  # key and value

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
poisons: st.SearchStrategy[Poison] = st.tuples(
    st.none() | st.just(USER_ID.encode()) | st.binary(max_size=20),
    st.one_of(
        st.binary(max_size=200),
        st.none(),
        st.integers(1, 100_000).map(lambda depth: b"[" * depth),
        st.integers(65, 900).map(lambda depth: msgspec.json.encode(VALID).replace(b"10", b"[" * depth + b"]" * depth)),
        st.binary(min_size=1, max_size=3).map(lambda junk: msgspec.json.encode({**VALID, "type": 7}).replace(b"7", b'"' + junk + b'\xff"')),
        json_values.map(lambda value: msgspec.json.encode({**VALID, "user_id": [value]})),
        st.integers(262_144, 300_000).map(lambda size: b'{"user_id":"u-1","x":"' + b"x" * size),
    ),
).filter(lambda one: one != (None, None))


def draw_poisons(count: int) -> list[Poison]:
    """Records that hypothesis makes up."""
    drawn: list[Poison] = []

    @settings(max_examples=count, database=None, deadline=None)
    @given(poisons)
    def draw(one: Poison) -> None:
        drawn.append(one)

    draw()
    return drawn


def build_valid_records(count: int) -> list[Poison]:
    """Notifications of as many users of one partition, which differ in their number of minutes."""
    users = [user for number in range(10 * count) if compute_partition(user := f"u-{number}", PARTITIONS) == PARTITION]
    values = [{**VALID, "user_id": user, "data": {**VALID["data"], "minutes": number}} for number, user in enumerate(users[:count])]
    return [(value["user_id"].encode(), msgspec.json.encode(value)) for value in values]


@pytest.fixture
async def database(cluster: HeroldCluster) -> AsyncIterator[Database]:
    database = create_database(cluster.urls.database)
    yield database
    await database.close()


async def produce(cluster: HeroldCluster, records: list[Poison]) -> None:
    """Produce records to one partition, in this order."""
    topic = cluster.prefix + get_notifications_topic("high")
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, compression_type="lz4", max_request_size=2**21) as producer:
        for key, value in records:
            await producer.send_and_wait(topic, value, key, partition=PARTITION)


async def has_no_lag(cluster: HeroldCluster) -> bool:
    async with topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        return await reader.compute_lag(f"{cluster.prefix}router", [cluster.prefix + get_notifications_topic("high")]) == 0


async def read_routed(cluster: HeroldCluster) -> list[str]:
    """The ids of the notifications that were routed, as often as they were."""
    async with topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([cluster.prefix + STATUS_TOPIC])]
    events = [msgspec.json.decode(record.value, type=DecidedEvent) for record in records]
    return [event.id for event in events if event.state == "routed"]


@pytest.mark.slow
async def test_poison_becomes_dead_letters_with_causes_and_blocks_nothing(cluster: HeroldCluster, database: Database) -> None:
    drawn = draw_poisons(150)
    valid = build_valid_records(50)
    records = [*drawn, *valid]
    random.Random(1).shuffle(records)
    await asyncio.gather(cluster.start_worker("router"), cluster.start_worker("recorder"))
    await produce(cluster, records)
    await wait_until(lambda: has_no_lag(cluster), 150, "the router has committed all records", interval=0.2)
    expected = [offset for offset, record in enumerate(records) if record not in valid]

    async def are_recorded() -> bool:
        return bool(await cluster.fetch_value("select count(*) from dead_letters") == len(expected))

    await wait_until(are_recorded, 60, f"{len(expected)} dead letters are recorded", interval=0.2)
    rows = await database.fetch("select source_offset, cause, reason, error, stage, value from dead_letters order by source_offset")
    assert [row["source_offset"] for row in rows] == expected
    assert all(row["cause"] and row["reason"] and row["error"] and row["stage"] == "router" for row in rows)
    assert [row["value"] for row in rows] == [records[offset][1] for offset in expected], "byte for byte"
    assert len(await read_routed(cluster)) == len(valid)
    causes = len({row["cause"] for row in rows})
    print(f"{len(rows)} dead letters of {len({row['reason'] for row in rows})} reasons have {causes} causes")
    assert causes < len(rows) / 2


@pytest.mark.slow
async def test_a_bug_that_kills_each_tenth_record_stops_the_worker_at_its_position(cluster: HeroldCluster, tmp_path: Path) -> None:
    bug = tmp_path / "bug"
    bug.mkdir()
    (bug / "sitecustomize.py").write_text(BUG.format(root=str(ROOT)))
    limits = {"HEROLD_WORKER_MAX_DEAD_LETTERS": str(MAX_DEAD_LETTERS), "HEROLD_ROUTER_MAX_BATCH_RECORDS": "50"}
    count = 2000
    await produce(cluster, build_valid_records(count))
    await cluster.start_worker("router", PYTHONPATH=str(bug), **limits)
    process = cluster.processes.pop("router")
    assert await asyncio.to_thread(process.wait, 120) != 0
    output = cluster.get_log_path("router").read_text()
    assert "worker.dead_letter_limit_reached" in output
    assert "worker.max_dead_letter_share" in output
    dead_before = await cluster.count_records(DEAD_LETTER_TOPIC)
    assert dead_before <= MAX_DEAD_LETTERS
    assert not await has_no_lag(cluster)
    await cluster.start_worker("router", **limits)  # the release that has no bug
    await wait_until(lambda: has_no_lag(cluster), 150, "the router has committed all records", interval=0.2)
    routed = await read_routed(cluster)
    assert len(routed) == len(set(routed)) == count - dead_before, "what was not decided waited, and is sent once"
    assert await cluster.count_records(DEAD_LETTER_TOPIC) == dead_before
