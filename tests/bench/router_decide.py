"""CPU of the router's decision alone, in memory: `python -m tests.bench.router_decide [records] [records per batch]`.

Each record is decoded, read against two tables, rendered to an e-mail of about 900 bytes (subject, text, HTML), traced, encoded. The last
line is one JSON object: microseconds per record (median and best of the rounds) and the calibration, the milliseconds of the same fixed
piece of work as in the pipeline's bench, sampled between the rounds.
"""

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from agents.router.router import Router
from schemas.ids import compute_partition, derive_id
from schemas.policy import Policy, Profile, RateLimit, Rule, Template
from schemas.ports import Batch, Header, Outbox, Table, TableRows

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
    {"order.shipped": Rule("order.shipped", "transactional", "medium", ("email",), template="order-shipped")},
    (Template("order-shipped", 7, "email", "default", "Order {{ order }} is on its way", TEXT, HTML),),
    (RateLimit("email", 100, 3600),),
)


@dataclass(slots=True)
class FakeRecord:
    """A record as the consumer gives it."""

    value: bytes
    offset: int
    timestamp: int
    key: bytes
    headers: tuple[Header, ...] = ()


class MinimalPorts:
    """Table, commit, policies and profiles that cost next to nothing."""

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
        for table, changed in (*claims, *rows):
            assert isinstance(table, MinimalPorts)
            table.rows.update(changed)
        self.outputs.clear()
        safe: asyncio.Future[None] = asyncio.Future()
        safe.set_result(None)
        return safe

    def get_current(self) -> Policy:
        return POLICY

    async def get_profiles(self, user_ids: Any) -> Mapping[str, Profile]:
        return {user_id: Profile(user_id, True, {"email": [f"{user_id}@example.org"]}, "en-GB") for user_id in user_ids}


def build_records(many: int, at: float) -> list[FakeRecord]:
    """Notifications of 10,000 users, of about 450 bytes."""
    records = []
    for number in range(many):
        user = f"u-{number % 10_000}"
        data = {"order": 100_000 + number, "name": "Ada Lovelace", "eta": "on Thursday", "items": ["a lamp", "two chairs", "a table"]}
        value = {"id": derive_id("ntf_", at, str(number)), "user_id": user, "type": "order.shipped", "data": data, "created_at": at}
        value |= {"category": "transactional", "channels": ["email"], "to": {"email": f"{user}@example.org"}, "locale": "en-GB"}
        records.append(FakeRecord(msgspec.json.encode(value), number, int(at * 1000), user.encode()))
    return records


def measure_calibration_ms() -> float:
    """Milliseconds of CPU that a fixed piece of work takes (spikes/pipeline/run.py)."""
    began, filled = time.thread_time(), {}
    for number in range(4000):
        filled[str(number)] = (number, [number])
    json.loads(json.dumps(filled))
    return (time.thread_time() - began) * 1000


async def measure(records: list[FakeRecord], size: int, at: float) -> float:
    """Microseconds of CPU per record over all batches, with fresh tables."""
    by_partition: dict[int, list[FakeRecord]] = {}
    for record in records:
        by_partition.setdefault(compute_partition(record.key.decode(), 4), []).append(record)
    batches = [Batch("notifications.medium", p, rs[i : i + size]) for p, rs in by_partition.items() for i in range(0, len(rs), size)]
    memory, profiles = MinimalPorts(), MinimalPorts()
    profiles.get_many = profiles.get_profiles  # type: ignore[assignment]
    router = Router(
        memory,
        profiles,
        MinimalPorts("idempotency"),
        MinimalPorts("rate_windows"),
        memory,
        lambda: at,
        4,
        "",
        asyncio.sleep,
        lambda routed: None,  # type: ignore[arg-type]
    )
    gc.collect()
    gc.freeze()
    began = time.thread_time()
    for batch in batches:
        await (await router.route(batch, lambda: None))
    return (time.thread_time() - began) / len(records) * 1e6


def main() -> None:
    """Measure seven rounds, each between two calibrations, and print them."""
    many, size = int((sys.argv[1:] or ["20000"])[0]), int((sys.argv[2:] or ["500"])[0])
    gc.set_threshold(100_000, 50, 100)
    at = 1_760_000_000.0
    records = build_records(many, at)
    asyncio.run(measure(records[:2000], size, at))
    figures, calibrations = [], [measure_calibration_ms()]
    for _ in range(7):
        figures.append(asyncio.run(measure(records, size, at)))
        calibrations.append(measure_calibration_ms())
    result = {"us_per_record": statistics.median(figures), "best_us": min(figures), "calibration_ms": statistics.median(calibrations)}
    print(json.dumps({name: round(figure, 2) for name, figure in result.items()} | {"records": many, "batch": size}))


if __name__ == "__main__":
    main()
