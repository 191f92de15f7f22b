"""Accounts of other roles in a browser: each chooses a password by a link, as if it had come by e-mail, and logs in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from playwright.async_api import Browser, BrowserContext

from app.auth.refresh_tokens import hash_token
from tables.postgres.query_loader import load_queries
from tests.browser.conftest import PASSWORD, Installation, open_browser

LINK_SECONDS = 600.0


@asynccontextmanager
async def open_context(browser: Browser, installation: Installation, role: str) -> AsyncIterator[BrowserContext]:
    """What somebody with a new account of this role sees, logged in."""
    email = await add_account(installation, role)
    async with open_browser(browser) as context:
        page = await context.new_page()
        await page.goto(installation.url + "/")
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_role("textbox", name="Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in", exact=True).click()
        await page.get_by_role("button", name=f"account of {role.title()}").wait_for()
        await page.close()
        yield context


async def add_account(installation: Installation, role: str) -> str:
    """The address of a new account with the password of all."""
    count = await installation.cluster.fetch_value("select count(*) from accounts")
    email, token = f"{role}-{count}@example.org", f"link-{role}-{count}"
    body = {"email": email, "role": role, "name": role.title(), "notify": False}
    account = await asyncio.to_thread(installation.call, "POST", "/v1/accounts", body)
    connection = await asyncpg.connect(installation.cluster.urls.database)
    try:
        link = hash_token(token), UUID(account["id"].removeprefix("acc_")), "password_reset", LINK_SECONDS
        await connection.execute(load_queries("credentials")["insert_link"], *link)
    finally:
        await connection.close()
    await asyncio.to_thread(installation.call, "POST", "/v1/auth/password-reset/confirm", {"token": token, "password": PASSWORD})
    return email
