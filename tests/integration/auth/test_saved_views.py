"""Saved views over HTTP, with a real PostgreSQL: own ones, shared ones, and nobody else's."""

import asyncio
from typing import Any

import pytest

from schemas.errors import ConflictError
from schemas.permissions import Role
from schemas.saved_views import MAX_VIEWS, ViewRequest
from tables.postgres.saved_views import SavedViewStore
from tests.integration.auth.account_stores import make_new_id
from tests.integration.auth.auth_harness import KEY, AuthHarness, bear

VIEW = {"page": "notifications", "name": "Dead", "search": "state=dead"}


async def list_names(harness: AuthHarness, headers: dict[str, str], page: str = "notifications") -> list[tuple[str, bool, bool]]:
    response = await harness.client.get("/v1/views", params={"page_name": page}, headers=headers)
    assert response.status_code == 200, response.text
    return [(one["name"], one["shared"], one["own"]) for one in response.json()["items"]]


async def log_in_as(harness: AuthHarness, email: str, role: Role = Role.VIEWER) -> dict[str, str]:
    await harness.add_account(email, role)
    return bear(await harness.log_in(email))


async def test_a_view_is_ones_own_unless_it_is_shared(harness: AuthHarness) -> None:
    ada, bob = await log_in_as(harness, "ada@example.org"), await log_in_as(harness, "bob@example.org")
    for view in (VIEW, {**VIEW, "name": "All", "shared": True}, {**VIEW, "page": "dead-letters"}):
        created = await harness.client.post("/v1/views", json=view, headers=ada)
        assert created.status_code == 201
    assert created.json()["search"] == "state=dead"
    assert await list_names(harness, ada) == [("Dead", False, True), ("All", True, True)]
    assert await list_names(harness, bob) == [("All", True, False)]
    assert await list_names(harness, ada, "dead-letters") == [("Dead", False, True)]


async def test_a_name_is_taken_once_by_each_and_once_by_all(harness: AuthHarness) -> None:
    ada, bob = await log_in_as(harness, "ada@example.org"), await log_in_as(harness, "bob@example.org")
    shared = {**VIEW, "shared": True}
    requests: list[tuple[dict[str, Any], dict[str, str]]] = [(VIEW, ada), (VIEW, ada), (VIEW, bob), (shared, ada), (shared, bob)]
    statuses = [(await harness.client.post("/v1/views", json=view, headers=headers)).status_code for view, headers in requests]
    assert statuses == [201, 409, 201, 201, 409]


async def test_who_may_delete_a_view(harness: AuthHarness) -> None:
    ada, bob = await log_in_as(harness, "ada@example.org"), await log_in_as(harness, "bob@example.org")
    root = await log_in_as(harness, "root@example.org", Role.ADMIN)
    ids = [(await harness.client.post("/v1/views", json={**VIEW, "shared": shared}, headers=ada)).json()["id"] for shared in (False, True)]
    for headers, expected in ((bob, [404, 404]), (root, [404, 204]), (ada, [204, 404])):
        assert [(await harness.client.delete(f"/v1/views/{one}", headers=headers)).status_code for one in ids] == expected
    assert (await harness.client.delete("/v1/views/nonsense", headers=ada)).status_code == 404


async def test_a_key_has_no_views_and_pages_follow_each_other(harness: AuthHarness) -> None:
    assert (await harness.client.get("/v1/views", params={"page_name": "notifications"}, headers=KEY)).status_code == 403
    ada = await log_in_as(harness, "ada@example.org")
    for number in range(3):
        await harness.client.post("/v1/views", json={**VIEW, "name": f"v{number}"}, headers=ada)
    first = (await harness.client.get("/v1/views", params={"page_name": "notifications", "limit": 2}, headers=ada)).json()
    rest = (
        await harness.client.get("/v1/views", params={"page_name": "notifications", "cursor": first["next_cursor"]}, headers=ada)
    ).json()
    assert [one["name"] for one in (*first["items"], *rest["items"])] == ["v0", "v1", "v2"]
    assert rest["next_cursor"] is None


async def test_projects_do_not_share_and_an_account_has_a_limit(harness: AuthHarness) -> None:
    account = await harness.add_account()
    store = SavedViewStore(harness.connections.database, make_new_id)
    await store.create("acme", account.id, ViewRequest("notifications", "Theirs", "", shared=True))
    assert await store.list_views("", account.id, "notifications", 10, "") == []
    for number in range(MAX_VIEWS - 2):
        await store.create("", account.id, ViewRequest("notifications", f"v{number}", ""))
    last = await asyncio.gather(
        *(store.create("", account.id, ViewRequest("notifications", f"last{number}", "")) for number in range(4)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in last) == [*["ConflictError"] * 3, "SavedView"]
    with pytest.raises(ConflictError, match="200 views already"):
        await store.create("", account.id, ViewRequest("notifications", "one more", ""))
