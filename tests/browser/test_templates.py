"""The pages of templates: text with a live preview, drafts, checks, publication, versions and variants."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Locator, Page, expect

from schemas.permissions import Role
from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_violations, limit_to_role, open_page, take_screenshot

pytestmark = pytest.mark.asyncio(loop_scope="package")
ANY_VERSION = {"if-match": "*"}
HTML = "<h1>Hello {{ name }}</h1>\n<p>It costs {{ price|money('EUR') }}.</p>"
DOCUMENT: dict[str, Any] = {
    "samples": {"usual": {"name": "Ada", "price": 12.5}},
    "email": {
        "default": {"subject": "News for {{ name }}", "text": "Hello {{ name }}", "html": HTML},
        "de": {"subject": "Neues", "text": "Hallo {{ name }}"},
    },
    "sms": {"default": {"text": "News for {{ name }} – look"}},
    "push": {"default": {"title": "News", "body": "For {{ name }}", "link": "https://shop.example.org/news"}},
    "variants": {"short": {"weight": 30, "email": {"default": {"subject": "News!"}, "de": {"subject": "Neu!"}}}},
}
PATHS = {
    "templates": "/templates",
    "template-email": "/templates/{template}",
    "template-sms": "/templates/{template}?channel=sms",
    "template-push": "/templates/{template}?channel=push",
    "template-document": "/templates/{template}?tab=document",
    "template-versions": "/templates/{template}?tab=versions",
    "template-variants": "/templates/{template}?tab=variants",
}
ENDS: dict[str, Callable[[Page], Locator]] = {
    "templates": lambda page: page.locator("tbody tr").nth(3),
    "template-email": lambda page: page.get_by_title("the e-mail"),
    "template-sms": lambda page: page.get_by_text("1 segment in"),
    "template-push": lambda page: page.get_by_text("opens https://shop.example.org/news"),
    "template-document": lambda page: page.get_by_label("Document (JSON)"),
    "template-versions": lambda page: page.locator(".diff-added").first,
    "template-variants": lambda page: page.get_by_label("Users of short, in per cent"),
}


async def draft(installation: Installation, name: str, document: dict[str, Any], comment: str = "") -> int:
    body = {"document": document, "comment": comment}
    answer = await asyncio.to_thread(installation.call, "POST", f"/v1/templates/{name}/versions", body)
    return int(answer["version"])


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def template(installation: Installation) -> str:
    """A template with a published version and a draft after it."""
    await draft(installation, "shop-news", DOCUMENT, "the first")
    await asyncio.to_thread(installation.call, "POST", "/v1/templates/shop-news/publish", {"version": 1, "force": True}, **ANY_VERSION)
    await draft(installation, "shop-news", {**DOCUMENT, "sms": {"default": {"text": "News for {{ name }}: come and look"}}}, "warmer")
    return "shop-news"


@pytest.mark.parametrize("name", PATHS)
async def test_everyone_can_use_every_page(context: BrowserContext, installation: Installation, template: str, name: str) -> None:
    await check_page(context, installation.url + PATHS[name].format(template=template), name, ENDS[name])


async def test_what_is_typed_is_previewed_checked_kept_saved_and_published(context: BrowserContext, installation: Installation) -> None:
    await draft(installation, "shop-hello", {"samples": {"usual": {"name": "Ada"}}, "sms": {"default": {"text": "Hello"}}})
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/templates")
        await page.get_by_role("link", name="shop-hello").click()
        text = page.get_by_role("textbox", name="Text", exact=True)
        await text.fill("Good morning\n{{ nmae }}")
        preview = page.get_by_role("region", name="preview")
        await expect(preview.get_by_role("alert")).to_contain_text("'nmae' is undefined")
        await expect(page.get_by_text("Line 2: 'nmae' is undefined")).to_be_visible()
        await take_screenshot(page, "template-problem")
        assert await find_violations(page) == []
        await text.fill("Good morning {{ name }}")
        await expect(preview).to_contain_text("Good morning Ada")
        await expect(preview).to_contain_text("1 segment in GSM-7")
        await text.focus()
        await page.keyboard.press("Tab")
        await expect(text).not_to_be_focused()
        await page.reload()
        await expect(text).to_have_value("Good morning {{ name }}")
        await page.get_by_role("button", name="Save a draft").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.locator(".diff-added")).to_contain_text("Good morning {{ name }}")
        await dialog.get_by_label("Comment").fill("friendlier")
        await dialog.get_by_role("button", name="Save").click()
        await page.get_by_role("button", name="Publish version 2").click()
        await expect(dialog).to_contain_text("No recorded notification uses it")
        await expect(dialog.get_by_role("row", name="usual")).to_contain_text("sms")
        assert await find_violations(page) == []
        await take_screenshot(page, "template-publish")
        await dialog.get_by_role("button", name="Publish").click()
        await expect(page.get_by_text("✓ version 2 published")).to_be_visible()


async def test_a_version_saved_meanwhile_is_shown_beside_ones_own(context: BrowserContext, installation: Installation) -> None:
    await draft(installation, "shop-race", {"sms": {"default": {"text": "one"}}})
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/templates/shop-race")
        await page.get_by_role("textbox", name="Text", exact=True).fill("mine")
        await expect(page.get_by_text("not saved")).to_be_visible()
        await draft(installation, "shop-race", {"sms": {"default": {"text": "theirs"}}}, "quicker")
        await page.get_by_role("button", name="Save a draft").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_contain_text("Version 2 was saved meanwhile")
        await expect(dialog.locator(".diff-removed")).to_contain_text("theirs")
        await expect(dialog.locator(".diff-added")).to_contain_text("mine")
        assert await find_violations(page) == []
        await take_screenshot(page, "template-conflict")
        await dialog.get_by_role("button", name="Save mine after it").click()
        await expect(page.get_by_text("version 3 is a draft")).to_be_visible()


async def test_an_email_runs_no_script(context: BrowserContext, installation: Installation) -> None:
    html = "<p>Hello</p><script>document.body.textContent = 'evil'; parent.document.title = 'evil'</script>"
    await draft(installation, "shop-script", {"email": {"default": {"subject": "s", "html": html}}})
    page = await context.new_page()  # the browser reports the script that it blocks as an error
    await page.goto(f"{installation.url}/templates/shop-script")
    await expect(page.frame_locator("iframe").locator("p")).to_have_text("Hello")
    assert "evil" not in await page.title()
    await page.close()


async def test_a_version_is_rolled_back_to(context: BrowserContext, installation: Installation, template: str) -> None:
    body = {"version": 2, "force": True}
    await asyncio.to_thread(installation.call, "POST", f"/v1/templates/{template}/publish", body, **ANY_VERSION)
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/templates/{template}?tab=versions")
        await page.get_by_role("button", name="Roll back").click()
        await page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
        await expect(page.get_by_text("✓ version 1 published")).to_be_visible()
        await expect(page.get_by_role("row", name="rolled back").first).to_be_visible()


async def test_a_new_template_begins_empty(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/templates?search=no-such-name")
        await expect(page.get_by_text("No template matches")).to_be_visible()
        await page.get_by_role("button", name="New template").click()
        await page.get_by_label("Name", exact=True).last.fill("shop-new")
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_role("heading", name="shop-new")).to_be_visible()
        await expect(page.get_by_text("not saved")).to_be_visible()
        await expect(page.get_by_label("Subject")).to_have_value("")


async def test_who_may_only_read_sees_no_way_to_change(context: BrowserContext, installation: Installation, template: str) -> None:
    async with open_page(context) as page:
        await limit_to_role(page, Role.VIEWER)
        await page.goto(f"{installation.url}/templates/{template}")
        await page.get_by_title("the e-mail").wait_for()
        await expect(page.get_by_label("Subject")).not_to_be_editable()
        for name in ("Save a draft", "Publish", "Add locale"):
            await expect(page.get_by_role("button", name=name)).to_have_count(0)
        await page.get_by_role("tab", name="Versions").click()
        await page.locator("tbody tr").first.wait_for()
        await expect(page.get_by_role("button", name="Roll back")).to_have_count(0)
