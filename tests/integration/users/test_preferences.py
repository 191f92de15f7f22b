"""The resources of preferences, suppressions and consent events on a real database."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.integration.users.test_users import assert_problem
from tests.integration.users.users_client import open_users_client

pytestmark = pytest.mark.usefixtures("sealing_mode")

URL = "/v1/users/u-1/preferences"
EVENTS_URL = "/v1/users/u-1/consent-events"
SUPPRESSIONS_URL = "/v1/suppressions"
CATEGORIES = "feedback, marketing, security, transactional"
OPT_OUT = {"category": "marketing", "channel": "email", "choice": "out"}


@pytest.fixture
async def client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with open_users_client(database_copy_url) as (client, _):
        body = {"addresses": {"email": "Ada@example.org", "sms": "+436641234567"}}
        assert (await client.put("/v1/users/u-1", json=body)).status_code == 201
        yield client


async def list_events(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The events about u-1, oldest first."""
    return (await client.get(EVENTS_URL)).json()["items"][::-1]  # type: ignore[no-any-return]


async def test_a_choice_is_changed_and_deleted_with_an_event_for_each(client: httpx.AsyncClient) -> None:
    headers = {"herold-actor": "support-7", "herold-source": "cli"}
    changed = await client.patch(URL, json={"items": [OPT_OUT], "reason": "asked by telephone"}, headers=headers)
    assert (changed.status_code, changed.json()) == (200, {"items": [OPT_OUT]})
    assert (await client.patch(URL, json={"items": [OPT_OUT]})).json() == {"items": [OPT_OUT]}
    await client.patch(URL, json={"items": [{**OPT_OUT, "choice": "in"}, {"choice": "out", "digest": "daily"}]})
    await client.patch(URL, json={"items": [{**OPT_OUT, "choice": None}, {"category": "security", "choice": None}]})
    events = await list_events(client)
    assert [(one["change"], one["category"], one["channel"], one["old_choice"], one["new_choice"]) for one in events[:1]] == [
        ("preference_set", "marketing", "email", "", "out")
    ]
    assert (events[0]["actor"], events[0]["source"], events[0]["reason"]) == ("support-7", "cli", "asked by telephone")
    assert sorted((one["change"], one["category"], one["old_choice"], one["new_choice"]) for one in events[1:]) == [
        ("preference_deleted", "marketing", "in", ""),
        ("preference_set", "", "", "out"),
        ("preference_set", "marketing", "out", "in"),
    ]
    assert (await client.get(URL)).json() == {"items": [{"choice": "out", "digest": "daily"}]}


async def test_all_preferences_are_replaced_for_the_version_that_was_read(client: httpx.AsyncClient) -> None:
    await client.patch(URL, json={"items": [OPT_OUT, {"choice": "in"}]})
    read = await client.get(URL)
    assert_problem(await client.put(URL, json={"items": []}), 428)
    items = [{"choice": "out"}, {"category": "marketing", "choice": "in"}]
    replaced = await client.put(URL, json={"items": items}, headers={"if-match": read.headers["etag"]})
    assert replaced.json() == {"items": [{"choice": "out"}, {"choice": "in", "category": "marketing"}]}
    assert_problem(await client.put(URL, json={"items": []}, headers={"if-match": read.headers["etag"]}), 412)
    assert_problem(await client.patch(URL, json={"items": [OPT_OUT]}, headers={"if-match": read.headers["etag"]}), 412)
    assert len(await list_events(client)) == 5


@pytest.mark.parametrize(
    ("item", "path", "words"),
    [
        ({**OPT_OUT, "category": "markting"}, "$.items[1].category", CATEGORIES),
        ({**OPT_OUT, "channel": "fax"}, "$.items[1].channel", "email, sms, push, webhook"),
        ({**OPT_OUT, "choice": "maybe"}, "$.items[1].choice", "in, out"),
        ({**OPT_OUT, "digest": "yearly"}, "$.items[1].digest", "daily"),
        ({**OPT_OUT, "digest": "daily"}, "$.items[1].digest", "without a channel"),
        ({"choice": "out", "digest": "daily"}, "$.items[1]", "items[0]"),
        ({"category": "marketing"}, "$.items[1].choice", "missing"),
        ({**OPT_OUT, "category": "a\0b"}, "$.items[1].category", "NUL"),
    ],
)
async def test_an_invalid_preference_changes_nothing(client: httpx.AsyncClient, item: dict[str, Any], path: str, words: str) -> None:
    response = await client.patch(URL, json={"items": [{"choice": "in"}, item]})
    assert words in assert_problem(response, 422)
    assert path in [error["path"] for error in response.json()["errors"]]
    assert (await client.get(URL)).json() == {"items": []}
    assert await list_events(client) == []


