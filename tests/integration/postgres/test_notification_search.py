"""The search for notifications: filters, pages, a bounded number of examined rows, and plans that use an index."""

import msgspec
import pytest

from schemas.enums import State
from schemas.history import NotificationFilter, NotificationKey
from tables.postgres import history_reader
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import NOW, build_decided_event, build_history_batch

COUNT = 60


@pytest.fixture
async def reader(database: Database) -> PostgresHistoryReader:
    """History of 60 notifications, a second apart, to three users; each seventh is rejected, and one belongs to a project."""
    events = []
    for number in range(1, COUNT + 1):
        event = build_decided_event(number, "email", user_id=f"u-{number % 3}", at=NOW + number, type="a" if number % 2 else "b")
        rejected = {"state": State.REJECTED, "reason": "opted_out", "deliveries": []} if number % 7 == 0 else {}
        events.append(msgspec.structs.replace(event, **rejected))
    events.append(build_decided_event(COUNT + 1, user_id="@shop/u-1", at=NOW + COUNT + 1))
    await PostgresHistoryWriter(database).write(build_history_batch(*events))
    return PostgresHistoryReader(database)


async def list_all(reader: PostgresHistoryReader, wanted: NotificationFilter, limit: int = 7) -> list[int]:
    """The numbers of the notifications on all pages."""
    numbers: list[int] = []
    below: NotificationKey | None = None
    while True:
        found = await reader.search(wanted, limit, below)
        assert len(found.histories) <= limit
        numbers += [round(one.decided.created_at - NOW) for one in found.histories if one.decided]
        if found.next_key is None:
            return numbers
        below = found.next_key


NUMBERS = range(COUNT, 0, -1)
FILTERS = {
    "all": (NotificationFilter(), [*NUMBERS]),
    "user": (NotificationFilter(user_id="u-1"), [number for number in NUMBERS if number % 3 == 1]),
    "type": (NotificationFilter(type="b"), [number for number in NUMBERS if number % 2 == 0]),
    "state": (NotificationFilter(state="rejected"), [number for number in NUMBERS if number % 7 == 0]),
    "reason": (NotificationFilter(reason="opted_out", user_id="u-0"), [number for number in NUMBERS if number % 21 == 0]),
    "channel": (NotificationFilter(channel="email"), [number for number in NUMBERS if number % 7]),
    "no channel": (NotificationFilter(channel="sms"), []),
    "since": (NotificationFilter(since=NOW + 41), [*range(COUNT, 40, -1)]),
    "category": (NotificationFilter(category="none"), []),
    "project": (NotificationFilter(project="shop"), [COUNT + 1]),
    "nothing": (NotificationFilter(user_id="u-9"), []),
    "NUL": (NotificationFilter(type="a\0"), []),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("max_examined", [5000, 4])
async def test_what_matches_is_found_on_all_pages(
    reader: PostgresHistoryReader, name: str, max_examined: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_reader, "_MAX_EXAMINED", max_examined)
    wanted, numbers = FILTERS[name]
    assert await list_all(reader, wanted) == numbers


async def test_two_users_with_one_id_are_both_listed(database: Database) -> None:
    same = [build_decided_event(1, user_id=user) for user in ("u-1", "u-2", "u-3")]
    await PostgresHistoryWriter(database).write(build_history_batch(*same))
    assert len(await list_all(PostgresHistoryReader(database), NotificationFilter(), limit=1)) == 3
