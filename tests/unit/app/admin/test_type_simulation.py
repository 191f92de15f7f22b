"""Which recorded notifications a rule is tried on."""

from typing import Any

import msgspec
import pytest

from app.admin.type_simulation import MAX_EXAMINED, FoundNotifications, find_newest_of_type, select_type
from app.kafka.recorded_notifications import SCAN_RECORDS
from schemas.lifetimes import NOTIFICATION_RECORDS
from schemas.ports import RecordedNotification
from schemas.projects import find_project
from tests.unit.agents.router.harness import NOW, build_record
from tests.unit.app.admin.test_recorded_payloads import MemoryRecords


async def find(records: MemoryRecords, count: int, *, is_late: bool = False) -> FoundNotifications:
    return await find_newest_of_type(records, "plain", find_project, count, NOW, lambda: is_late)  # type: ignore[arg-type]


def list_offsets(found: FoundNotifications) -> list[int]:
    return [one.record.offset for one in found.records]


async def test_the_newest_of_a_type_are_found_in_the_order_of_their_times() -> None:
    records = MemoryRecords(["plain", "plain", *["other"] * 2500, "plain"])
    found = await find(records, 2)
    assert (list_offsets(found), found.end, found.since) == ([1, 2502], "count", NOW - 2502)
    assert (found.examined, records.reads) == (2503, [SCAN_RECORDS, 503])


async def test_a_search_ends_when_all_records_are_read_or_enough_of_others() -> None:
    found = await find(MemoryRecords(["plain", "other"]), 5)
    assert (list_offsets(found), found.end, found.since, found.examined) == ([0], "all", NOW - NOTIFICATION_RECORDS, 2)
    found = await find(MemoryRecords(["plain", *["other"] * MAX_EXAMINED]), 5)
    assert (list_offsets(found), found.end, found.examined, found.since) == ([], "records", MAX_EXAMINED, NOW - MAX_EXAMINED)


async def test_a_search_that_is_late_ends_after_a_chunk_and_says_from_when_on_it_is_complete() -> None:
    found = await find(MemoryRecords(["plain"] * 3000), 2900, is_late=True)
    assert (len(found.records), found.end, found.since) == (SCAN_RECORDS, "time", NOW - SCAN_RECORDS)


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b"[]", b'{"type": 7}', b'{"user_id": "u"}', b'{"type": "other"}', b'\xff{"type": "plain"}']
)
def test_what_is_no_notification_of_the_type_is_left_out(value: Any) -> None:
    records = [RecordedNotification("notifications.low", 0, build_record(one, 0)) for one in (value, b'{"type": "plain"}')]
    assert select_type(records, "plain", find_project) == records[1:]


@pytest.mark.parametrize(("wanted", "expected"), [("plain", ["u-1"]), ("@acme/plain", ["@acme/u-1", "@acme/u-2"]), ("@north/plain", [])])
def test_a_producer_may_have_qualified_the_user_only(wanted: str, expected: list[str]) -> None:
    ids = [("u-1", "plain"), ("@acme/u-1", "plain"), ("@acme/u-2", "@acme/plain"), ("u-3", "@acme/plain"), ("@acme/u-4", "@north/plain")]
    values = [msgspec.json.encode({"user_id": user_id, "type": type_}) for user_id, type_ in ids]
    records = [RecordedNotification("notifications.low", 0, build_record(one)) for one in values]
    found = [msgspec.json.decode(one.record.value or b"")["user_id"] for one in select_type(records, wanted, find_project)]
    assert found == expected
