"""Login at a real OpenID provider."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.auth.oidc import build_code_challenge
from schemas.accounts import AccountChange
from schemas.permissions import Role
from tests.integration.auth.account_stores import ORIGIN
from tests.integration.auth.auth_harness import BASE_URL, CSRF, AuthHarness, bear, open_auth_harness
from tests.integration.auth.oidc_provider import OidcProvider, run_provider

CALLBACK = "/v1/auth/oidc/callback"
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}
PAGE = "/dashboard/notifications?state=held"


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with run_provider() as provider:
        yield provider


@pytest.fixture
async def oidc(provider: OidcProvider, tmp_path: Path, database_copy_url: str, redis_url: str) -> AsyncIterator[AuthHarness]:
    """A gateway that trusts the provider: the claim groups gives roles."""
    settings = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": "herold",
        "oidc_client_secret": "secret of the client",
        "oidc_role_claim": "groups",
        "oidc_roles": "herold-admins=admin, support=operator",
    }
    async with open_auth_harness(tmp_path, database_copy_url, redis_url, f"t{uuid.uuid4().hex}.", **settings) as harness:
        assert harness.auth.oidc is not None
        harness.auth.oidc._client._http.timeout = httpx.Timeout(60.0)  # on a busy machine the provider answers late
        yield harness


async def begin(oidc: AuthHarness, return_to: str = "/docs") -> str:
    """The provider's page for a new login."""
    response = await oidc.client.get("/v1/auth/oidc/start", params={"return_to": return_to})
    assert response.status_code == 302
    return str(response.headers["location"])


async def log_in(oidc: AuthHarness, provider: OidcProvider, subject: str, **changes: str) -> httpx.Response:
    """The answer to the redirect of the provider, with these parameters instead."""
    return await oidc.client.get(CALLBACK, params={**provider.allow(await begin(oidc), subject), **changes})


async def see(oidc: AuthHarness, **parameters: str) -> str:
    """Where a browser is led by the provider's answer; it sees a page, and no JSON."""
    response = await oidc.client.get(CALLBACK, params=parameters, headers=BROWSER)
    assert (response.status_code, response.content) == (303, b"")
    return str(response.headers["location"])


def get_kind(response: httpx.Response) -> tuple[int, str]:
    """The status and the kind of problem."""
    return response.status_code, str(response.json()["type"]).removeprefix("/docs#")


async def read_me(oidc: AuthHarness) -> dict[str, Any]:
    """Who the browser's cookie logs in."""
    refreshed = await oidc.client.post("/v1/auth/refresh", headers=CSRF)
    assert refreshed.status_code == 200
    return dict((await oidc.client.get("/v1/auth/me", headers=bear(refreshed.json()))).json()["account"])


async def test_a_person_with_a_role_gets_an_account_and_a_cookie(oidc: AuthHarness, provider: OidcProvider) -> None:
    provider.set_person("grace", email="grace@example.org", email_verified=True, name="Grace", groups=["staff", "support"])
    response = await log_in(oidc, provider, "grace")
    assert (response.status_code, response.headers["location"]) == (303, "/docs")
    cookies = response.headers.get_list("set-cookie")
    assert any("__Secure-herold_refresh=" in cookie and "HttpOnly" in cookie and "SameSite=strict" in cookie for cookie in cookies)
    account = await read_me(oidc)
    assert (account["email"], account["name"], account["role"], account["has_password"]) == (
        "grace@example.org",
        "Grace",
        "operator",
        False,
    )
    assert await oidc.stores.list_actions(account["id"]) == ["create", "add_identity", "login"]
    again = await log_in(oidc, provider, "grace")
    assert again.status_code == 303
    assert (await read_me(oidc))["id"] == account["id"]


async def test_the_request_has_pkce_state_nonce_and_our_address_only(oidc: AuthHarness) -> None:
    query = {name: values[0] for name, values in parse_qs(urlsplit(await begin(oidc)).query).items()}
    assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", "herold", "S256")
    assert query["redirect_uri"] == BASE_URL + CALLBACK
    assert len(query["code_challenge"]) == 43
    assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3


