"""/v1/webhook-endpoints on a real PostgreSQL."""

from base64 import b64decode
from typing import Any

import httpx
import pytest

from agents.providers.endpoint_secrets import SecretBox
from agents.providers.webhook_secret import decode_master_secret
from tables.postgres.database import Database
from tests.integration.webhooks.endpoints import ANY_VERSION, MASTER_SECRET, PATH, create, insert_user, open_endpoint_client

BOX = SecretBox(decode_master_secret(MASTER_SECRET))


@pytest.fixture(autouse=True)
async def user(database_copy: Database) -> None:
    await insert_user(database_copy)


async def list_actions(database: Database, endpoint_id: str) -> list[str]:
    rows = await database.fetch(
        "select action from audit_log where object_type = 'webhook_endpoint' and object_id = $1 order by id", endpoint_id
    )
    return [row["action"] for row in rows]


async def fetch_version(database: Database) -> int:
    return int((await database.fetch("select version from users where id = 'u-1'"))[0]["version"])


async def test_an_endpoint_is_created_read_changed_and_deleted_and_the_profile_changes_each_time(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    versions = [await fetch_version(database_copy)]
    created = await create(client, url="https://HOOKS.example.org:443/orders", types=["order.*"], description="orders")
    versions.append(await fetch_version(database_copy))
    secret = created.pop("secret")
    assert (created["url"], created["is_enabled"], created["kind"]) == ("https://hooks.example.org/orders", True, "user")
    assert created["ordered"] is False
    path = f"{PATH}/{created['id']}"
    found = await client.get(path)
    assert found.json() == created
    assert found.headers["etag"] == f'"{created["version"]}"'
    assert (await client.patch(path, json={"types": []})).status_code == 428
    changed = await client.patch(path, json={"types": ["a"], "ordered": True}, headers={"if-match": found.headers["etag"]})
    versions.append(await fetch_version(database_copy))
    assert (changed.json()["types"], changed.json()["description"], changed.json()["ordered"]) == (["a"], "orders", True)
    assert (await client.patch(path, json={"types": []}, headers={"if-match": found.headers["etag"]})).status_code == 412
    assert (await client.delete(path)).status_code == 428
    assert (await client.delete(path, headers=ANY_VERSION)).status_code == 204
    versions.append(await fetch_version(database_copy))
    assert (await client.get(path)).status_code == 404
    assert versions == sorted(set(versions)), "each change must raise the version of the profile"
    assert await list_actions(database_copy, created["id"]) == ["create", "change", "delete"]
    details = await database_copy.fetch("select details::text as text from audit_log where object_type = 'webhook_endpoint'")
    assert not any(secret in row["text"] for row in details)


async def test_the_secret_is_shown_once_and_stored_encrypted_for_its_endpoint(client: httpx.AsyncClient, database_copy: Database) -> None:
    created = await create(client)
    raw = b64decode(created["secret"].removeprefix("whsec_"))
    [row] = await database_copy.fetch("select secret, public_key from webhook_endpoints")
    assert BOX.open_secret(created["id"], row["secret"]) == raw
    assert (raw in row["secret"], row["public_key"]) == (False, b"")
    assert "secret" not in (await client.get(f"{PATH}/{created['id']}")).json()


async def test_a_public_key_can_be_read_at_any_time(client: httpx.AsyncClient, database_copy: Database) -> None:
    created = await create(client, signature="ed25519")
    assert created["secret"] == ""
    [info] = (await client.get(f"{PATH}/{created['id']}")).json()["secrets"]
    assert info == created["secrets"][0]
    assert len(b64decode(info["public_key"].removeprefix("whpk_"))) == 32


async def test_a_rotation_keeps_the_old_secret_for_the_overlap_and_never_has_three(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    created = await create(client)
    path = f"{PATH}/{created['id']}/rotate-secret"
    rotated = (await client.post(path)).json()
    assert rotated["secret"] not in ("", created["secret"])
    assert [bool(info["expires_at"]) for info in rotated["secrets"]] == [False, True]
    assert rotated["secrets"][1]["expires_at"] - rotated["secrets"][0]["created_at"] == pytest.approx(86_400, abs=1)
    [row] = await database_copy.fetch("select secret, previous_secret from webhook_endpoints")
    opened = [BOX.open_secret(created["id"], row[name]) for name in ("previous_secret", "secret")]
    assert opened == [b64decode(text.removeprefix("whsec_")) for text in (created["secret"], rotated["secret"])]
    again = await client.post(path, json={"overlap": 60})
    assert (again.status_code, "overlap of 0" in again.json()["detail"]) == (409, True)
    leaked = await client.post(path, json={"overlap": 0})
    assert (leaked.status_code, len(leaked.json()["secrets"])) == (200, 1)
    [row] = await database_copy.fetch("select previous_secret, previous_expires_at from webhook_endpoints")
    assert (row["previous_secret"], row["previous_expires_at"]) == (b"", None)
    assert (await client.post(path, json={"overlap": 86_401})).status_code == 422


async def test_an_expired_overlap_allows_the_next_rotation(client: httpx.AsyncClient, database_copy: Database) -> None:
    created = await create(client)
    path = f"{PATH}/{created['id']}/rotate-secret"
    await client.post(path)
    await database_copy.fetch("update webhook_endpoints set previous_expires_at = now() - interval '1 second'")
    assert len((await client.get(f"{PATH}/{created['id']}")).json()["secrets"]) == 1, "it signs no more"
    assert (await client.post(path)).status_code == 200


@pytest.mark.parametrize("name", ["search", "user_id"])
async def test_a_character_that_no_text_has_is_an_error_of_the_request(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(PATH, params={name: "a\0b"})).status_code == 422


async def test_an_endpoint_is_disabled_and_enabled_with_a_reason(client: httpx.AsyncClient, database_copy: Database) -> None:
    created = await create(client)
    path = f"{PATH}/{created['id']}"
    disabled = (await client.post(f"{path}/disable", json={"reason": "it moves"})).json()
    assert (disabled["is_enabled"], disabled["disabled_reason"]) == (False, "operator")
    assert disabled["disabled_at"] > 0
    assert (await client.post(f"{path}/disable")).json() == disabled
    assert [one["id"] for one in (await client.get(PATH, params={"enabled": "false"})).json()["items"]] == [created["id"]]
    assert (await client.get(PATH, params={"enabled": "true"})).json()["items"] == []
    enabled = (await client.post(f"{path}/enable")).json()
    assert (enabled["is_enabled"], enabled["disabled_reason"], enabled["disabled_at"]) == (True, "", None)
    assert await list_actions(database_copy, created["id"]) == ["create", "disable", "enable"]


async def test_endpoints_are_listed_in_pages_and_by_user_kind_and_url(client: httpx.AsyncClient, database_copy: Database) -> None:
    await insert_user(database_copy, "u-2")
    first = await create(client, url="https://a.example.org/1")
    second = await create(client, url="https://a.example.org/1", user_id="u-2")
    third = await create(client, url="https://b.example.org/1", kind="status", statuses=["FAILED"], categories=["security"])

    async def list_ids(**params: Any) -> list[str]:
        return [one["id"] for one in (await client.get(PATH, params=params)).json()["items"]]

    page = (await client.get(PATH, params={"limit": 2})).json()
    assert [one["id"] for one in page["items"]] == [first["id"], second["id"]]
    assert await list_ids(limit=2, cursor=page["next_cursor"]) == [third["id"]]
    assert await list_ids(user_id="u-2") == [second["id"]]
    assert await list_ids(kind="status") == [third["id"]]
    assert await list_ids(search="//b.") == [third["id"]]
    assert (await client.get(PATH, params={"cursor": "WyJ4Il0"})).status_code == 422


async def test_a_url_belongs_to_one_endpoint_of_a_user(client: httpx.AsyncClient) -> None:
    await create(client)
    other = await create(client, url="https://hooks.example.org/other")
    body = {"url": "https://hooks.example.org/orders", "user_id": "u-1"}
    assert (await client.post(PATH, json=body)).status_code == 409
    moved = await client.patch(f"{PATH}/{other['id']}", json={"url": body["url"]}, headers=ANY_VERSION)
    assert moved.status_code == 409
    await create(client, kind="status")
    assert (await client.post(PATH, json={"url": body["url"], "kind": "status"})).status_code == 409


async def test_a_user_has_at_most_twenty_endpoints(client: httpx.AsyncClient) -> None:
    for number in range(20):
        await create(client, url=f"https://hooks.example.org/{number}")
    response = await client.post(PATH, json={"url": "https://hooks.example.org/20", "user_id": "u-1"})
    assert (response.status_code, "20 endpoints" in response.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"url": "https://hooks.example.org/"}, "$.user_id"),
        ({"url": "https://nowhere.invalid/", "user_id": "u-1"}, "$.url"),
        ({"url": "https://hooks.example.org:25/", "user_id": "u-1"}, "$.url"),
        ({"url": "https://hooks.example.org/", "user_id": "u-1", "types": ["*"]}, "$.types[0]"),
        ({"url": "https://hooks.example.org/", "user_id": "u-1", "statuses": ["SENT"]}, "$.statuses"),
        ({"url": "https://hooks.example.org/", "user_id": "u-1", "secret": "whsec_"}, "$.secret"),
    ],
)
async def test_an_invalid_request_names_the_field(client: httpx.AsyncClient, body: dict[str, Any], path: str) -> None:
    response = await client.post(PATH, json=body)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["path"] == path


