"""Reads the recorded dead letters."""

from schemas.dead_letter import DeadLetter
from schemas.history import RecordedDeadLetter
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX
from tables.postgres.database import MAX_TIMESTAMP, Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("dead_letters")


class PostgresDeadLetterReader:
    """Dead letters in PostgreSQL. Each method raises UnavailableError if it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_newest(self, limit: int, before: float = MAX_TIMESTAMP) -> list[RecordedDeadLetter]:
        """The newest dead letters created before `before` (epoch seconds), newest first."""
        return [_build_recorded_dead_letter(row) for row in await self._database.fetch(_SQL["list_newest"], before, limit)]

    async def count_by_reason(self, since: float = 0.0) -> dict[tuple[str, str], int]:
        """The number of dead letters since `since` (epoch seconds) by stage and reason, most frequent first."""
        return {(row["stage"], row["reason"]): row["count"] for row in await self._database.fetch(_SQL["count_by_stage_and_reason"], since)}


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
    )
    return RecordedDeadLetter(row["created_at"], row["topic"], row["partition"], row["offset"], dead_letter)
