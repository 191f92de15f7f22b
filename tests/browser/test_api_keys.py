"""API keys and projects in a real browser: made with a secret that is shown once, rotated, revoked; quotas of a project."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import WAIT, Installation
from tests.browser.pages import check_page, find_violations, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")
ENDS: dict[str, Callable[[Page], Locator]] = {
    "/api-keys?ended=also": lambda page: page.get_by_role("row", name="shop"),
    "/api-keys/{key}": lambda page: page.get_by_text("what was done to it"),
    "/projects": lambda page: page.get_by_role("row", name="acme"),
    "/projects/acme": lambda page: page.get_by_role("row", name="first"),
}
NAMES = {"/api-keys?ended=also": "api-keys", "/api-keys/{key}": "api-key", "/projects": "projects", "/projects/acme": "project"}


@pytest.fixture(scope="module")
def key(installation: Installation) -> str:
    """The id of a key; and a project with one."""
    installation.call("POST", "/v1/projects", {"id": "acme", "name": "Acme Ltd", "rate": 100})
    installation.call("POST", "/v1/projects/acme/api-keys", {"name": "first", "role": "admin"})
    body = {"name": "shop", "role": "service", "scopes": ["notifications:send"]}
    return str(installation.call("POST", "/v1/api-keys", body)["id"])


def try_key(installation: Installation, key: str) -> int:
    """The status of a request with this key."""
    request = urllib.request.Request(installation.cluster.build_url("gateway", "/v1/notifications"), headers={"x-api-key": key})
    try:
        with urllib.request.urlopen(request, timeout=WAIT) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("path", ENDS)
async def test_everyone_can_use_the_pages_of_keys_and_projects(
    context: BrowserContext, installation: Installation, key: str, path: str
) -> None:
    await check_page(context, installation.url + path.format(key=key), NAMES[path], ENDS[path])


async def test_the_secret_of_a_new_key_is_shown_once_and_works(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/api-keys")
        await page.get_by_role("button", name="New key").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Name").fill("reports")
        assert await find_violations(page) == []
        await dialog.get_by_role("button", name="Create").click()
        secret = await dialog.locator("pre").inner_text()
        assert await asyncio.to_thread(try_key, installation, secret) == 200
        assert await find_violations(page) == []
        await dialog.get_by_role("button", name="Close").click()
        await page.get_by_role("row", name="reports").get_by_role("link").first.click()
        await expect(page.get_by_role("heading", name="reports")).to_be_visible()
        assert secret not in await page.content()


async def test_a_key_is_rotated_and_revoked(context: BrowserContext, installation: Installation) -> None:
    made = await asyncio.to_thread(installation.call, "POST", "/v1/api-keys", {"name": "old", "role": "service"})
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/api-keys/{made['id']}")
        await page.get_by_role("button", name="Rotate").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Rotate").click()
        secret = await dialog.locator("pre").inner_text()
        assert secret != made["key"]
        await dialog.get_by_role("button", name="Close").click()
        await expect(page.get_by_text("Two secrets count")).to_be_visible()
        assert [await asyncio.to_thread(try_key, installation, one) for one in (secret, made["key"])] == [200, 200]
        await page.get_by_role("button", name="Revoke").click()
        await page.get_by_label("Reason, for the audit log").fill("a test")
        await dialog.get_by_role("button", name="Revoke").click()
        await expect(page.get_by_text("The key is revoked")).to_be_visible()
        await expect(page.get_by_role("button", name="Rotate")).to_have_count(0)


async def test_a_project_is_made_with_a_quota_and_a_key(context: BrowserContext, installation: Installation, key: str) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/projects")
        await page.get_by_role("button", name="New project").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Id").fill("umbrella")
        await dialog.get_by_label("Name").fill("Umbrella")
        await dialog.get_by_role("button", name="Create").click()
        await expect(page.get_by_role("heading", name="Umbrella")).to_be_visible()
        await page.get_by_label("Notifications a second").fill("50")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("it counts after a few seconds")).to_be_visible()
        await page.get_by_role("button", name="New key").click()
        await dialog.get_by_label("Name").fill("first of umbrella")
        await dialog.get_by_role("button", name="Create").click()
        await expect(dialog.locator("pre")).to_contain_text("hrl_live_")
        await dialog.get_by_role("button", name="Close").click()
        await expect(page.get_by_role("row", name="first of umbrella")).to_be_visible()
    project = await asyncio.to_thread(installation.call, "GET", "/v1/projects/umbrella")
    assert (project["rate"], project["weight"]) == (50, 1)
