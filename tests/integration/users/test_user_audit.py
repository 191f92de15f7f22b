"""What the histories say of a user who is created, changed and deleted, on a real database."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tables.postgres.audit_log import list_audit_entries
from tables.postgres.database import Database
from tests.integration.users.users_client import open_users_client

pytestmark = pytest.mark.usefixtures("sealing_mode")

URL = "/v1/users/u-1"
ORIGIN = {"herold-actor": "Zoë".encode(), "herold-source": b"cli"}
MASKED = {"addresses": {"email": ["a***@example.org"]}, "tier": "gold"}
EMPTY = {"locale": "", "tier": ""}
CHANGE = {**ORIGIN, "if-match": b"*"}


@pytest.fixture
async def client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with open_users_client(database_copy_url) as (client, _):
        yield client


async def list_entries(database: Database) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Actor, action, source and other details of the entries about the user, oldest first."""
    entries = await list_audit_entries(database, "user", "u-1", 100)
    return [(entry.actor, entry.action, entry.details.pop("source"), entry.details) for entry in reversed(entries)]


async def test_each_change_of_a_user_is_logged_by_name_of_the_fields(client: httpx.AsyncClient, database_copy: Database) -> None:
    created = await client.put(URL, json={"addresses": {"email": "ada@example.org"}, "tier": "gold"}, headers=ORIGIN)
    changed = await client.patch(URL, json={"tier": "silver", "locale": "de", "addresses": {"email": "ada@EXAMPLE.org"}}, headers=CHANGE)
    await client.patch(URL, json={"tier": "silver"}, headers=CHANGE)  # as it is
    replaced = await client.put(URL, json={"addresses": {"email": "ada@example.org"}}, headers={"if-match": "*"})
    await client.delete(URL, headers=ORIGIN)
    versions = [response.json()["version"] for response in (created, changed, replaced)]
    old, new = {"locale": "", "tier": "gold"}, {"locale": "de", "tier": "silver"}
    assert await list_entries(database_copy) == [
        ("Zoë", "create", "cli", {"fields": ["addresses", "tier"], "after": MASKED, "version": versions[0]}),
        ("Zoë", "change", "cli", {"fields": ["locale", "tier"], "before": old, "after": new, "version": versions[1]}),
        ("api", "change", "api", {"fields": ["locale", "tier"], "before": new, "after": EMPTY, "version": versions[2]}),
        ("Zoë", "delete", "cli", {}),
    ]


async def test_a_device_is_logged_unless_it_is_only_seen_again(client: httpx.AsyncClient, database_copy: Database) -> None:
    await client.put(URL, json={})
    for body in ({"platform": "ios"}, {"platform": "ios", "last_seen_at": 1_760_000_000}, {"kind": "web"}):
        await client.put(f"{URL}/devices/secret-token", json=body, headers=ORIGIN)
    await client.delete(f"{URL}/devices/secret-token", headers=ORIGIN)
    await client.delete(f"{URL}/devices/secret-token", headers=ORIGIN)
    assert (await list_entries(database_copy))[1:] == [
        ("Zoë", "set_device", "cli", {"kind": "fcm", "platform": "ios"}),
        ("Zoë", "set_device", "cli", {"kind": "web", "platform": "ios"}),
        ("Zoë", "delete_device", "cli", {"kind": "web", "platform": "ios"}),
    ]


async def test_what_changes_nothing_is_not_logged(client: httpx.AsyncClient, database_copy: Database) -> None:
    for method, path in (("PATCH", URL), ("DELETE", URL), ("PUT", f"{URL}/devices/t"), ("DELETE", f"{URL}/devices/t")):
        assert (await client.request(method, path, json={}, headers=CHANGE)).status_code == 404
    assert await list_entries(database_copy) == []


async def test_a_deleted_user_leaves_a_consent_event_for_each_preference(client: httpx.AsyncClient) -> None:
    await client.put(URL, json={})
    choices = [{"category": "marketing", "channel": "email", "choice": "out"}, {"choice": "in"}]
    await client.patch(f"{URL}/preferences", json={"items": choices})
    await client.delete(URL, headers=ORIGIN)
    events = (await client.get(f"{URL}/consent-events")).json()["items"]
    found = [(one["change"], one["category"], one["channel"], one["old_choice"], one["new_choice"], one["actor"]) for one in events[:2]]
    assert found == [  # newest first, although they are of one millisecond
        ("preference_deleted", "marketing", "email", "out", "", "Zoë"),
        ("preference_deleted", "", "", "in", "", "Zoë"),
    ]
    assert {(one["source"], one["reason"]) for one in events[:2]} == {("cli", "the user was deleted")}
    assert len(events) == 4
