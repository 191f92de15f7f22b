"""Every list of the API, with each of its filters: PostgreSQL reads the tables that grow by index, and sorts no more than it examines."""

import json
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.api.document.operations import Operation, iterate_operations
from tables.postgres.delivery_list import MAX_EXAMINED
from tests.integration.access.keys import build_headers
from tests.integration.users.users_client import open_users_client
from tests.integration.webhooks.endpoints import open_endpoint_client

ROOT = Path(__file__).parents[3]
FILL = (Path(__file__).parent / "list_fill.sql").read_text()
MAKE_UUID = """
    create function make_uuid(number bigint) returns uuid language sql immutable as $$
        select ('0199c8266000' || '7' || lpad(to_hex(number % 4096), 3, '0') || '8' || lpad(to_hex(number), 15, '0'))::uuid
    $$
"""
GROWING = frozenset(
    [
        *("users", "devices", "user_preferences", "consent_events", "suppressions", "audience_members", "webhook_endpoints"),
        *("notifications", "deliveries", "delivery_logs", "dead_letters", "redrives", "broadcasts", "audit_log"),
    ]
)
COPY_ATTEMPTS = """
    insert into delivery_logs (id, delivery_id, redrive_count, attempt, status, outcome, reason, provider, provider_message_id,
        provider_code, duration_ms, possible_duplicate, occurred_at, endpoint_id)
    select (left(id::text, 19) || 'a' || right(id::text, 16))::uuid, delivery_id, 0, 1, 'DELIVERED', 'ACCEPTED', '', 'webhook', '', 204, 5,
        false, occurred_at, $1::uuid
    from delivery_logs
"""
NEW_ENDPOINT = "01a3000000007000800000000000002a"  # greater than all others, because their ids have times
DOCUMENT = json.loads((ROOT / "docs/reference/openapi.json").read_text())
NOT_HERE = {
    "list_sessions": "the sessions of one account",
    "list_views": "the views of one account, and those that it shares",
    "list_project_api_keys": "the keys of one project, which must exist",
    "list_rate_limit_versions": "the versions of one limit, which must exist",
    "export_audit_entries": "the query of list_audit_entries",
    "list_simulated_messages": "the memory of the simulators",
    "list_simulated_requests": "the file of the simulators",
}
MAX_READ = 2 * MAX_EXAMINED  # rows of a table, for a page
LIMIT = "200"
Query = tuple[str, tuple[Any, ...]]
FETCH = asyncpg.Connection.fetch
UNFILTERED = {("list_deliveries", 1), ("list_notifications", 1)} | {("list_webhook_endpoint_attempts", one) for one in (1, 2)}
"""Pages that are full at once, with how many parameters."""

MAX_READ_OF_PAGE = 2 * int(LIMIT)
OF_PROJECTS = {"list_notifications", "list_deliveries", "list_dead_letters", "list_dead_letter_causes", "list_users"}
READS_ALL = {
    ("list_dead_letter_causes", ""): "counts all that match",
    ("list_broadcasts", "search"): "a part of a name, as the next one; and people start few broadcasts",
    ("list_webhook_endpoints", "search"): "a part of a URL: only an index of trigrams would serve it, which is an extension",
}
FEW = {
    ("list_broadcasts", ""): "few, and each has a project",
    ("list_redrives", ""): "few",
    ("list_suppressions", ""): "of an address alone they are of all projects",
    ("list_webhook_endpoints", ""): "few beside users",
}
"""Those of which a list of a small project reads all, as it did for the history before it had a project."""


