"""Links in messages on a real database: what a click changes, and that nothing else does."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from app.api.gateway import GatewayConnections
from schemas.link_tokens import LinkTokens, decode_secrets
from schemas.message_links import LinkBuilder, LinkTarget
from tests.integration.users.users_client import open_users_client

pytestmark = pytest.mark.usefixtures("sealing_mode")

SECRET = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
BUILDER = LinkBuilder(LinkTokens(decode_secrets(SECRET)), "")


class Clients(NamedTuple):
    operator: httpx.AsyncClient
    browser: httpx.AsyncClient
    connections: GatewayConnections


@pytest.fixture
async def clients(database_copy_url: str, tmp_path: Path) -> AsyncIterator[Clients]:
    """An operator with the API key, and somebody with nothing but a link; u-1 speaks German."""
    async with open_users_client(database_copy_url, link_secret=SECRET, data_dir=tmp_path) as (operator, connections):
        await connections.policy_reader.refresh()
        await operator.put("/v1/users/u-1", json={"addresses": {"email": "ada@example.org"}, "locale": "de-AT"})
        async with httpx.AsyncClient(transport=operator._transport, base_url="http://gateway", timeout=60.0) as browser:
            yield Clients(operator, browser, connections)


def build_path(user_id: str = "u-1", category: str = "marketing", channel: Any = "email") -> str:
    return BUILDER.build(LinkTarget(user_id, category, channel, "ntf_1")).unsubscribe_url


async def list_choices(clients: Clients, user_id: str = "u-1") -> dict[str, str]:
    items = (await clients.operator.get(f"/v1/users/{user_id}/preferences")).json().get("items", [])
    return {f"{one.get('category', '')}/{one.get('channel', '')}": one["choice"] for one in items}


async def list_events(clients: Clients, user_id: str = "u-1") -> list[dict[str, Any]]:
    return (await clients.operator.get(f"/v1/users/{user_id}/consent-events")).json()["items"][::-1]  # type: ignore[no-any-return]


async def test_a_get_changes_nothing_and_asks_in_the_users_language(clients: Clients) -> None:
    response = await clients.browser.get(build_path(), headers={"accept-language": "fr"})
    assert response.status_code == 200
    assert '<html lang="de">' in response.text
    assert response.headers["content-language"] == "de"
    assert "Angebote und Neuigkeiten" in response.text
    await clients.browser.get(build_path() + "/preferences")
    assert await list_choices(clients) == {}
    assert await list_events(clients) == []


@pytest.mark.parametrize("encoding", ["multipart", "urlencoded"])
async def test_one_click_unsubscribes_at_once_and_once(clients: Clients, encoding: str) -> None:
    """RFC 8058, 3.2: the body is a form in either encoding; there are no cookies, no login and no redirect."""
    for _ in range(3):
        request = {"files": {"List-Unsubscribe": (None, "One-Click")}} if encoding == "multipart" else {"data": ONE_CLICK}
        response = await clients.browser.post(build_path(), **request)  # type: ignore[arg-type]
        assert response.status_code == 200
        assert not {"location", "set-cookie"} & set(response.headers)
    assert await list_choices(clients) == {"marketing/email": "out"}
    (event,) = await list_events(clients)
    assert (event["category"], event["channel"], event["new_choice"]) == ("marketing", "email", "out")
    assert (event["source"], event["actor"], event["reason"]) == ("link", "user", "one click: ntf_1")


async def test_one_click_evicts_the_cached_profile(clients: Clients) -> None:
    evicted: list[str] = []

    async def forget(user_ids: Any) -> None:
        evicted.extend(user_ids)

    clients.connections.profile_eviction._forget = forget
    await clients.browser.post(build_path(), data=ONE_CLICK)
    assert evicted == ["u-1"]


async def test_a_guest_whom_nobody_has_stored_can_opt_out(clients: Clients) -> None:
    response = await clients.browser.get(build_path("guest-7"), headers={"accept-language": "es"})
    assert '<html lang="es">' in response.text
    assert (await clients.operator.get("/v1/users/guest-7")).status_code == 404
    assert (await clients.browser.post(build_path("guest-7"), data=ONE_CLICK)).status_code == 200
    assert await list_choices(clients, "guest-7") == {"marketing/email": "out"}
    assert (await clients.operator.get("/v1/users/guest-7")).json()["addresses"] == {}


async def test_the_button_for_all_leaves_only_what_is_necessary(clients: Clients) -> None:
    items = [{"choice": "in", "category": "marketing", "channel": "sms"}, {"choice": "in", "category": "feedback"}]
    await clients.operator.patch("/v1/users/u-1/preferences", json={"items": items})
    response = await clients.browser.post(build_path(), data={"action": "all"})
    assert "nur noch notwendige Nachrichten" in response.text
    assert await list_choices(clients) == {"/": "out", "marketing/sms": "out", "feedback/": "out"}


def list_boxes(page: str) -> dict[str, bool]:
    return {key: bool(checked) for key, checked in re.findall(r'type="checkbox" name="chosen" value="([^"]+)"( checked)?', page)}


async def test_preferences_are_shown_and_saved(clients: Clients) -> None:
    path = build_path() + "/preferences"
    before = list_boxes((await clients.browser.get(path)).text)
    assert before == {"feedback/email": True, "marketing/email": True, "marketing/push": True}, "what is necessary is not offered"
    form = {"shown": list(before), "chosen": ["marketing/push"]}
    saved = await clients.browser.post(path, data=form)
    assert 'role="status"' in saved.text
    assert list_boxes(saved.text) == {"feedback/email": False, "marketing/email": False, "marketing/push": True}
    assert await list_choices(clients) == {"feedback/email": "out", "marketing/email": "out"}
    await clients.browser.post(path, data=form)
    assert [one["reason"] for one in await list_events(clients)] == ["preference page: ntf_1"] * 2, "saving again changes nothing"
    await clients.browser.post(path, data={"shown": list(before), "chosen": ["marketing/push", "marketing/email"]})
    assert await list_choices(clients) == {"feedback/email": "out", "marketing/email": "in"}


async def test_a_form_cannot_choose_what_is_not_offered(clients: Clients) -> None:
    path, form = build_path() + "/preferences", {"shown": ["security/email", "x/email", "/"], "chosen": []}
    assert (await clients.browser.post(path, data=form)).status_code == 200
    assert await list_choices(clients) == {}


@pytest.mark.parametrize(("charset", "value"), [("x-unknown", b"One-Click"), ("hex", b"One-Click"), ("utf-8", b"\xff")])
@pytest.mark.parametrize("suffix", ["", "/preferences"])
async def test_a_form_in_no_known_encoding_is_refused(clients: Clients, charset: str, value: bytes, suffix: str) -> None:
    head = f'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\nContent-Type: text/plain; charset={charset}\r\n\r\n'
    body, headers = head.encode() + value + b"\r\n--b--\r\n", {"content-type": "multipart/form-data; boundary=b"}
    response = await clients.browser.post(build_path() + suffix, content=body, headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert await list_choices(clients) == {}
