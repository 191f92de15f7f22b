"""Stores redrives as clients see them; what produces their records is redrive_pages.py. Each change is an entry of the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.dead_letters import DeadLetterContent, DeadLetterFilter
from schemas.errors import ConflictError
from schemas.ids import to_uuid_hex
from schemas.projects import leave_project, project_in_force
from schemas.redrives import (
    ENDS,
    MAX_ITEMS,
    REDRIVE_PREFIX,
    STARTS,
    Redrive,
    RedriveAction,
    RedriveFacts,
    RedriveRequest,
    Replacement,
)
from schemas.user_keys import SealerReader
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.dead_letters import build_content
from tables.postgres.opened_dead_letters import open_deliveries
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries, restrict_to_project
from tables.postgres.redrive_facts import read_facts
from tables.postgres.user_rows import encode_json, to_seconds

_SQL = load_queries("redrives")
_MIN_UUID, _MAX_UUID = "0" * 32, "f" * 32
ITEM_PAGE = 50_000  # dead letters of one statement, which has a few seconds
_decode_counts = msgspec.json.Decoder(dict[str, int]).decode


class RedriveStore:
    """Reads and writes the table redrives. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId, sealers: SealerReader | None = None) -> None:
        self._database, self._make_id, self._sealers = database, make_id, sealers

    async def get(self, redrive_id: str) -> Redrive | None:
        """A redrive; None if there is no such one."""
        rows = await self._database.fetch(_SQL["get_redrive"], to_uuid_hex(redrive_id))
        return _build_redrive(rows[0]) if rows else None

    async def list_redrives(self, limit: int, before: str | None = None, state: str | None = None) -> list[Redrive]:
        """At most `limit` redrives with ids below `before`, newest first; None selects all states."""
        rows = await self._database.fetch(_SQL["list_redrives"], to_uuid_hex(before) if before else _MAX_UUID, state, limit)
        return [_build_redrive(row) for row in rows]

    async def examine(self, request: RedriveRequest, limit: int) -> tuple[int, list[tuple[DeadLetterContent, RedriveFacts]]]:
        """How many dead letters a request selects, and the oldest of them with what is known of each."""
        project = project_in_force.get()
        if request.ids is not None:
            uuids = sorted({to_uuid_hex(one) for one in request.ids})
            count, rows = len(uuids), await self._database.fetch(_SQL["list_named"], uuids, project, limit)
        else:
            selection = encode_json(request.filter or DeadLetterFilter())
            ((count,),) = await self._database.fetch(restrict_to_project(_SQL["count_selected"], project), selection, project)
            rows = await self._database.fetch(restrict_to_project(_SQL["list_selected"], project), selection, project, limit)
        with leave_project():  # suppressions of addresses are of all projects, and the worker that redrives knows them
            contents = await open_deliveries([build_content(row) for row in rows], self._sealers)
            return count, [*zip(contents, await read_facts(self._database, contents), strict=True)]

    async def create(self, request: RedriveRequest, origin: ChangeOrigin, replacement: Replacement | None = None) -> Redrive:
        """A new redrive of what the request selects now in the project at hand. Raises ConflictError if that is too much."""
        return await self._create(request, origin, replacement, project_in_force.get())

    async def _create(self, request: RedriveRequest, origin: ChangeOrigin, replacement: Replacement | None, project: str | None) -> Redrive:
        redrive_id = self._make_id(REDRIVE_PREFIX)
        selection = {"ids": request.ids} if request.ids is not None else msgspec.to_builtins(request.filter or DeadLetterFilter())
        new = (replacement.value, replacement.priority) if replacement else (None, None)
        options = request.include_delivered, request.extend_expiry, request.rate, request.reason
        async with self._database.acquire_connection() as connection, connection.transaction():
            uuid_hex = to_uuid_hex(redrive_id)
            await connection.execute(_SQL["insert_redrive"], uuid_hex, encode_json(selection), *new, *options, origin.actor, project)
            total = await _insert_items(connection, uuid_hex, request, project)
            await connection.execute(_SQL["set_total"], uuid_hex, total)
            details = {"selection": selection, "count": total, "is_edited": replacement is not None, "comment": request.reason}
            await self._write_audit_entry(connection, origin, "create", redrive_id, details, project)
            row = await connection.fetchrow(_SQL["get_redrive"], uuid_hex)
        return _build_redrive(row)

    async def create_by_rule(self, request: RedriveRequest, origin: ChangeOrigin) -> list[Redrive]:
        """A new redrive of an account for each project of which something is selected, unless one that this rule created has not ended."""
        selection = request.filter or DeadLetterFilter()
        rows = await self._database.fetch(_SQL["list_projects_to_redrive"], encode_json(selection), origin.actor, selection.account)
        return [await self._create(request, origin, None, row["project"]) for row in rows]

    async def change_state(self, redrive_id: str, action: RedriveAction, origin: ChangeOrigin) -> Redrive | None:
        """The redrive after an action, which changes nothing if it was done before; None if there is no such one.

        Raises ConflictError in a state that does not allow it.
        """
        uuid_hex = to_uuid_hex(redrive_id)
        async with self._database.acquire_connection() as connection, connection.transaction():
            state = await connection.fetchval(_SQL["lock_redrive"], uuid_hex)
            if state is None:
                return None
            if state in STARTS[action]:
                await connection.execute(_SQL["change_state"], uuid_hex, ENDS[action])
                await self._write_audit_entry(connection, origin, action, redrive_id, {"from": state, "comment": origin.reason})
            elif state != ENDS[action]:
                allowed = " or ".join(STARTS[action])
                raise ConflictError(f"the redrive {redrive_id} is {state}; one can {action} it while it is {allowed}")
            return _build_redrive(await connection.fetchrow(_SQL["get_redrive"], uuid_hex))

    async def _write_audit_entry(
        self,
        connection: Connection,
        origin: ChangeOrigin,
        action: str,
        redrive_id: str,
        details: Mapping[str, Any],
        project: str | None = None,
    ) -> None:
        entry_id, details = self._make_id(AUDIT_ENTRY_PREFIX), {"source": origin.source, **details}
        await write_audit_entry(connection, entry_id, origin.actor, action, "redrive", redrive_id, details, project)


