"""Whoever may not unmask sees masks; whoever may leaves an entry in the audit log."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.users.users_client import open_users_client

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


async def test_an_operator_sees_masks_and_an_admin_all(client: httpx.AsyncClient) -> None:
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
    entries = (await client.get("/v1/audit", params={"action": "read"})).json()["items"]
    assert sorted(entry["details"]["resource"] for entry in entries) == ["consent events", "devices", "suppressions", "user", "users"]
    assert {entry["actor"] for entry in entries} == {"key:bootstrap"}
