"""Authenticator apps over HTTP."""

import asyncio
import time

from tests.integration.auth.auth_harness import KEY, PASSWORD, AuthHarness, bear


async def test_a_login_needs_a_code_once_an_app_is_confirmed(harness: AuthHarness) -> None:
    account = await harness.add_account()
    app, codes = await harness.add_totp(await harness.log_in())
    assert len(codes) == 10
    assert await harness.try_login() == (401, "second-factor-required")
    assert await harness.try_login(password="wrong password") == (401, "login-failed")
    assert await harness.try_login(code="000000") == (401, "login-failed")
    assert (await harness.try_login(code=app.at(time.time())))[0] == 200
    assert (await harness.stores.list_actions(account.id)).count("enable_totp") == 1


async def test_a_code_is_used_once(harness: AuthHarness) -> None:
    await harness.add_account()
    app, _ = await harness.add_totp(await harness.log_in())
    code = app.at(time.time())
    results = await asyncio.gather(*(harness.try_login(code=code) for _ in range(3)))
    assert sorted(status for status, _ in results) == [200, 401, 401]
    assert await harness.try_login(code=code) == (401, "login-failed")


async def test_a_recovery_code_is_used_once_and_the_others_still_count(harness: AuthHarness) -> None:
    await harness.add_account()
    _, codes = await harness.add_totp(await harness.log_in())
    assert (await harness.try_login(code=codes[0].upper()))[0] == 200
    assert await harness.try_login(code=codes[0]) == (401, "login-failed")
    assert (await harness.try_login(code=codes[1].replace("-", "")))[0] == 200


async def test_a_wrong_code_confirms_nothing(harness: AuthHarness) -> None:
    await harness.add_account()
    tokens = await harness.log_in()
    assert (await harness.client.post("/v1/auth/totp", headers=bear(tokens))).status_code == 200
    response = await harness.client.post("/v1/auth/totp/confirm", json={"code": "000000x"}, headers=bear(tokens))
    assert (response.status_code, response.json()["errors"][0]["reason"]) == (422, "invalid_code")
    assert (await harness.try_login())[0] == 200


async def test_there_is_one_app_until_it_is_removed(harness: AuthHarness) -> None:
    await harness.add_account()
    tokens = await harness.log_in()
    await harness.add_totp(tokens)
    assert (await harness.client.post("/v1/auth/totp", headers=bear(tokens))).status_code == 409
    assert (await harness.client.post("/v1/auth/totp/disable", json={"password": PASSWORD}, headers=bear(tokens))).status_code == 204
    assert (await harness.try_login())[0] == 200
    assert (await harness.client.post("/v1/auth/totp", headers=bear(tokens))).status_code == 200


async def test_an_old_login_removes_no_app_without_the_password(harness: AuthHarness) -> None:
    await harness.add_account()
    tokens = await harness.log_in()
    await harness.add_totp(tokens)
    await harness.stores.database.fetch("update sessions set created_at = created_at - interval '1 hour'")
    harness.auth.states.forget(tokens["session_id"])
    assert (await harness.client.post("/v1/auth/totp/disable", headers=bear(tokens))).status_code == 401
    assert await harness.try_login() == (401, "second-factor-required")


async def test_an_admin_removes_the_app_of_who_has_lost_it(harness: AuthHarness) -> None:
    account = await harness.add_account()
    await harness.add_totp(await harness.log_in())
    response = await harness.client.post(f"/v1/accounts/{account.id}/reset-second-factor", headers=KEY)
    assert (response.status_code, response.json()["has_totp"]) == (200, False)
    assert (await harness.try_login())[0] == 200


async def test_secrets_and_codes_are_not_stored_as_they_are(harness: AuthHarness) -> None:
    await harness.add_account()
    app, codes = await harness.add_totp(await harness.log_in())
    stored = str([list(row.values()) for row in await harness.stores.database.fetch("select totp_secret::text from account_credentials")])
    stored += str([list(row.values()) for row in await harness.stores.database.fetch("select code_hash::text from recovery_codes")])
    assert app.byte_secret().hex() not in stored
    assert codes[0].replace("-", "").encode().hex() not in stored
