"""Login by password over HTTP: tokens, sessions, and what does not work."""

import asyncio
import time
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher

from schemas.accounts import AccountChange
from schemas.permissions import Role
from tests.integration.auth.account_stores import ORIGIN
from tests.integration.auth.auth_harness import KEY, PASSWORD, AuthHarness, bear


async def test_a_login_gives_tokens_with_which_the_person_is_known(harness: AuthHarness) -> None:
    account = await harness.add_account(name="Ada")
    tokens = await harness.log_in()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    me = (await harness.get_me(tokens)).json()
    assert (me["account"]["id"], me["project"], me["session_id"]) == (account.id, "", tokens["session_id"])
    assert "notifications:read" in me["permissions"]
    assert "hash" not in str(me).replace("has_", "")


async def test_a_role_may_do_what_its_table_says(harness: AuthHarness) -> None:
    await harness.add_account(role=Role.VIEWER)
    tokens = await harness.log_in()
    assert (await harness.client.get("/v1/rules", headers=bear(tokens))).status_code == 200
    denied = await harness.client.get("/v1/accounts", headers=bear(tokens))
    assert (denied.status_code, denied.json()["permission"]) == (403, "accounts:read")


async def test_people_change_their_own_name_and_nothing_else(harness: AuthHarness) -> None:
    account = await harness.add_account(role=Role.VIEWER, name="Ada")
    await harness.add_account("bob@example.org", name="Bob")
    headers = bear(await harness.log_in())
    changed = await harness.client.patch("/v1/auth/me", json={"name": "Ada Lovelace"}, headers=headers)
    assert (changed.status_code, changed.json()["account"]["name"]) == (200, "Ada Lovelace")
    refused = await harness.client.patch("/v1/auth/me", json={"name": "Ada", "role": "admin"}, headers=headers)
    assert refused.status_code == 422
    assert await harness.stores.list_actions(account.id) == ["create", "login", "change"]
    assert (await harness.client.patch("/v1/auth/me", json={"name": "x"}, headers=KEY)).status_code == 403


async def test_an_api_key_is_no_person(harness: AuthHarness) -> None:
    response = await harness.client.get("/v1/auth/me", headers=KEY)
    assert (response.status_code, response.json()["type"]) == (403, "/docs#forbidden")


async def test_a_changed_role_counts_after_the_next_look_up(harness: AuthHarness) -> None:
    account = await harness.add_account(role=Role.ADMIN)
    await harness.add_account("root@example.org", Role.ADMIN)
    tokens = await harness.log_in()
    assert (await harness.client.get("/v1/accounts", headers=bear(tokens))).status_code == 200
    await harness.stores.accounts.change(account.id, AccountChange(role=Role.VIEWER), None, ORIGIN)
    harness.auth.states.forget(tokens["session_id"])
    assert (await harness.client.get("/v1/accounts", headers=bear(tokens))).status_code == 403


@pytest.mark.parametrize(
    ("email", "password"), [("ada@example.org", "several words in a rox"), ("bob@example.org", PASSWORD), ("no address", PASSWORD)]
)
async def test_a_wrong_address_and_a_wrong_password_are_answered_alike(harness: AuthHarness, email: str, password: str) -> None:
    await harness.add_account()
    responses = [
        await harness.client.post("/v1/auth/login", json={"email": one, "password": two})
        for one, two in [("ada@example.org", "wrong password"), (email, password)]
    ]
    bodies = [{**response.json(), "request_id": ""} for response in responses]
    assert bodies[0] == bodies[1]
    assert responses[1].status_code == 401


