"""Writes resets of rate windows to the audit log: who emptied which windows of whom."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.users import AUDIT_ENTRY_PREFIX
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Database

OBJECT_TYPE = "rate_windows"


class PostgresWindowResets:
    """Appends to the audit log. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: Callable[[str], str]) -> None:
        """`make_id`: makes a new id with a prefix."""
        self._database, self._make_id = database, make_id

    async def write(self, actor: str, action: str, user_id: str, details: Mapping[str, Any]) -> str:
        """Append an entry about a user's windows; returns its id."""
        entry_id = self._make_id(AUDIT_ENTRY_PREFIX)
        async with self._database.acquire_connection() as connection:
            await write_audit_entry(connection, entry_id, actor, action, OBJECT_TYPE, user_id, details)
        return entry_id