def test_the_challenge_is_that_of_rfc_7636() -> None:
    assert build_code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_an_account_is_found_by_its_verified_address_and_then_by_the_subject(oidc: AuthHarness, provider: OidcProvider) -> None:
    account = await oidc.add_account("ada@example.org", Role.VIEWER)
    provider.set_person("ada", email="Ada@Example.org", email_verified=True, groups=["herold-admins"])
    assert (await log_in(oidc, provider, "ada")).status_code == 303
    found = await read_me(oidc)
    assert (found["id"], found["role"]) == (account.id, "admin")
    provider.set_person("ada", email="other@example.org", email_verified=True, groups=["support"])
    await oidc.add_account("root@example.org", Role.ADMIN)
    assert (await log_in(oidc, provider, "ada")).status_code == 303
    found = await read_me(oidc)
    assert (found["id"], found["email"], found["role"]) == (account.id, "ada@example.org", "operator")


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "victim@example.org", "email_verified": False, "groups": ["herold-admins"]},
        {"email": "victim@example.org", "groups": ["herold-admins"]},
        {"email": "victim@example.org", "email_verified": "true", "groups": ["herold-admins"]},
        {"email_verified": True, "groups": ["herold-admins"]},
        {"email": "stranger@example.org", "email_verified": True, "groups": ["others"]},
        {"email": "stranger@example.org", "email_verified": True},
    ],
)
async def test_nobody_is_admitted_without_a_verified_address_and_a_role(
    oidc: AuthHarness, provider: OidcProvider, claims: dict[str, Any]
) -> None:
    await oidc.add_account("victim@example.org", Role.ADMIN)
    provider.set_person("mallory", **claims)
    response = await log_in(oidc, provider, "mallory")
    assert get_kind(response) == (401, "login-failed")
    assert "set-cookie" not in response.headers
    assert len(await oidc.stores.accounts.list_accounts(10, "", None, None, "")) == 1


async def test_who_has_lost_the_role_at_the_provider_does_not_log_in(oidc: AuthHarness, provider: OidcProvider) -> None:
    provider.set_person("grace", email="grace@example.org", email_verified=True, groups=["support"])
    assert (await log_in(oidc, provider, "grace")).status_code == 303
    provider.set_person("grace", email="grace@example.org", email_verified=True, groups=[])
    assert get_kind(await log_in(oidc, provider, "grace")) == (401, "login-failed")


async def test_a_disabled_account_does_not_log_in(oidc: AuthHarness, provider: OidcProvider) -> None:
    account = await oidc.add_account("grace@example.org", Role.OPERATOR)
    provider.set_person("grace", email="grace@example.org", email_verified=True, groups=["support"])
    assert (await log_in(oidc, provider, "grace")).status_code == 303
    await oidc.stores.accounts.change(account.id, AccountChange(state="disabled"), None, ORIGIN)
    assert get_kind(await log_in(oidc, provider, "grace")) == (401, "login-failed")


async def test_a_login_counts_once_and_in_its_browser_only(oidc: AuthHarness, provider: OidcProvider) -> None:
    provider.set_person("grace", email="grace@example.org", email_verified=True, groups=["support"])
    parameters = provider.allow(await begin(oidc), "grace")
    other = await oidc.client.get(CALLBACK, params=parameters, headers={"cookie": "__Secure-herold_oidc=another"})
    assert get_kind(other) == (401, "login-failed")
    assert (await oidc.client.get(CALLBACK, params=parameters)).status_code == 303
    assert get_kind(await oidc.client.get(CALLBACK, params=parameters)) == (401, "login-failed")
    oidc.client.cookies.clear()
    assert get_kind(await oidc.client.get(CALLBACK, params=parameters)) == (401, "login-failed")
    assert get_kind(await oidc.client.get(CALLBACK)) == (401, "login-failed")


@pytest.mark.parametrize("changes", [{"code": "wrong"}, {"code": ""}, {"state": "other"}, {"iss": "https://attacker.example"}])
async def test_a_changed_answer_logs_nobody_in(oidc: AuthHarness, provider: OidcProvider, changes: dict[str, str]) -> None:
    provider.set_person("grace", email="grace@example.org", email_verified=True, groups=["support"])
    assert get_kind(await log_in(oidc, provider, "grace", **changes)) == (401, "login-failed")


async def test_a_code_of_another_login_is_bound_to_its_nonce(oidc: AuthHarness, provider: OidcProvider) -> None:
    provider.set_person("mallory", email="mallory@example.org", email_verified=True, groups=["support"])
    stolen = provider.allow(await begin(oidc), "mallory")["code"]
    own = parse_qs(urlsplit(await begin(oidc)).query)["state"][0]
    assert get_kind(await oidc.client.get(CALLBACK, params={"state": own, "code": stolen})) == (401, "login-failed")