async def test_each_login_costs_one_hash_whoever_it_is_for(harness: AuthHarness) -> None:
    account = await harness.add_account()
    await harness.stores.create("invited@example.org", password_hash="")
    disabled = await harness.add_account("gone@example.org")
    await harness.stores.accounts.change(disabled.id, AccountChange(state="disabled"), None, ORIGIN)
    counts = []
    for email, password in [
        (account.email, PASSWORD),
        (account.email, "wrong password"),
        ("nobody@example.org", PASSWORD),
        ("invited@example.org", ""),
        ("invited@example.org", PASSWORD),
        ("gone@example.org", PASSWORD),
        ("no address", PASSWORD),
    ]:
        before = harness.auth.hashes.computed
        await harness.client.post("/v1/auth/login", json={"email": email, "password": password or "x"})
        counts.append(harness.auth.hashes.computed - before)
    assert counts == [1] * 7


async def test_a_disabled_account_and_one_without_a_password_do_not_log_in(harness: AuthHarness) -> None:
    account = await harness.add_account()
    await harness.stores.create("invited@example.org", password_hash="")
    await harness.stores.accounts.change(account.id, AccountChange(state="disabled"), None, ORIGIN)
    assert await harness.try_login() == (401, "login-failed")
    assert await harness.try_login("invited@example.org") == (401, "login-failed")


async def test_a_hash_with_other_parameters_is_renewed_at_the_login(harness: AuthHarness) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    account = await harness.stores.create(password_hash=old)
    await harness.log_in()
    stored = await harness.stores.credentials.find(account.id)
    assert stored is not None
    assert stored.password_hash != old
    assert not harness.auth.hashes.needs_rehash(stored.password_hash)
    await harness.log_in()


async def test_the_password_is_in_no_answer_and_the_address_may_have_another_case(harness: AuthHarness) -> None:
    await harness.add_account()
    assert PASSWORD not in str(await harness.log_in("ADA@EXAMPLE.ORG"))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"email": "ada@example.org"}, "$.password"),
        ({"email": "ada@example.org", "password": "x", "role": "admin"}, "$.role"),
        ({"email": "ada@example.org", "password": "x" * 257}, "$.password"),
        ({"email": "ada\0@example.org", "password": "x"}, "$.email"),
        ({"email": ["ada@example.org"], "password": "x"}, "$.email"),
    ],
)
async def test_an_invalid_body_is_422(harness: AuthHarness, body: dict[str, Any], path: str) -> None:
    response = await harness.client.post("/v1/auth/login", json=body)
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, path)
    assert "xxx" not in response.text


async def test_a_token_is_for_a_project_of_the_account(harness: AuthHarness) -> None:
    await harness.add_account(projects=["shop", "blog"])
    assert (await harness.get_me(await harness.log_in())).json()["project"] == "shop"
    tokens = await harness.log_in(project="blog")
    assert (await harness.get_me(tokens)).json()["project"] == "blog"
    assert await harness.try_login(project="bank") == (403, "forbidden")
    refreshed = await harness.client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"], "project": "shop"})
    assert (await harness.get_me(refreshed.json())).json()["project"] == "shop"


async def test_sessions_are_listed_and_ended_by_their_person(harness: AuthHarness) -> None:
    await harness.add_account()
    await harness.add_account("bob@example.org")
    first, second, stranger = await harness.log_in(), await harness.log_in(), await harness.log_in("bob@example.org")
    listed = (await harness.client.get("/v1/auth/sessions", headers=bear(first))).json()["items"]
    assert [(one["id"], one["is_current"]) for one in listed] == [(second["session_id"], False), (first["session_id"], True)]
    path = f"/v1/auth/sessions/{second['session_id']}"
    assert (await harness.client.delete(path, headers=bear(stranger))).status_code == 404
    assert (await harness.client.delete(path, headers=bear(first))).status_code == 204
    assert (await harness.get_me(second)).status_code == 401
    page = (await harness.client.get("/v1/auth/sessions", params={"limit": 1}, headers=bear(first))).json()
    assert page["next_cursor"] is None


