"""What the recorder counts of endpoints, which it finds to have failed too long, and what it reads for reports, on a real PostgreSQL."""

from typing import Any

import httpx
import msgspec
import pytest

from agents.recorder.status_webhooks import list_touched
from app.admin.policy import make_row_id
from schemas.enums import Outcome, Status
from schemas.events import StatusEvent
from schemas.history import HistoryBatch
from schemas.ids import make_id
from schemas.status_webhooks import FailingEndpoint, ReportedDelivery, StatusEndpoint
from schemas.webhook_endpoints import MESSAGE_PREFIX
from tables.postgres.database import Database
from tables.postgres.endpoint_reports import PostgresEndpointReports
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.partitions import drop_expired_partitions
from tests.event_builders import NOW, build_decided_event, build_history_batch, build_receipt, build_report, build_status_event
from tests.integration.webhooks.endpoints import PATH, create, insert_user

DAY = 86_400.0


@pytest.fixture(autouse=True)
async def user(database_copy: Database) -> None:
    await insert_user(database_copy)


def build_call(endpoint_id: str, number: int, at: float, code: int = 503, **changes: Any) -> StatusEvent:
    outcome = Outcome.ACCEPTED if code < 300 else Outcome.UNKNOWN
    fields = {"occurred_at": at, "provider_code": code, "outcome": outcome, "endpoint_id": endpoint_id, **changes}
    return build_status_event(number, "webhook", Status.DELIVERED if code < 300 else Status.FAILED, **fields)


async def get_statistics(client: httpx.AsyncClient, endpoint_id: str) -> dict[str, Any]:
    await client.get(PATH)
    return dict((await client.get(f"{PATH}/{endpoint_id}/statistics", params={"hours": 24 * 90})).json())


async def fetch_health(database: Database) -> dict[str, Any]:
    [row] = await database.fetch(
        """select extract(epoch from last_success_at)::float8 as success, extract(epoch from failing_since)::float8 as since, failures,
                  last_code, extract(epoch from last_failure_at)::float8 as failure from webhook_endpoint_health"""
    )
    return dict(row)


async def fetch_counts(database: Database) -> tuple[int, int]:
    [row] = await database.fetch("select sum(succeeded) as succeeded, sum(failed) as failed from webhook_endpoint_counts")
    return row["succeeded"], row["failed"]


async def test_a_call_counts_once_also_if_its_event_is_read_again(client: httpx.AsyncClient, database_copy: Database) -> None:
    endpoint_id, store = (await create(client))["id"], PostgresHistoryWriter(database_copy)
    batch = build_history_batch(*(build_call(endpoint_id, n, NOW + n, 204 if n < 3 else 500) for n in range(1, 6)))
    for _ in range(2):
        await store.write(batch)
    assert await fetch_counts(database_copy) == (2, 3)
    assert await fetch_health(database_copy) == {"success": NOW + 2, "failure": NOW + 5, "since": NOW + 3, "failures": 3, "last_code": 500}


async def test_failures_are_of_one_row_in_whatever_order_they_are_recorded(client: httpx.AsyncClient, database_copy: Database) -> None:
    endpoint_id, store = (await create(client))["id"], PostgresHistoryWriter(database_copy)
    for number, (at, code) in enumerate([(20, 500), (10, 204), (5, 503), (30, 502), (25, 429)], 1):
        await store.write(build_history_batch(build_call(endpoint_id, number, NOW + at, code)))
    health = await fetch_health(database_copy)
    assert (health["success"], health["since"], health["failures"], health["last_code"]) == (NOW + 10, NOW + 20, 3, 502)
    await store.write(build_history_batch(build_call(endpoint_id, 9, NOW + 40, 200)))
    health = await fetch_health(database_copy)
    assert (health["success"], health["since"], health["failures"], health["last_code"]) == (NOW + 40, None, 0, 200)


async def test_calls_of_a_deleted_endpoint_do_not_make_a_commit_fail(client: httpx.AsyncClient, database_copy: Database) -> None:
    endpoint_id, store = (await create(client))["id"], PostgresHistoryWriter(database_copy)
    await store.write(build_history_batch(build_call(endpoint_id, 1, NOW)))
    await client.delete(f"{PATH}/{endpoint_id}", headers={"if-match": "*"})
    await store.write(build_history_batch(build_call(endpoint_id, 2, NOW)))
    for table in ("webhook_endpoint_counts", "webhook_endpoint_health"):
        assert not await database_copy.fetch(f"select from {table}")


