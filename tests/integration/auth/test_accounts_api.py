"""The resource /v1/accounts."""

import pytest

from schemas.permissions import Role
from tables.postgres.database import Database
from tests.integration.auth.auth_harness import KEY, AuthHarness, bear

ADA = {"email": "Ada@Example.ORG", "name": "Ada", "role": "operator", "projects": ["shop"]}


@pytest.fixture(autouse=True)
async def shop(database_copy: Database) -> None:
    """The only project."""
    await database_copy.fetch("insert into projects (id, name, created_by) values ('shop', 'Shop', 'test')")


async def test_an_account_is_made_and_its_person_gets_a_link(harness: AuthHarness) -> None:
    created = await harness.client.post("/v1/accounts", json=ADA, headers=KEY)
    assert created.status_code == 201
    body = created.json()
    assert (body["email"], body["role"], body["projects"], body["has_password"]) == ("Ada@example.org", "operator", ["shop"], False)
    assert created.headers["etag"] == f'"{body["version"]}"'
    assert len(await harness.read_links()) == 1
    silent = await harness.client.post("/v1/accounts", json={**ADA, "email": "bob@example.org", "notify": False}, headers=KEY)
    assert silent.status_code == 201
    assert len(await harness.read_links()) == 1
    assert (await harness.client.post(f"/v1/accounts/{silent.json()['id']}/send-link", headers=KEY)).status_code == 202
    assert len(await harness.read_links()) == 2


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"email": "no address"}, "$.email"),
        ({"role": "root"}, "$.role"),
        ({"projects": ["shop", "blog"]}, "$.projects[1]"),
        ({"projects": [""]}, "$.projects[0]"),
        ({"state": "active"}, "$.state"),
        ({"token_version": 0}, "$.token_version"),
    ],
)
async def test_an_invalid_account_is_422(harness: AuthHarness, change: dict[str, object], path: str) -> None:
    response = await harness.client.post("/v1/accounts", json={**ADA, **change}, headers=KEY)
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, path)


async def test_an_account_gets_no_project_that_does_not_exist(harness: AuthHarness) -> None:
    account = await harness.add_account()
    path, headers = f"/v1/accounts/{account.id}", {**KEY, "if-match": "*"}
    refused = await harness.client.patch(path, json={"projects": ["blog", "shop", "news"]}, headers=headers)
    assert refused.status_code == 422
    assert [(error["path"], error["detail"]) for error in refused.json()["errors"]] == [
        ("$.projects[0]", "there is no project 'blog'"),
        ("$.projects[2]", "there is no project 'news'"),
    ]
    changed = await harness.client.patch(path, json={"projects": ["shop"]}, headers=headers)
    assert (changed.status_code, changed.json()["projects"]) == (200, ["shop"])


async def test_an_account_is_changed_with_its_etag(harness: AuthHarness) -> None:
    account = await harness.add_account()
    path = f"/v1/accounts/{account.id}"
    assert (await harness.client.patch(path, json={"name": "x"}, headers=KEY)).status_code == 428
    changed = await harness.client.patch(
        path, json={"name": "x", "email": "a@EXAMPLE.org"}, headers={**KEY, "if-match": f'"{account.version}"'}
    )
    assert (changed.status_code, changed.json()["name"], changed.json()["email"]) == (200, "x", "a@example.org")
    assert (await harness.client.patch(path, json={"name": "y"}, headers={**KEY, "if-match": f'"{account.version}"'})).status_code == 412
    assert (await harness.client.get(path, headers=KEY)).json() == changed.json()
    await harness.add_account("bob@example.org")
    conflict = await harness.client.patch(path, json={"email": "bob@example.org"}, headers={**KEY, "if-match": "*"})
    assert (conflict.status_code, conflict.json()["type"]) == (409, "/docs#conflict")


async def test_accounts_are_listed_by_page(harness: AuthHarness) -> None:
    for name in ("a", "b", "c"):
        await harness.add_account(f"{name}@example.org", Role.VIEWER)
    page = (await harness.client.get("/v1/accounts", params={"limit": 2}, headers=KEY)).json()
    rest = (await harness.client.get("/v1/accounts", params={"limit": 2, "cursor": page["next_cursor"]}, headers=KEY)).json()
    assert [one["email"] for one in page["items"] + rest["items"]] == ["a@example.org", "b@example.org", "c@example.org"]
    found = (await harness.client.get("/v1/accounts", params={"state": "disabled", "role": "viewer"}, headers=KEY)).json()
    assert found["items"] == []


async def test_an_admin_disables_and_deletes_an_account(harness: AuthHarness) -> None:
    account = await harness.add_account()
    tokens = await harness.log_in()
    path = f"/v1/accounts/{account.id}"
    disabled = await harness.client.patch(path, json={"state": "disabled"}, headers={**KEY, "if-match": "*"})
    assert disabled.json()["state"] == "disabled"
    harness.auth.states.forget(tokens["session_id"])
    assert (await harness.get_me(tokens)).status_code == 401
    assert (await harness.client.delete(path, headers={**KEY, "if-match": "*"})).status_code == 204
    assert (await harness.client.get(path, headers=KEY)).status_code == 404


async def test_an_admin_ends_the_sessions_of_an_account(harness: AuthHarness) -> None:
    account = await harness.add_account()
    tokens = await harness.log_in()
    response = await harness.client.post(f"/v1/accounts/{account.id}/revoke-sessions", json={"reason": "stolen"}, headers=KEY)
    assert (response.status_code, response.json()["token_version"]) == (200, 1)
    harness.auth.states.forget(tokens["session_id"])
    assert (await harness.get_me(tokens)).status_code == 401
    assert (await harness.try_login())[0] == 200


async def test_a_person_makes_no_account_with_less_than_the_permission(harness: AuthHarness) -> None:
    await harness.add_account(role=Role.OPERATOR)
    tokens = await harness.log_in()
    response = await harness.client.post("/v1/accounts", json={**ADA, "role": "admin"}, headers=bear(tokens))
    assert (response.status_code, response.json()["permission"]) == (403, "accounts:write")


@pytest.mark.parametrize("account_id", ["acc_0199c82cc00070008000000000000001", "acc_1", "x' or '1'='1"])
async def test_an_unknown_account_is_404(harness: AuthHarness, account_id: str) -> None:
    assert (await harness.client.get(f"/v1/accounts/{account_id}", headers=KEY)).status_code == 404
    assert (await harness.client.post(f"/v1/accounts/{account_id}/send-link", headers=KEY)).status_code == 404