async def test_a_changed_url_and_filter_are_checked_too(client: httpx.AsyncClient) -> None:
    path = f"{PATH}/{(await create(client))['id']}"
    for change in ({"url": "http://127.0.0.1/"}, {"statuses": ["FAILED"]}):
        assert (await client.patch(path, json=change, headers=ANY_VERSION)).status_code == 422, change


async def test_an_endpoint_goes_with_its_user_and_needs_one(client: httpx.AsyncClient) -> None:
    created = await create(client)
    assert (await client.post(PATH, json={"url": "https://x.example.org/", "user_id": "nobody"})).status_code == 404
    assert (await client.delete("/v1/users/u-1")).status_code == 204
    assert (await client.get(f"{PATH}/{created['id']}")).status_code == 404


@pytest.mark.parametrize("endpoint_id", ["whe_" + "0" * 32, "nothing", "ntf_0199c82cc00070008000000000000001"])
async def test_an_unknown_endpoint_is_not_found(client: httpx.AsyncClient, endpoint_id: str) -> None:
    path = f"{PATH}/{endpoint_id}"
    responses = [await client.get(path), await client.get(f"{path}/statistics"), await client.post(f"{path}/ping")]
    responses += [await client.post(f"{path}/{action}") for action in ("enable", "disable", "rotate-secret")]
    responses += [await client.delete(path, headers=ANY_VERSION), await client.patch(path, json={}, headers=ANY_VERSION)]
    assert {response.status_code for response in responses} == {404}


