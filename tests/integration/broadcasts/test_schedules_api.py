"""/v1/schedules on a real PostgreSQL, with what the scheduler makes of them."""

import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from agents.schedules.run_times import plan_runs
from schemas.ids import make_id
from tables.postgres.database import Database
from tables.postgres.due_schedules import PostgresDueSchedules
from tests.integration.broadcasts.users import insert_users

SHIPPED = {"type": "order.shipped", "data": {"order": 17, "name": "Ada", "eta": "Friday", "items": ["lamp"]}}
DAILY = {"cron": "0 8 * * *", "time_zone": "Europe/Vienna", "audience": "gold", "notification": SHIPPED, "rate": 100}
TO_USERS = {"cron": "* * * * *", "user_ids": ["u-1", "u-2"], "notification": SHIPPED, "priority": "medium", "missed": "skip"}
ANY_VERSION = {"if-match": "*"}
MAKE_DUE = "update schedules set next_run_at = now() - interval '1 second'"


@pytest.fixture(autouse=True)
async def gold(client: httpx.AsyncClient, database_copy: Database) -> None:
    """An audience of the users with a tier."""
    await insert_users(database_copy)
    await client.put("/v1/audiences/gold", json={"filter": {"tier": ["gold"]}})


async def put(client: httpx.AsyncClient, name: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    response = await client.put(f"/v1/schedules/{name}", json=body, headers=headers)
    assert response.status_code in (200, 201), response.text
    return dict(response.json())


async def start_due_runs(database: Database) -> int:
    """What the scheduler does; returns how many runs have started."""
    numbers = count()
    store = PostgresDueSchedules(database, lambda prefix: make_id(prefix, time.time(), next(numbers)))
    return sum(len(runs.broadcast_ids) for runs in await store.start_runs(plan_runs, 50))


async def list_actions(database: Database, name: str) -> list[str]:
    rows = await database.fetch("select action from audit_log where object_type = 'schedule' and object_id = $1 order by id", name)
    return [row["action"] for row in rows]


async def test_a_schedule_is_created_read_changed_and_deleted(client: httpx.AsyncClient, database_copy: Database) -> None:
    created = await put(client, "morning", DAILY)
    assert {name: created[name] for name in DAILY} == DAILY
    assert (created["state"], created["missed"], created["user_count"]) == ("active", "once", 0)
    assert created["next_runs"][0] == created["next_run_at"]
    assert {datetime.fromtimestamp(at, UTC).minute for at in created["next_runs"]} == {0}
    found = await client.get("/v1/schedules/morning")
    assert found.json() == created
    assert (await client.put("/v1/schedules/morning", json=DAILY)).status_code == 428
    etag = {"if-match": found.headers["etag"]}
    changed = (await client.put("/v1/schedules/morning", json={**DAILY, "cron": "30 9 * * *"}, headers=etag)).json()
    assert changed["next_run_at"] != created["next_run_at"]
    assert (await client.put("/v1/schedules/morning", json=DAILY, headers=etag)).status_code == 412
    assert (await client.delete("/v1/audiences/gold", headers=ANY_VERSION)).status_code == 409
    assert (await client.delete("/v1/schedules/morning")).status_code == 428
    assert (await client.delete("/v1/schedules/morning", headers=ANY_VERSION)).status_code == 204
    assert (await client.get("/v1/schedules/morning")).status_code == 404
    assert await list_actions(database_copy, "morning") == ["create", "change", "delete"]


async def test_schedules_are_listed_in_pages_without_their_users(client: httpx.AsyncClient) -> None:
    for name in ("b", "A", "c"):
        await put(client, name, TO_USERS)
    await client.post("/v1/schedules/c/pause")
    first = (await client.get("/v1/schedules", params={"limit": 2})).json()
    second = (await client.get("/v1/schedules", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    items = [*first["items"], *second["items"]]
    assert [(one["name"], one["user_ids"], one["user_count"]) for one in items] == [("A", None, 2), ("b", None, 2), ("c", None, 2)]
    assert [one["name"] for one in (await client.get("/v1/schedules", params={"state": "paused"})).json()["items"]] == ["c"]


async def test_a_run_is_a_broadcast_and_changes_no_etag(client: httpx.AsyncClient, database_copy: Database) -> None:
    created = await put(client, "often", TO_USERS)
    await database_copy.fetch(MAKE_DUE)
    assert await start_due_runs(database_copy) == 1
    found = (await client.get("/v1/schedules/often")).json()
    assert found["version"] == created["version"]
    assert found["last_run_at"] < time.time() < found["next_run_at"]
    (run,) = (await client.get("/v1/schedules/often/runs")).json()["items"]
    assert (run["schedule_id"], run["run_at"], run["user_count"], run["priority"]) == (found["id"], found["last_run_at"], 2, "medium")
    assert run["notification"] == SHIPPED
    assert (await client.get(f"/v1/broadcasts/{run['id']}")).json() == run


async def test_a_run_that_is_due_stays_due_when_only_the_content_changes(client: httpx.AsyncClient, database_copy: Database) -> None:
    await put(client, "often", TO_USERS)
    await database_copy.fetch(MAKE_DUE)
    await put(client, "often", {**TO_USERS, "rate": 7}, **ANY_VERSION)
    assert await start_due_runs(database_copy) == 1
    (run,) = (await client.get("/v1/schedules/often/runs")).json()["items"]
    assert run["rate"] == 7


async def test_a_paused_schedule_does_not_run_but_on_demand(client: httpx.AsyncClient, database_copy: Database) -> None:
    await put(client, "often", TO_USERS)
    for _ in range(2):
        paused = await client.post("/v1/schedules/often/pause", json={"reason": "a holiday"})
        assert (paused.status_code, paused.json()["state"], paused.json()["next_run_at"]) == (200, "paused", None)
    assert (await put(client, "often", {**TO_USERS, "cron": "*/2 * * * *"}, **ANY_VERSION))["state"] == "paused"
    assert await start_due_runs(database_copy) == 0
    started = await client.post("/v1/schedules/often/runs")
    assert (started.status_code, started.json()["state"]) == (201, "pending")
    assert [run["id"] for run in (await client.get("/v1/schedules/often/runs")).json()["items"]] == [started.json()["id"]]
    resumed = (await client.post("/v1/schedules/often/resume")).json()
    assert (resumed["state"], resumed["next_run_at"]) == ("active", resumed["next_runs"][0])
    assert await list_actions(database_copy, "often") == ["create", "pause", "change", "run", "resume"]


async def test_a_schedule_that_has_ended_runs_again_with_other_times(client: httpx.AsyncClient, database_copy: Database) -> None:
    end_at = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    await put(client, "short", {**TO_USERS, "end_at": end_at})
    await database_copy.fetch("update schedules set next_run_at = now() - interval '1 second', end_at = now()")
    assert await start_due_runs(database_copy) == 1
    assert (await client.get("/v1/schedules/short")).json()["state"] == "ended"
    assert (await client.post("/v1/schedules/short/resume")).status_code == 409
    assert (await put(client, "short", TO_USERS, **ANY_VERSION))["state"] == "active"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"cron": "0 8 * *"}, "$.cron"),
        ({"cron": "0 8 30 2 *"}, "$.cron"),
        ({"time_zone": "Europe/Wien"}, "$.time_zone"),
        ({"start_at": 1_760_000_000_000}, "$.start_at"),
        ({"start_at": "2030-01-01T00:00:00Z", "end_at": "2029-01-01T00:00:00Z"}, "$.end_at"),
        ({"end_at": "2020-01-01T00:00:00Z"}, "$.end_at"),
        ({"audience": "silver"}, "$.audience"),
        ({"user_ids": ["u-1"]}, "$.audience"),
        ({"missed": "some"}, "$.missed"),
        ({"rate": 0}, "$.rate"),
        ({"notification": {**SHIPPED, "send_at": "2030-01-01T00:00:00Z"}}, "$.notification.send_at"),
        ({"notification": {"type": "order.shipped", "data": {"order": "\0"}}}, "$.notification.data.order"),
        ({"notification": {"type": "no.such-type"}}, "$.notification.type"),
        ({"crom": "0 8 * * *"}, "$.crom"),
    ],
)
async def test_an_invalid_schedule_names_the_place(client: httpx.AsyncClient, changes: dict[str, Any], path: str) -> None:
    response = await client.put("/v1/schedules/a", json={**DAILY, **changes})
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["path"] == path
    assert (await client.get("/v1/schedules/a")).status_code == 404


