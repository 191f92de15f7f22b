"""Links that work once: to choose a password, and to make the first account."""

import asyncio

import pytest

from app.auth.first_admin import announce_first_admin
from schemas.accounts import AccountChange
from schemas.errors import UnavailableError
from schemas.permissions import Role
from tests.integration.auth.account_stores import ORIGIN
from tests.integration.auth.auth_harness import BASE_URL, PASSWORD, AuthHarness, bear

NEW_PASSWORD = "other words in a row"


async def request_link(harness: AuthHarness, email: str) -> str:
    """The body of the answer to who has forgotten the password."""
    response = await harness.client.post("/v1/auth/password-reset", json={"email": email})
    assert response.status_code == 202
    return response.text


async def choose(harness: AuthHarness, link: str, password: str = NEW_PASSWORD) -> int:
    """The status of the answer to a new password."""
    token = link.rpartition("/")[2]
    response = await harness.client.post("/v1/auth/password-reset/confirm", json={"token": token, "password": password})
    return response.status_code


async def test_the_answer_does_not_say_whether_there_is_an_account(harness: AuthHarness) -> None:
    account = await harness.add_account()
    gone = await harness.add_account("gone@example.org")
    await harness.stores.accounts.change(gone.id, AccountChange(state="disabled"), None, ORIGIN)
    answers = {await request_link(harness, email) for email in ("ada@example.org", "nobody@example.org", "gone@example.org", "no address")}
    assert len(answers) == 1
    await harness.read_links()
    (notification,) = harness.publisher.decode_notifications()
    assert (notification.user_id, notification.type, notification.to) == (
        account.id,
        "account.password_reset",
        {"email": "ada@example.org"},
    )
    assert notification.expires_at == pytest.approx(notification.created_at + 1800, abs=60)
    assert notification.data["minutes"] == 30


async def test_a_link_sets_the_password_once_and_ends_all_sessions(harness: AuthHarness) -> None:
    await harness.add_account()
    tokens = await harness.log_in()
    await request_link(harness, "ada@example.org")
    (link,) = await harness.read_links()
    assert link.startswith(f"{BASE_URL}/account/password/")
    assert await choose(harness, link, "short") == 422
    assert await choose(harness, link) == 204
    assert await choose(harness, link) == 404
    assert await harness.try_login() == (401, "login-failed")
    harness.auth.states.forget(tokens["session_id"])
    assert (await harness.get_me(tokens)).status_code == 401
    assert (await harness.try_login(password=NEW_PASSWORD))[0] == 200


async def test_a_link_is_stored_as_a_hash(harness: AuthHarness) -> None:
    await harness.add_account()
    await request_link(harness, "ada@example.org")
    (link,) = await harness.read_links()
    rows = await harness.stores.database.fetch("select token_hash from account_links")
    assert link.rpartition("/")[2].encode() not in rows[0]["token_hash"]


async def test_an_account_gets_so_many_e_mails_and_the_answers_stay_the_same(harness: AuthHarness) -> None:
    await harness.add_account()
    for _ in range(5):
        await request_link(harness, "ada@example.org")
    assert len(await harness.read_links()) == 3


async def test_a_failure_to_send_is_not_an_answer(harness: AuthHarness) -> None:
    await harness.add_account()
    harness.publisher.error = "Kafka is down"
    await request_link(harness, "ada@example.org")
    await harness.auth.links.stop()


async def test_the_own_password_is_changed_and_other_sessions_end(harness: AuthHarness) -> None:
    await harness.add_account()
    tokens, other = await harness.log_in(), await harness.log_in()
    body = {"password": "wrong password", "new_password": NEW_PASSWORD}
    assert (await harness.client.post("/v1/auth/password", json=body, headers=bear(tokens))).status_code == 401
    weak = await harness.client.post(
        "/v1/auth/password", json={"password": PASSWORD, "new_password": "ada@example.org"}, headers=bear(tokens)
    )
    assert (weak.status_code, weak.json()["errors"][0]["path"]) == (422, "$.new_password")
    body["password"] = PASSWORD
    changed = await harness.client.post("/v1/auth/password", json=body, headers=bear(tokens))
    assert changed.status_code == 200
    assert (await harness.get_me(changed.json())).status_code == 200
    assert (await harness.get_me(tokens)).status_code == 401  # an access token of before
    refreshed = await harness.client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 200
    assert (await harness.client.post("/v1/auth/refresh", json={"refresh_token": other["refresh_token"]})).status_code == 401


async def announce(harness: AuthHarness) -> list[str]:
    """What a gateway writes when it starts."""
    written: list[str] = []
    await announce_first_admin(harness.auth.links, written.append, asyncio.sleep)
    return written


async def test_the_first_admin_is_made_with_the_link_that_was_printed(harness: AuthHarness) -> None:
    (text,) = await announce(harness)
    assert await announce(harness) == []
    token = text.strip().rpartition("/")[2]
    body = {"token": token, "email": "Root@Example.ORG", "name": "Root", "password": PASSWORD}
    assert (await harness.client.post("/v1/auth/first-admin", json={**body, "token": "x"})).status_code == 404
    assert (await harness.client.post("/v1/auth/first-admin", json={**body, "email": "nobody"})).status_code == 422
    created = await harness.client.post("/v1/auth/first-admin", json=body)
    assert (created.status_code, created.json()["role"], created.json()["email"]) == (201, "admin", "Root@example.org")
    assert (await harness.client.post("/v1/auth/first-admin", json=body)).status_code == 404
    tokens = await harness.log_in("root@example.org")
    assert (await harness.client.get("/v1/accounts", headers=bear(tokens))).status_code == 200
    assert await announce(harness) == []


async def test_a_link_for_the_first_admin_is_useless_once_there_is_an_account(harness: AuthHarness) -> None:
    (text,) = await announce(harness)
    await harness.add_account(role=Role.ADMIN)
    body = {"token": text.strip().rpartition("/")[2], "email": "root@example.org", "password": PASSWORD}
    assert (await harness.client.post("/v1/auth/first-admin", json=body)).status_code == 409


async def test_the_announcement_waits_for_postgresql(harness: AuthHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []

    async def fail() -> str:
        raise UnavailableError("PostgreSQL does not answer")

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        monkeypatch.undo()

    monkeypatch.setattr(harness.auth.links, "make_first_admin_link", fail)
    written: list[str] = []
    await announce_first_admin(harness.auth.links, written.append, sleep)
    assert (delays, len(written)) == ([5.0], 1)
