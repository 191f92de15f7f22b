"""The plan of the queries of the history."""

from schemas.events import DecidedEvent, StatusEvent
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.query_loader import load_queries
from tests.event_builders import NOW, build_decided_event, build_history_batch, build_status_event


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
    query = query.replace("$4", "null")
    plan = "\n".join(line[0] for line in await database.fetch(f"explain {query}"))
    assert "deliveries_20251009" in plan
    assert plan.count("deliveries_2025") <= 2, plan
    assert "deliveries_default" not in plan or "Index" in plan
