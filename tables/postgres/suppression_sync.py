"""Stores what a provider has suppressed; implements schemas.store_ports.SuppressionSyncStore."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from schemas.ids import derive_id
from schemas.sealed_columns import list_forms
from schemas.store_ports import SyncClaim
from schemas.suppression_sync import ListedSuppression
from schemas.users import ChangeOrigin, SuppressionRequest
from tables.postgres.database import Connection, Database
from tables.postgres.query_loader import load_queries
from tables.postgres.suppressions import insert_suppression

_SQL = load_queries("suppression_sync")


class AddedSuppressions(NamedTuple):
    """How many suppressions are new, and the users whose profiles changed."""

    added: int
    users: list[str]


class PostgresSuppressionSync:
    """The lists of one account, such as `sendgrid`. Each method raises UnavailableError."""

    def __init__(self, database: Database, account: str) -> None:
        self._database, self._account = database, account

    async def claim(self, interval: float) -> SyncClaim | None:
        """A run, if none began in the last `interval` seconds; whoever claims first has it."""
        rows = await self._database.fetch(_SQL["claim_sync"], self._account, interval)
        return SyncClaim(rows[0]["began_at"], rows[0]["start_time"]) if rows else None

    async def complete(self, claim: SyncClaim) -> None:
        """Let the next run begin where this one did."""
        await self._database.fetch(_SQL["complete_sync"], self._account, claim.began_at)

    async def add(self, name: str, entries: Sequence[ListedSuppression]) -> tuple[int, list[str]]:
        """Store a page in one transaction. What an operator undid after it was listed stays undone."""
        added, users = 0, list[str]()
        async with self._database.acquire_connection() as connection, connection.transaction():
            for entry in sorted(set(entries)):
                written = await self._add_one(connection, name, entry)
                added, users = added + written.added, users + written.users
        return added, list(dict.fromkeys(users))

    async def _add_one(self, connection: Connection, name: str, entry: ListedSuppression) -> AddedSuppressions:
        request = SuppressionRequest(channel="email", address=entry.address, reason=entry.reason, source_event=name)
        sealing = self._database.sealing
        forms = list_forms(None if sealing is None else sealing.index, "email", entry.address.lower())
        await connection.execute(_SQL["lock_in_force"], forms, entry.reason)  # or it could be undone between the next two statements
        if await connection.fetchval(_SQL["is_undone"], forms, entry.reason, entry.created_at):
            return AddedSuppressions(0, [])
        make_id = partial(_derive_id, self._account, name, entry)
        written = await insert_suppression(connection, request, make_id, ChangeOrigin("import", self._account, name), sealing)
        return AddedSuppressions(int(written.is_changed), written.user_ids if written.is_changed else [])


def _derive_id(account: str, name: str, entry: ListedSuppression, prefix: str) -> str:
    return derive_id(prefix, entry.created_at, account, name, entry.address)
