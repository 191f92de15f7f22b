"""/v1/audiences on a real PostgreSQL."""

from typing import Any

import httpx
import pytest

from tables.postgres.database import Database
from tests.integration.broadcasts.users import USERS, insert_users

LIST = {"description": "who tests"}
GOLD = {"filter": {"tier": ["gold"]}}
ANY_VERSION = {"if-match": "*"}


async def put(client: httpx.AsyncClient, name: str, body: dict[str, Any]) -> dict[str, Any]:
    response = await client.put(f"/v1/audiences/{name}", json=body)
    assert response.status_code == 201, response.text
    return dict(response.json())


async def test_an_audience_is_created_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    created = await put(client, "gold", GOLD)
    assert (created["kind"], created["filter"]) == ("filter", GOLD["filter"])
    found = await client.get("/v1/audiences/gold")
    assert found.json() == created
    assert found.headers["etag"] == f'"{created["version"]}"'
    assert (await client.put("/v1/audiences/gold", json=GOLD)).status_code == 428
    changed = await client.put("/v1/audiences/gold", json={**GOLD, "description": "pays"}, headers={"if-match": found.headers["etag"]})
    assert changed.json()["description"] == "pays"
    assert (await client.put("/v1/audiences/gold", json=GOLD, headers={"if-match": found.headers["etag"]})).status_code == 412
    assert (await client.put("/v1/audiences/gold", json=LIST, headers=ANY_VERSION)).status_code == 409
    assert (await client.delete("/v1/audiences/gold")).status_code == 428
    assert (await client.delete("/v1/audiences/gold", headers=ANY_VERSION)).status_code == 204
    assert (await client.get("/v1/audiences/gold")).status_code == 404
    assert (await put(client, "gold", GOLD))["version"] > changed.json()["version"]


async def test_audiences_are_listed_in_pages(client: httpx.AsyncClient) -> None:
    for name in ("b-list", "A-list", "c-filter"):
        await put(client, name, LIST)
    first = (await client.get("/v1/audiences", params={"limit": 2})).json()
    second = (await client.get("/v1/audiences", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["name"] for one in (*first["items"], *second["items"])] == ["A-list", "b-list", "c-filter"]
    assert [one["name"] for one in (await client.get("/v1/audiences", params={"search": "-list"})).json()["items"]] == ["A-list", "b-list"]


async def test_members_are_added_and_removed_and_an_unknown_user_changes_nothing(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    await insert_users(database_copy)
    await put(client, "testers", LIST)
    ids = sorted(user["id"] for user in USERS)
    path = "/v1/audiences/testers/members"
    unknown = await client.patch(path, json={"add": [ids[0], "nobody"]})
    assert (unknown.status_code, unknown.json()["errors"][0]["path"]) == (422, "$.add[1]")
    assert (await client.get(path)).json()["items"] == []
    assert (await client.patch(path, json={"add": ids[:3], "preview": True})).json() == {"added": 3, "removed": 0}
    assert (await client.patch(path, json={"add": ids[:3]})).json() == {"added": 3, "removed": 0}
    assert (await client.patch(path, json={"add": ids[2:4], "remove": [ids[0], "gone"]})).json() == {"added": 1, "removed": 1}
    first = (await client.get(path, params={"limit": 2})).json()
    second = (await client.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [*first["items"], *second["items"]] == ids[1:4]
    await client.delete(f"/v1/users/{ids[1]}")
    assert (await client.get("/v1/audiences/testers/preview")).json() == {"count": 2, "first_users": ids[2:4], "unknown_users": 0}
    actions = await database_copy.fetch("select action from audit_log where object_type = 'audience' and object_id = 'testers' order by id")
    assert [row["action"] for row in actions] == ["create", "change_members", "change_members"]


async def test_a_filter_is_counted_stored_or_not_and_has_no_members_to_change(client: httpx.AsyncClient, database_copy: Database) -> None:
    await insert_users(database_copy)
    await put(client, "gold", GOLD)
    gold = sorted(user["id"] for user in USERS if user["tier"] == "gold")
    expected = {"count": len(gold), "first_users": gold[:10], "unknown_users": 0}
    assert (await client.get("/v1/audiences/gold/preview")).json() == expected
    assert (await client.post("/v1/audiences/preview", json=GOLD["filter"])).json() == expected
    assert (await client.get("/v1/audiences/gold/members", params={"limit": 3})).json()["items"] == gold[:3]
    assert (await client.patch("/v1/audiences/gold/members", json={"add": gold[:1]})).status_code == 409


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"filter": {"teir": ["gold"]}}, "$.filter.teir"),
        ({"filter": {"tier": []}}, "$.filter.tier"),
        ({"filter": {"time_zone": ["", "Europe/Wien"]}}, "$.filter.time_zone[1]"),
        ({"filter": {"has_channel": ["fax"]}}, "$.filter.has_channel[0]"),
        ({"filter": {"any": [{"not": {"created_after": 1_760_000_000_000}}]}}, "$.filter.any[0].not.created_after"),
        ({"filter": {"not": {"not": {"not": {"not": {"not": {"tier": ["a"]}}}}}}}, "$.filter.not.not.not.not.not"),
        ({"filter": {"any": [{"any": [{"tier": ["a"], "locale": ["de"]}] * 9}] * 4}}, "$.filter"),
        ({"filter": {"attributes": {"plan": "\0"}}}, "$.filter.attributes.plan"),
    ],
)
async def test_an_invalid_filter_names_the_place(client: httpx.AsyncClient, body: dict[str, Any], path: str) -> None:
    response = await client.put("/v1/audiences/a", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["path"] == path


@pytest.mark.parametrize("name", ["-a", "a b", "a" * 129, "ä"])
async def test_a_name_can_be_written_in_a_url(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.put(f"/v1/audiences/{name}", json=LIST)).status_code == 422


async def test_an_audience_in_use_is_not_deleted(client: httpx.AsyncClient, database_copy: Database) -> None:
    await put(client, "testers", LIST)
    await database_copy.fetch(
        """insert into broadcasts (id, audience_id, notification, created_by)
           select gen_random_uuid(), id, '{"type": "t"}', 'test' from audiences"""
    )
    response = await client.delete("/v1/audiences/testers", headers=ANY_VERSION)
    assert response.status_code == 409
    assert "the broadcast brd_" in response.json()["detail"]
    await database_copy.fetch("update broadcasts set state = 'cancelled'")
    assert (await client.delete("/v1/audiences/testers", headers=ANY_VERSION)).status_code == 204
