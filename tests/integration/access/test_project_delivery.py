"""Projects in delivery with a real PostgreSQL: dead letters, redrives and all that follows from deliveries are the project's own."""

from base64 import b64encode
from collections.abc import Sequence
from itertools import chain

import asyncpg
import httpx
import pytest

from schemas.consent_proof import find_proof_problem
from schemas.projects import project_in_force
from schemas.redrives import RedriveRequest
from schemas.users import ChangeOrigin
from tables.postgres.database import Database
from tables.postgres.endpoint_reports import PostgresEndpointReports
from tables.postgres.redrive_pages import PostgresRedrivePages
from tables.postgres.redrives import RedriveStore
from tables.postgres.unmasked_readings import UnmaskedReadings
from tests.integration.access.keys import PATH as KEYS
from tests.integration.access.keys import build_headers
from tests.integration.access.project_delivery import DELIVERY_ROUTES, create, create_delivery_objects, store_two
from tests.integration.access.test_projects import Owner, client, create_objects, owners
from tests.integration.audit.logs import KEYS as LOG_KEYS
from tests.integration.dead_letters.test_redrive_pages import Ids
from tests.integration.webhooks.endpoints import open_endpoint_client

__all__ = ["client", "owners"]

OPERATOR = {"name": "operator", "role": "operator"}
OLD_ENTRY = """insert into audit_log (id, actor, action, object_type, object_id, details, project)
    values (gen_random_uuid(), 'ada', 'create', 'user', '@acme/u-9', '{}', '')"""
NAMES = ["two projects", "of the default one", "the default one"]
PAIRS = pytest.mark.parametrize(("owner", "stranger"), [(1, 2), (0, 1), (1, 0)], ids=NAMES)


async def store_dead_letters_of_all(database: Database, owners: Sequence[Owner]) -> list[list[str]]:
    return [await store_two(database, owner.qualify("u-1"), number) for number, owner in enumerate(owners)]


@PAIRS
async def test_a_strangers_object_of_delivery_is_404_and_stays_as_it_is(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner], owner: int, stranger: int
) -> None:
    await create_objects(client, owners[owner])
    objects = await create_delivery_objects(client, database_copy, owners[owner].headers, owners[owner].qualify("u-1"), 1)
    reads = [objects.fill(path) for method, path, _ in DELIVERY_ROUTES if method == "GET"]
    before = [(await client.get(path, headers=owners[owner].headers)).json() for path in reads]
    wrong = []
    for method, path, body in DELIVERY_ROUTES:
        content = {} if body is None else {"json": body}
        response = await client.request(method, objects.fill(path), headers={**owners[stranger].headers, "if-match": "*"}, **content)
        if response.status_code != 404:
            wrong.append((method, path, response.status_code, response.text[:200]))
    assert wrong == []
    assert [(await client.get(path, headers=owners[owner].headers)).json() for path in reads] == before


