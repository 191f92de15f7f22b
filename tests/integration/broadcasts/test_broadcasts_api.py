"""/v1/broadcasts on a real PostgreSQL."""

import time
from typing import Any

import httpx
import pytest

from schemas.broadcasts import BROADCAST_PREFIX
from schemas.ids import make_id
from tables.postgres.database import Database
from tests.integration.broadcasts.users import USERS, insert_users
from tests.integration.users.users_client import open_users_client

SHIPPED = {"type": "order.shipped", "data": {"order": 17, "name": "Ada", "eta": "Friday", "items": ["lamp"]}}
CODE = {"type": "account.otp", "data": {"code": "482193", "minutes": 5}}
TO_GOLD = {"audience": "gold", "notification": SHIPPED, "rate": 100}


@pytest.fixture(autouse=True)
async def gold(client: httpx.AsyncClient, database_copy: Database) -> None:
    """An audience of the users with a tier."""
    await insert_users(database_copy)
    await client.put("/v1/audiences/gold", json={"filter": {"tier": ["gold"]}})


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/v1/broadcasts", json={**TO_GOLD, **fields}, headers={"herold-actor": "ada"})
    assert response.status_code == 201, response.text
    return dict(response.json())


async def test_a_broadcast_is_created_and_shown(client: httpx.AsyncClient, database_copy: Database) -> None:
    created = await create(client)
    assert (created["state"], created["audience"], created["notification"], created["rate"]) == ("pending", "gold", SHIPPED, 100)
    assert (created["total_count"], created["expanded_count"], created["created_by"]) == (None, 0, "ada")
    assert (await client.get(f"/v1/broadcasts/{created['id']}")).json() == created
    (entry,) = await database_copy.fetch(
        "select actor, action, details ->> 'type' as type from audit_log where object_id = $1", created["id"]
    )
    assert tuple(entry) == ("ada", "create", "order.shipped")


async def test_a_preview_counts_and_creates_nothing(client: httpx.AsyncClient) -> None:
    gold = sorted(user["id"] for user in USERS if user["tier"])
    preview = await client.post("/v1/broadcasts", json={**TO_GOLD, "preview": True})
    assert (preview.status_code, preview.json()) == (200, {"count": len(gold), "first_users": gold[:10], "unknown_users": 0})
    named = {"notification": SHIPPED, "user_ids": ["z", gold[0], "z"], "preview": True}
    assert (await client.post("/v1/broadcasts", json=named)).json() == {"count": 2, "first_users": [gold[0], "z"], "unknown_users": 1}
    assert (await client.get("/v1/broadcasts")).json()["items"] == []


async def test_a_repeated_request_with_an_id_starts_nothing_twice(client: httpx.AsyncClient) -> None:
    broadcast_id = make_id(BROADCAST_PREFIX, time.time(), 1)
    created = await create(client, id=broadcast_id)
    again = await client.post("/v1/broadcasts", json={**TO_GOLD, "id": broadcast_id})
    assert (again.status_code, again.json()) == (200, created)
    assert len((await client.get("/v1/broadcasts")).json()["items"]) == 1