async def test_an_endpoint_is_failing_after_days_of_enough_failures_and_enabling_it_begins_anew(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    endpoint_id, store = (await create(client))["id"], PostgresHistoryWriter(database_copy)
    reports = PostgresEndpointReports(database_copy, make_row_id)
    await store.write(build_history_batch(*(build_call(endpoint_id, n, NOW + n) for n in range(1, 10))))
    assert await reports.list_failing([endpoint_id], {}, 5 * DAY, 10) == [], "not long enough"
    late = build_call(endpoint_id, 10, NOW + 1 + 5 * DAY)
    await store.write(build_history_batch(late))
    assert await reports.list_failing([endpoint_id], {}, 5 * DAY, 11) == [], "too few failures"
    assert await reports.list_failing([endpoint_id], {}, 0.0, 1) == [], "switched off"
    [failing] = await reports.list_failing([endpoint_id], {}, 5 * DAY, 10)
    assert failing == FailingEndpoint(endpoint_id, "u-1", "https://hooks.example.org/orders", "failing", NOW + 1, False)
    assert [await reports.disable(failing) for _ in range(2)] == [True, False]
    found = (await client.get(f"{PATH}/{endpoint_id}")).json()
    assert (found["is_enabled"], found["disabled_reason"]) == (False, "failing")
    [entry] = await database_copy.fetch("select actor, details::text as details from audit_log where action = 'disable'")
    assert (entry["actor"], msgspec.json.decode(entry["details"])["reason"]) == ("recorder", "failing")
    await client.post(f"{PATH}/{endpoint_id}/enable")
    await store.write(build_history_batch(build_call(endpoint_id, 11, NOW + 2 + 5 * DAY)))
    assert await reports.list_failing([endpoint_id], {}, 5 * DAY, 1) == []


async def test_an_endpoint_that_is_gone_is_found_unless_it_was_enabled_later(client: httpx.AsyncClient, database_copy: Database) -> None:
    endpoint_id, reports = (await create(client))["id"], PostgresEndpointReports(database_copy, make_row_id)
    await database_copy.fetch("insert into rules (type, category, channels) values ('herold.webhook_disabled', 'transactional', '{email}')")
    [row] = await database_copy.fetch("select extract(epoch from enabled_at)::float8 as at from webhook_endpoints")
    assert await reports.list_failing([endpoint_id], {endpoint_id: row["at"] - 1}, 5 * DAY, 10) == []
    [found] = await reports.list_failing([endpoint_id], {endpoint_id: row["at"] + 1}, 5 * DAY, 10)
    assert (found.reason, found.since, found.has_rule) == ("gone", row["at"] + 1, True)


async def test_a_reported_delivery_is_as_it_is_recorded_now(client: httpx.AsyncClient, database_copy: Database) -> None:
    store, reports = PostgresHistoryWriter(database_copy), PostgresEndpointReports(database_copy, make_row_id)
    sent, failed = build_status_event(1), build_status_event(1, status=Status.FAILED, attempt=1, reason="expired", occurred_at=NOW + 9)
    alone = build_status_event(2, user_id="u-1")
    await store.write(build_history_batch(build_decided_event(1, "email"), sent))
    await store.write(build_history_batch(failed, alone))
    found = {one.delivery_id: one for one in await reports.list_reported([sent.delivery_id, alone.delivery_id, "nothing"])}
    assert found[sent.delivery_id] == ReportedDelivery(
        sent.delivery_id, sent.notification_id, "u-1", "email", Status.FAILED, "expired", "sendgrid", 0, 1, NOW + 9, "order.shipped",
        "transactional", "high",
    )  # fmt: skip
    assert (found[alone.delivery_id].type, found[alone.delivery_id].priority) == ("", "medium")
    assert await reports.list_reported([]) == []


async def test_a_delivery_of_a_test_is_known_as_one_also_when_its_receipt_comes(client: httpx.AsyncClient, database_copy: Database) -> None:
    store, reports = PostgresHistoryWriter(database_copy), PostgresEndpointReports(database_copy, make_row_id)
    for number, is_test in ((1, True), (2, False)):
        await store.write(build_history_batch(build_decided_event(number, "email", is_test=is_test), build_status_event(number)))
    await store.write(build_history_batch(build_decided_event(1, "email", is_test=True, resume_count=1)))
    events = [build_status_event(number) for number in (1, 2)]
    found = await reports.list_reported([event.delivery_id for event in events])
    assert {one.delivery_id: one.is_test for one in found} == {events[0].delivery_id: True, events[1].delivery_id: False}


async def test_one_url_takes_the_statuses_of_tests_and_of_live_deliveries_apart(client: httpx.AsyncClient, database_copy: Database) -> None:
    url = "https://hooks.example.org/statuses"
    created = [await create(client, kind="status", url=url, is_test=is_test) for is_test in (True, False)]
    assert [one["is_test"] for one in created] == [True, False]
    listed = await PostgresEndpointReports(database_copy, make_row_id).list_status_endpoints()
    assert [(one.id, one.is_test) for one in listed] == [(one["id"], one["is_test"]) for one in created]
    again = await client.post(PATH, json={"url": url, "kind": "status", "is_test": True})
    assert again.status_code == 409
    refused = await client.post(PATH, json={"url": url, "user_id": "u-1", "is_test": True})
    assert (refused.status_code, [error["path"] for error in refused.json()["errors"]]) == (422, ["$.is_test"])


async def test_only_enabled_endpoints_for_statuses_are_listed(client: httpx.AsyncClient, database_copy: Database) -> None:
    await create(client)
    wanted = await create(client, kind="status", statuses=["FAILED"], types=["order.*"], categories=["security"], ordered=True)
    other = await create(client, kind="status", url="https://hooks.example.org/2")
    await client.post(f"{PATH}/{other['id']}/disable")
    listed = await PostgresEndpointReports(database_copy, make_row_id).list_status_endpoints()
    assert listed == [StatusEndpoint(wanted["id"], wanted["url"], ["order.*"], ["security"], ["FAILED"], is_ordered=True)]


async def test_a_report_is_no_message_to_the_user(client: httpx.AsyncClient, database_copy: Database) -> None:
    endpoint_id, store = (await create(client, kind="status"))["id"], PostgresHistoryWriter(database_copy)
    report = build_call(endpoint_id, 1, NOW, 204, notification_id=make_id(MESSAGE_PREFIX, NOW, 1))
    await store.write(build_history_batch(report, build_call(endpoint_id, 2, NOW, 204)))
    assert [row["sent"] for row in await database_copy.fetch("select sent from user_counts")] == [1]


async def test_old_counters_and_those_of_endpoints_that_went_with_their_user_are_deleted(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    endpoint_id, store = (await create(client))["id"], PostgresHistoryWriter(database_copy)
    await store.write(build_history_batch(*(build_call(endpoint_id, n, NOW - n * DAY) for n in (1, 2, 3))))
    await drop_expired_partitions(database_copy, NOW, retention_days=2)
    assert (await fetch_counts(database_copy), (await fetch_health(database_copy))["failures"]) == ((0, 2), 3)
    await client.delete("/v1/users/u-1")
    await drop_expired_partitions(database_copy, NOW, retention_days=2)
    assert not await database_copy.fetch("select from webhook_endpoint_health")


async def test_a_receipt_that_came_before_its_delivery_is_reported_with_it(client: httpx.AsyncClient, database_copy: Database) -> None:
    store, reports = PostgresHistoryWriter(database_copy), PostgresEndpointReports(database_copy, make_row_id)
    await store.write(HistoryBatch(reports=[build_report(build_receipt(1))]))
    pending = build_status_event(1, status=Status.PENDING, outcome=Outcome.UNKNOWN)
    await store.write(build_history_batch(build_decided_event(1, "email"), pending))
    [reported] = await reports.list_reported(list_touched([pending]))
    assert (reported.status, reported.type) == (Status.DELIVERED, "order.shipped")
