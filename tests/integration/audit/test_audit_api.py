"""The routes of the audit log on a real database: filters, pages, CSV, heads."""

import csv
import io
from base64 import b64decode
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.api.gateway import GatewayConnections
from schemas.checkpoints import Checkpoint, is_signed
from schemas.ids import make_id
from tables.postgres.audit_log import AuditFilter, write_audit_entry
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries
from tests.integration.users.users_client import open_users_client

START = 1_790_000_000.0
ACTORS = ("ada", "bob")


@pytest.fixture
async def gateway(database_copy_url: str) -> AsyncIterator[tuple[httpx.AsyncClient, GatewayConnections]]:
    async with open_users_client(database_copy_url) as opened:
        yield opened


@pytest.fixture
async def client(gateway: tuple[httpx.AsyncClient, GatewayConnections]) -> httpx.AsyncClient:
    return gateway[0]


async def write_entries(database: Database, count: int, object_id: str = "u-1") -> None:
    """Entries a minute apart, of two actors in turns."""
    async with database.acquire_connection() as connection:
        for number in range(count):
            entry_id = make_id("aud_", START + 60 * number, number)
            await write_audit_entry(connection, entry_id, ACTORS[number % 2], f"action-{number % 3}", "user", object_id, {"number": number})


async def list_numbers(client: httpx.AsyncClient, **params: Any) -> list[int]:
    """The numbers of all pages."""
    numbers, cursor = list[int](), None
    while True:
        page = (await client.get("/v1/audit", params={**params, **({"cursor": cursor} if cursor else {})})).json()
        numbers += [item["details"]["number"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return numbers


async def test_pages_have_every_entry_once_and_the_newest_first(client: httpx.AsyncClient, database_copy: Database) -> None:
    await write_entries(database_copy, 23)
    assert await list_numbers(client, limit=5) == [*range(22, -1, -1)]


async def test_an_entry_is_found_by_its_id(client: httpx.AsyncClient, database_copy: Database) -> None:
    await write_entries(database_copy, 3)
    entry = (await client.get("/v1/audit")).json()["items"][1]
    assert (await client.get(f"/v1/audit/{entry['id']}")).json() == entry
    for missing in (make_id("aud_", START + 60, 2), f"aud_{'f' * 32}", "aud_1", "nothing"):
        assert (await client.get(f"/v1/audit/{missing}")).status_code == 404


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"actor": "ada"}, [4, 2, 0]),
        ({"actor": "ada", "action": "action-2"}, [2]),
        ({"object_type": "user", "object_id": "u-1"}, [4, 3, 2, 1, 0]),
        ({"object_id": "u-2"}, []),
        ({"principal": "key:x"}, []),
        ({"since": START + 60, "until": START + 180}, [2, 1]),
        ({"since": START + 60.001}, [4, 3, 2]),
        ({"until": START + 120.0001}, [2, 1, 0]),
    ],
)
async def test_filters_select(client: httpx.AsyncClient, database_copy: Database, params: dict[str, Any], expected: list[int]) -> None:
    await write_entries(database_copy, 5)
    assert await list_numbers(client, **params) == expected


@pytest.mark.parametrize("params", [{"since": 12}, {"until": "inf"}, {"since": "nan"}, {"actor": "a\0"}, {"cursor": "x"}, {"limit": 0}])
async def test_filters_that_cannot_be_are_named(client: httpx.AsyncClient, params: dict[str, Any]) -> None:
    for path in ("/v1/audit", "/v1/audit/export"):
        response = await client.get(path, params=params)
        assert response.status_code == 422
        assert response.json()["errors"][0]["path"] == f"$.{next(iter(params))}"


@pytest.mark.parametrize(
    ("selection", "index"),
    [
        (AuditFilter(actor="ada"), "audit_log_actor_idx"),
        (AuditFilter(principal="key:x"), "audit_log_principal_idx"),
        (AuditFilter(action="x"), "audit_log_action_idx"),
        (AuditFilter(object_type="user", object_id="u-5"), "audit_log_object_idx"),
        (AuditFilter(object_type="user", object_id="u-5"), "audit_log_read_ids_idx"),
        (AuditFilter(), "audit_log_pkey"),
        (AuditFilter(), "audit_log_project_idx"),
    ],
)
async def test_each_filter_has_an_index(database_copy: Database, selection: AuditFilter, index: str) -> None:
    project = "acme" if index == "audit_log_project_idx" else None
    stored_id = None if project is None else "@acme/u-5"
    await database_copy.fetch("""
        insert into audit_log (id, actor, action, object_type, object_id, principal)
        select gen_random_uuid(), 'actor-' || n % 1000, 'action-' || n % 500, 'user', 'u-' || n, 'key:' || n % 1000
        from generate_series(1, 20000) as n
    """)
    await database_copy.fetch("analyze audit_log")
    sql = load_queries("audit_log")
    async with database_copy.acquire_connection() as connection, connection.transaction():
        await connection.execute(sql["plan_for_values"])
        object_ids = None if selection.object_id is None else [selection.object_id]
        values = *selection[:4], object_ids, "0" * 32, "f" * 32, 50, project, stored_id
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain {sql['search_audit_entries']}", *values))
    assert index in plan


