"""The resources of users and devices on a real database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from tables.redis.keys import PROFILE
from tests.integration.users.users_client import open_users_client

pytestmark = pytest.mark.usefixtures("sealing_mode")

URL = "/v1/users/u-1"
VALID_USER: dict[str, Any] = {
    "addresses": {"email": ["Ada@Example.ORG", "ada@example.org"], "sms": "+43 664 1234567"},
    "locale": "de-AT",
    "time_zone": "Europe/Vienna",
    "tier": "gold",
    "attributes": {"plan": "pro", "age": 2**70},
    "quiet_hours": {"start": "22:00", "end": "07:00"},
}


@pytest.fixture
async def client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with open_users_client(database_copy_url) as (client, _):
        yield client


def assert_problem(response: httpx.Response, status: int, path: str = "") -> str:
    """Check a problem document, and return what it says."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert not path or [error["path"] for error in problem["errors"]] == [path]
    return str(problem["detail"])


async def test_a_user_is_created_in_normal_form_and_read(client: httpx.AsyncClient) -> None:
    created = await client.put(URL, json=VALID_USER)
    assert created.status_code == 201, created.text
    user = created.json()
    assert user["addresses"] == {"email": ["Ada@example.org"], "sms": ["+436641234567"]}
    assert {name: user[name] for name in ("locale", "time_zone", "tier", "attributes", "quiet_hours")} == {
        name: value for name, value in VALID_USER.items() if name != "addresses"
    }
    read = await client.get(URL)
    assert (read.json(), read.headers["etag"]) == (user, f'"{user["version"]}"')


async def test_a_change_is_for_the_version_that_was_read(client: httpx.AsyncClient) -> None:
    etag = (await client.put(URL, json=VALID_USER)).headers["etag"]
    assert "If-Match" in assert_problem(await client.put(URL, json={}), 428)
    assert_problem(await client.patch(URL, json={"tier": ""}), 428)
    changed = await client.patch(URL, json={"tier": "silver", "quiet_hours": None}, headers={"if-match": etag})
    assert (changed.json()["tier"], changed.json()["quiet_hours"], changed.json()["locale"]) == ("silver", None, "de-AT")
    outdated = await client.patch(URL, json={"tier": "lead"}, headers={"if-match": etag})
    assert changed.headers["etag"] in assert_problem(outdated, 412)
    assert outdated.headers["etag"] == changed.headers["etag"] != etag
    assert_problem(await client.delete(URL, headers={"if-match": etag}), 412)
    replaced = await client.put(URL, json={"locale": "fr"}, headers={"if-match": changed.headers["etag"]})
    assert (replaced.json()["locale"], replaced.json()["tier"], replaced.json()["addresses"]) == ("fr", "", {})
    assert (await client.put(URL, json={"locale": "it"}, headers={"if-match": "*"})).json()["locale"] == "it"


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        ({"addresses": {"email": ["a@example.org", "nobody"]}}, "$.addresses.email[1]", "not an e-mail address"),
        ({"addresses": {"sms": "0664 1234567"}}, "$.addresses.sms", "country code"),
        ({"addresses": {"push": "token"}}, "$.addresses.push", "devices"),
        ({"addresses": {"fax": "+431"}}, "$.addresses", "email, sms, push, webhook"),
        ({"locale": "german"}, "$.locale", "de-AT"),
        ({"tier": " gold"}, "$.tier", "begins or ends with a space"),
        ({"time_zone": "Europe/Viena"}, "$.time_zone", "did you mean Europe/Vienna?"),
        ({"time_zone": "europe/vienna"}, "$.time_zone", "did you mean Europe/Vienna?"),
        ({"time_zone": "nowhere-at-all"}, "$.time_zone", "IANA"),
        ({"attributes": {"a": ["\0"]}}, "$.attributes.a[0]", "NUL"),
        ({"attributes": {"text": "x" * 17_000}}, "$.attributes", "16384 bytes"),
        ({"quiet_hours": {"start": "22:00", "end": "24:00"}}, "$.quiet_hours.end", "time of day"),
        ({"quiet_hours": {"start": "22:00", "end": "22:00"}}, "$.quiet_hours.end", "differ"),
        ({"quiet_hours": {"start": "22:00"}}, "$.quiet_hours.end", "missing"),
        ({"timezone": "UTC"}, "$.timezone", "not a known field"),
    ],
)
async def test_an_invalid_user_is_an_error_of_the_field(client: httpx.AsyncClient, body: dict[str, Any], path: str, words: str) -> None:
    assert words in assert_problem(await client.put(URL, json=body), 422, path)
    assert_problem(await client.get(URL), 404)


