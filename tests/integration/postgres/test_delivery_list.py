"""The list of deliveries: filters, both orders, pages, and a bounded number of examined rows."""

from typing import Any

import pytest

from schemas.delivery_search import DeliveryFilter, DeliveryKey, Order
from schemas.enums import Status
from tables.postgres.database import Database
from tables.postgres.delivery_list import PostgresDeliveryList
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import NOW, build_decided_event, build_delivery_ref, build_history_batch, build_status_event, make_notification_id

COUNT = 60


def build_events(number: int, user_id: str) -> list[Any]:
    """A notification with an e-mail; each fifth e-mail failed, and of each seventh notification nothing is recorded but the decision."""
    at, fields = NOW + number, {"type": "a" if number % 2 else "b", "category": "news" if number % 4 == 0 else "transactional"}
    decided = build_decided_event(number, "email", user_id=user_id, at=at, priority="low" if number % 3 else "high", **fields)
    if number % 7 == 0:
        return [decided]
    status = {"status": Status.FAILED, "reason": "expired", "provider": "smtp"} if number % 5 == 0 else {}
    notification_id = make_notification_id(number, at)
    ids = {"delivery_id": build_delivery_ref(notification_id, "email", user_id).id, "notification_id": notification_id}
    return [decided, build_status_event(number, **ids, user_id=user_id, created_at=at, **status)]


@pytest.fixture
async def recorded(database: Database) -> Database:
    """The deliveries of 60 notifications, a second apart, to three users, and one of a project."""
    events = [event for number in range(1, COUNT + 1) for event in build_events(number, f"u-{number % 3}")]
    await PostgresHistoryWriter(database).write(build_history_batch(*events, *build_events(COUNT + 1, "@shop/u-1")))
    return database


async def list_all(source: PostgresDeliveryList, wanted: DeliveryFilter, limit: int = 7) -> list[int]:
    """The numbers of the deliveries on all pages."""
    numbers: list[int] = []
    after: DeliveryKey | None = None
    while True:
        found = await source.search(wanted, limit, after)
        assert len(found.items) <= limit
        numbers += [round(one.created_at - NOW) for one in found.items]
        if found.next_key is None:
            return numbers
        after = found.next_key


NUMBERS = [number for number in range(COUNT, 0, -1) if number % 7]
FILTERS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "all": ({}, NUMBERS),
    "status": ({"statuses": [Status.FAILED]}, [number for number in NUMBERS if number % 5 == 0]),
    "statuses": ({"statuses": [Status.FAILED, Status.SENT]}, NUMBERS),
    "channel": ({"channel": "sms"}, []),
    "provider": ({"provider": "smtp"}, [number for number in NUMBERS if number % 5 == 0]),
    "reason": ({"reason": "expired"}, [number for number in NUMBERS if number % 5 == 0]),
    "other reason": ({"reason": "bounced"}, []),
    "priority": ({"priority": "high"}, [number for number in NUMBERS if number % 3 == 0]),
    "category": ({"category": "news"}, [number for number in NUMBERS if number % 4 == 0]),
    "type": ({"type": "b", "statuses": [Status.SENT]}, [number for number in NUMBERS if number % 2 == 0 and number % 5]),
    "user": ({"user_id": "u-1"}, [number for number in NUMBERS if number % 3 == 1]),
    "user and reason": ({"user_id": "u-1", "reason": "expired"}, [number for number in NUMBERS if number % 15 == 10]),
    "times": ({"since": NOW + 20, "until": NOW + 41}, [number for number in NUMBERS if 20 <= number <= 40]),
    "times of a user": (
        {"user_id": "u-2", "since": NOW + 20, "until": NOW + 41},
        [n for n in NUMBERS if 20 <= n <= 40 and n % 3 == 2],
    ),
    "project": ({"project": "shop"}, [COUNT + 1]),
    "nobody": ({"user_id": "u-9"}, []),
    "NUL": ({"type": "a\0"}, []),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("max_examined", [5000, 4])
async def test_what_matches_is_found_on_all_pages_in_both_orders(recorded: Database, name: str, max_examined: int) -> None:
    fields, numbers = FILTERS[name]
    source = PostgresDeliveryList(recorded, max_examined, max_examined)
    orders: dict[Order, list[int]] = {"newest": numbers, "oldest": numbers[::-1]}
    for order, expected in orders.items():
        assert await list_all(source, DeliveryFilter(**fields, order=order)) == expected, order


async def test_deliveries_of_one_notification_are_divided_between_pages(database: Database) -> None:
    ids = [build_delivery_ref(make_notification_id(), channel) for channel in ("email", "sms", "push")]
    events = [build_status_event(1, ref.channel) for ref in ids]
    await PostgresHistoryWriter(database).write(build_history_batch(build_decided_event(1, "email", "sms", "push"), *events))
    for wanted in (DeliveryFilter(), DeliveryFilter(user_id="u-1"), DeliveryFilter(user_id="u-1", order="oldest")):
        assert len(await list_all(PostgresDeliveryList(database), wanted, limit=1)) == 3


async def test_a_delivery_is_listed_before_its_decision_is_recorded(database: Database) -> None:
    await PostgresHistoryWriter(database).write(build_history_batch(build_status_event(1)))
    (found,) = (await PostgresDeliveryList(database).search(DeliveryFilter(), 10)).items
    assert (found.status, found.type, found.priority, found.sent_at) == ("SENT", "", "", found.updated_at)
