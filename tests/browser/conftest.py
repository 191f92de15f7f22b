"""A running installation with a person who is logged in, and Chromium, if there is one.

Chromium is that of HEROLD_TEST_CHROMIUM, else one on the PATH. Without one the tests are skipped and say so; HEROLD_TEST_BROWSER=required
makes that a failure, as `.ci/run` does where Chromium can be installed.
"""

import asyncio
import json
import os
import shutil
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from dev.stack.stack import ServerUrls
from tests.cluster import HeroldCluster, wait_until
from tests.conftest import create_temporary_database

CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
NO_CHROMIUM = f"no browser: set HEROLD_TEST_CHROMIUM, or install one of {', '.join(CHROMIUM_NAMES)}"
SETTINGS = {"HEROLD_GATEWAY_PROJECTS": "true"}
WAIT = 60.0  # seconds, after which a test fails
VIENNA: Final = {"reduced_motion": "reduce", "timezone_id": "Europe/Vienna"}
"""What a person's browser says of the person; nothing fades, so that axe sees each colour as it stays."""

EMAIL, PASSWORD = "ada@example.org", "several words in a row"


class Installation(NamedTuple):
    """A cluster with a gateway; `ids` of notifications by what became of them."""

    cluster: HeroldCluster
    ids: dict[str, str]

    @property
    def url(self) -> str:
        """The address of the dashboard."""
        return self.cluster.build_url("gateway", "/dashboard")

    def call(self, method: str, path: str, body: object = None, **more_headers: str) -> Any:
        """Call the API with the bootstrap key; None for an answer without a body."""
        key = self.cluster.env["HEROLD_GATEWAY_API_KEY"]
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json", **more_headers}
        url, data = self.cluster.build_url("gateway", path), None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=WAIT) as response:
            return json.loads(response.read() or b"null")


def find_chromium() -> str | None:
    """The path of the setting, or of one on the PATH; None without any."""
    return next(filter(None, [os.environ.get("HEROLD_TEST_CHROMIUM"), *map(shutil.which, CHROMIUM_NAMES)]), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser."""
    path = find_chromium()
    if path is None:
        (pytest.fail if os.environ.get("HEROLD_TEST_BROWSER") == "required" else pytest.skip)(NO_CHROMIUM)
    return path


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def installation(
    chromium: str, tmp_path_factory: pytest.TempPathFactory, kafka_url: str, postgres_url: str, redis_url: str
) -> AsyncIterator[Installation]:
    """An installation with an account, one notification that is sent, one that is rejected, one that is held, and dead letters."""
    async with create_temporary_database(postgres_url) as database_url:
        urls = ServerUrls(kafka_url, database_url, redis_url)
        cluster = HeroldCluster(tmp_path_factory.mktemp("browser"), urls, f"t-{uuid.uuid4().hex[:12]}-", **SETTINGS)
        try:
            await cluster.create_schema()
            workers = [cluster.start_worker(role) for role in ("router", "email", "scheduler", "recorder")]
            await asyncio.gather(cluster.start_simulators(with_inbox=True), cluster.start_gateway(), *workers)
            installation = Installation(cluster, {})
            await add_account(installation)
            await submit_notifications(installation)
            yield installation
        finally:
            await cluster.close()


async def add_account(installation: Installation) -> None:
    """Add an admin by the link that the gateway prints."""
    log, mark = installation.cluster.get_log_path("gateway"), "/account/first-admin/"

    async def is_printed() -> bool:
        return mark in log.read_text()

    await wait_until(is_printed, WAIT, "the gateway prints the link of the first admin", interval=0.1)
    token = log.read_text().partition(mark)[2].split()[0]
    body = {"token": token, "email": EMAIL, "name": "Ada", "password": PASSWORD}
    await asyncio.to_thread(installation.call, "POST", "/v1/auth/first-admin", body)


async def submit_notifications(installation: Installation) -> None:
    """Submit one of each kind, one without its data and rubbish, and wait until all are recorded and the one is sent."""
    order = {"user_id": "u-42", "type": "order.shipped", "to": {"email": "ada@example.org"}, "channels": ["email"]}
    data = {"name": "Ada", "order": 17, "eta": "tomorrow", "items": ["book"]}
    kinds = {"sent": {"data": data}, "rejected": {"data": data, "channels": ["sms"]}, "held": {"data": data, "send_at": time.time() + 7200}}
    for kind, fields in kinds.items():
        answer = await asyncio.to_thread(installation.call, "POST", "/v1/notifications", {**order, **fields})
        installation.ids[kind] = answer["id"]

    async with AIOKafkaProducer(bootstrap_servers=installation.cluster.urls.kafka) as producer:
        for value in (b"rubbish", json.dumps({**order, "type": "account.otp", "data": {}}).encode()):  # without the template's data
            await producer.send_and_wait(f"{installation.cluster.prefix}notifications.low", value, key=b"u-42")

    async def are_recorded() -> bool:
        counts = "(select count(*) from notifications) >= 4 and (select count(*) from dead_letters) = 2"
        return bool(await installation.cluster.fetch_value(f"select {counts} and exists (select from deliveries where status = 'SENT')"))

    await wait_until(are_recorded, WAIT, "4 notifications, a delivery and 2 dead letters are recorded", interval=0.1)
    dead = await asyncio.to_thread(installation.call, "GET", "/v1/notifications?state=dead")
    installation.ids["dead"] = dead["items"][0]["id"]


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """The browser of all tests."""
    expect.set_options(timeout=WAIT * 1000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def context(browser: Browser, installation: Installation) -> AsyncIterator[BrowserContext]:
    """A person who has logged in once; each test has a tab of its own."""
    async with open_browser(browser) as context:
        page = await context.new_page()
        await log_in(page, installation)
        await page.close()
        yield context


@asynccontextmanager
async def open_browser(browser: Browser) -> AsyncIterator[BrowserContext]:
    """What somebody sees who is not logged in. Each wait is as long as a busy machine needs; it ends when what is waited for is there."""
    context = await browser.new_context(**VIENNA)
    context.set_default_timeout(WAIT * 1000)
    try:
        yield context
    finally:
        await context.close()


async def log_in(page: Page, installation: Installation, password: str = PASSWORD) -> None:
    """Log in by the form, and wait for the first page or an error."""
    await page.goto(installation.url + "/")
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_role("textbox", name="Password").fill(password)
    await page.get_by_role("button", name="Log in", exact=True).click()
    await page.get_by_role("heading", name="Overview").or_(page.get_by_role("alert")).wait_for()
