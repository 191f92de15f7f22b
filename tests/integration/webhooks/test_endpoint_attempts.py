"""The attempts at an endpoint on a real PostgreSQL: recorded with its id, and listed newest first, in pages, for whoever may read it."""

from typing import Any

import httpx
import pytest

from schemas.enums import Outcome, Status
from schemas.events import StatusEvent
from schemas.ids import make_id
from schemas.webhook_endpoints import MESSAGE_PREFIX
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import NOW, build_decided_event, build_history_batch, build_status_event
from tests.integration.access.keys import build_headers, create_key
from tests.integration.webhooks.endpoints import PATH, create, insert_user, open_endpoint_client


@pytest.fixture(autouse=True)
async def user(database_copy: Database) -> None:
    await insert_user(database_copy)


def build_attempt(endpoint_id: str, number: int, at: float, code: int = 503, **changes: Any) -> StatusEvent:
    outcome = Outcome.ACCEPTED if code < 300 else Outcome.UNKNOWN
    status = Status.DELIVERED if code < 300 else Status.PENDING
    fields = {"occurred_at": NOW + at, "provider_code": code, "outcome": outcome, "endpoint_id": endpoint_id, **changes}
    return build_status_event(number, "webhook", status, **fields)


async def record(database: Database, *events: Any) -> None:
    await PostgresHistoryWriter(database).write(build_history_batch(*events))


async def list_attempts(client: httpx.AsyncClient, endpoint_id: str, **params: Any) -> dict[str, Any]:
    response = await client.get(f"{PATH}/{endpoint_id}/attempts", params=params)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def list_times(client: httpx.AsyncClient, endpoint_id: str, **params: Any) -> list[float]:
    return [one["occurred_at"] - NOW for one in (await list_attempts(client, endpoint_id, **params))["items"]]


