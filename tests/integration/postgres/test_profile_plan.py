"""The query of profiles, of which every message needs one, finds its rows by index however many users there are."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from schemas.channels import CHANNEL_NAMES
from tables.postgres.query_loader import load_queries

SQL = load_queries("profiles")["list_changed_profiles"].rstrip().rstrip(";")
FILL = """
    set session_replication_role = replica;  -- without triggers
    insert into users (id, addresses, version)
    select 'p-' || n, jsonb_build_object('email', array['p' || n || '@example.org'], 'sms', array['+43664' || n]), n
    from generate_series(1, 100000) as n;
    insert into devices (user_id, token) select 'p-' || n, 'token-' || n from generate_series(1, 100000) as n;
    insert into user_preferences (user_id, category, choice) select 'p-' || n, 'marketing', 'out' from generate_series(1, 100000) as n;
    insert into suppressions (id, user_id, channel, address, reason, created_by)
    select gen_random_uuid(), case when n % 2 = 0 then 'p-' || n end, 'email', 'p' || n || '@example.org', 'complaint', 'test'
    from generate_series(1, 100000) as n;
    insert into webhook_endpoints (id, kind, user_id, url, secret, version)
    select gen_random_uuid(), 'user', 'p-' || n, 'https://hooks.example.org/' || n, '', n from generate_series(1, 100000) as n;
    set session_replication_role = origin;
    analyze webhook_endpoints, users, devices, user_preferences, suppressions;
"""


@pytest.fixture
async def connection(database_copy_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute(FILL)
    await connection.execute(f"prepare profiles (text[], bigint[], text[], text[], text[]) as {SQL}")
    yield connection
    await connection.close()


def build_call(users: int) -> str:
    """The execution for so many users that are spread over the table, and as many addresses."""
    ids, addresses = [f"'p-{n * 97}'" for n in range(1, users + 1)], [f"'P{n * 89}@example.org'" for n in range(1, users + 1)]
    versions, channels = ["0"] * users, ["'email'"] * users
    arrays = (ids, versions, [f"'{name}'" for name in CHANNEL_NAMES], channels, addresses)
    return f"execute profiles ({', '.join('array[' + ', '.join(one) + ']' for one in arrays)})"


def iterate_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from iterate_nodes(part)


async def test_profiles_are_found_by_index(connection: Any) -> None:
    """With a plan for the values at hand, and with the generic one that PostgreSQL may keep for a prepared statement."""
    for mode in ("force_custom_plan", "force_generic_plan"):
        await connection.execute(f"set plan_cache_mode = {mode}")
        for users in (1, 500):
            text = await connection.fetchval(f"explain (analyze, format json) {build_call(users)}")
            nodes = [*iterate_nodes(json.loads(text)[0]["Plan"])]
            read = {node["Relation Name"]: node["Node Type"] for node in nodes if "Relation Name" in node}
            assert [name for name, node in read.items() if node == "Seq Scan" and name != "user_version_seq"] == [], (mode, users)
            assert {"users", "devices", "user_preferences", "suppressions"} <= set(read)
            removed = sum(node.get("Rows Removed by Filter", 0) * node["Actual Loops"] for node in nodes)
            assert removed <= 10 * users, (mode, users)
