"""The log of operators' changes: an entry is written in the transaction of its change, and never changed."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from schemas.ids import to_uuid_hex
from schemas.users import AUDIT_ENTRY_PREFIX
from tables.postgres.database import Connection, Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("audit_log")
_MAX_UUID = "f" * 32


class AuditEntry(Struct, frozen=True):
    """Who changed what; the time is in epoch seconds."""

    id: str
    actor: str
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any]
    occurred_at: float


async def write_audit_entry(
    connection: Connection, entry_id: str, actor: str, action: str, object_type: str, object_id: str, details: Mapping[str, Any]
) -> None:
    """Append an entry with this new id (schemas.ids.make_id, AUDIT_ENTRY_PREFIX) to the open transaction."""
    text = msgspec.json.encode(details).decode()
    await connection.execute(_SQL["insert_audit_entry"], to_uuid_hex(entry_id), actor, action, object_type, object_id, text)


async def list_audit_entries(
    database: Database, object_type: str, object_id: str, limit: int, before: str | None = None
) -> list[AuditEntry]:
    """At most `limit` entries of an object with ids below `before`, newest first. Raises UnavailableError."""
    below = to_uuid_hex(before) if before else _MAX_UUID
    rows = await database.fetch(_SQL["list_audit_entries"], object_type, object_id, below, limit)
    return [
        AuditEntry(
            f"{AUDIT_ENTRY_PREFIX}{row['id'].hex}",
            row["actor"],
            row["action"],
            row["object_type"],
            row["object_id"],
            msgspec.json.decode(row["details"]),
            row["occurred_at"].timestamp(),
        )
        for row in rows
    ]
