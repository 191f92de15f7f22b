"""Every list of the API, with each of its filters: PostgreSQL reads the tables that grow by index, and sorts no more than it examines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.api.document.operations import Operation, iterate_operations
from tables.postgres.delivery_list import MAX_EXAMINED
from tests.integration.users.users_client import open_users_client

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
        *("notifications", "deliveries", "dead_letters", "redrives", "broadcasts", "audit_log"),
    ]
)
DOCUMENT = json.loads((ROOT / "docs/reference/openapi.json").read_text())
NOT_HERE = {
    "list_sessions": "the sessions of one account",
    "list_rate_limit_versions": "the versions of one limit, which must exist",
    "export_audit_entries": "the query of list_audit_entries",
}
MAX_READ = 2 * MAX_EXAMINED  # rows of a table, for a page
READS_ALL = {
    ("list_dead_letter_causes", ""): "counts all that match",
    ("list_webhook_endpoints", "search"): "a part of a URL: only an index of trigrams would serve it, which is an extension",
}


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
    return str(example[0] if isinstance(example, list) else example)


def iterate_requests() -> Iterator[tuple[str, str, dict[str, str]]]:
    """The operation, path and query of each list without a filter, and with each of its filters, as the examples have them."""
    for operation in iterate_operations(DOCUMENT):
        parameters = list_parameters(operation)
        names = {one["name"] for one in parameters}
        if operation.method != "get" or "limit" not in names or operation.value["operationId"] in NOT_HERE:
            continue
        values = {one["name"]: get_example(one) for one in parameters if one["name"] != "cursor"} | {"limit": "200"}
        path = operation.path.format_map(values)
        yield operation.value["operationId"], path, {"limit": "200"}
        for one in parameters:
            if one["in"] == "query" and one["name"] not in ("limit", "cursor"):
                yield operation.value["operationId"], path, {"limit": "200", one["name"]: values[one["name"]]}


def iterate_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from iterate_nodes(part)


def find_table(node: dict[str, Any]) -> str:
    """The table of a node that reads one, of a partition its parent."""
    return str(node.get("Relation Name", "")).partition("_2")[0].removesuffix("_default")


def find_faults(plan: dict[str, Any], *, reads_all: bool) -> list[str]:
    faults = []
    for node in iterate_nodes(plan):
        rows = node["Actual Rows"] * node["Actual Loops"]
        read = rows + node.get("Rows Removed by Filter", 0) * node["Actual Loops"]
        if node["Node Type"] == "Seq Scan" and find_table(node) in GROWING and read and not reads_all:
            faults.append(f"a sequential scan of {find_table(node)}")
        elif find_table(node) in GROWING and read > MAX_READ and not reads_all:
            faults.append(f"{read:.0f} rows of {find_table(node)}")
        if node["Node Type"] == "Sort" and rows > MAX_EXAMINED:
            faults.append(f"a sort of {rows:.0f} rows")
    return faults


async def test_lists_are_served_by_indexes(database_copy_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute(MAKE_UUID)
    await connection.execute(FILL)
    queries: list[tuple[str, tuple[Any, ...]]] = []
    fetch = asyncpg.Connection.fetch

    async def record(self: Any, query: str, *values: Any, **options: Any) -> Any:
        queries.append((query, values))
        return await fetch(self, query, *values, **options)

    monkeypatch.setattr(asyncpg.Connection, "fetch", record)
    faults = []
    async with open_users_client(database_copy_url) as (client, connections):
        await connections.policy_reader.refresh()
        for operation, path, query in iterate_requests():
            queries.clear()
            await request(client, path, query)
            assert queries, operation
            for text, values in [*queries]:
                plan = json.loads((await fetch(connection, f"explain (analyze, format json) {text}", *values))[0][0])[0]["Plan"]
                reads_all = not READS_ALL.keys().isdisjoint({(operation, ""), *((operation, name) for name in query)})
                faults += [f"{operation} {query}: {fault}" for fault in find_faults(plan, reads_all=reads_all)]
    await connection.close()
    assert not faults, "\n".join(faults)


async def request(client: httpx.AsyncClient, path: str, query: dict[str, str]) -> None:
    response = await client.get(path, params=query)
    assert response.status_code == 200, (path, query, response.text)