def resolve(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = DOCUMENT
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolve(found)


def list_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [resolve(one) for one in operation.value.get("parameters", ())]


def get_example(parameter: dict[str, Any]) -> str:
    example = parameter["example"]
    example = example[0] if isinstance(example, list) else example
    return str(example).lower() if isinstance(example, bool) else str(example)


def iterate_requests() -> Iterator[tuple[str, str, dict[str, str]]]:
    """The operation, path and query of each list without a filter, and with each of its filters, as the examples have them."""
    for operation in iterate_operations(DOCUMENT):
        parameters = list_parameters(operation)
        names = {one["name"] for one in parameters}
        if operation.method != "get" or "limit" not in names or operation.value["operationId"] in NOT_HERE:
            continue
        values = {one["name"]: get_example(one) for one in parameters if one["name"] != "cursor"} | {"limit": LIMIT}
        path = operation.path.format_map(values)
        yield operation.value["operationId"], path, {"limit": LIMIT}
        for one in parameters:
            if one["in"] == "query" and one["name"] not in ("limit", "cursor"):
                yield operation.value["operationId"], path, {"limit": LIMIT, one["name"]: values[one["name"]]}


def iterate_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from iterate_nodes(part)


def find_table(node: dict[str, Any]) -> str:
    """The table of a node that reads one, of a partition its parent."""
    return str(node.get("Relation Name", "")).partition("_2")[0].removesuffix("_default")


def find_faults(plan: dict[str, Any], *, reads_all: bool, max_read: float = MAX_READ) -> list[str]:
    faults = []
    for node in iterate_nodes(plan):
        rows = node["Actual Rows"] * node["Actual Loops"]
        read = rows + node.get("Rows Removed by Filter", 0) * node["Actual Loops"]
        if node["Node Type"] == "Seq Scan" and find_table(node) in GROWING and read and not reads_all:
            faults.append(f"a sequential scan of {find_table(node)}")
        elif find_table(node) in GROWING and read > max_read and not reads_all:
            faults.append(f"{read:.0f} rows of {find_table(node)}")
        if node["Node Type"] == "Sort" and rows > MAX_EXAMINED:
            faults.append(f"a sort of {rows:.0f} rows")
    return faults


@pytest.fixture
async def connection(database_copy_url: str) -> AsyncIterator[Any]:
    """A connection to a database with much in it."""
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute(MAKE_UUID)
    await connection.execute(FILL)
    yield connection
    await connection.close()


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[Query]:
    """The queries that were made, with their arguments; those of `explain` are not."""
    made: list[Query] = []

    async def record(self: Any, query: str, *values: Any, **options: Any) -> Any:
        made.append((query, values))
        return await FETCH(self, query, *values, **options)

    monkeypatch.setattr(asyncpg.Connection, "fetch", record)
    return made


async def explain(connection: Any, query: str, values: tuple[Any, ...]) -> dict[str, Any]:
    """The plan of a query that was run."""
    rows = await FETCH(connection, f"explain (analyze, format json) {query}", *values)
    return dict(json.loads(rows[0][0])[0]["Plan"])


async def ask_for_lists(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    connection: Any,
    queries: list[Query],
    max_read: int,
    exempt: Collection[tuple[str, str]],
) -> tuple[list[str], dict[str, int]]:
    """Ask for all lists; the faults of their plans on a connection, and the worst status of each list."""
    faults, statuses = list[str](), dict[str, int]()
    for operation, path, query in iterate_requests():
        queries.clear()
        response = await client.get(path, params=query, headers=headers)
        statuses[operation] = max(statuses.get(operation, 0), response.status_code)
        reads_all = any((operation, name) in exempt for name in ("", *query))
        at_most = min(max_read, MAX_READ_OF_PAGE) if (operation, len(query)) in UNFILTERED else max_read
        for text, values in [*queries]:
            plan = await explain(connection, text, values)
            faults += [f"{operation} {query}: {fault}" for fault in find_faults(plan, reads_all=reads_all, max_read=at_most)]
    return faults, statuses


async def test_lists_are_served_by_indexes(connection: Any, queries: list[Query], database_copy_url: str) -> None:
    async with open_users_client(database_copy_url) as (client, connections):
        await connections.policy_reader.refresh()
        faults, statuses = await ask_for_lists(client, {}, connection, queries, MAX_READ, READS_ALL)
    assert not faults, "\n".join(faults)
    assert set(statuses.values()) == {200}, statuses


async def test_attempts_at_a_new_endpoint_are_served_by_the_index_although_the_statistics_know_nothing_of_it(
    connection: Any, queries: list[Query], database_copy_url: str
) -> None:
    await connection.execute("insert into webhook_endpoints (id, kind, url, secret) values ($1, 'status', 'new', '')", NEW_ENDPOINT)
    await connection.execute(COPY_ATTEMPTS, NEW_ENDPOINT)
    async with open_users_client(database_copy_url) as (client, _):
        for failed, count in (("false", 200), ("true", 0)):
            queries.clear()
            response = await client.get(f"/v1/webhook-endpoints/whe_{NEW_ENDPOINT}/attempts", params={"limit": LIMIT, "failed": failed})
            assert len(response.json()["items"]) == count
            plans = [await explain(connection, text, values) for text, values in [*queries]]
            assert [find_faults(plan, reads_all=False, max_read=MAX_READ_OF_PAGE) for plan in plans] == [[], []]


async def test_lists_of_projects_are_served_by_indexes(connection: Any, queries: list[Query], database_copy_url: str) -> None:
    """Those of a project that has 20 of 20,000 rows, and those of the default one, which has the others."""
    async with open_endpoint_client(database_copy_url, HEROLD_GATEWAY_PROJECTS="true") as client:
        assert (await client.post("/v1/projects", json={"id": "acme", "name": "Acme"})).status_code == 201
        key = build_headers((await client.post("/v1/projects/acme/api-keys", json={"name": "first", "role": "admin"})).json())
        for project, headers, *most in (("acme", key, MAX_READ_OF_PAGE, FEW), ("", {}, MAX_READ, READS_ALL)):
            await connection.execute(f"set role herold_project; set herold.project = ':{project}'")
            faults, statuses = await ask_for_lists(client, headers, connection, queries, *most)
            assert not faults, "\n".join(faults)
            assert {name for name, status in statuses.items() if status == 200} >= OF_PROJECTS
            assert set(statuses.values()) <= {200, 403, 404}, statuses  # not of projects, or this one has no such object