async def test_a_category_of_a_deleted_rule_can_be_deleted_but_not_chosen(client: httpx.AsyncClient) -> None:
    gone = {"category": "gone", "channel": "", "choice": None}
    assert (await client.patch(URL, json={"items": [gone]})).status_code == 200
    assert_problem(await client.patch(URL, json={"items": [{**gone, "choice": "out"}]}), 422, "$.items[0].category")


async def test_a_suppression_is_created_once_and_undone_once(client: httpx.AsyncClient) -> None:
    body = {"channel": "email", "address": "ADA@Example.org", "reason": "complaint", "source_event": "evt-1"}
    before = (await client.get("/v1/users/u-1")).headers["etag"]
    created = await client.post(SUPPRESSIONS_URL, json=body, headers={"herold-actor": "sendgrid", "herold-source": "callback"})
    repeated = await client.post(SUPPRESSIONS_URL, json=body)
    assert (created.status_code, repeated.status_code) == (201, 200)
    assert created.json() == repeated.json()
    assert (created.json()["address"], created.json()["created_by"]) == ("ada@example.org", "sendgrid")
    assert (await client.get("/v1/users/u-1")).headers["etag"] != before
    path = f"{SUPPRESSIONS_URL}/{created.json()['id']}"
    undone = await client.delete(path, params={"reason": "a mistake"}, headers={"herold-actor": "support-7"})
    assert (undone.status_code, undone.json()["undone_by"]) == (200, "support-7")
    assert (await client.delete(path)).json() == undone.json() == (await client.get(path)).json()
    assert (await client.post(SUPPRESSIONS_URL, json=body)).status_code == 201
    events = await list_events(client)
    assert [(one["change"], one["source"], one["actor"], one["reason"]) for one in events] == [
        ("suppressed", "callback", "sendgrid", "complaint"),
        ("suppression_undone", "api", "support-7", "a mistake"),
        ("suppressed", "api", "api", "complaint"),
    ]
    assert {one["address"] for one in events} == {"ada@example.org"}


async def test_suppressions_are_listed_by_address_user_and_channel(client: httpx.AsyncClient) -> None:
    bodies: list[dict[str, Any]] = [
        {"channel": "email", "address": "ada@example.org"},
        {"channel": "sms", "address": "+43 664 1234567", "category": "marketing", "reason": "stop"},
        {"channel": "push", "user_id": "u-1"},
        {"channel": "push", "user_id": "nobody-yet"},
    ]
    ids = [(await client.post(SUPPRESSIONS_URL, json=body)).json()["id"] for body in bodies]
    await client.delete(f"{SUPPRESSIONS_URL}/{ids[0]}")

    async def find(**params: Any) -> list[int]:
        page = (await client.get(SUPPRESSIONS_URL, params=params)).json()
        return [ids.index(one["id"]) for one in page["items"]]

    assert await find() == [3, 2, 1]
    assert await find(undone=True) == [3, 2, 1, 0]
    assert await find(search="ada@EXAMPLE.org", undone=True) == [0]
    assert await find(search="+43 (664) 1234567") == [1]
    assert await find(user_id="u-1") == [2]
    assert await find(channel="push") == [3, 2]
    first = (await client.get(SUPPRESSIONS_URL, params={"limit": 2})).json()
    assert await find(limit=2, cursor=first["next_cursor"]) == [1]
    assert_problem(await client.get(SUPPRESSIONS_URL, params={"cursor": "WyJ4Il0"}), 422, "$.cursor")


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        ({"channel": "email"}, "$.address", "user_id"),
        ({"channel": "email", "address": "nobody"}, "$.address", "not an e-mail address"),
        ({"channel": "fax", "address": "+431"}, "$.channel", "email, sms"),
        ({"channel": "sms", "user_id": "u-1", "category": "x"}, "$.category", CATEGORIES),
        ({"channel": "sms", "user_id": "u-1", "reason": "mood"}, "$.reason", "hard_bounce"),
    ],
)
async def test_an_invalid_suppression_is_an_error_of_the_field(
    client: httpx.AsyncClient, body: dict[str, Any], path: str, words: str
) -> None:
    assert words in assert_problem(await client.post(SUPPRESSIONS_URL, json=body), 422, path)


async def test_an_unknown_suppression_is_404(client: httpx.AsyncClient) -> None:
    for suppression_id in ("x", "sup_0199c82cc00070008000000000000001"):
        assert_problem(await client.get(f"{SUPPRESSIONS_URL}/{suppression_id}"), 404)
        assert_problem(await client.delete(f"{SUPPRESSIONS_URL}/{suppression_id}"), 404)


async def test_events_are_read_in_pages_and_outlive_the_user(client: httpx.AsyncClient) -> None:
    for choice in ("out", "in", "out"):
        await client.patch(URL, json={"items": [{"choice": choice}]})
    await client.delete("/v1/users/u-1")
    first = (await client.get(EVENTS_URL, params={"limit": 2})).json()
    second = (await client.get(EVENTS_URL, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["old_choice"] for one in first["items"] + second["items"]] == ["out", "in", "out", ""]
    assert second["next_cursor"] is None