async def test_logout_everywhere_ends_all_sessions_and_their_tokens(harness: AuthHarness) -> None:
    await harness.add_account()
    first, second = await harness.log_in(), await harness.log_in()
    assert (await harness.client.post("/v1/auth/logout-everywhere", headers=bear(first))).status_code == 204
    for tokens in (first, second):
        assert (await harness.get_me(tokens)).status_code == 401
        response = await harness.client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert (response.status_code, response.json()["type"]) == (401, "/docs#unauthorized")


async def test_logout_ends_the_session_of_the_token(harness: AuthHarness) -> None:
    await harness.add_account()
    tokens = await harness.log_in()
    body = {"refresh_token": tokens["refresh_token"]}
    assert (await harness.client.post("/v1/auth/logout", json=body)).status_code == 204
    assert (await harness.get_me(tokens)).status_code == 401
    assert (await harness.client.post("/v1/auth/logout", json=body)).status_code == 204
    assert (await harness.client.post("/v1/auth/logout", json={"refresh_token": "hrr_" + "A" * 43})).status_code == 204


async def test_a_token_of_another_installation_is_401(harness: AuthHarness) -> None:
    await harness.add_account()
    tokens = await harness.log_in()
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    key = harness.auth.keys.get().first
    for changed in (
        {"aud": "other"},
        {"iss": "other"},
        {"exp": int(time.time()) - 1},
        {"sub": "acc_0199c82cc00070008000000000000001"},
        {"tv": 1},
    ):
        forged = jwt.encode({**claims, **changed}, key.private, "EdDSA", {"kid": key.kid, "typ": "at+jwt"})
        assert (await harness.get_me({"access_token": forged})).status_code == 401
    assert (await harness.get_me(tokens)).status_code == 200


async def test_the_key_set_verifies_the_tokens(harness: AuthHarness) -> None:
    await harness.add_account()
    token = (await harness.log_in())["access_token"]
    jwks = jwt.PyJWKSet.from_dict((await harness.client.get("/v1/auth/jwks.json")).json())
    assert len(jwks.keys) == 2
    key = next(one for one in jwks.keys if one.key_id == jwt.get_unverified_header(token)["kid"])
    assert jwt.decode(token, key, algorithms=["EdDSA"], audience="herold", issuer="herold")["sid"].startswith("ses_")


async def test_a_client_that_refreshes_twice_at_once_is_not_locked_out(harness: AuthHarness) -> None:
    await harness.add_account()
    body = {"refresh_token": (await harness.log_in())["refresh_token"]}
    answers = await asyncio.gather(*(harness.client.post("/v1/auth/refresh", json=body) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    again = await harness.client.post("/v1/auth/refresh", json={"refresh_token": answers[0].json()["refresh_token"]})
    assert again.status_code == 200


async def test_a_replayed_refresh_token_ends_the_session_of_thief_and_owner(harness: AuthHarness) -> None:
    account = await harness.add_account()
    stolen = (await harness.log_in())["refresh_token"]
    refreshed = (await harness.client.post("/v1/auth/refresh", json={"refresh_token": stolen})).json()
    await harness.stores.database.fetch("update refresh_tokens set rotated_at = rotated_at - interval '1 minute'")
    assert (await harness.client.post("/v1/auth/refresh", json={"refresh_token": stolen})).status_code == 401
    assert (await harness.client.post("/v1/auth/refresh", json={"refresh_token": refreshed["refresh_token"]})).status_code == 401
    harness.auth.states.forget(refreshed["session_id"])
    assert (await harness.get_me(refreshed)).status_code == 401
    assert (await harness.stores.list_actions(account.id))[-1] == "refresh_token_reused"


async def test_tokens_are_not_stored_as_they_are(harness: AuthHarness) -> None:
    await harness.add_account()
    tokens = await harness.log_in()
    rows = await harness.stores.database.fetch("select token_hash from refresh_tokens")
    assert all(tokens["refresh_token"].encode() not in row["token_hash"] for row in rows)
