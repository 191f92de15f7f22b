"""Stores which accounts operators have paused; each change is an entry of the audit log."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from schemas.account_pauses import AccountPause, PauseRequest
from schemas.errors import MissingPauseError
from schemas.timestamps import to_epoch_seconds
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

OBJECT_TYPE = "provider_account"  # of the audit log

_SQL = load_queries("account_pauses")


class PostgresPauseReader:
    """Reads the table account_pauses, for workers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_pauses(self) -> Sequence[AccountPause]:
        """Those that have not ended, by account. Raises UnavailableError."""
        return [_build_pause(row) for row in await self._database.fetch(_SQL["list_pauses"])]


class AccountPauseStore(PostgresPauseReader):
    """Writes it, too. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        super().__init__(database)
        self._make_id = make_id

    async def pause(self, request: PauseRequest, origin: ChangeOrigin) -> AccountPause:
        """The pause, which takes the place of the one that there was."""
        ends_at = None if request.ends_at is None else datetime.fromtimestamp(to_epoch_seconds(request.ends_at), UTC)
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["delete_ended"])
            row = await connection.fetchrow(_SQL["put_pause"], request.account, request.reason, origin.actor, ends_at)
            await self._write_audit_entry(connection, origin, "pause", request.account, {"ends_at": ends_at and ends_at.isoformat()})
            return _build_pause(row)

    async def resume(self, account: str, origin: ChangeOrigin) -> AccountPause:
        """The pause that has ended. Raises MissingPauseError if the account was not paused."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["delete_pause"], account)
            if row is None:
                raise MissingPauseError(account)
            await self._write_audit_entry(connection, origin, "resume", account, {"paused_by": row["paused_by"]})
            return _build_pause(row)

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, account: str, details: Mapping[str, Any]
    ) -> None:
        entry_id, details = self._make_id(AUDIT_ENTRY_PREFIX), {"source": origin.source, "reason": origin.reason, **details}
        await write_audit_entry(connection, entry_id, origin.actor, action, OBJECT_TYPE, account, details)


def _build_pause(row: DatabaseRow) -> AccountPause:
    ends_at = row["ends_at"].timestamp() if row["ends_at"] else None
    return AccountPause(row["account"], row["reason"], row["paused_by"], row["paused_at"].timestamp(), ends_at)