async def test_a_repeated_request_with_a_key_starts_nothing_twice(database_copy_url: str, redis_url: str) -> None:
    async with open_users_client(database_copy_url, redis_url=redis_url) as (client, connections):
        await connections.policy_reader.refresh()
        headers = {"idempotency-key": make_id(BROADCAST_PREFIX, time.time(), 2)}
        first, again = [await client.post("/v1/broadcasts", json=TO_GOLD, headers=headers) for _ in range(2)]
        other = await client.post("/v1/broadcasts", json={**TO_GOLD, "rate": 5}, headers=headers)
        assert len((await client.get("/v1/broadcasts")).json()["items"]) == 1
    assert (again.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-conflict")


async def test_broadcasts_are_listed_newest_first_in_pages(client: httpx.AsyncClient) -> None:
    ids = [(await create(client))["id"] for _ in range(3)]
    await create(client, audience=None, user_ids=["a"])
    first = (await client.get("/v1/broadcasts", params={"limit": 2, "audience": "gold"})).json()
    second = (await client.get("/v1/broadcasts", params={"limit": 2, "audience": "gold", "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in (*first["items"], *second["items"])] == ids[::-1]
    assert (await client.get("/v1/broadcasts", params={"state": "done"})).json()["items"] == []


async def test_a_broadcast_is_found_by_a_part_of_its_type_or_audience(client: httpx.AsyncClient) -> None:
    news, codes = await create(client), await create(client, notification=CODE, audience=None, user_ids=["u-1"])

    async def search(text: str) -> list[str]:
        return [one["id"] for one in (await client.get("/v1/broadcasts", params={"search": text})).json()["items"]]

    assert await search("OTP") == [codes["id"]]
    assert await search("gOl") == [news["id"]]
    assert await search("") == [codes["id"], news["id"]]
    assert await search("100%") == []


async def test_it_is_paused_resumed_and_cancelled_and_each_is_logged_once(client: httpx.AsyncClient, database_copy: Database) -> None:
    path = f"/v1/broadcasts/{(await create(client))['id']}"
    states = []
    for action in ("pause", "pause", "resume", "pause", "cancel", "cancel"):
        response = await client.post(f"{path}/{action}", json={"reason": "a test"})
        assert response.status_code == 200
        states.append(response.json()["state"])
    assert states == ["paused", "paused", "running", "paused", "cancelled", "cancelled"]
    assert response.json()["ended_at"]
    for action in ("pause", "resume"):
        rejected = await client.post(f"{path}/{action}")
        assert rejected.status_code == 409
        assert "is cancelled; one can" in rejected.json()["detail"]
    actions = await database_copy.fetch("select action from audit_log where object_type = 'broadcast' order by id")
    assert [row["action"] for row in actions] == ["create", "pause", "resume", "pause", "cancel"]


async def test_a_failed_broadcast_goes_on_when_it_is_resumed(client: httpx.AsyncClient, database_copy: Database) -> None:
    path = f"/v1/broadcasts/{(await create(client))['id']}"
    await database_copy.fetch("update broadcasts set state = 'failed', error = 'too large', ended_at = now()")
    resumed = (await client.post(f"{path}/resume")).json()
    assert (resumed["state"], resumed["error"], resumed["ended_at"]) == ("running", "", None)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"audience": None}, "$.audience"),
        ({"user_ids": ["a"]}, "$.audience"),
        ({"audience": "nobody"}, "$.audience"),
        ({"rate": 0}, "$.rate"),
        ({"id": "brd_1"}, "$.id"),
        ({"id": make_id(BROADCAST_PREFIX, 1_600_000_000, 1)}, "$.id"),
        ({"notification": {**SHIPPED, "type": "unknown"}}, "$.notification.type"),
        ({"notification": {**SHIPPED, "data": {}}}, "$.notification.data.order"),
        ({"notification": {**SHIPPED, "user_id": "u-1"}}, "$.notification.user_id"),
        ({"notification": {**SHIPPED, "expires_at": 1_600_000_000}}, "$.notification.expires_at"),
        ({"notification": {**SHIPPED, "data": {**SHIPPED["data"], "name": "\0"}}}, "$.notification.data.name"),  # type: ignore[dict-item]
        ({"notification": {**SHIPPED, "data": {**SHIPPED["data"], "extra": "x" * 261_000}}}, "$.notification"),  # type: ignore[dict-item]
    ],
)
async def test_an_invalid_request_names_the_place(client: httpx.AsyncClient, change: dict[str, Any], path: str) -> None:
    response = await client.post("/v1/broadcasts", json={**TO_GOLD, **change})
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["path"] == path


@pytest.mark.parametrize("broadcast_id", ["1", make_id(BROADCAST_PREFIX, 1_760_000_000, 1)])
async def test_an_unknown_broadcast_is_not_found(client: httpx.AsyncClient, broadcast_id: str) -> None:
    assert (await client.get(f"/v1/broadcasts/{broadcast_id}")).status_code == 404
    assert (await client.post(f"/v1/broadcasts/{broadcast_id}/pause")).status_code == 404
