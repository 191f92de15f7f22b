"""Who reads personal data without masks: noted before it is shown, and gathered to entries of the audit log when its minute is over.

An entry is of one principal, project and resource in one minute, and names whose data it was. So a client that reads a thousand users in a
minute leaves two entries and not a thousand, and each of the users is named in one of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from schemas.ids import to_uuid_hex
from schemas.projects import project_in_force
from schemas.request_origin import get_request_origin
from schemas.users import AUDIT_ENTRY_PREFIX
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries
from tables.postgres.user_rows import encode_json

_SQL = load_queries("unmasked_readings")
MAX_IDS: Final = 500  # in one entry; more are in further entries
KEY: Final = ("minute_text", "principal", "actor", "client_address", "user_agent_hash", "project", "resource")


class UnmaskedReadings:
    """Reads and writes the table unmasked_readings. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def record(self, actor: str, resource: str, person_ids: Sequence[str]) -> None:
        """Note that somebody reads a resource of these, each once."""
        if not person_ids:
            return
        request, project = get_request_origin(), project_in_force.get() or ""
        who = request.principal, actor, request.client_address, request.user_agent_hash
        await self._database.fetch(_SQL["record_readings"], *who, project, resource, sorted(set(person_ids)))

    async def gather(self, limit: int) -> int:
        """Make entries of at most `limit` readings whose minute is over, one process at a time; returns of how many."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            if not await connection.fetchval(_SQL["try_lock"]):
                return 0
            rows = await connection.fetch(_SQL["take_readings"], limit)
            entries = [(to_uuid_hex(self._make_id(AUDIT_ENTRY_PREFIX)), *values) for values in list_entries(rows)]
            await connection.executemany(_SQL["insert_reading_entry"], entries)
        return len(rows)


def list_entries(rows: Iterable[DatabaseRow]) -> Iterator[tuple[Any, ...]]:
    """The entries of readings, which are in the order of KEY: actor, object, details, project, principal, address, hash of the client."""
    for key, group in groupby(rows, lambda row: tuple(row[name] for name in KEY)):
        minute, principal, actor, client_address, user_agent_hash, project, resource = key
        of_entry = [*group]
        for some in (of_entry[start : start + MAX_IDS] for start in range(0, len(of_entry), MAX_IDS)):
            ids = [row["object_id"] for row in some]
            details: dict[str, Any] = {"resource": resource, "count": sum(row["count"] for row in some), "minute": minute}
            object_id = ids[0] if len(ids) == 1 else ""
            if not object_id:
                details["ids"] = ids
            yield actor, object_id, encode_json(details), project, principal, client_address, user_agent_hash
