"""/v1/api-keys with a real PostgreSQL: what keys are for, what they may grant, and when they end."""

from typing import Any

import httpx
import pytest

from schemas.api_keys import build_key_text
from tables.postgres.audit_log import list_audit_entries
from tables.postgres.database import Database
from tests.integration.access.keys import PATH, build_headers, create_key
from tests.integration.webhooks.endpoints import open_endpoint_client

RULES = "/v1/rules"
ANY_VERSION = {"if-match": "*"}


async def test_a_key_does_what_its_role_and_scopes_say(client: httpx.AsyncClient) -> None:
    viewer, reader = await create_key(client, "viewer"), await create_key(client, "viewer", scopes=["templates:read"])
    assert (await client.get(RULES, headers=build_headers(viewer))).status_code == 200
    denied = await client.get(RULES, headers=build_headers(reader))
    assert (denied.status_code, denied.json()["permission"]) == (403, "rules:read")
    assert (await client.delete(f"{RULES}/x", headers=build_headers(viewer))).status_code == 403


async def test_the_links_of_accounts_are_changed_by_who_may_change_accounts(client: httpx.AsyncClient) -> None:
    """Their template could send the link of an admin elsewhere."""
    developer = build_headers(await create_key(client, "developer"))
    rule, template = f"{RULES}/account.password_reset", "/v1/templates/herold-password-link"
    body = {"category": "security", "channels": ["email"], "template": "account-otp"}
    current = (await client.get(rule)).headers["etag"]
    for method, path, content in (
        ("PUT", rule, body),
        ("DELETE", rule, None),
        ("POST", f"{rule}/rollback", {"version": 1}),
        ("POST", f"{template}/publish", {"version": 1}),
        ("POST", f"{template}/rollback", {"version": 1}),
    ):
        denied = await client.request(method, path, json=content, headers={**developer, "if-match": current})
        assert (denied.status_code, denied.json()["permission"]) == (403, "accounts:write"), path
    assert (await client.get(rule)).headers["etag"] == current
    assert (await client.put(rule, json=body, headers={"if-match": current})).status_code == 200
    named = await client.post("/v1/templates/account-otp/publish", json={"version": 1}, headers={**developer, "if-match": '"1"'})
    assert (named.status_code, named.json()["permission"]) == (403, "accounts:write"), "the rule names it now"
    other = f"{RULES}/order.shipped"
    headers = {**developer, "if-match": (await client.get(other)).headers["etag"]}
    assert (await client.put(other, json={**body, "category": "transactional"}, headers=headers)).status_code == 200


async def test_the_text_of_a_key_is_shown_once_and_stored_nowhere(client: httpx.AsyncClient, database_copy: Database) -> None:
    key = await create_key(client)
    assert key["key"].startswith(f"hrl_live_{key['id']}_")
    shown = await client.get(f"{PATH}/{key['id']}")
    assert "key" not in shown.json()
    assert shown.headers["etag"] == f'"{key["version"]}"'
    rows = await database_copy.fetch("select api_keys::text as stored from api_keys union all select audit_log::text from audit_log")
    assert len(rows) >= 2
    secret = key["key"][18:]
    assert not any(secret in row["stored"] for row in rows)


