"""The routes of analytics, objectives and the ledger on a real PostgreSQL: what they say is what the history has."""

import asyncio
import csv
import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from agents.recorder.events import build_history_batch, decode_events
from schemas.enums import Outcome, State, Status
from schemas.events import HistoryEvent
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import (
    NOW,
    build_batch,
    build_decided_event,
    build_engagement,
    build_receipt,
    build_status_event,
    make_notification_id,
)
from tests.integration.webhooks.endpoints import open_endpoint_client

COUNTED = {"priority": "high", "type": "order.shipped", "category": "transactional", "template": "order-shipped"}
TIMES = {"from": str(NOW - 3600), "to": str(NOW + 3600)}
MINUTE = int(NOW // 60 * 60)
PROJECT = {"user_id": "@acme/u-1", "type": "@acme/order.shipped"}


def build_counted(number: int = 1, **fields: Any) -> Any:
    return build_status_event(number, **{**COUNTED, "occurred_at": NOW + 0.4, **fields})


async def write(database: Database, events: Sequence[HistoryEvent]) -> None:
    await PostgresHistoryWriter(database).write(build_history_batch(decode_events(build_batch(*events))))


@pytest.fixture
async def client(database: Database, shared_database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that has four notifications: delivered and clicked, slow, failed, and rejected; and a test."""
    events = [
        build_decided_event(1, "email"),
        build_counted(1),
        build_receipt(1),
        build_engagement(1, "click"),
        build_decided_event(2, "email", priority="medium", type="newsletter"),
        build_counted(2, priority="medium", type="newsletter", template="weekly", occurred_at=NOW + 7),
        build_decided_event(3, "email"),
        build_counted(3, status=Status.FAILED, outcome=Outcome.REJECTED_PERMANENT, reason="rejected_permanent"),
        build_decided_event(4, state=State.REJECTED, reason="opted_out"),
        build_decided_event(5, "email", is_test=True),
        build_counted(5, is_test=True),
    ]
    await write(database, events)
    async with open_endpoint_client(
        shared_database_url,
        HEROLD_COSTS_EMAIL="0.5",
        HEROLD_ANALYTICS_MIN_COUNT="1",
        HEROLD_ANALYTICS_MINUTES_KEPT="4000000000",
        HEROLD_ANALYTICS_OBJECTIVE_WINDOW="1000000000",
    ) as client:
        yield client


async def fetch(client: httpx.AsyncClient, path: str, **query: str) -> Any:
    response = await client.get(f"/v1{path}", params={**TIMES, **query})
    assert response.status_code == 200, response.text
    return response.json()


async def fetch_totals(client: httpx.AsyncClient, metric: str, group_by: str = "none", **query: str) -> dict[str, float]:
    """The total of each series."""
    body = await fetch(client, "/analytics/series", metric=metric, group_by=group_by, **query)
    return {one["key"]: sum(value for _, value in one["points"]) for one in body["series"]}


async def test_a_series_counts_what_the_history_has_by_the_time_of_submission(client: httpx.AsyncClient) -> None:
    body = await fetch(client, "/analytics/series", metric="sent", step="60")
    assert (body["series"], body["step"]) == ([{"key": "", "points": [[MINUTE, 2]]}], 60)
    assert (body["from"] % 60, body["to"] % 60) == (0, 0)
    assert await fetch_totals(client, "accepted") == {"": 4}
    assert await fetch_totals(client, "decided", "state") == {"routed": 3, "rejected": 1}
    assert await fetch_totals(client, "decided", "reason") == {"": 3, "opted_out": 1}
    assert await fetch_totals(client, "deliveries", "status") == {"DELIVERED": 1, "SENT": 1, "FAILED": 1}
    assert await fetch_totals(client, "failed", "reason") == {"rejected_permanent": 1}
    assert await fetch_totals(client, "clicked", "template") == {"order-shipped": 1}
    assert await fetch_totals(client, "cost", "channel") == {"email": 1.0}
    assert await fetch_totals(client, "sent", "type", priority="medium") == {"newsletter": 1}
    assert await fetch_totals(client, "accepted", to=str(NOW - 60)) == {}


async def test_hand_over_times_are_exact_at_the_targets(client: httpx.AsyncClient) -> None:
    body = await fetch(client, "/analytics/latency", step="3600")
    high, medium = body["series"]
    assert (high["key"], high["points"][0]["count"], high["points"][0]["within_target"]) == ("high", 1, 1)
    assert (medium["key"], medium["points"][0]["count"], medium["points"][0]["within_target"]) == ("medium", 1, 0)
    assert 5.0 < medium["points"][0]["p50"] <= 7.5
    (together,) = (await fetch(client, "/analytics/latency", group_by="channel"))["series"]
    assert (together["key"], together["points"][0]["count"], together["points"][0]["within_target"]) == ("email", 2, 1)


async def test_the_funnel_and_the_cohorts_agree(client: httpx.AsyncClient) -> None:
    steps = {step["name"]: step["count"] for step in (await fetch(client, "/analytics/funnel"))["steps"]}
    assert steps == {"accepted": 4, "routed": 3, "deliveries": 3, "sent": 2, "delivered": 1, "opened": 0, "clicked": 1}
    (day,) = (await fetch(client, "/analytics/cohorts"))["cohorts"]
    assert {name: day[name] for name in ("accepted", "sent", "delivered", "failed", "clicked")} == {
        "accepted": 4, "sent": 2, "delivered": 1, "failed": 1, "clicked": 1,
    }  # fmt: skip
    (week,) = (await fetch(client, "/analytics/cohorts", by="week"))["cohorts"]
    assert week == {**day, "at": week["at"]}
    assert (week["at"] - 4 * 86_400) % (7 * 86_400) == 0, "a Monday"


async def test_a_report_is_csv(client: httpx.AsyncClient) -> None:
    response = await client.get(
        "/v1/analytics/series/export", params={**TIMES, "metric": "deliveries", "group_by": "status", "step": "3600"}
    )
    header, *lines = csv.reader(response.text.splitlines())
    assert (response.headers["content-type"].partition(";")[0], header) == ("text/csv", ["at", "status", "deliveries"])
    assert [line[1:] for line in lines] == [["DELIVERED", "1"], ["FAILED", "1"], ["SENT", "1"]]


@pytest.mark.parametrize(
    ("path", "query", "at"),
    [
        ("series", {"metric": "accepted", "group_by": "provider"}, "$.group_by"),
        ("series", {"metric": "accepted", "channel": "email"}, "$.channel"),
        ("series", {"from": str(NOW), "to": str(NOW)}, "$.from"),
        ("series", {"from": "0", "step": "60"}, "$.step"),
        ("series", {"from": "0"}, "$.from"),
        ("series", {"from": "0", "step": "86400"}, "$.from"),
        ("series/export", {"metric": "clicked", "group_by": "reason"}, "$.group_by"),
    ],
)
async def test_a_request_that_cannot_be_answered_says_why(client: httpx.AsyncClient, path: str, query: dict[str, str], at: str) -> None:
    response = await client.get(f"/v1/analytics/{path}", params={**TIMES, **query})
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, at)


async def test_the_objective_of_each_priority_is_judged(client: httpx.AsyncClient) -> None:
    high, medium, low = (await client.get("/v1/slo")).json()["priorities"]
    assert (high["count"], high["attained"], high["budget_left"], high["has_volume"]) == (1, 1.0, 1.0, True)
    assert (medium["count"], medium["attained"], medium["budget_left"]) == (1, 0.0, -99.0)
    assert (low["count"], low["attained"], low["has_volume"]) == (0, None, False)
    assert [burn["window_seconds"] for burn in high["burn"]] == [3600, 21_600, 86_400, 259_200]
    assert high["burn"][0] == {"window_seconds": 3600, "count": 0, "rate": None, "has_volume": False}


async def test_the_ledger_balances_and_names_what_is_lost(client: httpx.AsyncClient, database: Database) -> None:
    body = await fetch(client, "/ledger")
    assert (body["accepted"], body["final"], body["imbalance"]) == (5, {"routed": 4, "rejected": 1}, 0)
    assert body["deliveries"] == {"accepted": 4, "final": {"DELIVERED": 1, "FAILED": 1, "SENT": 2}, "in_flight": {}, "imbalance": 0}
    await write(database, [build_decided_event(6, "email", "sms"), build_counted(7)])
    body = await fetch(client, "/ledger")
    lost, orphan = build_decided_event(6, "email", "sms").deliveries, build_counted(7).delivery_id
    assert body["imbalance"] == 4
    assert body["notifications"]["imbalance"] == 1
    assert set(body["unaccounted"]) == {make_notification_id(6), *(one.id for one in lost), orphan}


async def test_one_ledger_or_export_is_read_at_a_time_beside_the_pool(client: httpx.AsyncClient, database: Database) -> None:
    paths = ["/ledger", "/ledger", "/analytics/series/export", "/ledger", "/ledger", "/ledger"]
    async with database.acquire_connection() as connection, connection.transaction():
        await connection.execute("lock table notifications, history_counts in access exclusive mode")
        asked = [asyncio.create_task(client.get(f"/v1{path}", params=TIMES)) for path in paths]
        refused = [await one for one in itertools.islice(asyncio.as_completed(asked), len(paths) - 1)]
        assert {(one.status_code, one.json()["code"]) for one in refused} == {(429, "too-many-requests")}
        assert (await client.get("/v1/rules")).status_code == 200
    assert sorted([(await one).status_code for one in asked]) == [200, *[429] * 5]
    assert (await client.get("/v1/ledger", params=TIMES)).status_code == 200


async def test_the_hour_of_a_ledger_begins_at_the_epoch_at_the_earliest(client: httpx.AsyncClient) -> None:
    ledger = (await client.get("/v1/ledger", params={"to": 1})).json()
    assert (ledger["from"], ledger["to"], ledger["accepted"]) == (0, 1, 0)


async def test_a_project_sees_its_own_only(client: httpx.AsyncClient, database: Database) -> None:
    events = [build_decided_event(8, "email", **PROJECT), build_counted(8, **PROJECT)]
    await write(database, events)
    assert await fetch_totals(client, "accepted", "type", type="@acme/order.shipped") == {"@acme/order.shipped": 1}
