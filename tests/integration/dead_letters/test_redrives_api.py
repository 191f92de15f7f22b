"""/v1/redrives and the redrive of one dead letter, on a real PostgreSQL."""

import base64
import os
import time
from typing import Any

import httpx
import msgspec
import pytest

from schemas.ids import make_id
from schemas.notification import SealedNotification
from schemas.sealed_records import open_notification
from tables.postgres.audit_log import list_audit_entries
from tables.postgres.database import Database
from tables.postgres.redrive_pages import PostgresRedrivePages
from tests.dead_letter_builders import build_failed_delivery, build_rejected_notification, store_dead_letters
from tests.delivery_builders import NOW, build_delivery
from tests.integration.users.users_client import open_users_client

PATH = "/v1/redrives"
ORIGIN = {"herold-actor": "ada"}
MENDED = {"user_id": "u-1", "type": "order.shipped", "data": {"order": 17, "name": "Ada", "eta": "Friday", "items": ["lamp"]}}


async def create(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    response = await client.post(PATH, json=body, headers=ORIGIN)
    assert response.status_code == 201, response.text
    return dict(response.json())


@pytest.fixture
async def ids(database_copy: Database) -> list[str]:
    """Deliveries: two that can be sent, one that has expired, one whose user has opted out; and an unreadable notification."""
    later = time.time() + 3600
    await database_copy.fetch("insert into users (id) values ('u-4')")
    await database_copy.fetch("insert into user_preferences (user_id, category, channel, choice) values ('u-4', '', '', 'out')")
    return await store_dead_letters(
        database_copy,
        *(build_failed_delivery(build_delivery(number=number, expires_at=later)) for number in (1, 2)),
        build_failed_delivery(build_delivery(number=3)),
        build_failed_delivery(build_delivery(number=4, expires_at=later, consent="opt_out", category="marketing")),
        build_rejected_notification(b"\xff", notification_id=build_delivery(number=5).notification_id),
    )


async def test_a_preview_says_what_would_become_of_each_and_sends_nothing(
    client: httpx.AsyncClient, database_copy: Database, ids: list[str]
) -> None:
    preview = await client.post(PATH, json={"filter": {}, "preview": True})
    results = {"redriven": 2, "expired": 1, "opted_out": 1, "unreadable": 1}
    assert (preview.status_code, preview.json()) == (200, {"count": 5, "examined_count": 5, "results": results})
    extended = (await client.post(PATH, json={"ids": ids[2:4], "preview": True, "extend_expiry": 60, "include_delivered": True})).json()
    assert extended == {"count": 2, "examined_count": 2, "results": {"redriven": 1, "opted_out": 1}}
    assert (await client.get(PATH)).json()["items"] == []
    await database_copy.fetch("update dead_letters set state = 'redriven' where id = $1", ids[0][4:])
    assert (await client.post(PATH, json={"ids": ids[:1], "preview": True})).json()["results"] == {"already_redriven": 1}


async def test_a_redrive_is_created_shown_listed_and_logged(client: httpx.AsyncClient, database_copy: Database, ids: list[str]) -> None:
    created = await create(client, filter={"stage": "delivery"}, rate=10, reason="mended")
    assert (created["state"], created["total_count"], created["rate"], created["selection"]) == ("pending", 4, 10, {"stage": "delivery"})
    assert (await client.get(f"{PATH}/{created['id']}")).json() == created
    second = await create(client, ids=ids[:1])
    first_page = (await client.get(PATH, params={"limit": 1})).json()
    rest = (await client.get(PATH, params={"limit": 1, "cursor": first_page["next_cursor"]})).json()
    assert [one["id"] for one in (*first_page["items"], *rest["items"])] == [second["id"], created["id"]]
    assert (await client.get(PATH, params={"state": "done"})).json()["items"] == []
    (entry,) = await list_audit_entries(database_copy, "redrive", created["id"], 10)
    assert (entry.actor, entry.action, entry.details["count"], entry.details["comment"]) == ("ada", "create", 4, "mended")


async def test_it_is_paused_resumed_and_cancelled_and_each_is_logged_once(
    client: httpx.AsyncClient, database_copy: Database, ids: list[str]
) -> None:
    path = f"{PATH}/{(await create(client, ids=ids))['id']}"
    states = []
    for action in ("pause", "pause", "resume", "cancel", "cancel"):
        response = await client.post(f"{path}/{action}", json={"reason": "a test"}, headers=ORIGIN)
        assert response.status_code == 200, response.text
        states.append(response.json()["state"])
    assert states == ["paused", "paused", "running", "cancelled", "cancelled"]
    assert (await client.post(f"{path}/resume")).status_code == 409
    entries = await list_audit_entries(database_copy, "redrive", path.rpartition("/")[2], 10)
    assert [entry.action for entry in entries] == ["cancel", "resume", "pause", "create"]


async def test_one_is_redriven_as_it_is(client: httpx.AsyncClient, ids: list[str]) -> None:
    created = await client.post(f"/v1/dead-letters/{ids[0]}/redrive", params={"extend_expiry": 60, "reason": "mended"}, headers=ORIGIN)
    body = created.json()
    assert (created.status_code, body["selection"], body["is_edited"]) == (201, {"ids": ids[:1]}, False)
    assert (body["extend_expiry"], body["reason"], body["created_by"]) == (60, "mended", "ada")


async def test_one_is_redriven_with_another_value_that_is_validated_as_a_submission(
    client: httpx.AsyncClient, database_copy: Database, ids: list[str]
) -> None:
    path = f"/v1/dead-letters/{ids[4]}/redrive"
    created = (await client.post(path, json={**MENDED, "priority": "low"}, headers=ORIGIN)).json()
    assert (created["is_edited"], created["total_count"]) == (True, 1)
    claimed = await PostgresRedrivePages(database_copy, 60).claim("w-1")
    assert claimed
    assert claimed.options.replacement
    notification_id = build_delivery(number=5).notification_id
    assert msgspec.json.decode(claimed.options.replacement.value) == {**MENDED, "id": notification_id}
    assert claimed.options.replacement.priority == "low"
    for body, path_of_error in (
        ({**MENDED, "user": 1}, "$"),
        ({**MENDED, "id": make_id("ntf_", NOW, 99)}, "$.id"),
        ({**MENDED, "type": "unknown"}, "$.type"),
        ({**MENDED, "data": {}}, "$.data.order"),
        ({**MENDED, "to": {"email": "nobody"}}, "$.to.email"),
        ({**MENDED, "expires_at": NOW}, "$.expires_at"),
    ):
        invalid = await client.post(path, json=body)
        assert invalid.status_code == 422, invalid.text
        assert invalid.json()["errors"][0]["path"].startswith(path_of_error)
    large = await client.post(path, json={**MENDED, "data": {**MENDED["data"], "x": "y" * 261_900}})  # type: ignore[dict-item]
    assert large.status_code == 413


async def test_where_data_is_sealed_the_other_value_is_sealed_too(database_copy: Database, database_copy_url: str, ids: list[str]) -> None:
    keys = f"2026-a={base64.b64encode(os.urandom(32)).decode()}"
    async with open_users_client(database_copy_url, encryption_keys=keys) as (client, connections):
        await connections.policy_reader.refresh()
        created = await client.post(f"/v1/dead-letters/{ids[4]}/redrive", json=MENDED)
        assert created.status_code == 201, created.text
        assert connections.sealers
        sealer = (await connections.sealers.get_many(["u-1"]))["u-1"]
    claimed = await PostgresRedrivePages(database_copy, 60).claim("w-1")
    assert claimed
    assert claimed.options.replacement
    assert b"lamp" not in claimed.options.replacement.value
    sealed = msgspec.json.decode(claimed.options.replacement.value, type=SealedNotification)
    assert open_notification(sealed, build_delivery(number=5).notification_id, sealer).data == MENDED["data"]


async def test_what_is_no_notification_or_is_not_open_is_refused(
    client: httpx.AsyncClient, database_copy: Database, ids: list[str]
) -> None:
    edited = await client.post(f"/v1/dead-letters/{ids[0]}/redrive", json=MENDED)
    assert edited.status_code == 409
    assert "only a notification can get another value" in edited.json()["detail"]
    await client.post(f"/v1/dead-letters/{ids[0]}/discard", json={"reason": "x"})
    assert (await client.post(f"/v1/dead-letters/{ids[0]}/redrive")).status_code == 409


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$.filter"),
        ({"filter": {}, "ids": [make_id("dlt_", NOW, 1)]}, "$.filter"),
        ({"ids": ["dlt_1"]}, "$.ids[0]"),
        ({"filter": {"state": "redriven"}}, "$.filter.state"),
        ({"filter": {"since": 1e300}}, "$.filter.since"),
        ({"filter": {}, "rate": 0}, "$.rate"),
        ({"filter": {}, "extend_expiry": 86_401}, "$.extend_expiry"),
        ({"filter": {}, "reason": "\0"}, "$.reason"),
    ],
)
async def test_an_invalid_request_names_the_place(client: httpx.AsyncClient, body: dict[str, Any], path: str) -> None:
    response = await client.post(PATH, json=body)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["path"] == path


@pytest.mark.parametrize("redrive_id", ["1", make_id("rdr_", NOW, 1)])
async def test_an_unknown_redrive_is_not_found(client: httpx.AsyncClient, redrive_id: str) -> None:
    assert (await client.get(f"{PATH}/{redrive_id}")).status_code == 404
    assert (await client.post(f"{PATH}/{redrive_id}/pause")).status_code == 404
    assert (await client.post(f"/v1/dead-letters/{redrive_id}/redrive")).status_code == 404