async def test_lists_causes_and_previews_are_of_the_own_dead_letters(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    stored = await store_dead_letters_of_all(database_copy, owners)
    for owner, own in zip(owners, stored, strict=True):
        for params in ({}, {"user_id": "u-1"}):
            found = (await client.get("/v1/dead-letters", params=params, headers=owner.headers)).json()["items"]
            assert [(one["id"], one["user_id"]) for one in found] == [(one, "u-1") for one in reversed(own)]
        assert (await client.get("/v1/dead-letters", params={"user_id": "u-2"}, headers=owner.headers)).json()["items"] == []
        causes = (await client.get("/v1/dead-letters/causes", headers=owner.headers)).json()["items"]
        assert [one["count"] for one in causes] == [1, 1]
        shown = (await client.get(f"/v1/dead-letters/{own[0]}", params={"exact": True}, headers=owner.headers)).json()
        assert (shown["dead_letter"]["user_id"], shown["value"]["user_id"], shown["key"]) == ("u-1", "u-1", "u-1")
        for body in ({"filter": {}}, {"filter": {"user_id": "u-1"}}, {"ids": [*chain(*stored)]}):
            preview = (await client.post("/v1/redrives", json={**body, "preview": True}, headers=owner.headers)).json()
            assert preview["results"] == {"redriven": 1, "unreadable": 1}


async def test_a_redrive_sends_the_dead_letters_of_its_project_only_also_when_a_worker_takes_it_up(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    stored = await store_dead_letters_of_all(database_copy, owners)
    everything = [*chain(*stored)]
    pages = PostgresRedrivePages(database_copy, 60)  # a worker, which sees the rows of all projects
    for owner, own in zip(owners, stored, strict=True):
        selected = await client.post("/v1/redrives", json={"filter": {}}, headers=owner.headers)
        assert (selected.status_code, selected.json()["total_count"]) == (201, len(own))
        named = await client.post("/v1/redrives", json={"ids": everything}, headers=owner.headers)
        items = await pages.read_page(named.json()["id"], 100)
        assert [item.id for item in items if item.content is not None] == own
        assert len(items) == len(everything)
        listed = (await client.get("/v1/redrives", headers=owner.headers)).json()["items"]
        assert sorted(one["id"] for one in listed) == sorted([selected.json()["id"], named.json()["id"]])
        await pages.store_page(named.json()["id"], dict.fromkeys(everything, "redriven"), 0.0)
        states = await database_copy.fetch("select id, state from dead_letters")
        assert sorted(f"dlt_{row['id'].hex}" for row in states if row["state"] == "redriven") == own
        await database_copy.fetch("update dead_letters set state = 'open'")


async def test_a_discard_takes_the_own_dead_letters_only(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    stored = await store_dead_letters_of_all(database_copy, owners)
    for owner in owners:
        for body in ({"ids": [*chain(*stored)]}, {"filter": {}}):
            discarded = await client.post("/v1/dead-letters/discard", json={**body, "reason": "x"}, headers=owner.headers)
            assert discarded.status_code == 200, discarded.text
            assert discarded.json()["count"] == (2 if "ids" in body else 0)


async def test_a_dead_notification_gets_a_value_of_the_own_project(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    _, rejected = await store_two(database_copy, owners[1].qualify("u-1"), 1)
    body = {"user_id": "u-1", "type": "greeting", "template": "welcome", "data": {"name": "Ada"}}
    created = await client.post(f"/v1/dead-letters/{rejected}/redrive", json=body, headers=owners[1].headers)
    assert created.status_code == 201, created.text
    [row] = await database_copy.fetch("select project, replacement from redrives")
    assert row["project"] == "acme"
    assert all(text in row["replacement"] for text in (b'"@acme/u-1"', b'"@acme/greeting"', b'"@acme/welcome"'))


async def test_a_rule_redrives_each_project_by_itself(database_copy: Database) -> None:
    await database_copy.fetch("insert into projects (id, name, created_by) values ('acme', 'Acme', 'test')")
    for number, user_id in enumerate(("u-1", "@acme/u-1")):
        await store_two(database_copy, user_id, number)
    created = await RedriveStore(database_copy, Ids()).create_by_rule(RedriveRequest(), ChangeOrigin("api", "rule"))
    assert [one.total_count for one in created] == [2, 2]
    rows = await database_copy.fetch("select project from redrives order by id")
    assert [row["project"] for row in rows] == ["", "acme"]


async def test_suppressions_are_of_the_own_users_and_those_of_addresses_are_the_default_projects(
    client: httpx.AsyncClient, owners: Sequence[Owner]
) -> None:
    address = {"channel": "email", "address": "ada@example.org", "reason": "complaint"}
    sample = len((await client.get("/v1/suppressions", headers=owners[0].headers)).json()["items"])
    for owner in owners:
        await create_objects(client, owner)
        await create(client, owner.headers, "/v1/suppressions", {**address, "user_id": "u-1"})
    refused = await client.post("/v1/suppressions", json=address, headers=owners[1].headers)
    assert (refused.status_code, [error["path"] for error in refused.json()["errors"]]) == (422, ["$.user_id"])
    await create(client, owners[0].headers, "/v1/suppressions", address)
    for owner, users in zip(owners, ([None, "u-1"], ["u-1"], ["u-1"]), strict=True):
        for params in ({}, {"search": "Ada@example.org"}):
            found = (await client.get("/v1/suppressions", params=params, headers=owner.headers)).json()["items"]
            assert [one["user_id"] for one in found if one["user_id"] in (None, "u-1")] == users
            assert len(found) - len(users) == (0 if owner.project or params else sample)


async def test_endpoints_for_statuses_are_the_projects_and_take_its_statuses_only(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    for number, owner in enumerate(owners):
        await create_objects(client, owner)
        await create_delivery_objects(client, database_copy, owner.headers, owner.qualify("u-1"), number)
        listed = (await client.get("/v1/webhook-endpoints", headers=owner.headers)).json()["items"]
        assert [(one["user_id"], one["types"]) for one in listed] == [("u-1", ["order.*"]), (None, ["order.*", "greeting"])]
        changed = await client.patch(
            f"/v1/webhook-endpoints/{listed[1]['id']}", json={"types": ["greeting"]}, headers={**owner.headers, "if-match": "*"}
        )
        assert changed.json()["types"] == ["greeting"]
    endpoints = await PostgresEndpointReports(database_copy, Ids()).list_status_endpoints()
    assert [(one.project, one.types) for one in endpoints] == [(owner.project, [owner.qualify("greeting")]) for owner in owners]


async def test_the_audit_log_shows_a_project_its_own_entries(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    for owner in owners:
        await create_objects(client, owner)
    for owner in owners:
        entries = (await client.get("/v1/audit", params={"limit": 100}, headers=owner.headers)).json()["items"]
        created = [entry["object_id"] for entry in entries if (entry["object_type"], entry["action"]) == ("user", "create")]
        assert created == ["u-1"]
        keys = [entry["details"].get("name") for entry in entries if entry["object_type"] == "api_key"]
        assert keys == (["first"] if owner.project else ["shop"])
        named = (await client.get("/v1/audit", params={"object_type": "rule", "object_id": "greeting"}, headers=owner.headers)).json()
        assert [entry["object_id"] for entry in named["items"]] == ["greeting"]
        export = await client.get("/v1/audit/export", headers=owner.headers)
        assert not any(f"@{other.project}/" in export.text for other in owners if other.project and other is not owner)
        assert ',"user","u-1",' in export.text
    assert [(await client.get("/v1/audit/head", headers=owner.headers)).status_code for owner in owners] == [200, 403, 403]


async def test_an_entry_from_before_entries_named_their_project_is_shown_by_its_object(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    for entry in (OLD_ENTRY, OLD_ENTRY.replace("@acme/", "").replace("'ada'", "'bob'")):
        await database_copy.fetch(entry)
    for owner, actor in zip(owners, ("bob", "ada", None), strict=True):
        for params in ({}, {"object_type": "user", "action": "create"}):
            found = (await client.get("/v1/audit", params={"object_id": "u-9", **params}, headers=owner.headers)).json()["items"]
            assert [(one["actor"], one["object_id"]) for one in found] == ([(actor, "u-9")] if actor else [])
        for params in ({"object_type": "rule"}, {"actor": "eve"}):
            assert (await client.get("/v1/audit", params={"object_id": "u-9", **params}, headers=owner.headers)).json()["items"] == []


async def test_postgres_shows_a_project_its_own_entries_of_the_audit_log_whatever_is_asked(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    for owner in owners:
        await create_objects(client, owner)
    before = await database_copy.fetch("select id from audit_log where project = '' and object_id = '@acme/u-9'")
    assert not before
    await database_copy.fetch(OLD_ENTRY)
    for owner in owners:
        token = project_in_force.set(owner.project)
        try:
            projects = await database_copy.fetch("select distinct project from audit_log where object_id <> '@acme/u-9'")
            old = await database_copy.fetch("select 1 from audit_log where object_id = '@acme/u-9'")
            with pytest.raises(asyncpg.exceptions.InsufficientPrivilegeError):
                await database_copy.fetch(OLD_ENTRY.replace("''", "'nobody'"))
        finally:
            project_in_force.reset(token)
        assert [row["project"] for row in projects] == [owner.project]
        assert len(old) == (owner.project == "acme"), "an entry from before the column is of the project of its object"


async def test_whoever_may_unmask_does_so_in_the_own_project_and_leaves_an_entry_there(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    operators = {}
    for owner in owners:
        await create_objects(client, owner)
        operators[owner.project] = build_headers((await client.post(KEYS, json=OPERATOR, headers=owner.headers)).json())
    for owner in owners:
        for _ in range(2):
            assert "+436601234567" in (await client.get("/v1/users/u-1", headers=owner.headers)).text
        assert "+436601234567" not in (await client.get("/v1/users/u-1", headers=operators[owner.project])).text
    await database_copy.fetch("update unmasked_readings set minute = minute - interval '1 minute'")
    await UnmaskedReadings(database_copy, Ids()).gather(100)
    for owner in owners:
        params = {"action": "read", "object_type": "user"}
        [entry] = (await client.get("/v1/audit", params=params, headers=owner.headers)).json()["items"]
        assert (entry["object_id"], entry["details"]["count"], entry["details"]["resource"]) == ("u-1", 2, "user")


async def test_a_project_exports_its_own_user_and_proves_the_consent(
    client: httpx.AsyncClient, database_copy: Database, database_copy_url: str, owners: Sequence[Owner]
) -> None:
    for number, owner in enumerate(owners):
        await create_objects(client, owner)
        await create_delivery_objects(client, database_copy, owner.headers, owner.qualify("u-1"), number)
        address = {"channel": "sms", "address": "+436601234567", "reason": "stop"}
        if not owner.project:
            await create(client, owner.headers, "/v1/suppressions", address)
    variables = {"HEROLD_GATEWAY_PROJECTS": "true", "HEROLD_AUDIT_SIGNING_KEY": b64encode(b"k" * 32).decode()}
    async with open_endpoint_client(database_copy_url, **variables) as signing_client:
        for owner, addresses in zip(owners, (1, 0, 0), strict=True):
            proof = (await signing_client.get("/v1/users/u-1/consent-proof", headers=owner.headers)).json()
            assert find_proof_problem(proof, LOG_KEYS.public_key) == ""
            assert proof["user_id"] == owner.qualify("u-1")
            assert len(proof["entries"]) == 2 + addresses
            export = (await signing_client.get("/v1/users/u-1/export", headers=owner.headers)).json()
            assert (export["user"]["id"], len(export["webhook_endpoints"]), len(export["suppressions"])) == ("u-1", 1, 1 + addresses)
