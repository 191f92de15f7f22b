"""Reads the dead letters that the recorder has filed."""

from schemas.deadletter import DeadLetter
from schemas.history import FiledLetter
from schemas.ids import DELIVERY, NOTIFICATION
from tables.postgres.pool import Database, Row
from tables.postgres.sql import queries

_SQL = queries("dead_letters")


class DeadLetterStore:
    """Dead letters in PostgreSQL. Every call raises Unavailable if it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, limit: int, before: float = 253_402_300_799.0) -> list[FiledLetter]:
        """The newest ones older than `before` (epoch seconds; without it, the end of the year 9999)."""
        return [_filed(row) for row in await self._database.fetch(_SQL["newest"], before, limit)]

    async def counts(self, since: float = 0.0) -> dict[tuple[str, str], int]:
        """How many there are since then (epoch seconds), by stage and reason; the most frequent first."""
        return {(row["stage"], row["reason"]): row["letters"] for row in await self._database.fetch(_SQL["counts"], since)}


def _filed(row: Row) -> FiledLetter:
    letter = DeadLetter(
        stage=row["stage"],
        reason=row["reason"],
        error=row["error"],
        topic=row["source_topic"],
        partition=row["source_partition"],
        offset=row["source_offset"],
        key=row["key"],
        value=row["value"],
        attempts=row["attempts"],
        notification_id=f"{NOTIFICATION}{row['notification_id'].hex}" if row["notification_id"] else "",
        delivery_id=f"{DELIVERY}{row['delivery_id'].hex}" if row["delivery_id"] else "",
        user_id=row["user_id"],
        null_value=row["value"] is None,
        truncated=row["truncated"],
    )
    return FiledLetter(row["at"], row["topic"], row["partition"], row["offset"], letter)
