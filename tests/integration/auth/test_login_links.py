"""Links that log in once, for whoever may write to the database."""

import asyncio
import secrets
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.auth.login_links import LoginLinks
from app.auth.refresh_tokens import hash_token
from app.cli import main
from dev.stack.links import describe_dashboard_link
from schemas.accounts import AccountChange
from schemas.errors import NoLinkError
from schemas.permissions import Role
from tests.integration.auth.account_stores import ORIGIN
from tests.integration.auth.auth_harness import BASE_URL, CSRF, PASSWORD, AuthHarness
from tests.unit.app.api.pages.page_structure import PageStructure


def build_links(harness: AuthHarness) -> LoginLinks:
    return LoginLinks(harness.stores.accounts, harness.stores.credentials, BASE_URL, secrets.token_urlsafe)


async def test_a_link_logs_in_once_after_a_question(harness: AuthHarness) -> None:
    account = await harness.add_account("root@example.org", Role.ADMIN)
    link = await build_links(harness).make_login_link(ORIGIN)
    assert (link.email, link.purpose) == ("root@example.org", "login")
    page = await harness.client.get(link.url)
    assert (page.status_code, "set-cookie" in page.headers) == (200, False)  # a program that looks at links does not use it up
    PageStructure(page.text)
    answer = await harness.client.post(link.url)
    assert (answer.status_code, answer.headers["location"], answer.headers["cache-control"]) == (303, "/dashboard/", "no-store")
    cookies = SimpleCookie("; ".join(one.split(";")[0] for one in answer.headers.get_list("set-cookie")))
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    cookie = "; ".join(f"{name}={one.value}" for name, one in cookies.items())
    refreshed = await harness.client.post("/v1/auth/refresh", json={}, headers={**CSRF, "cookie": cookie})
    me = await harness.get_me(refreshed.json())
    assert me.json()["account"]["id"] == account.id
    assert (await harness.client.post(link.url)).status_code == 404
    actions = await harness.stores.list_actions(account.id)
    assert actions[-2:] == ["add_login_link", "login"]


async def test_only_the_page_of_the_link_may_use_it(harness: AuthHarness) -> None:
    await harness.add_account("root@example.org", Role.ADMIN)
    link = await build_links(harness).make_login_link(ORIGIN)
    for site in ("cross-site", "same-site", "none"):
        answer = await harness.client.post(link.url, headers={"sec-fetch-site": site})
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert (await harness.client.post(link.url, headers={"sec-fetch-site": "same-origin"})).status_code == 303


async def test_a_later_link_a_new_password_and_time_end_a_link(harness: AuthHarness) -> None:
    account = await harness.add_account("root@example.org", Role.ADMIN)
    links, credentials = build_links(harness), harness.stores.credentials
    first, second = [await links.make_login_link(ORIGIN) for _ in range(2)]
    assert (await harness.client.post(first.url)).status_code == 404
    await credentials.set_password(account.id, "another", ORIGIN)
    assert (await harness.client.post(second.url)).status_code == 404
    await credentials.add_login_link(b"expired", account.id, -1.0, ORIGIN)
    assert await credentials.take_login_link(b"expired") is None
    assert (await harness.client.post(f"{BASE_URL}/account/login/nonsense")).status_code == 404


async def test_a_link_is_no_way_around_a_second_factor(harness: AuthHarness) -> None:
    account = await harness.add_account("root@example.org", Role.ADMIN)
    links, credentials = build_links(harness), harness.stores.credentials
    before = await links.make_login_link(ORIGIN)
    await credentials.set_totp_secret(account.id, b"sealed")
    assert (await credentials.confirm_totp(account.id, b"sealed", 1, [b"code"], ORIGIN)) is True
    assert await credentials.take_login_link(hash_token(before.url.rpartition("/")[2])) is None
    await credentials.add_login_link(hash_token("made-at-the-same-time"), account.id, 60.0, ORIGIN)
    answer = await harness.client.post(f"{BASE_URL}/account/login/made-at-the-same-time")
    assert (answer.status_code, "set-cookie" in answer.headers) == (404, False)


async def test_a_disabled_account_gets_in_by_no_link(harness: AuthHarness) -> None:
    await harness.add_account("root@example.org", Role.ADMIN)
    account = await harness.add_account("ada@example.org", Role.ADMIN)
    link = await build_links(harness).make_login_link(ORIGIN, "ADA@example.org")
    await harness.stores.accounts.change(account.id, AccountChange(state="disabled"), None, ORIGIN)
    assert (await harness.client.post(link.url)).status_code == 401
    with pytest.raises(NoLinkError, match=r"no active account with the address ada@example\.org"):
        await build_links(harness).make_login_link(ORIGIN, "ada@example.org")


async def test_a_link_does_not_replace_an_authenticator_app(harness: AuthHarness) -> None:
    await harness.add_account("root@example.org", Role.ADMIN)
    await harness.add_totp(await harness.log_in("root@example.org", PASSWORD))
    with pytest.raises(NoLinkError, match="has an authenticator app"):
        await build_links(harness).make_login_link(ORIGIN)


async def test_each_run_prints_a_link(harness: AuthHarness) -> None:
    settings = harness.connections._settings
    lines = [await describe_dashboard_link(settings) for _ in range(2)]
    assert [line.partition(": ")[0] for line in lines] == ["make the first account, once within 24 hours"] * 2
    links = [line.partition(": ")[2] for line in lines]
    form = {"email": "root@example.org", "name": "Root", "password": PASSWORD}
    assert [(await harness.client.post(link, data=form)).status_code for link in links] == [404, 200]  # a later one replaces the first
    line = await describe_dashboard_link(settings)
    assert line.startswith("log in as root@example.org, once within 10 minutes: ")
    assert (await harness.client.post(line.rpartition(" ")[2])).status_code == 303
    await harness.add_totp(await harness.log_in("root@example.org", PASSWORD))
    assert (await describe_dashboard_link(settings)).startswith("no link to log in: ")


async def test_a_command_prints_a_link(harness: AuthHarness, tmp_path: Path) -> None:
    await harness.add_account("root@example.org", Role.ADMIN)
    settings = harness.connections._settings
    env = {
        "HEROLD_HOME": str(tmp_path / "none"),
        "DATABASE_URL": settings.postgres.url,
        "HEROLD_LINKS_BASE_URL": BASE_URL,
        "COLUMNS": "200",
    }

    def run(*arguments: str) -> str:
        return CliRunner().invoke(main, ["accounts", "login-link", *arguments], env=env).output

    output = await asyncio.to_thread(run, "root@example.org")
    url, text = output.strip().splitlines()
    assert text == "logs in as root@example.org, once within 10 minutes"
    assert (await harness.client.post(url)).status_code == 303
    assert "no active account with the address bob@example.org" in await asyncio.to_thread(run, "bob@example.org")
