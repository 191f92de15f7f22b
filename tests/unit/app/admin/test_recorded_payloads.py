"""Which recorded notifications a template renders, and with what."""

from typing import Any

import pytest

from agents.router.compiled_policy import CompiledPolicy
from agents.router.simulation import PolicySimulation
from app.admin.recorded_payloads import build_data, find_newest
from schemas.errors import RecordedNotificationsTooLargeError
from schemas.policy import DigestPolicy, Rule
from schemas.ports import RecordedNotification
from tests.unit.agents.router.harness import (
    NOW,
    PARTITIONS,
    USER_PARTITION,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    make_notification_id,
)

RULES = [
    Rule("plain", "transactional", None, ("email",), template="shipped"),
    Rule("gathered", "transactional", None, ("email",), template="shipped", digest=DigestPolicy(window=600, template="summary")),
    Rule("both", "transactional", None, ("email",), template="shipped", digest=DigestPolicy(window=600)),
]


class MemoryRecords:
    """Records in memory, one each second before NOW (app.kafka.recorded_notifications.RecordedNotifications)."""

    def __init__(self, types: list[str], max_records: int = 10_000) -> None:
        self.reads: list[int] = []
        self.max_records = max_records
        start = NOW - len(types)
        values = [encode_value(self._build(number, type_)) for number, type_ in enumerate(types)]
        self._records = [
            RecordedNotification("notifications.low", USER_PARTITION, build_record(value, number, round((start + number) * 1000)))
            for number, value in enumerate(values)
        ]

    def _build(self, number: int, type_: str) -> dict[str, Any]:
        return build_notification(id=make_notification_id(number), type=type_, data={"order": number})

    async def find_start(self, since: float, until: float, count: int) -> float:
        times = [one.record.timestamp / 1000 for one in self._records if since <= one.record.timestamp / 1000 < until]
        return times[-count] if len(times) >= count else since

    async def read(self, since: float, until: float, max_bytes: int) -> list[RecordedNotification]:
        found = [one for one in self._records if since <= one.record.timestamp / 1000 < until]
        if len(found) > self.max_records:
            raise RecordedNotificationsTooLargeError(max_bytes)
        self.reads.append(len(found))
        return found


def build_simulation() -> PolicySimulation:
    return PolicySimulation(CompiledPolicy(build_policy(RULES)), PARTITIONS, "")


async def find(records: MemoryRecords, name: str, count: int, max_scanned: int, *, is_late: bool = False) -> list[Any]:
    return list(await find_newest(records, build_simulation(), name, count, max_scanned, NOW, lambda: is_late))  # type: ignore[arg-type]


async def test_the_newest_are_found_among_others_and_the_search_ends() -> None:
    records = MemoryRecords(["plain", *["unknown"] * 3000, "plain", "plain"])
    found = await find(records, "shipped", 2, 20_000)
    assert ([state.notification.data["order"] for state in found], records.reads) == ([3002, 3001], [2000])
    assert [state.notification.data["order"] for state in await find(records, "shipped", 3, 20_000)] == [3002, 3001, 0]
    assert len(await find(records, "shipped", 3, 2500)) == 2
    assert await find(MemoryRecords([]), "shipped", 3, 2500) == []


async def test_a_search_that_is_late_ends_after_a_chunk() -> None:
    records = MemoryRecords(["plain", *["unknown"] * 3000, "plain"])
    assert len(await find(records, "shipped", 2, 20_000, is_late=True)) == 1
    assert records.reads == [2000]


async def test_large_records_are_read_a_few_at_a_time() -> None:
    records = MemoryRecords(["plain"] * 600, max_records=40)
    assert len(await find(records, "shipped", 100, 20_000)) == 100
    assert set(records.reads) == {31}
    with pytest.raises(RecordedNotificationsTooLargeError):
        await find(MemoryRecords(["plain"], max_records=0), "shipped", 1, 20_000)


@pytest.mark.parametrize(
    ("type_", "name", "expected"),
    [
        ("plain", "shipped", {"order": 0}),
        ("gathered", "shipped", {"order": 0}),
        ("gathered", "summary", {"order": 0, "digest": {"count": 1, "events": [{"order": 0}]}}),
        ("both", "shipped", {"order": 0, "digest": {"count": 1, "events": [{"order": 0}]}}),
    ],
)
async def test_a_template_of_digests_sees_a_digest(type_: str, name: str, expected: dict[str, Any]) -> None:
    (state,) = await find(MemoryRecords([type_]), name, 5, 100)
    assert build_data(state, name) == expected