async def test_a_ping_that_kafka_does_not_confirm_says_so_and_not_that_postgresql_is_away(client: httpx.AsyncClient) -> None:
    created = await create(client)
    response = await client.post(f"{PATH}/{created['id']}/ping")
    assert response.status_code == 503
    assert "Kafka has not confirmed" in response.json()["detail"]


async def test_without_a_master_secret_no_secret_is_stored_and_the_response_names_the_setting(database_copy_url: str) -> None:
    async with open_endpoint_client(database_copy_url, HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET="") as client:
        response = await client.post(PATH, json={"url": "https://hooks.example.org/", "user_id": "u-1"})
    assert (response.status_code, "providers.webhook.master_secret" in response.json()["detail"]) == (503, True)


async def test_statistics_sum_the_hours(client: httpx.AsyncClient, database_copy: Database) -> None:
    created = await create(client)
    path = f"{PATH}/{created['id']}/statistics"
    empty = (await client.get(path)).json()
    assert (empty["success_rate"], empty["hours"], empty["failing_since"]) == (None, [], None)
    uuid_hex = created["id"].removeprefix("whe_")
    await database_copy.fetch(
        """insert into webhook_endpoint_counts
           select $1, date_trunc('hour', now()) - hours * interval '1 hour', 3, 1 from unnest(array[0, 2, 30]) as hours""",
        uuid_hex,
    )
    await database_copy.fetch("insert into webhook_endpoint_health values ($1, now(), now(), now(), 1, 503)", uuid_hex)
    day = (await client.get(path)).json()
    assert (day["succeeded"], day["failed"], day["success_rate"], day["last_code"], len(day["hours"])) == (6, 2, 0.75, 503, 2)
    assert (await client.get(path, params={"hours": 48})).json()["succeeded"] == 9


async def test_a_url_that_is_too_long_in_its_normal_form_is_refused(client: httpx.AsyncClient) -> None:
    path, url = f"{PATH}/{(await create(client))['id']}", "https://hooks.example.org/" + "é" * 600
    responses = [
        await client.post(PATH, json={"url": url, "user_id": "u-1"}),
        await client.patch(path, json={"url": url}, headers=ANY_VERSION),
        await client.post("/v1/suppressions", json={"channel": "webhook", "address": url}),
    ]
    assert [response.status_code for response in responses] == [422] * 3
    assert all("2048 characters" in response.text for response in responses)