async def test_attempts_are_those_of_the_endpoint_newest_first_whenever_their_notification_was_made(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    endpoint_id, other_id = (await create(client))["id"], (await create(client, url="https://hooks.example.org/2"))["id"]
    late = build_attempt(endpoint_id, 1, 50, attempt=3)  # of the oldest delivery, the newest attempt
    await record(database_copy, late, build_attempt(endpoint_id, 2, 10, 204), build_attempt(endpoint_id, 3, 20))
    await record(database_copy, build_attempt(other_id, 4, 30), build_attempt("", 5, 40), build_status_event(6, occurred_at=NOW + 60))
    assert await list_times(client, endpoint_id) == [50, 20, 10]
    assert await list_times(client, endpoint_id, failed="true") == [50, 20]
    assert await list_times(client, other_id) == [30]
    assert await list_times(client, (await create(client, url="https://hooks.example.org/3"))["id"]) == []


async def test_an_attempt_says_what_came_of_it_and_which_notification_it_was_for(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    endpoint_id = (await create(client))["id"]
    decided = build_decided_event(1, "webhook")
    failed = build_attempt(
        endpoint_id, 1, 5, duration_ms=41.74, detail="refused", reason="retry_budget", next_attempt_at=NOW + 9, possible_duplicate=True
    )
    ping = build_attempt(endpoint_id, 2, 4, 204, notification_id=make_id(MESSAGE_PREFIX, NOW, 2), user_id="u-1")
    await record(database_copy, decided, failed, ping)
    [first, second] = (await list_attempts(client, endpoint_id))["items"]
    assert first.pop("id") != second["id"]
    assert first == {
        "occurred_at": NOW + 5,
        "delivery_id": failed.delivery_id,
        "notification_id": decided.id,
        "user_id": decided.user_id,
        "type": decided.type,
        "attempt": 0,
        "redrive_count": 0,
        "outcome": "UNKNOWN",
        "status": "PENDING",
        "reason": "retry_budget",
        "code": 503,
        "duration_ms": 41.7,
        "possible_duplicate": True,
        "detail": "refused",
        "next_attempt_at": NOW + 9,
    }
    assert (second["notification_id"], second["type"], second["outcome"], second["next_attempt_at"]) == (None, "", "ACCEPTED", None)
    [delivery] = (await client.get(f"/v1/notifications/{decided.id}")).json()["deliveries"]
    assert [one["endpoint_id"] for one in delivery["attempts"]] == [endpoint_id]


async def test_what_ended_without_an_attempt_is_not_in_the_list(client: httpx.AsyncClient, database_copy: Database) -> None:
    endpoint_id = (await create(client))["id"]
    await record(database_copy, build_attempt(endpoint_id, 1, 1, outcome=None, reason="expired"), build_attempt(endpoint_id, 2, 2))
    assert await list_times(client, endpoint_id) == [2]


@pytest.mark.parametrize(("failed", "times"), [("false", [*range(12, 0, -1)]), ("true", [12, 10, 8, 6, 4, 2])])
async def test_pages_follow_each_other_whatever_comes_meanwhile(
    client: httpx.AsyncClient, database_copy: Database, failed: str, times: list[float]
) -> None:
    endpoint_id = (await create(client))["id"]
    events = [build_attempt(endpoint_id, n, n, 204 if n % 2 else 500) for n in range(1, 13)]
    await record(database_copy, *events)
    found, cursor = list[float](), None
    while True:
        page = await list_attempts(client, endpoint_id, limit=4, failed=failed, **({"cursor": cursor} if cursor else {}))
        found += [one["occurred_at"] - NOW for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
        await record(database_copy, build_attempt(endpoint_id, 90 + len(found), 90 + len(found)))
    assert found == times


async def test_attempts_of_the_same_microsecond_are_each_on_one_page(client: httpx.AsyncClient, database_copy: Database) -> None:
    endpoint_id = (await create(client))["id"]
    await record(database_copy, *(build_attempt(endpoint_id, n, 0.123457, 204 if n == 2 else 500) for n in range(1, 6)))
    first = await list_attempts(client, endpoint_id, limit=3)
    second = await list_attempts(client, endpoint_id, limit=3, cursor=first["next_cursor"])
    ids = [one["id"] for one in (*first["items"], *second["items"])]
    assert (len(ids), len(set(ids)), second["next_cursor"]) == (5, 5, None)


async def test_a_cursor_of_another_list_and_an_unknown_endpoint_are_refused(client: httpx.AsyncClient, database_copy: Database) -> None:
    endpoint_id, other_id = (await create(client))["id"], (await create(client, url="https://hooks.example.org/2"))["id"]
    await record(database_copy, *(build_attempt(endpoint_id, n, n) for n in range(1, 4)))
    cursor = (await list_attempts(client, endpoint_id, limit=2))["next_cursor"]
    for path, params in (
        (other_id, {"cursor": cursor}),
        (endpoint_id, {"cursor": cursor, "failed": "true"}),
        (endpoint_id, {"cursor": "WyJ4Il0"}),
    ):
        response = await client.get(f"{PATH}/{path}/attempts", params={"limit": 2, **params})
        assert response.status_code == 422, response.text
    for missing in ("whe_0199c8c4b0007000800000000000002a", "whe_17", "x"):
        assert (await client.get(f"{PATH}/{missing}/attempts")).status_code == 404


async def test_who_may_not_read_endpoints_does_not_get_attempts(client: httpx.AsyncClient) -> None:
    endpoint_id = (await create(client))["id"]
    statuses = {}
    for role in ("service", "viewer"):
        headers = build_headers(await create_key(client, role))
        statuses[role] = (await client.get(f"{PATH}/{endpoint_id}/attempts", headers=headers)).status_code
    assert statuses == {"service": 403, "viewer": 200}


async def test_a_project_reads_the_attempts_at_its_own_endpoints_only(database_copy_url: str, database_copy: Database) -> None:
    async with open_endpoint_client(database_copy_url, HEROLD_GATEWAY_PROJECTS="true") as client:
        keys = {}
        for project in ("acme", "other"):
            assert (await client.post("/v1/projects", json={"id": project, "name": project})).status_code == 201
            keys[project] = build_headers(
                (await client.post(f"/v1/projects/{project}/api-keys", json={"name": "1", "role": "admin"})).json()
            )
        client.headers.pop("x-api-key")
        client.headers.update(keys["acme"])
        await insert_user(database_copy, "@acme/u-1")
        endpoint_id = (await create(client))["id"]
        decided = build_decided_event(1, "webhook", user_id="@acme/u-1", type="@acme/order")
        await record(database_copy, decided, build_attempt(endpoint_id, 1, 1, user_id="@acme/u-1"))
        [found] = (await list_attempts(client, endpoint_id))["items"]
        assert (found["user_id"], found["type"], found["notification_id"]) == ("u-1", "order", decided.id)
        response = await client.get(f"{PATH}/{endpoint_id}/attempts", headers=keys["other"])
        assert response.status_code == 404
