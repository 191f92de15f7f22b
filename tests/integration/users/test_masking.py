"""Whoever may not unmask sees masks; whoever may leaves an entry in the audit log."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tables.postgres.database import Database
from tables.postgres.unmasked_readings import MAX_IDS, UnmaskedReadings
from tests.integration.auth.account_stores import make_new_id
from tests.integration.users.users_client import open_users_client

pytestmark = pytest.mark.usefixtures("sealing_mode")

URL = "/v1/users/u-1"
CANARY = "canary@canary.example.org"


@pytest.fixture
async def client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with open_users_client(database_copy_url) as (client, _):
        yield client


PAGES = ("/v1/users", URL, f"{URL}/devices", "/v1/suppressions", f"{URL}/consent-events")


async def fill(client: httpx.AsyncClient) -> None:
    """Store a user whose data are canaries."""
    assert (await client.put(URL, json={"addresses": {"email": [CANARY]}, "attributes": {"mail": CANARY}})).status_code == 201
    assert (await client.put(f"{URL}/devices/canary-token", json={})).status_code == 201
    assert (await client.post("/v1/suppressions", json={"channel": "email", "address": CANARY})).status_code == 201


async def gather(database: Database) -> None:
    """Make the entries of what was read up to now, as if a minute had passed."""
    await database.fetch("update unmasked_readings set minute = minute - interval '1 minute'")
    await UnmaskedReadings(database, make_new_id).gather(1000)


async def test_an_operator_sees_masks_and_an_admin_all(client: httpx.AsyncClient, database_copy: Database) -> None:
    await fill(client)
    created = await client.post("/v1/api-keys", json={"name": "operator", "role": "operator"})
    assert created.status_code == 201, created.text
    operator = {"x-api-key": created.json()["key"]}
    for page in PAGES:
        whole, masked = await client.get(page), await client.get(page, headers=operator)
        assert (whole.status_code, masked.status_code) == (200, 200), masked.text
        assert "canary" in whole.text
        assert "canary" not in masked.text
        assert whole.headers.get("etag") == masked.headers.get("etag")
        assert (await client.get(page, params={"masked": True})).text == masked.text
    assert (await client.get("/v1/audit", params={"action": "read"})).json()["items"] == []
    await gather(database_copy)
    entries = (await client.get("/v1/audit", params={"action": "read"})).json()["items"]
    assert sorted(entry["details"]["resource"] for entry in entries) == ["consent events", "devices", "suppressions", "user", "users"]
    assert {(entry["actor"], entry["principal"], bool(entry["client_address"])) for entry in entries} == {("key:bootstrap",) * 2 + (True,)}


async def test_who_asks_for_masks_leaves_no_entry(client: httpx.AsyncClient, database_copy: Database) -> None:
    await fill(client)
    for page in PAGES:
        masked = await client.get(page, params={"masked": True})
        assert masked.status_code == 200, masked.text
        assert "canary" not in masked.text
    await gather(database_copy)
    assert (await client.get("/v1/audit", params={"action": "read"})).json()["items"] == []


async def test_many_readings_of_a_minute_are_one_entry_that_names_all(client: httpx.AsyncClient, database_copy: Database) -> None:
    names = [f"r-{number}" for number in range(MAX_IDS + 1)]
    store = UnmaskedReadings(database_copy, make_new_id)
    await client.put(URL, json={})
    for _ in range(3):
        assert (await client.get(URL)).status_code == 200
    await store.record("ada", "users", [*names, *names])
    await store.record("ada", "users", names[:1])
    await database_copy.fetch("update unmasked_readings set minute = minute - interval '1 minute'")
    assert [await store.gather(1000) for _ in range(2)] == [MAX_IDS + 2, 0]
    entries = (await client.get("/v1/audit", params={"action": "read", "actor": "ada"})).json()["items"]
    counts = sorted((entry["details"]["count"], len(entry["details"].get("ids", ())), entry["object_id"]) for entry in entries)
    assert counts == [(1, 0, max(names)), (MAX_IDS + 1, MAX_IDS, "")]
    [alone] = (await client.get("/v1/audit", params={"object_type": "user", "object_id": "u-1", "action": "read"})).json()["items"]
    assert alone["details"]["count"] == 3
    [found] = (await client.get("/v1/audit", params={"object_type": "user", "object_id": names[1]})).json()["items"]
    assert (found["action"], names[1] in found["details"]["ids"]) == ("read", True)


async def test_readings_of_the_minute_at_hand_and_of_another_worker_are_left(database_copy: Database) -> None:
    store = UnmaskedReadings(database_copy, make_new_id)
    await store.record("ada", "users", ["u-1"])
    await database_copy.fetch("update unmasked_readings set minute = minute + interval '1 hour'")
    assert await store.gather(1000) == 0
    await database_copy.fetch("update unmasked_readings set minute = minute - interval '2 hours'")
    async with database_copy.acquire_connection() as connection, connection.transaction():
        await connection.fetchval("select pg_advisory_xact_lock(hashtext('herold.unmasked_readings'))")
        assert await store.gather(1000) == 0
    assert await store.gather(1000) == 1
