"""Keeps when notifications were read, as the app of their producer says; implements app.api.ports.ReadMarks."""

from schemas.ids import to_uuid_hex
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("read_marks")


class PostgresReadMarks:
    """Writes to the table notifications. Each method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self, notification_id: str, user_id: str, read_at: float) -> float | None:
        """Keep the first time, in epoch seconds, and return it; None if there is no such notification that was routed."""
        async with self._database.acquire_connection() as connection:
            found: float | None = await connection.fetchval(_SQL["mark_as_read"], to_uuid_hex(notification_id), user_id, read_at)
        return found
