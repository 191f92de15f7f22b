"""/v1/dead-letters on a real PostgreSQL: lists, causes, what is shown and masked, and discarding."""

import base64
from typing import Any

import httpx
import pytest

from schemas.dead_letters import DeadLetterCounts
from schemas.ids import make_id, to_uuid_hex
from tables.postgres.audit_log import list_audit_entries
from tables.postgres.database import Database
from tables.postgres.dead_letters import MANY, DeadLetterStore
from tables.postgres.redrive_pages import PostgresRedrivePages
from tests.dead_letter_builders import build_failed_delivery, build_rejected_notification, store_dead_letters
from tests.delivery_builders import NOW, build_delivery

PATH = "/v1/dead-letters"
CANARY = "canary-7181"
PERSONAL = {
    "user_id": "u-1", "type": "order.shipped", "to": {"email": f"{CANARY}@example.org", "sms": "+436641234567", "push": f"tok-{CANARY}"},
    "data": {"name": CANARY, "order": 7181, "gift": True},
}  # fmt: skip


async def list_ids(client: httpx.AsyncClient, **filters: Any) -> list[str]:
    response = await client.get(PATH, params=filters)
    assert response.status_code == 200, response.text
    return [one["id"] for one in response.json()["items"]]


@pytest.fixture
async def ids(database_copy: Database) -> list[str]:
    """An undecodable record, two failed e-mails with one cause, and a failed SMS of another user."""
    return await store_dead_letters(
        database_copy,
        build_rejected_notification(b"\xff\xfe garbage", reason="undecodable"),
        build_failed_delivery(build_delivery(number=1, type="order.shipped")),
        build_failed_delivery(build_delivery(number=1, type="newsletter", redrive_count=1), error="UNKNOWN 503: after 900 ms"),
        build_failed_delivery(build_delivery("sms", number=2), reason="rejected_permanent", provider_code=21617),
    )


async def test_each_filter_selects_and_all_are_listed_newest_first(client: httpx.AsyncClient, ids: list[str]) -> None:
    garbage, first, second, sms = ids
    assert await list_ids(client) == ids[::-1]
    assert await list_ids(client, stage="router") == [garbage]
    assert await list_ids(client, reason="retries_exhausted") == [second, first]
    assert await list_ids(client, channel="sms") == [sms]
    assert await list_ids(client, type="newsletter") == [second]
    assert await list_ids(client, user_id="u-2") == [sms]
    assert await list_ids(client, notification_id=build_delivery(number=2).notification_id) == [sms]
    assert await list_ids(client, account="https://api.example", channel="email") == [second, first]
    assert await list_ids(client, since=NOW + 1, until=NOW + 3) == [second, first]
    assert await list_ids(client, state="discarded") == []


async def test_the_open_and_the_recent_ones_are_counted(database_copy: Database, ids: list[str]) -> None:
    store = DeadLetterStore(database_copy, lambda prefix: make_id(prefix, NOW, 1))
    assert await store.count_recent() == DeadLetterCounts(4, 0, 0), "the records are of long ago"
    async with database_copy.acquire_connection() as connection:
        for dead_letter_id, age in zip(ids, (1, 59, 61, 121), strict=True):
            change = "update dead_letters set created_at = now() - make_interval(mins => $2) where id = $1"
            await connection.execute(change, to_uuid_hex(dead_letter_id), age)
        await connection.execute("update dead_letters set state = 'discarded' where id = $1", to_uuid_hex(ids[0]))
    assert await store.count_recent() == DeadLetterCounts(3, 2, 1)