@pytest.mark.parametrize(
    "target",
    [
        "https://attacker.example",
        "//attacker.example",
        "/\\attacker.example",
        "/\tattacker",
        "\\\\attacker.example",
        "javascript:alert(1)",
        "/docs\r\nset-cookie: a=b",
        "docs",
        "",
    ],
)
async def test_a_browser_is_sent_to_paths_of_ours_only(oidc: AuthHarness, provider: OidcProvider, target: str) -> None:
    provider.set_person("grace", email="grace@example.org", email_verified=True, groups=["support"])
    response = await oidc.client.get(CALLBACK, params=provider.allow(await begin(oidc, target), "grace"))
    assert (response.status_code, response.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", "cancelled"),
        ("temporarily_unavailable", "provider_unavailable"),
        ("invalid_scope", "provider_rejects"),
        ("call_0800_1234", "provider_rejects"),
    ],
)
async def test_what_the_provider_rejects_stands_on_the_login_page(oidc: AuthHarness, error: str, code: str) -> None:
    state = parse_qs(urlsplit(await begin(oidc, PAGE)).query)["state"][0]
    answer = {"state": state, "error": error, "error_description": "call 0800 1234", "error_uri": "https://attacker.example"}
    assert await see(oidc, **answer) == f"{PAGE}&login_error={code}"
    assert await see(oidc, **answer) == "/dashboard/?login_error=login_expired"
    program = await oidc.client.get(CALLBACK, params=answer, headers={"accept": "application/json, text/html"})
    assert get_kind(program) == (401, "login-failed")
    assert "0800" not in program.text


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"email": "stranger@example.org", "email_verified": True}, "no_account"),
        ({"email": "stranger@example.org", "groups": ["support"]}, "email_not_verified"),
        ({"email": "ada@example.org", "email_verified": True, "groups": []}, "no_role"),
        ({"email": "off@example.org", "email_verified": True, "groups": ["support"]}, "account_disabled"),
    ],
)
async def test_who_is_not_admitted_reads_why(oidc: AuthHarness, provider: OidcProvider, claims: dict[str, Any], code: str) -> None:
    await oidc.add_account("ada@example.org", Role.VIEWER)
    disabled = await oidc.add_account("off@example.org", Role.VIEWER)
    await oidc.stores.accounts.change(disabled.id, AccountChange(state="disabled"), None, ORIGIN)
    provider.set_person("mallory", **claims)
    assert await see(oidc, **provider.allow(await begin(oidc, PAGE), "mallory")) == f"{PAGE}&login_error={code}"
    assert await see(oidc, **{**provider.allow(await begin(oidc, "/docs"), "mallory"), "code": "wrong"}) == (
        "/dashboard/?login_error=not_confirmed"
    )


async def test_without_a_provider_there_is_no_such_login(harness: AuthHarness) -> None:
    assert get_kind(await harness.client.get("/v1/auth/oidc/start")) == (404, "not-found")
    page = await harness.client.get("/v1/auth/oidc/start", headers=BROWSER)
    assert (page.status_code, page.headers["location"]) == (303, "/dashboard/?login_error=not_found")
    assert (await harness.client.get("/v1/auth/methods")).json() == {"password": True, "passkey": True, "oidc": None}


async def test_a_provider_that_is_down_leaves_the_other_logins(tmp_path: Path, database_copy_url: str, redis_url: str) -> None:
    settings = {"oidc_issuer": "http://127.0.0.1:1", "oidc_client_id": "herold"}
    async with open_auth_harness(tmp_path, database_copy_url, redis_url, f"t{uuid.uuid4().hex}.", **settings) as harness:
        assert get_kind(await harness.client.get("/v1/auth/oidc/start")) == (503, "unavailable")
        page = await harness.client.get("/v1/auth/oidc/start", params={"return_to": PAGE}, headers=BROWSER)
        assert (page.status_code, page.headers["location"]) == (303, f"{PAGE}&login_error=provider_unavailable")
        assert (await harness.client.get("/v1/auth/methods")).json()["oidc"] == {"name": "127.0.0.1"}
        await harness.add_account()
        await harness.log_in()