async def test_keys_are_listed_by_name_in_pages(client: httpx.AsyncClient) -> None:
    names = ["Shop A", "Shop A", "billing", "shop b", "zoo"]
    keys = [await create_key(client, name=name) for name in names]
    first = (await client.get(PATH, params={"limit": 3})).json()
    second = (await client.get(PATH, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [key["name"] for key in first["items"] + second["items"]] == names
    assert second["next_cursor"] is None
    found = (await client.get(PATH, params={"search": "SHOP"})).json()["items"]
    assert len(found) == 3
    [by_id] = (await client.get(PATH, params={"search": keys[2]["id"]})).json()["items"]
    assert by_id["name"] == "billing"


async def test_ended_keys_are_listed_if_asked_for(client: httpx.AsyncClient, database_copy: Database) -> None:
    revoked, expired = await create_key(client, name="revoked"), await create_key(client, name="expired", expires_at="2100-01-01T00:00:00Z")
    await client.post(f"{PATH}/{revoked['id']}/revoke")
    await database_copy.fetch("update api_keys set expires_at = now() - interval '1 s' where id = $1", expired["id"])
    assert (await client.get(PATH)).json()["items"] == []
    assert [key["name"] for key in (await client.get(PATH, params={"ended": True})).json()["items"]] == ["expired", "revoked"]


async def test_a_change_needs_the_version_that_was_read(client: httpx.AsyncClient) -> None:
    key = await create_key(client, scopes=["notifications:send"])
    path = f"{PATH}/{key['id']}"
    assert (await client.patch(path, json={"name": "x"})).status_code == 428
    changed = await client.patch(path, json={"name": "store", "scopes": []}, headers={"if-match": f'"{key["version"]}"'})
    assert (changed.json()["name"], changed.json()["scopes"]) == ("store", [])
    assert (await client.patch(path, json={"name": "x"}, headers={"if-match": f'"{key["version"]}"'})).status_code == 412


@pytest.mark.parametrize("body", [{"role": "admin"}, {"project": "acme"}, {"is_test": True}, {"scopes": ["everything:write"]}])
async def test_no_change_makes_another_kind_of_key(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    key = await create_key(client)
    assert (await client.patch(f"{PATH}/{key['id']}", json=body, headers=ANY_VERSION)).status_code == 422
    assert (await client.post(PATH, json={"name": "x", "role": "viewer", "project": "acme"})).status_code == 422


async def test_nobody_grants_more_than_they_have(client: httpx.AsyncClient) -> None:
    clerk = await create_key(client, "admin", scopes=["api-keys:read", "api-keys:write", "rules:read"])
    owner, headers = await create_key(client, "admin"), build_headers(clerk)
    created = await client.post(PATH, json={"name": "x", "role": "viewer", "scopes": ["rules:read"]}, headers=headers)
    assert created.status_code == 201
    own = f"{PATH}/{created.json()['id']}"
    attempts = [
        await client.post(PATH, json={"name": "x", "role": "viewer"}, headers=headers),
        await client.post(PATH, json={"name": "x", "role": "admin"}, headers=headers),
        await client.patch(own, json={"scopes": ["rules:read", "templates:read"]}, headers={**headers, **ANY_VERSION}),
        await client.patch(own, json={"scopes": []}, headers={**headers, **ANY_VERSION}),
        await client.post(f"{PATH}/{owner['id']}/rotate", headers=headers),
        await client.patch(f"{PATH}/{owner['id']}", json={"name": "x"}, headers={**headers, **ANY_VERSION}),
    ]
    assert [response.status_code for response in attempts] == [403] * 6
    assert (await client.post(f"{PATH}/{owner['id']}/revoke", headers=headers)).status_code == 200


async def test_a_test_key_sends_and_reads_and_makes_no_key(client: httpx.AsyncClient) -> None:
    key = await create_key(client, "admin", is_test=True)
    assert key["key"].startswith("hrl_test_")
    headers = build_headers(key)
    assert (await client.get(RULES, headers=headers)).status_code == 200
    assert (await client.post(PATH, json={"name": "x", "role": "admin"}, headers=headers)).json()["permission"] == "api-keys:write"
    assert (await client.delete(f"{RULES}/x", headers={**headers, **ANY_VERSION})).status_code == 403


async def test_both_texts_count_during_the_overlap_of_a_rotation(database_copy_url: str, client: httpx.AsyncClient) -> None:
    key = await create_key(client, "viewer")
    rotated = (await client.post(f"{PATH}/{key['id']}/rotate", json={"overlap": 3600})).json()
    assert rotated["key"] != key["key"]
    assert rotated["id"] == key["id"]
    assert rotated["previous_expires_at"]
    assert [(await client.get(RULES, headers=build_headers(one))).status_code for one in (key, rotated)] == [200, 200]
    assert (await client.post(f"{PATH}/{key['id']}/rotate", json={"overlap": 60})).status_code == 409
    leaked = (await client.post(f"{PATH}/{key['id']}/rotate", json={"overlap": 0})).json()
    async with open_endpoint_client(database_copy_url) as other:  # it has no verdict of before
        statuses = [(await other.get(RULES, headers=build_headers(one))).status_code for one in (key, rotated, leaked)]
    assert statuses == [401, 401, 200]


async def test_a_revoked_key_ends_for_good(database_copy_url: str, client: httpx.AsyncClient) -> None:
    key = await create_key(client, "viewer")
    revoked = (await client.post(f"{PATH}/{key['id']}/revoke", json={"reason": "it was in a log"})).json()
    assert revoked["revoked_at"]
    assert (await client.post(f"{PATH}/{key['id']}/revoke")).json() == revoked
    assert (await client.post(f"{PATH}/{key['id']}/rotate")).status_code == 409
    assert (await client.patch(f"{PATH}/{key['id']}", json={"name": "x"}, headers=ANY_VERSION)).status_code == 409
    async with open_endpoint_client(database_copy_url) as other:
        assert (await other.get(RULES, headers=build_headers(key))).status_code == 401


async def test_another_secret_for_an_id_is_refused(client: httpx.AsyncClient) -> None:
    key = await create_key(client, "viewer")
    forged = build_key_text(key["id"], bytes(32), is_test=False)
    assert (await client.get(RULES, headers={"x-api-key": forged})).status_code == 401
    client.headers.pop("x-api-key")
    assert (await client.get(RULES, headers={"authorization": f"Bearer {key['key']}"})).status_code == 200


@pytest.mark.parametrize("path", [f"{PATH}/aaaaaaaa", f"{PATH}/not-an-id"])
async def test_a_key_that_there_is_not_is_404(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404
    assert (await client.patch(path, json={"name": "x"}, headers=ANY_VERSION)).status_code == 404
    assert [(await client.post(f"{path}/{action}")).status_code for action in ("rotate", "revoke")] == [404, 404]


async def test_every_change_is_in_the_audit_log(client: httpx.AsyncClient, database_copy: Database) -> None:
    key = await create_key(client, "viewer", scopes=["rules:read"])
    path = f"{PATH}/{key['id']}"
    await client.patch(path, json={"scopes": []}, headers=ANY_VERSION)
    await client.post(f"{path}/rotate")
    await client.post(f"{path}/revoke", json={"reason": "it was in a log"})
    entries = await list_audit_entries(database_copy, "api_key", key["id"], 10)
    assert [entry.action for entry in entries] == ["revoke", "rotate", "change", "create"]
    assert entries[0].details["reason"] == "it was in a log"
    assert (entries[2].details["before"]["scopes"], entries[2].details["after"]["scopes"]) == (["rules:read"], [])


async def test_a_key_with_few_scopes_makes_and_takes_no_account_that_may_do_more(client: httpx.AsyncClient) -> None:
    accounts, admin = "/v1/accounts", {"email": "ada@example.org", "role": "admin", "notify": False}
    scopes = ["accounts:read", "accounts:write", "notifications:send", "notifications:read", "notifications:change"]
    headers = build_headers(await create_key(client, "admin", scopes=scopes)) | ANY_VERSION
    denied = await client.post(accounts, json=admin, headers=headers)
    assert (denied.status_code, denied.json()["permission"]) == (403, "api-keys:read")
    created = await client.post(accounts, json={**admin, "email": "eve@example.org", "role": "service"}, headers=headers)
    assert created.status_code == 201, created.text
    own = f"{accounts}/{created.json()['id']}"
    assert (await client.patch(own, json={"name": "Eve"}, headers=headers)).status_code == 200
    assert (await client.patch(own, json={"role": "admin"}, headers=headers)).status_code == 403
    other = f"{accounts}/{(await client.post(accounts, json=admin)).json()['id']}"
    assert (await client.patch(other, json={"email": "eve@example.com"}, headers=headers)).status_code == 403
    assert (await client.post(f"{other}/reset-second-factor", headers=headers)).status_code == 403