async def test_an_id_that_cannot_have_a_profile_is_rejected(client: httpx.AsyncClient) -> None:
    assert "topic" in assert_problem(await client.put("/v1/users/topic:news", json={}), 422, "$.id")
    assert "space" in assert_problem(await client.put("/v1/users/u-1%20", json={}), 422, "$.id")
    assert_problem(await client.put("/v1/users/" + "x" * 257, json={}), 422, "$.id")
    for path in ("/v1/users/%00", "/v1/users/nobody", "/v1/users/nobody/devices", "/v1/users/nobody/preferences"):
        assert_problem(await client.get(path), 404)
    assert_problem(await client.patch("/v1/users/nobody", json={}, headers={"if-match": "*"}), 404)
    assert_problem(await client.delete("/v1/users/nobody"), 404)


async def test_an_id_of_any_characters_is_addressed(client: httpx.AsyncClient) -> None:
    for user_id in ["a/b", "/", "/a/", "a%2Fb", "100%", "a b+c", "?a#b", "Zoë", "a/devices"]:
        url = f"/v1/users/{quote(user_id, safe='')}"
        assert (await client.put(url, json={"tier": "gold"})).json()["id"] == user_id
        assert (await client.put(f"{url}/devices/{quote('a/b:c', safe='')}", json={})).json()["token"] == "a/b:c"
        assert len((await client.get(f"{url}/devices")).json()["items"]) == 1
        assert [user["id"] for user in (await client.get("/v1/users", params={"search": user_id})).json()["items"]] == [user_id]
        assert (await client.delete(url)).status_code == 204


async def test_users_are_found_by_the_start_of_the_id_and_by_address(client: httpx.AsyncClient) -> None:
    for number in range(5):
        addresses = {"email": f"User{number}@example.org", "webhook": f"https://example.org/{number}"}
        await client.put(f"/v1/users/find_{number}%", json={"addresses": addresses})
    await client.put("/v1/users/find_3%/devices/token-3", json={})

    async def find(search: str, **params: Any) -> list[str]:
        response = await client.get("/v1/users", params={"search": search, **params})
        return [user["id"] for user in response.json()["items"]]

    assert await find("find_") == [f"find_{number}%" for number in range(5)]
    assert await find("find%") == []
    assert await find("user2@EXAMPLE.org") == ["find_2%"]
    assert await find("https://example.org/4") == ["find_4%"]
    assert await find("token-3") == ["find_3%"]
    assert await find("user2@example") == []


async def test_pages_go_on_where_they_were_while_users_come_and_go(client: httpx.AsyncClient) -> None:
    for number in range(7):
        await client.put(f"/v1/users/page-{number}", json={})
    first = (await client.get("/v1/users", params={"search": "page-", "limit": 3})).json()
    await client.delete("/v1/users/page-2")
    await client.put("/v1/users/page-0a", json={})
    second = (await client.get("/v1/users", params={"search": "page-", "limit": 3, "cursor": first["next_cursor"]})).json()
    third = (await client.get("/v1/users", params={"search": "page-", "limit": 3, "cursor": second["next_cursor"]})).json()
    assert [user["id"] for page in (first, second, third) for user in page["items"]] == [f"page-{number}" for number in range(7)]
    assert third["next_cursor"] is None
    assert_problem(await client.get("/v1/users", params={"cursor": "nonsense"}), 422, "$.cursor")
    assert_problem(await client.get("/v1/users", params={"limit": 201}), 422, "$.limit")


