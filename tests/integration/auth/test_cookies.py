"""Browsers: the refresh token in a cookie, and requests that a page of another site makes."""

import httpx
import pytest

from tests.integration.auth.auth_harness import BASE_URL, CSRF, PASSWORD, AuthHarness

LOGIN = {"email": "ada@example.org", "password": PASSWORD, "cookie": True}
REFRESH, DEVICE = "__Secure-herold_refresh", "__Secure-herold_device"


async def log_in(harness: AuthHarness) -> httpx.Response:
    """A login in cookie mode; the client keeps the cookies."""
    await harness.add_account()
    response = await harness.client.post("/v1/auth/login", json=LOGIN, headers=CSRF)
    assert response.status_code == 200
    return response


async def test_the_refresh_token_is_in_a_cookie_that_no_script_and_no_other_site_gets(harness: AuthHarness) -> None:
    response = await log_in(harness)
    assert "refresh_token" not in response.json()
    cookies = {cookie.partition("=")[0]: cookie for cookie in response.headers.get_list("set-cookie")}
    assert set(cookies) == {REFRESH, DEVICE}
    for cookie in cookies.values():
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "secure", "samesite=strict", "path=/v1/auth"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)


async def test_a_browser_refreshes_and_logs_out_with_the_cookie(harness: AuthHarness) -> None:
    await log_in(harness)
    first = harness.client.cookies[REFRESH]
    refreshed = await harness.client.post("/v1/auth/refresh", headers=CSRF)
    assert refreshed.status_code == 200
    assert "refresh_token" not in refreshed.json()
    assert harness.client.cookies[REFRESH] != first
    assert (await harness.client.post("/v1/auth/logout", headers=CSRF)).status_code == 204
    assert REFRESH not in harness.client.cookies
    assert (await harness.client.post("/v1/auth/refresh", headers=CSRF)).status_code == 401


@pytest.mark.parametrize("path", ["/v1/auth/refresh", "/v1/auth/logout"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"herold-csrf": "0"},
        {**CSRF, "origin": "https://attacker.example"},
        {**CSRF, "origin": "null"},
        {**CSRF, "origin": BASE_URL + ".attacker.example"},
        {**CSRF, "sec-fetch-site": "cross-site"},
        {**CSRF, "sec-fetch-site": "same-site"},
    ],
)
async def test_a_page_of_another_site_uses_no_cookie(harness: AuthHarness, path: str, headers: dict[str, str]) -> None:
    await log_in(harness)
    response = await harness.client.post(path, headers=headers)
    assert (response.status_code, response.json()["type"]) == (403, "/docs#cross-site-request")
    assert (
        await harness.client.post("/v1/auth/refresh", headers={**CSRF, "origin": BASE_URL, "sec-fetch-site": "same-origin"})
    ).status_code == 200


async def test_a_page_of_another_site_logs_nobody_in(harness: AuthHarness) -> None:
    await harness.add_account()
    response = await harness.client.post("/v1/auth/login", json=LOGIN)
    assert (response.status_code, response.json()["type"]) == (403, "/docs#cross-site-request")
    assert "set-cookie" not in response.headers


async def test_a_cookie_without_the_prefix_is_none_with_tls(harness: AuthHarness) -> None:
    await log_in(harness)
    token = harness.client.cookies[REFRESH]
    harness.client.cookies.clear()
    response = await harness.client.post("/v1/auth/refresh", headers={**CSRF, "cookie": f"herold_refresh={token}"})
    assert response.status_code == 401


async def test_no_route_but_those_of_sessions_knows_the_cookie(harness: AuthHarness) -> None:
    await log_in(harness)
    cookie = f"{REFRESH}={harness.client.cookies[REFRESH]}"
    for path in ("/v1/auth/me", "/v1/accounts", "/v1/rules"):
        assert (await harness.client.get(path, headers={**CSRF, "cookie": cookie})).status_code == 401


async def test_a_program_s_name_writes_no_header_and_no_line(harness: AuthHarness) -> None:
    await harness.add_account()
    headers = {**CSRF, "user-agent": "curl\tx-admin: 1 \x7f" + "y" * 500}
    response = await harness.client.post("/v1/auth/login", json=LOGIN, headers=headers)
    access = {"authorization": f"Bearer {response.json()['access_token']}"}
    (session,) = (await harness.client.get("/v1/auth/sessions", headers=access)).json()["items"]
    assert session["client"].isprintable()
    assert len(session["client"]) <= 200
    assert "x-admin" not in response.headers
