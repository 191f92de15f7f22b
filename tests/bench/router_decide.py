"""Measures the CPU of the router's decision in memory: `python -m tests.bench.router_decide [records] [records per batch] [look-up]`.

Each record is decoded, checked against two tables, rendered to an e-mail of about 900 bytes (subject, text, HTML) and encoded with its
decision log. With `look-up` the addresses come from profiles, and consent is judged by them; reading the profiles is not measured. Prints
one JSON object: microseconds per record (median and minimum of the rounds), and the calibration in milliseconds, measured between the
rounds.
"""

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from agents.router.parking import ParkingLimits
from agents.router.router import Router
from schemas.ids import compute_partition, derive_id
from schemas.policy import Policy, RateLimit, Rule, Template
from schemas.ports import Batch, Header, Outbox, Table, TableRows
from schemas.profile import Profile
from tests.bench.cpu_meter import measure_calibration
from tests.fakes import FakeRecord
from tests.memory_streaming import iterate_batches

TEXT = """Hello {{ name }},

your order {{ order }} has left our warehouse and should reach you {{ eta }}.
In the parcel:
{% for item in items %}  - {{ item }}
{% endfor %}
You can follow it on its way as long as it travels; we write again when it has arrived.
"""
HTML = """<p>Hello {{ name }},</p>
<p>your order <b>{{ order }}</b> has left our warehouse and should reach you {{ eta }}.</p>
<ul>{% for item in items %}<li>{{ item }}</li>{% endfor %}</ul>
<p>You can follow it on its way as long as it travels; we write again when it has arrived.</p>
<p style="color:#666;font-size:small">You get this message because you ordered something in our shop.</p>
"""
POLICY = Policy(
    {
        "order.shipped": Rule("order.shipped", "transactional", "medium", ("email",), template="order-shipped"),
        "shop.news": Rule("shop.news", "marketing", "medium", ("email",), template="order-shipped"),
    },
    (Template("order-shipped", 7, "email", "default", "Order {{ order }} is on its way", TEXT, HTML),),
    (RateLimit("email", 100, 3600),),
)


USERS = {
    user_id: Profile(user_id, True, {"email": [f"{user_id}@example.org"]}, "en-GB", choices={"news/": "out"})
    for user_id in (f"u-{number}" for number in range(10_000))
}


class MinimalPorts:
    """A table, committer, policy reader and profile reader with minimal cost."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.rows: dict[bytes, bytes | None] = {}
        self.outputs: list[Any] = []

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return list(map(self.rows.get, keys))

    def create_outbox(self, partition: int) -> Outbox:
        return self

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        self.outputs.append((topic, partition, key, value, headers))

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> asyncio.Future[None]:
        for table, changed_rows in (*claims, *rows):
            assert isinstance(table, MinimalPorts)
            table.rows.update(changed_rows)
        self.outputs.clear()
        committed: asyncio.Future[None] = asyncio.Future()
        committed.set_result(None)
        return committed

    def get_current(self) -> Policy:
        return POLICY

    def list_rows(self, partition: int, prefix: bytes, max_rows: int) -> Sequence[tuple[bytes, bytes]]:
        return []

    async def get_profiles(self, user_ids: Any) -> Mapping[str, Profile]:
        return {user_id: USERS[user_id] for user_id in user_ids}


def build_records(count: int, at: float, *, look_up: bool = False) -> list[FakeRecord]:
    """Build notifications of about 450 bytes to 10,000 users; those with a look-up need their profiles."""
    records = []
    for number in range(count):
        user_id = f"u-{number % 10_000}"
        data = {"order": 100_000 + number, "name": "Ada Lovelace", "eta": "on Thursday", "items": ["a lamp", "two chairs", "a table"]}
        value = {"id": derive_id("ntf_", at, str(number)), "user_id": user_id, "type": "order.shipped", "data": data, "created_at": at}
        if look_up:
            value |= {"type": "shop.news", "channels": ["email"]}
        else:
            value |= {"category": "transactional", "channels": ["email"], "to": {"email": f"{user_id}@example.org"}, "locale": "en-GB"}
        records.append(FakeRecord(number, int(at * 1000), user_id.encode(), msgspec.json.encode(value)))
    return records


async def measure(records: list[FakeRecord], size: int, at: float) -> float:
    """Measure the CPU microseconds per record over all batches, with empty tables."""
    by_partition: dict[int, list[FakeRecord]] = {}
    for record in records:
        by_partition.setdefault(compute_partition((record.key or b"").decode(), 4), []).append(record)
    batches = [
        Batch("notifications.medium", partition, partition_records[start : start + size])
        for partition, partition_records in by_partition.items()
        for start in range(0, len(partition_records), size)
    ]
    memory, profiles = MinimalPorts(), MinimalPorts()
    profiles.get_many = profiles.get_profiles  # type: ignore[assignment]
    router = Router(
        policies=memory,
        profiles=profiles,
        deliveries=MinimalPorts(),
        idempotency=MinimalPorts("idempotency"),
        rate_windows=MinimalPorts("rate_windows"),
        digests=MinimalPorts("digests"),
        committer=memory,
        clock=lambda: at,
        partitions=4,
        topic_prefix="",
        sleep=asyncio.sleep,
        observe=lambda routed: None,
        parking_limits=ParkingLimits(1, 1),
    )
    gc.collect()
    gc.freeze()
    started_at = time.thread_time()
    for batch in batches:
        await router.run(iterate_batches(batch))
    return (time.thread_time() - started_at) / len(records) * 1e6


def main() -> None:
    """Measure seven rounds with calibrations before and after each, and print the figures."""
    count, size = int((sys.argv[1:] or ["20000"])[0]), int((sys.argv[2:] or ["500"])[0])
    gc.set_threshold(100_000, 50, 100)
    at = 1_760_000_000.0
    records = build_records(count, at, look_up=sys.argv[3:] == ["look-up"])
    asyncio.run(measure(records[:2000], size, at))
    rounds, calibrations = [], [measure_calibration()]
    for _ in range(7):
        rounds.append(asyncio.run(measure(records, size, at)))
        calibrations.append(measure_calibration())
    calibration_ms = statistics.median(calibrations) * 1000
    figures = {"us_per_record": statistics.median(rounds), "best_us": min(rounds), "calibration_ms": calibration_ms}
    print(json.dumps({name: round(figure, 2) for name, figure in figures.items()} | {"records": count, "batch": size}))


if __name__ == "__main__":
    main()
