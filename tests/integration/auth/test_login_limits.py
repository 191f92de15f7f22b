"""How often somebody may try to log in, and that nobody is kept out by others."""

import httpx
import pytest

from app.auth.login_limits import ACCOUNT_BURST, ADDRESS_BURST, DEVICE_BURST, PAIR_BURST
from tables.process_rate_limiter import ProcessRateLimiter
from tests.integration.auth.auth_harness import BASE_URL, PASSWORD, AuthHarness

LOGIN = {"email": "ada@example.org", "password": PASSWORD}
WRONG = {"email": "ada@example.org", "password": "wrong password"}


@pytest.fixture(autouse=True)
def standing_clock(harness: AuthHarness) -> None:
    """Count by a clock that stands still: on a slow machine the time of the tries would give new ones."""
    harness.auth.login._limiter = ProcessRateLimiter(lambda: 0.0)


async def send(harness: AuthHarness, address: str, body: dict[str, str], cookies: dict[str, str] | None = None) -> httpx.Response:
    """The answer to a login from an address, without the cookies of earlier ones."""
    transport = httpx.ASGITransport(harness.client._transport.app, client=(address, 40_000))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, cookies=cookies) as client:
        return await client.post("/v1/auth/login", json=body)


async def test_one_address_has_so_many_tries_at_one_account(harness: AuthHarness) -> None:
    await harness.add_account()
    statuses = [(await send(harness, "192.0.2.1", WRONG)).status_code for _ in range(PAIR_BURST + 1)]
    assert statuses == [401] * PAIR_BURST + [429]
    denied = await send(harness, "192.0.2.1", LOGIN)
    assert (denied.status_code, denied.json()["type"]) == (429, "/docs#too-many-requests")
    assert int(denied.headers["retry-after"]) >= 1
    assert (await send(harness, "198.51.100.7", LOGIN)).status_code == 200


async def test_an_address_that_no_account_has_is_limited_alike(harness: AuthHarness) -> None:
    body = {"email": "nobody@example.org", "password": PASSWORD}
    statuses = [(await send(harness, "192.0.2.1", body)).status_code for _ in range(PAIR_BURST + 1)]
    assert statuses == [401] * PAIR_BURST + [429]


async def test_one_address_has_so_many_tries_at_all_accounts(harness: AuthHarness) -> None:
    statuses = []
    for number in range(ADDRESS_BURST + 1):
        body = {"email": f"person-{number}@example.org", "password": PASSWORD}
        statuses.append((await send(harness, "192.0.2.1", body)).status_code)
    assert statuses == [401] * ADDRESS_BURST + [429]


async def test_a_crowd_slows_strangers_down_and_keeps_no_known_device_out(harness: AuthHarness) -> None:
    await harness.add_account()
    first = await send(harness, "203.0.113.9", LOGIN)
    cookies = {name: value for name, value in first.cookies.items() if "device" in name}
    assert len(cookies) == 1
    statuses = [(await send(harness, f"198.51.100.{number}", WRONG)).status_code for number in range(ACCOUNT_BURST)]
    assert statuses == [401] * (ACCOUNT_BURST - 1) + [429]  # the first login was a try, too
    assert (await send(harness, "203.0.113.77", LOGIN)).status_code == 429
    assert (await send(harness, "203.0.113.77", LOGIN, cookies)).status_code == 200


async def test_a_known_device_has_so_many_tries_of_its_own(harness: AuthHarness) -> None:
    await harness.add_account()
    first = await send(harness, "203.0.113.9", LOGIN)
    cookies = {name: value for name, value in first.cookies.items() if "device" in name}
    statuses = [(await send(harness, "203.0.113.9", WRONG, cookies)).status_code for _ in range(DEVICE_BURST + 1)]
    assert statuses == [401] * DEVICE_BURST + [429]
    assert (await send(harness, "203.0.113.10", LOGIN)).status_code == 200


async def test_a_cookie_of_another_account_is_no_known_device(harness: AuthHarness) -> None:
    await harness.add_account()
    await harness.add_account("bob@example.org")
    first = await send(harness, "203.0.113.9", {"email": "bob@example.org", "password": PASSWORD})
    cookies = {name: value for name, value in first.cookies.items() if "device" in name}
    for _ in range(PAIR_BURST):
        await send(harness, "192.0.2.1", WRONG)
    assert (await send(harness, "192.0.2.1", LOGIN, cookies)).status_code == 429
