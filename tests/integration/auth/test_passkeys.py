"""Passkeys over HTTP, with an authenticator in software."""

from typing import Any

import pytest

from schemas.accounts import AccountChange
from tests.integration.auth.account_stores import ORIGIN
from tests.integration.auth.auth_harness import BASE_URL, CSRF, PASSWORD, AuthHarness, bear
from tests.software_authenticator import PRESENT, SoftwareAuthenticator, decode, encode


async def begin_login(harness: AuthHarness) -> dict[str, Any]:
    """The options of a login."""
    response = await harness.client.post("/v1/auth/passkey-login/options")
    assert response.status_code == 200
    return dict(response.json())


async def begin_registration(harness: AuthHarness, tokens: dict[str, Any]) -> dict[str, Any]:
    """The options of a new passkey."""
    response = await harness.client.post("/v1/auth/passkeys/options", headers=bear(tokens))
    assert response.status_code == 200
    return dict(response.json())


async def register(harness: AuthHarness, authenticator: SoftwareAuthenticator) -> dict[str, Any]:
    """An account with this passkey; returns the tokens that it has registered with."""
    await harness.add_account()
    tokens = await harness.log_in()
    credential = authenticator.create(await begin_registration(harness, tokens))
    response = await harness.client.post("/v1/auth/passkeys", json={"name": "laptop", "credential": credential}, headers=bear(tokens))
    assert response.status_code == 201, response.text
    return tokens


async def log_in(harness: AuthHarness, credential: dict[str, Any], **fields: Any) -> tuple[int, str]:
    """The status and the kind of problem of a login."""
    response = await harness.client.post("/v1/auth/passkey-login", json={"credential": credential, **fields})
    return response.status_code, str(response.json().get("type", "")).removeprefix("/docs#")