async def test_pages_follow_each_other_without_gap(client: httpx.AsyncClient, ids: list[str]) -> None:
    seen, cursor = [], None
    while True:
        page = (await client.get(PATH, params={"limit": 1, **({"cursor": cursor} if cursor else {})})).json()
        seen += [one["id"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == ids[::-1]


async def test_causes_are_counted_with_the_first_the_last_and_an_example(client: httpx.AsyncClient, ids: list[str]) -> None:
    causes = (await client.get(f"{PATH}/causes")).json()["items"]
    assert [one["count"] for one in causes] == [2, 1, 1]
    most = causes[0]
    assert (most["example"]["id"], most["first_seen_at"], most["last_seen_at"], most["open_count"]) == (ids[2], NOW + 1, NOW + 2, 2)
    assert await list_ids(client, cause=most["cause"]) == [ids[2], ids[1]]
    (only,) = (await client.get(f"{PATH}/causes", params={"channel": "sms"})).json()["items"]
    assert only["example"]["provider_code"] == 21617


async def test_a_record_is_shown_masked_and_exactly_only_on_request_which_is_logged(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    value = httpx.Response(200, json=PERSONAL).content
    headers = [("traceparent", b"00-1"), ("reply-to", f"{CANARY}@example.org".encode())]
    error = f"'{CANARY}@example.org' is not known"
    (one,) = await store_dead_letters(database_copy, build_rejected_notification(value, error=error, source_headers=headers))
    shown = await client.get(f"{PATH}/{one}")
    assert CANARY not in shown.text + (await client.get(PATH)).text + (await client.get(f"{PATH}/causes")).text
    body = shown.json()
    assert body["value"]["data"] == {"name": "<11 characters>", "order": "<number>", "gift": True}
    assert body["value"]["to"] == {"email": "c***@example.org", "sms": "+43***67", "push": "tok***"}
    assert (body["value"]["type"], body["is_masked"], body["value_base64"], body["hex_view"]) == ("order.shipped", True, None, [])
    assert body["source_headers"][0] == {"name": "traceparent", "value": "00-1"}
    exact = (await client.get(f"{PATH}/{one}", params={"exact": True}, headers={"herold-actor": "ada"})).json()
    assert (exact["value"], base64.b64decode(exact["value_base64"])) == (PERSONAL, value)
    (entry,) = await list_audit_entries(database_copy, "dead_letter", one, 10)
    assert (entry.actor, entry.action) == ("ada", "read_bytes")


async def test_bytes_that_are_no_json_are_shown_as_hex_digits_and_masked(client: httpx.AsyncClient, ids: list[str]) -> None:
    shown = (await client.get(f"{PATH}/{ids[0]}")).json()
    assert shown["value"] is None
    assert "invalid" in shown["decode_error"].lower()
    assert shown["hex_view"] == ["00000000  ff fe 20 78 78 78 78 78  78 78                    |.. xxxxxxx|"]
    exact = (await client.get(f"{PATH}/{ids[0]}", params={"exact": True})).json()
    assert exact["hex_view"] == ["00000000  ff fe 20 67 61 72 62 61  67 65                    |.. garbage|"]


@pytest.mark.parametrize(
    "value", [b"[" * 700 + b"]" * 700, b'{"data":' * 700 + b"1" + b"}" * 700, b'{"data":' + b"[" * 800 + b"]" * 800 + b"}"]
)
async def test_a_record_that_is_nested_too_deeply_to_be_masked_is_shown_as_hex_digits(
    client: httpx.AsyncClient, database_copy: Database, value: bytes
) -> None:
    (one,) = await store_dead_letters(database_copy, build_rejected_notification(value))
    response = await client.get(f"{PATH}/{one}")
    assert response.status_code == 200
    assert (response.json()["value"], response.json()["hex_view"] != []) == (None, True)
    assert "nested too deeply" in response.json()["decode_error"]
    exact = (await client.get(f"{PATH}/{one}", params={"exact": True})).json()
    assert base64.b64decode(exact["value_base64"]) == value


async def test_a_record_without_a_value_says_so(client: httpx.AsyncClient, database_copy: Database) -> None:
    (one,) = await store_dead_letters(database_copy, build_rejected_notification(None, reason="null_value"))
    shown = (await client.get(f"{PATH}/{one}")).json()
    assert (shown["value"], shown["decode_error"], shown["hex_view"]) == (None, "the record has no value", [])


async def test_one_is_discarded_once_and_the_log_says_why(client: httpx.AsyncClient, database_copy: Database, ids: list[str]) -> None:
    path, body = f"{PATH}/{ids[0]}/discard", {"reason": "garbage"}
    discarded = (await client.post(path, json=body, headers={"herold-actor": "ada"})).json()["dead_letter"]
    assert (discarded["state"], discarded["ended_by"], discarded["discard_reason"]) == ("discarded", "ada", "garbage")
    again = await client.post(path, json=body)
    assert (again.status_code, again.json()["detail"]) == (409, f"{ids[0]} is not open: it is discarded")
    (entry,) = await list_audit_entries(database_copy, "dead_letter", ids[0], 10)
    assert (entry.actor, entry.action, entry.details["comment"], entry.details["count"]) == ("ada", "discard", "garbage", 1)
    assert (await client.post(path, json={})).json()["errors"][0]["path"] == "$.reason"


async def test_one_that_a_redrive_is_about_to_send_is_not_discarded(
    client: httpx.AsyncClient, database_copy: Database, ids: list[str]
) -> None:
    redrive_id = (await client.post("/v1/redrives", json={"ids": ids[:1]})).json()["id"]
    pages = PostgresRedrivePages(database_copy, 60)
    assert await pages.claim("w-1")
    assert await pages.take(redrive_id, ids[:1]) == {}
    response = await client.post(f"{PATH}/{ids[0]}/discard", json={"reason": "garbage"})
    detail = f"{ids[0]} is in hand of the redrive {redrive_id}, which is about to send it"
    assert (response.status_code, response.json()["detail"]) == (409, detail)
    assert (await client.post(f"{PATH}/discard", json={"filter": {}, "reason": "garbage"})).json() == {"count": len(ids) - 1}


async def test_all_that_a_filter_selects_are_discarded(client: httpx.AsyncClient, database_copy: Database, ids: list[str]) -> None:
    body = {"filter": {"reason": "retries_exhausted"}, "reason": "too old"}
    assert (await client.post(f"{PATH}/discard", json=body)).json() == {"count": 2}
    assert (await client.post(f"{PATH}/discard", json=body)).json() == {"count": 0}
    assert await list_ids(client, state="open") == [ids[3], ids[0]]
    assert (await client.post(f"{PATH}/discard", json={"ids": ids, "reason": "all"})).json() == {"count": 2}
    entries = await list_audit_entries(database_copy, "dead_letter", MANY, 10)
    assert [entry.details["count"] for entry in entries] == [2, 2]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"reason": "x"}, "$.filter"),
        ({"reason": "x", "filter": {}, "ids": [make_id("dlt_", NOW, 1)]}, "$.filter"),
        ({"reason": "", "filter": {}}, "$.reason"),
        ({"reason": "x", "ids": ["dlt_1"]}, "$.ids[0]"),
        ({"reason": "x", "filter": {"stage": "gateway"}}, "$.filter.stage"),
        ({"reason": "x", "filter": {"type": "a\0"}}, "$.filter.type"),
        ({"reason": "x", "filter": {"notification_id": "ntf_1"}}, "$.filter.notification_id"),
        ({"reason": "x", "filter": {"cause": "zz"}}, "$.filter.cause"),
        ({"reason": "x", "filter": {"older": 1}}, "$.filter.older"),
    ],
)
async def test_an_invalid_request_names_the_place(client: httpx.AsyncClient, body: dict[str, Any], path: str) -> None:
    response = await client.post(f"{PATH}/discard", json=body)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["path"] in (path, path.rpartition(".")[0])


@pytest.mark.parametrize(
    "params", [{"stage": "x"}, {"cause": "1"}, {"notification_id": "n"}, {"type": "a\0"}, {"since": "now"}, {"until": "1e300"}]
)
async def test_an_invalid_filter_is_rejected(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    assert (await client.get(PATH, params=params)).status_code == 422


@pytest.mark.parametrize("dead_letter_id", ["1", make_id("dlt_", NOW, 1)])
async def test_an_unknown_dead_letter_is_not_found(client: httpx.AsyncClient, dead_letter_id: str) -> None:
    assert (await client.get(f"{PATH}/{dead_letter_id}")).status_code == 404
    assert (await client.post(f"{PATH}/{dead_letter_id}/discard", json={"reason": "x"})).status_code == 404
