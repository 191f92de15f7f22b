"""The list of deliveries: filters, both orders, pages, and a bounded number of examined rows."""

from typing import Any

import pytest

from schemas.delivery_search import DeliveryFilter, DeliveryKey, Order
from schemas.enums import Status
from schemas.events import GateResult
from tables.postgres.database import Database
from tables.postgres.delivery_list import PostgresDeliveryList
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import NOW, build_decided_event, build_delivery_ref, build_history_batch, build_status_event, make_notification_id
from tests.integration.users.users_client import open_users_client

COUNT = 60


def build_events(number: int, user_id: str) -> list[Any]:
    """A notification with an e-mail; each fifth e-mail failed, and of each seventh notification nothing is recorded but the decision."""
    at, fields = (
        NOW + number,
        dict[str, Any]({"type": "a" if number % 2 else "b", "category": "news" if number % 4 == 0 else "transactional"}),
    )
    label = "order@shipped@12 de" if number % 6 == 0 else "order@3 default (news/short)"  # a name may have the sign, too
    odd = GateResult("rule", "pass", "", {"quoted": "rendering \0"})
    log = [odd, GateResult("rendering", "pass", "", {"push": "other@1 default"}), GateResult("rendering", "pass", "", {"email": label})]
    ref = build_delivery_ref(make_notification_id(number, at), "email", user_id)
    fields |= {"decision_log": log, "is_test": number % 8 == 0, "deliveries": [ref]}
    decided = build_decided_event(number, "email", user_id=user_id, at=at, priority="low" if number % 3 else "high", **fields)
    if number % 7 == 0:
        return [decided]
    status = {"status": Status.FAILED, "reason": "expired", "provider": "smtp"} if number % 5 == 0 else {}
    ids = {"delivery_id": ref.id, "notification_id": decided.id}
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
    "template": ({"template": "order"}, [number for number in NUMBERS if number % 6]),
    "another template": ({"template": "order@shipped", "statuses": [Status.FAILED]}, [60, 30]),
    "template of another channel": ({"template": "other"}, []),
    "template of a user": ({"template": "order@shipped", "user_id": "u-0"}, [number for number in NUMBERS if number % 6 == 0]),
    "tests": ({"is_test": True}, [number for number in NUMBERS if number % 8 == 0]),
    "tests with a reason": ({"is_test": True, "reason": "expired"}, [40]),
    "tests of a time": ({"is_test": True, "since": NOW + 20, "until": NOW + 41}, [40, 32, 24]),
    "tests of a user": ({"is_test": True, "user_id": "u-1"}, [number for number in NUMBERS if number % 24 == 16]),
    "no tests": ({"is_test": False}, [number for number in NUMBERS if number % 8]),
    "NUL in a template": ({"template": "a\0"}, []),
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


async def test_the_api_and_its_export_take_a_template_and_whether_they_are_tests(database_copy_url: str) -> None:
    async with open_users_client(database_copy_url) as (client, connections):
        await connections.policy_reader.refresh()
        events = [event for number in (8, 9, 12, 16) for event in build_events(number, "u-1")]
        await PostgresHistoryWriter(connections.database).write(build_history_batch(*events))
        for query, expected in {"template=order": [16, 9, 8], "template=order&is_test=true": [16, 8], "is_test=false": [12, 9]}.items():
            items = (await client.get(f"/v1/deliveries?{query}")).json()["items"]
            assert [round(one["created_at"] - NOW) for one in items] == expected, query
            exported = (await client.get(f"/v1/deliveries/export?{query}")).text
            assert len(exported.splitlines()) == 1 + len(expected), query
        assert (await client.get("/v1/deliveries?is_test=perhaps")).status_code == 422
