"""Reads what tests check in the history: its counts, and the dead letters."""

from typing import NamedTuple

import msgspec

from schemas.dead_letter import DeadLetter, Headers
from schemas.history import RecordedDeadLetter
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX
from tables.postgres.database import Database, DatabaseRow

DEAD_LETTERS_SQL = """select *, extract(epoch from created_at)::float8 as at from dead_letters
                      order by created_at desc, topic, "partition", "offset\""""


class HistoryCounts(NamedTuple):
    """The notifications by state, the deliveries that have a status by it, and the attempts."""

    notifications: dict[str, int]
    deliveries: dict[str, int]
    attempts: int


async def fetch_counts(database: Database) -> HistoryCounts:
    """Count the rows of the history."""
    states = await database.fetch("select state, count(*) from notifications group by state")
    statuses = await database.fetch("select status, count(*) from deliveries group by status")
    ((attempts,),) = await database.fetch("select count(*) from delivery_logs")
    return HistoryCounts(dict(states), dict(statuses), attempts)


async def fetch_dead_letters(database: Database) -> list[RecordedDeadLetter]:
    """Fetch all dead letters, the newest first."""
    return [_build_recorded_dead_letter(row) for row in await database.fetch(DEAD_LETTERS_SQL)]


def _build_recorded_dead_letter(row: DatabaseRow) -> RecordedDeadLetter:
    dead_letter = DeadLetter(
        stage=row["stage"],
        reason=row["reason"],
        error=row["error"],
        source_topic=row["source_topic"],
        source_partition=row["source_partition"],
        source_offset=row["source_offset"],
        key=row["key"],
        value=row["value"],
        attempts=row["attempts"],
        notification_id=f"{NOTIFICATION_PREFIX}{row['notification_id'].hex}" if row["notification_id"] else "",
        delivery_id=f"{DELIVERY_PREFIX}{row['delivery_id'].hex}" if row["delivery_id"] else "",
        user_id=row["user_id"],
        null_value=row["value"] is None,
        truncated=row["truncated"],
        source_time=row["source_time"].timestamp() if row["source_time"] else 0.0,
        outcome=row["outcome"],
        provider_code=row["provider_code"],
        account=row["account"],
        redrive_count=row["redrive_count"],
        source_headers=msgspec.json.decode(row["source_headers"], type=Headers),
    )
    return RecordedDeadLetter(row["at"], row["topic"], row["partition"], row["offset"], dead_letter)