async def test_the_next_runs_are_shown_before_anything_is_stored(client: httpx.AsyncClient) -> None:
    times = {"cron": "30 8 1 1 *", "time_zone": "Europe/Vienna"}
    runs = (await client.post("/v1/schedules/preview", json=times)).json()["next_runs"]
    assert [datetime.fromtimestamp(run, UTC).strftime("%m-%d %H:%M") for run in runs] == ["01-01 07:30"] * 5  # Vienna is an hour ahead
    end_at = datetime.fromtimestamp(runs[1], UTC).isoformat()
    assert (await client.post("/v1/schedules/preview", json={**times, "end_at": end_at})).json()["next_runs"] == runs[:2]
    wrong = await client.post("/v1/schedules/preview", json={"cron": "0 8 * *", "time_zone": "Europe/Wien"})
    assert [error["path"] for error in wrong.json()["errors"]] == ["$.cron", "$.time_zone"]
    assert (await client.get("/v1/schedules")).json()["items"] == []


@pytest.mark.parametrize("name", ["-a", "a b", "a" * 129, "ä"])
async def test_a_name_can_be_written_in_a_url(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.put(f"/v1/schedules/{name}", json=DAILY)).status_code == 422


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/pause"), ("POST", "/runs"), ("GET", "/runs"), ("DELETE", "")])
async def test_an_unknown_schedule_is_not_found(client: httpx.AsyncClient, method: str, path: str) -> None:
    response = await client.request(method, f"/v1/schedules/none{path}", headers=ANY_VERSION)
    assert (response.status_code, "no schedule 'none'" in response.json()["detail"]) == (404, True)
