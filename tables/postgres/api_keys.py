"""Stores API keys; each change is an entry of the audit log. No entry and no column has the text of a key."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import UNSET

from schemas.api_keys import ApiKey, ApiKeyChange, ApiKeyRequest, StoredVerdict
from schemas.errors import ConflictError, MissingApiKeyError, VersionMismatchError
from schemas.permissions import Role
from schemas.timestamps import to_epoch_seconds
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

OBJECT_TYPE = "api_key"  # of the audit log

_SQL = load_queries("api_keys")


class ApiKeyStore:
    """Reads and writes the table api_keys. Each method raises UnavailableError, and MissingApiKeyError for a key of another project."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, project: str, key_id: str) -> ApiKey:
        """A key."""
        rows = await self._database.fetch(_SQL["get_key"], key_id, project)
        if not rows:
            raise MissingApiKeyError(key_id)
        return _build_key(rows[0])

    async def list_keys(self, project: str, limit: int, after: tuple[str, str], search: str, *, with_ended: bool) -> list[ApiKey]:
        """At most `limit` keys after a name and id; `search` is a part of the name or the id."""
        rows = await self._database.fetch(_SQL["list_keys"], project, *after, search, with_ended, limit)
        return [_build_key(row) for row in rows]

    async def find_verdict(self, key_id: str) -> StoredVerdict | None:
        """What judges a credential with this id; None if there is no such key."""
        rows = await self._database.fetch(_SQL["find_key"], key_id)
        return StoredVerdict(_build_key(rows[0]), rows[0]["digest"], rows[0]["previous_digest"]) if rows else None

    async def record_uses(self, used: Mapping[str, float]) -> None:
        """Write when keys were used last (epoch seconds)."""
        await self._database.fetch(_SQL["record_uses"], [*used], [*used.values()])

    async def create(self, project: str, key_id: str, digest: bytes, request: ApiKeyRequest, origin: ChangeOrigin) -> ApiKey:
        """The new key. Raises ConflictError if the id is taken."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            values = request.name, request.role, request.scopes, request.is_test, digest, _to_seconds(request.expires_at), origin.actor
            row = await connection.fetchrow(_SQL["insert_key"], key_id, project, *values)
            if row is None:
                raise ConflictError("the random id of the key is taken: send the request again")
            created = _build_key(row)
            await self._write_audit_entry(connection, origin, "create", key_id, describe_key(created))
            return created

    async def change(self, project: str, key_id: str, change: ApiKeyChange, version: int | None, origin: ChangeOrigin) -> ApiKey:
        """The changed key; None changes any version. Raises VersionMismatchError, and ConflictError for a revoked key."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            before = await self._lock(connection, project, key_id, version)
            name = before.name if change.name is UNSET else change.name
            scopes = before.scopes if change.scopes is UNSET else [*change.scopes]
            expires_at = before.expires_at if change.expires_at is UNSET else _to_seconds(change.expires_at)
            changed = _build_key(await connection.fetchrow(_SQL["update_key"], key_id, name, scopes, expires_at))
            details = {"before": describe_key(before), "after": describe_key(changed)}
            await self._write_audit_entry(connection, origin, "change", key_id, details)
            return changed

    async def rotate(self, project: str, key_id: str, digest: bytes, overlap: int, origin: ChangeOrigin) -> ApiKey:
        """The key with a new secret; the one before counts for `overlap` seconds more.

        Raises ConflictError for a revoked key, and while two count already, unless the overlap is 0.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            before = await self._lock(connection, project, key_id, None)
            if overlap and before.previous_expires_at is not None:
                raise ConflictError(
                    "the key before the last rotation can still be used: wait, or rotate with an overlap of 0, which ends both"
                )
            rotated = _build_key(await connection.fetchrow(_SQL["rotate_key"], key_id, digest, overlap))
            await self._write_audit_entry(connection, origin, "rotate", key_id, {"overlap": overlap})
            return rotated

    async def revoke(self, project: str, key_id: str, origin: ChangeOrigin) -> ApiKey:
        """The key, which has ended; one that was revoked before stays as it is."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            rows = await connection.fetch(_SQL["lock_key"], key_id, project)
            if not rows:
                raise MissingApiKeyError(key_id)
            if rows[0]["revoked_at"] is not None:
                return _build_key(rows[0])
            await self._write_audit_entry(connection, origin, "revoke", key_id, {"reason": origin.reason})
            return _build_key(await connection.fetchrow(_SQL["revoke_key"], key_id))

    async def _lock(self, connection: Connection, project: str, key_id: str, version: int | None) -> ApiKey:
        row = await connection.fetchrow(_SQL["lock_key"], key_id, project)
        if row is None:
            raise MissingApiKeyError(key_id)
        key = _build_key(row)
        if version is not None and version != key.version:
            raise VersionMismatchError(key.version)
        if key.revoked_at is not None:
            raise ConflictError(f"the key {key_id} is revoked, for good: create another one")
        return key

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, key_id: str, details: Mapping[str, Any]
    ) -> None:
        entry_id = self._make_id(AUDIT_ENTRY_PREFIX)
        details = {"source": origin.source, **details}
        await write_audit_entry(connection, entry_id, origin.actor, action, OBJECT_TYPE, key_id, details)


def describe_key(key: ApiKey) -> dict[str, Any]:
    """What the audit log says of a key."""
    return {
        "name": key.name,
        "role": key.role,
        "scopes": key.scopes,
        "is_test": key.is_test,
        "expires_at": key.expires_at,
        "project": key.project,
    }


def _to_seconds(expires_at: float | datetime | None) -> float | None:
    return None if expires_at is None else to_epoch_seconds(expires_at)


def _build_key(row: DatabaseRow) -> ApiKey:
    return ApiKey(
        row["id"],
        row["name"],
        Role(row["role"]),
        row["scopes"],
        row["is_test"],
        _get_seconds(row["expires_at"]),
        _get_seconds(row["revoked_at"]),
        _get_seconds(row["previous_expires_at"]) if row["is_rotating"] else None,
        _get_seconds(row["last_used_at"]),
        row["created_at"].timestamp(),
        row["created_by"],
        row["version"],
        row["project"],
    )


def _get_seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