async def test_a_passkey_logs_in_without_a_password_or_an_address(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    tokens = await register(harness, authenticator)
    options = await begin_login(harness)
    assert options["userVerification"] == "required"
    assert not options.get("allowCredentials")
    response = await harness.client.post("/v1/auth/passkey-login", json={"credential": authenticator.get(options)})
    assert response.status_code == 200
    me = (await harness.get_me(response.json())).json()
    assert me["account"]["email"] == "ada@example.org"
    assert me["account"]["passkeys"] == 1
    sessions = (await harness.client.get("/v1/auth/sessions", headers=bear(tokens))).json()["items"]
    assert [session["method"] for session in sessions] == ["passkey", "password"]


async def test_a_synchronised_passkey_has_no_counter(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL, sign_count=0)
    await register(harness, authenticator)
    for _ in range(2):
        assert (await log_in(harness, authenticator.get(await begin_login(harness))))[0] == 200


async def test_an_answer_counts_once(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    await register(harness, authenticator)
    credential = authenticator.get(await begin_login(harness))
    assert (await log_in(harness, credential))[0] == 200
    assert await log_in(harness, credential) == (401, "login-failed")


async def test_a_counter_that_does_not_rise_is_a_copy(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    await register(harness, authenticator)
    assert (await log_in(harness, authenticator.get(await begin_login(harness))))[0] == 200
    authenticator.sign_count -= 1
    assert await log_in(harness, authenticator.get(await begin_login(harness))) == (401, "login-failed")


@pytest.mark.parametrize(
    "client_data",
    [
        {"origin": "https://attacker.example"},
        {"origin": BASE_URL + ":8443"},
        {"type": "webauthn.create"},
        {"challenge": encode(b"x" * 32)},
        {"challenge": ""},
        {"challenge": 7},
    ],
)
async def test_an_answer_for_another_page_or_challenge_logs_nobody_in(harness: AuthHarness, client_data: dict[str, Any]) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    await register(harness, authenticator)
    assert await log_in(harness, authenticator.get(await begin_login(harness), **client_data)) == (401, "login-failed")


async def test_the_person_must_be_verified(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    await register(harness, authenticator)
    authenticator.flags = PRESENT
    assert await log_in(harness, authenticator.get(await begin_login(harness))) == (401, "login-failed")


async def test_the_signature_and_the_account_must_be_those_of_the_passkey(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    await register(harness, authenticator)
    stranger = SoftwareAuthenticator(BASE_URL, credential_id=authenticator.credential_id, sign_count=9)
    stranger.user_handle = authenticator.user_handle
    assert await log_in(harness, stranger.get(await begin_login(harness))) == (401, "login-failed")
    authenticator.user_handle = b"acc_0199c82cc00070008000000000000001"
    assert await log_in(harness, authenticator.get(await begin_login(harness))) == (401, "login-failed")


async def test_a_challenge_of_a_registration_is_none_of_a_login(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    tokens = await register(harness, authenticator)
    options = await begin_registration(harness, tokens)
    assert [decode(one["id"]) for one in options["excludeCredentials"]] == [authenticator.credential_id]
    credential = authenticator.get({"challenge": options["challenge"], "rpId": options["rp"]["id"]})
    assert await log_in(harness, credential) == (401, "login-failed")


async def test_a_passkey_is_registered_by_who_has_begun_it_only(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    await harness.add_account()
    await harness.add_account("bob@example.org")
    mine, theirs = await harness.log_in(), await harness.log_in("bob@example.org")
    credential = authenticator.create(await begin_registration(harness, mine))
    body = {"credential": credential}
    assert (await harness.client.post("/v1/auth/passkeys", json=body, headers=bear(theirs))).status_code == 401
    assert (await harness.client.post("/v1/auth/passkeys", json=body, headers=bear(mine))).status_code == 401  # it was taken


async def test_a_passkey_is_registered_once(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    tokens = await register(harness, authenticator)
    credential = authenticator.create(await begin_registration(harness, tokens))
    response = await harness.client.post("/v1/auth/passkeys", json={"credential": credential}, headers=bear(tokens))
    assert (response.status_code, response.json()["type"]) == (409, "/docs#conflict")


GARBAGE = [
    {},
    {"rawId": "eA"},
    {"rawId": "eA", "response": {"clientDataJSON": "!!"}},
    {"rawId": 7, "response": []},
    {"response": {"clientDataJSON": "W10"}},
]


@pytest.mark.parametrize("credential", GARBAGE)
async def test_garbage_is_no_passkey(harness: AuthHarness, credential: dict[str, Any]) -> None:
    await harness.add_account()
    tokens = await harness.log_in()
    assert await log_in(harness, credential) == (401, "login-failed")
    response = await harness.client.post("/v1/auth/passkeys", json={"credential": credential}, headers=bear(tokens))
    assert response.status_code == 401


async def test_a_removed_passkey_and_one_of_a_disabled_account_log_nobody_in(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    tokens = await register(harness, authenticator)
    me = (await harness.get_me(tokens)).json()
    await harness.stores.accounts.change(me["account"]["id"], AccountChange(state="disabled"), None, ORIGIN)
    assert await log_in(harness, authenticator.get(await begin_login(harness))) == (401, "login-failed")
    await harness.stores.accounts.change(me["account"]["id"], AccountChange(state="active"), None, ORIGIN)
    tokens = await harness.log_in()
    (passkey,) = (await harness.client.get("/v1/auth/passkeys", headers=bear(tokens))).json()["items"]
    path = f"/v1/auth/passkeys/{passkey['id']}"
    assert (await harness.client.delete(path, headers=bear(tokens))).status_code == 204
    assert (await harness.client.delete(path, headers=bear(tokens))).status_code == 404
    assert await log_in(harness, authenticator.get(await begin_login(harness))) == (401, "login-failed")


async def test_an_old_login_adds_no_passkey_without_the_password(harness: AuthHarness) -> None:
    await harness.add_account()
    tokens = await harness.log_in()
    await harness.stores.database.fetch("update sessions set created_at = created_at - interval '1 hour'")
    harness.auth.states.forget(tokens["session_id"])
    response = await harness.client.post("/v1/auth/passkeys/options", headers=bear(tokens))
    assert (response.status_code, response.json()["type"]) == (401, "/docs#login-failed")
    response = await harness.client.post("/v1/auth/passkeys/options", json={"password": "wrong password"}, headers=bear(tokens))
    assert response.status_code == 401
    response = await harness.client.post("/v1/auth/passkeys/options", json={"password": PASSWORD}, headers=bear(tokens))
    assert response.status_code == 200


async def test_a_passkey_gives_a_cookie_to_our_own_pages_only(harness: AuthHarness) -> None:
    authenticator = SoftwareAuthenticator(BASE_URL)
    await register(harness, authenticator)
    assert await log_in(harness, authenticator.get(await begin_login(harness)), cookie=True) == (403, "cross-site-request")
    body = {"credential": authenticator.get(await begin_login(harness)), "cookie": True}
    response = await harness.client.post("/v1/auth/passkey-login", json=body, headers=CSRF)
    assert "refresh_token" not in response.json()
    assert "__Secure-herold_refresh=" in str(response.headers.get_list("set-cookie"))
