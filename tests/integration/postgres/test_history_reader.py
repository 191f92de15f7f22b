"""The plan of the queries of the history."""

import json
from itertools import product
from typing import Any, get_args

import asyncpg
import pytest

from schemas.dead_letters import DeadLetterContent, StoredDeadLetter
from schemas.delivery_search import DeliveryFilter, Order
from schemas.enums import Status
from schemas.events import DecidedEvent, StatusEvent
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX
from tables.postgres.database import Database
from tables.postgres.delivery_list import MAX_EXAMINED, PostgresDeliveryList
from tables.postgres.delivery_statuses import PostgresDeliveryStatusReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.query_loader import load_queries
from tables.postgres.redrive_facts import read_facts
from tests.event_builders import NOW, build_decided_event, build_history_batch, build_status_event
from tests.integration.postgres.test_list_plans import FILL, MAKE_UUID, iterate_nodes


async def test_the_deliveries_of_a_notification_are_found_by_primary_key(database: Database) -> None:
    events: list[DecidedEvent | StatusEvent] = []
    for number in range(1, 400):
        events += [build_decided_event(number, "email", at=NOW + number), build_status_event(number)]
    await PostgresHistoryWriter(database).write(build_history_batch(*events))
    await database.fetch("analyze deliveries")
    uuid_hex = build_decided_event(1).id[4:]
    low, high = uuid_hex[:12] + "0" * 20, uuid_hex[:12] + "f" * 20
    query = load_queries("history_reader")["list_deliveries_by_notification"]
    for name, value in (("$1", uuid_hex), ("$2", low), ("$3", high)):
        query = query.replace(name, f"'{value}'")
    query = query.replace("$4", "null").replace("$5", "array[]").replace("$6", "100")
    plan = "\n".join(line[0] for line in await database.fetch(f"explain {query}"))
    assert "deliveries_20251009" in plan
    assert plan.count("deliveries_2025") <= 2, plan
    assert "deliveries_default" not in plan or "Index" in plan


INSERT_LOGS = """
    insert into delivery_logs (id, delivery_id, redrive_count, attempt, status, outcome, reason, provider, provider_message_id,
        provider_code, duration_ms, possible_duplicate, occurred_at)
    select make_uuid(n), make_uuid(n), 0, 0, 'SENT', '', '', '', '', 0, 0, false, now()
    from generate_series(1, 20000) as n
"""
UUID = "make_uuid(4711)"
LOW, HIGH = "'0199c826-6000-0000-0000-000000000000'::uuid", "'0199c826-6000-ffff-ffff-ffffffffffff'::uuid"
OF_ONE = {
    "history_reader/list_deliveries_by_notification": (UUID, LOW, HIGH, "null", f"array[{UUID}]", "100"),
    "history_reader/list_delivery_logs": (
        f"array[{UUID}]",
        f"array[(left({UUID}::text, 28) || '00000000')::uuid]",
        f"array[(left({UUID}::text, 28) || 'ffffffff')::uuid]",
    ),
}


@pytest.fixture
async def broadcast(database_copy_url: str) -> Any:
    """A history of 20,000 notifications of one millisecond, as those of a broadcast are, with a delivery and an attempt each."""
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute(MAKE_UUID + ";" + FILL + INSERT_LOGS + "; analyze delivery_logs")
    yield connection
    await connection.close()


async def explain_reads(connection: asyncpg.Connection, query: str, *values: Any) -> float:
    """The rows that the query reads of the table of which it reads most."""
    plan = json.loads((await connection.fetch(f"explain (analyze, format json) {query}", *values))[0][0])[0]["Plan"]
    nodes = [node for node in iterate_nodes(plan) if "Relation Name" in node]
    assert nodes, query
    return max(float((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]) for node in nodes)


async def test_one_notification_of_a_broadcast_is_read_without_all_others(broadcast: asyncpg.Connection) -> None:
    for name, values in OF_ONE.items():
        file, _, query_name = name.partition("/")
        query = load_queries(file)[query_name]
        for number, value in enumerate(values, 1):
            query = query.replace(f"${number}", value)
        assert await explain_reads(broadcast, query) <= 100, name


MANY = 40


@pytest.mark.parametrize("role", ["herold_project", "none"])
async def test_many_notifications_of_a_broadcast_are_read_without_all_others(
    broadcast: asyncpg.Connection, database_copy: Database, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Escalations and redrives of a broadcast, and the lists of its users and tests; with the rights of a project, too."""
    queries: list[tuple[str, tuple[Any, ...]]] = []
    fetch = asyncpg.Connection.fetch

    async def record(self: Any, query: str, *values: Any, **options: Any) -> Any:
        queries.append((query, values))
        return await fetch(self, query, *values, **options)

    asked = await broadcast.fetch("select id, user_id from notifications where is_test order by id desc limit $1", MANY)
    keys = [(NOTIFICATION_PREFIX + row["id"].hex, row["user_id"]) for row in asked]
    failed = [(DELIVERY_PREFIX + row["id"].hex, *key) for row, key in zip(asked, keys, strict=True)]
    monkeypatch.setattr(asyncpg.Connection, "fetch", record)
    recorded = await PostgresDeliveryStatusReader(database_copy).get_many(keys)
    assert {key: one.statuses for key, one in recorded.items()} == {key: {"email": [Status.FAILED]} for key in keys}
    facts = await read_facts(database_copy, [build_content(*one) for one in failed])
    assert {fact.status for fact in facts} == {Status.FAILED}
    for order, is_test in product(get_args(Order), (False, True)):
        whose = {"is_test": True} if is_test else {"user_id": asked[0]["user_id"]}
        found = await PostgresDeliveryList(database_copy, MAX_EXAMINED, MANY).search(DeliveryFilter(order=order, **whose), MANY)
        assert len(found.items) == (MANY if is_test else 4), (order, is_test)
    monkeypatch.undo()
    await broadcast.execute(f"set role {role}; set herold.project = ':'")
    reads = {query: await explain_reads(broadcast, query, *values) for query, values in queries}
    assert len(reads) == 8
    assert {query: read for query, read in reads.items() if read > 5 * MANY} == {}, "of 20,000"


def build_content(delivery_id: str, notification_id: str, user_id: str) -> DeadLetterContent:
    """A dead letter of a delivery."""
    texts = dict.fromkeys(StoredDeadLetter.__struct_fields__, "")
    known = {"stage": "delivery", "delivery_id": delivery_id, "notification_id": notification_id, "user_id": user_id, "created_at": NOW}
    return DeadLetterContent(StoredDeadLetter(**{**texts, **known}), None, None, [])