async def test_a_change_over_http_says_who_what_and_from_where(client: httpx.AsyncClient) -> None:
    headers = {"user-agent": "curl/8", "herold-actor": "Ada"}
    created = {"addresses": {"email": "ada@example.org"}, "tier": "gold", "attributes": {"plan": "secret"}}
    await client.put("/v1/users/u-9", json=created, headers=headers)
    change = {"tier": "silver", "addresses": {"email": "eve@example.org"}}
    changed = await client.patch("/v1/users/u-9", json=change, headers={**headers, "if-match": "*"})
    assert changed.status_code == 200
    newest, oldest = (await client.get("/v1/audit", params={"object_id": "u-9"})).json()["items"]
    assert (newest["action"], newest["actor"], newest["client_address"]) == ("change", "Ada", "127.0.0.1")
    assert newest["user_agent_hash"] == sha256(b"curl/8").hexdigest()[:16]
    assert newest["details"]["before"] == {"addresses": {"email": ["a***@example.org"]}, "tier": "gold"}
    assert newest["details"]["after"] == {"addresses": {"email": ["e***@example.org"]}, "tier": "silver"}
    assert oldest["details"]["after"]["attributes"] == {"plan": "<6 characters>"}


async def test_events_of_consent_say_from_where(client: httpx.AsyncClient, database_copy: Database) -> None:
    await client.put("/v1/users/u-9", json={})
    await client.patch("/v1/users/u-9/preferences", json={"items": [{"category": "marketing", "choice": "in"}]})
    await client.post("/v1/suppressions", json={"channel": "email", "address": "x@example.org"})
    rows = await database_copy.fetch("select client_address from consent_events")
    assert [row["client_address"] for row in rows] == ["127.0.0.1"] * 2


FORMULAS = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", '"=1')


@pytest.mark.parametrize("text", FORMULAS)
async def test_a_spreadsheet_does_not_execute_the_export(client: httpx.AsyncClient, database_copy: Database, text: str) -> None:
    await write_entries(database_copy, 1, object_id=text)
    response = await client.get("/v1/audit/export", params={"actor": "ada"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = [*csv.DictReader(io.StringIO(response.text, newline=""))]
    assert rows[0]["object_id"] == (text if text.startswith('"') else f"'{text}")
    assert rows[0]["details"] == '{"number":0}'


async def test_an_export_goes_on_where_it_ended(client: httpx.AsyncClient, database_copy: Database) -> None:
    await write_entries(database_copy, 5)
    first = await client.get("/v1/audit/export", params={"limit": 3})
    second = await client.get("/v1/audit/export", params={"limit": 3, "cursor": first.headers["herold-next-cursor"]})
    assert (first.text.count("\r\n"), second.text.count("\r\n"), "herold-next-cursor" in second.headers) == (4, 3, False)


async def test_the_heads_are_signed(gateway: tuple[httpx.AsyncClient, GatewayConnections], database_copy: Database) -> None:
    client, connections = gateway
    assert (await client.get("/v1/audit/head")).json()["logs"][0] == {
        "log": "audit", "number": 0, "hash": "00" * 32, "unlinked": 0, "checkpoint": None,
    }  # fmt: skip
    await write_entries(database_copy, 3)
    body = (await client.get("/v1/audit/head")).json()
    assert (body["logs"][0]["number"], body["logs"][0]["unlinked"]) == (0, 3)
    await connections.log_chains.link(10)
    body = (await client.get("/v1/audit/head")).json()
    head, key = body["logs"][0], Ed25519PublicKey.from_public_bytes(b64decode(body["public_key"]))
    signed = head["checkpoint"]
    assert (head["number"], head["hash"], head["unlinked"]) == (3, signed["hash"], 0)
    checkpoint = Checkpoint(
        "audit", 3, bytes.fromhex(signed["hash"]), signed["created_at"], signed["key_id"], b64decode(signed["signature"])
    )
    assert is_signed(key, checkpoint)
    assert not is_signed(key, checkpoint._replace(number=2))