async def test_devices_are_registered_changed_and_deleted(client: httpx.AsyncClient) -> None:
    etag = (await client.put(URL, json={})).headers["etag"]
    assert_problem(await client.put("/v1/users/nobody/devices/t", json={}), 404)
    assert (await client.put(f"{URL}/devices/t:1", json={"platform": "android", "last_seen_at": 1_760_000_000})).status_code == 201
    changed = await client.put(f"{URL}/devices/t:1", json={"kind": "web"})
    assert (changed.status_code, changed.json()["kind"], changed.json()["platform"]) == (200, "web", "android")
    assert changed.json()["last_seen_at"] == 1_760_000_000
    assert (await client.put(f"{URL}/devices/t:1", json={"last_seen_at": None})).json()["last_seen_at"] is None
    await client.put(f"{URL}/devices/t:0", json={})
    page = (await client.get(f"{URL}/devices", params={"limit": 1})).json()
    rest = (await client.get(f"{URL}/devices", params={"cursor": page["next_cursor"]})).json()
    assert sorted(device["token"] for device in page["items"] + rest["items"]) == ["t:0", "t:1"]
    assert (await client.get(URL)).headers["etag"] != etag
    assert (await client.delete(f"{URL}/devices/t:0")).status_code == 204
    assert_problem(await client.delete(f"{URL}/devices/t:0"), 404)
    assert_problem(await client.put(f"{URL}/devices/topic:news", json={}), 422, "$.token")
    assert_problem(await client.put(f"{URL}/devices/a%20b", json={}), 422, "$.token")
    milliseconds = await client.put(f"{URL}/devices/t:1", json={"last_seen_at": 1_760_000_000_000})
    assert "looks like milliseconds" in assert_problem(milliseconds, 422, "$.last_seen_at")


async def test_deleting_a_device_locks_the_user_first(client: httpx.AsyncClient, database_copy_url: str) -> None:
    await client.put(URL, json={})
    await client.put(f"{URL}/devices/t:1", json={})
    other = await asyncpg.connect(database_copy_url)
    async with other.transaction():  # as set_device does
        await other.execute("select from users where id = 'u-1' for no key update")
        deleting = asyncio.create_task(client.delete(f"{URL}/devices/t:1"))
        while not await other.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
        await other.execute("update devices set platform = 'ios' where token = 't:1'")  # a deadlock if the device is locked already
    await other.close()
    assert (await deleting).status_code == 204


async def test_without_postgresql_it_is_503(client: httpx.AsyncClient) -> None:
    async with open_users_client("postgresql://127.0.0.1:1/none") as (other, _):
        for response in [await other.get(URL), await other.put(URL, json={}), await other.get(f"{URL}/consent-events")]:
            assert "PostgreSQL" in assert_problem(response, 503)
            assert int(response.headers["retry-after"]) > 0


async def test_each_write_deletes_the_cached_profile(database_copy_url: str, redis_url: str, prefix: str) -> None:
    async with open_users_client(database_copy_url, redis_url=redis_url, topic_prefix=prefix) as (client, connections):
        key = PROFILE.build_key(prefix, "u-1")

        async def is_evicted(method: str, path: str, body: object = None) -> bool:
            await connections.redis.execute(lambda redis: redis.set(key, b"{}"))
            response = await client.request(method, path, json=body, headers={"if-match": "*"} if path == URL else {})
            assert response.is_success, response.text
            return await connections.redis.execute(lambda redis: redis.get(key)) != b"{}"  # a tombstone

        await client.put(URL, json={"addresses": {"email": "ada@example.org"}})
        assert await is_evicted("PUT", URL, {"addresses": {"email": "Ada@example.org"}})
        assert await is_evicted("PATCH", URL, {"tier": "gold"})
        assert await is_evicted("PUT", f"{URL}/devices/t", {})
        assert await is_evicted("DELETE", f"{URL}/devices/t")
        assert await is_evicted("PATCH", f"{URL}/preferences", {"items": [{"choice": "out"}]})
        assert await is_evicted("POST", "/v1/suppressions", {"channel": "email", "address": "ada@EXAMPLE.org"})
        (suppression,) = (await client.get("/v1/suppressions")).json()["items"]
        assert await is_evicted("DELETE", f"/v1/suppressions/{suppression['id']}")
        assert await is_evicted("DELETE", URL)