async def _insert_items(connection: Connection, uuid_hex: str, request: RedriveRequest, project: str | None) -> int:
    """Insert the dead letters of a redrive, by which it does not grow while it runs; returns how many."""
    if request.ids is not None:
        return int(await connection.fetchval(_SQL["insert_named_items"], uuid_hex, _to_uuids(request.ids)))
    selection, last = encode_json(request.filter or DeadLetterFilter()), _MIN_UUID
    total, query = 0, restrict_to_project(_SQL["insert_items"], project)
    while True:
        row = await connection.fetchrow(query, uuid_hex, selection, last, ITEM_PAGE, project)
        total += int(row["count"])
        if total > MAX_ITEMS:
            raise ConflictError(f"the filter selects more than {MAX_ITEMS:,} dead letters: choose a shorter time with since and until")
        if row["count"] < ITEM_PAGE:
            return total
        last = row["last"]


def _to_uuids(ids: Sequence[str]) -> list[str]:
    return [to_uuid_hex(one) for one in ids]


def _build_redrive(row: DatabaseRow) -> Redrive:
    return Redrive(
        id=f"{REDRIVE_PREFIX}{row['id'].hex}",
        selection=msgspec.json.decode(row["selection"]),
        is_edited=row["replacement"] is not None,
        rate=row["rate"],
        include_delivered=row["include_delivered"],
        extend_expiry=row["extend_expiry"],
        reason=row["reason"],
        state=row["state"],
        total_count=row["total_count"],
        redriven_count=row["redriven_count"],
        skipped_counts=_decode_counts(row["skipped_counts"]),
        created_at=row["created_at"].timestamp(),
        started_at=to_seconds(row["started_at"]),
        ended_at=to_seconds(row["ended_at"]),
        created_by=row["created_by"],
        error=row["error"],
    )
