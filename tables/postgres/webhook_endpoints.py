"""Stores webhook endpoints; each change is an entry of the audit log. Secrets come encrypted, and no entry has one."""

from collections.abc import Mapping
from typing import Any

import asyncpg
from msgspec import UNSET

from schemas.enums import Status
from schemas.errors import ConflictError, MissingEndpointError, MissingUserError, VersionMismatchError
from schemas.ids import is_id, to_uuid_hex
from schemas.projects import project_in_force
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from schemas.webhook_endpoints import (
    ENDPOINT_PREFIX,
    DisabledReason,
    EndpointChange,
    EndpointHour,
    EndpointRequest,
    EndpointStatistics,
    PingResult,
    SecretInfo,
    WebhookEndpoint,
    encode_public_key,
)
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

OBJECT_TYPE = "webhook_endpoint"  # of the audit log
MAX_ENDPOINTS = 20  # of a user: each is a call for each notification
HEALTH_TIMES = ("last_success_at", "last_failure_at", "failing_since")
ENDPOINT_FIELDS = ("url", "description", "types", "categories", "statuses", "ordered")

_SQL = load_queries("webhook_endpoints")


class WebhookEndpointStore:
    """Reads and writes the table webhook_endpoints. Each method raises UnavailableError, and MissingEndpointError for an unknown id."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    def make_endpoint_id(self) -> str:
        """The id of a new endpoint, to which its secret is bound before it is stored."""
        return self._make_id(ENDPOINT_PREFIX)

    async def get(self, endpoint_id: str) -> WebhookEndpoint:
        """An endpoint."""
        rows = await self._database.fetch(_SQL["get_endpoint"], _to_uuid_hex(endpoint_id))
        if not rows:
            raise MissingEndpointError(endpoint_id)
        return build_endpoint(rows[0])

    async def list_endpoints(
        self, limit: int, after: str, kind: str | None, user_id: str | None, is_enabled: bool | None, search: str
    ) -> list[WebhookEndpoint]:
        """At most `limit` endpoints after an id, in the order of ids; `search` is a part of the URL."""
        above = _to_uuid_hex(after) if after else "0" * 32
        rows = await self._database.fetch(_SQL["list_endpoints"], above, kind, user_id, is_enabled, search, limit)
        return [build_endpoint(row) for row in rows]

    async def create(
        self, endpoint_id: str, request: EndpointRequest, sealed: bytes, public_key: bytes, origin: ChangeOrigin
    ) -> WebhookEndpoint:
        """The new endpoint. Raises MissingUserError, and ConflictError for a URL that the user has already, or too many endpoints."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            if request.user_id is not None:
                await _check_user(connection, request.user_id)
            filters = request.types, request.categories, request.statuses
            values = request.kind, request.user_id, request.url, request.description, *filters, request.signature, sealed, public_key
            rest = project_in_force.get() if request.kind == "status" else None, request.is_test, request.ordered
            row = await connection.fetchrow(_SQL["insert_endpoint"], to_uuid_hex(endpoint_id), *values, *rest)
            if row is None:
                raise _build_url_conflict()
            await self._write_audit_entry(
                connection, origin, "create", endpoint_id, {"kind": request.kind, "user_id": request.user_id or ""}
            )
            return build_endpoint(row)

    async def change(self, endpoint_id: str, change: EndpointChange, version: int | None, origin: ChangeOrigin) -> WebhookEndpoint:
        """The changed endpoint; None changes any version. Raises VersionMismatchError, and ConflictError for a URL of another endpoint."""
        given = {name: value for name in ENDPOINT_FIELDS if (value := getattr(change, name)) is not UNSET}
        try:
            async with self._database.acquire_connection() as connection, connection.transaction():
                row = await _lock(connection, endpoint_id, version)
                values = [given.get(name, row[name]) for name in ENDPOINT_FIELDS]
                changed = await connection.fetchrow(_SQL["update_endpoint"], row["id"], *values)
                await self._write_audit_entry(connection, origin, "change", endpoint_id, {"fields": sorted(given)})
                return build_endpoint(changed)
        except asyncpg.exceptions.UniqueViolationError:
            raise _build_url_conflict() from None

    async def delete(self, endpoint_id: str, version: int | None, origin: ChangeOrigin) -> WebhookEndpoint:
        """Delete an endpoint with its counters; returns what it was. Raises VersionMismatchError."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, endpoint_id, version)
            await connection.execute(_SQL["delete_endpoint"], row["id"])
            await self._write_audit_entry(connection, origin, "delete", endpoint_id, {"user_id": row["user_id"] or ""})
            return build_endpoint(row)

    async def enable(self, endpoint_id: str, origin: ChangeOrigin) -> WebhookEndpoint:
        """The endpoint, which is called again from now on."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, endpoint_id, None)
            if row["is_enabled"]:
                return build_endpoint(row)
            await self._write_audit_entry(connection, origin, "enable", endpoint_id, {"comment": origin.reason})
            return build_endpoint(await connection.fetchrow(_SQL["enable_endpoint"], row["id"]))

    async def disable(self, endpoint_id: str, reason: DisabledReason, origin: ChangeOrigin) -> WebhookEndpoint:
        """The endpoint, which is not called any more."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, endpoint_id, None)
            if not row["is_enabled"]:
                return build_endpoint(row)
            await self._write_audit_entry(connection, origin, "disable", endpoint_id, {"reason": reason, "comment": origin.reason})
            return build_endpoint(await connection.fetchrow(_SQL["disable_endpoint"], row["id"], reason))

    async def rotate_secret(
        self, endpoint_id: str, sealed: bytes, public_key: bytes, overlap: int, origin: ChangeOrigin
    ) -> WebhookEndpoint:
        """The endpoint with a new secret; the old one signs for `overlap` seconds more.

        Raises ConflictError while two secrets sign already, unless the overlap is 0: no more than two do at any time.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, endpoint_id, None)
            if overlap and row["is_rotating"]:
                until = row["previous_expires_at"].isoformat(timespec="seconds")
                raise ConflictError(f"the secret before signs until {until}: wait, or rotate with an overlap of 0, which ends both")
            changed = await connection.fetchrow(_SQL["rotate_secret"], row["id"], sealed, public_key, overlap)
            await self._write_audit_entry(connection, origin, "rotate_secret", endpoint_id, {"overlap": overlap})
            return build_endpoint(changed)

    async def get_statistics(self, endpoint_id: str, since: float) -> EndpointStatistics:
        """The calls since a time (epoch seconds)."""
        await self.get(endpoint_id)
        uuid_hex = to_uuid_hex(endpoint_id)
        health = await self._database.fetch(_SQL["get_health"], uuid_hex)
        rows = await self._database.fetch(_SQL["list_counts"], uuid_hex, since)
        return _build_statistics(health[0] if health else {}, rows)

    async def get_delivery_result(self, delivery_id: str, user_id: str) -> PingResult | None:
        """The status of a delivery with its last attempt; None as long as nothing is recorded."""
        uuid_hex = to_uuid_hex(delivery_id)
        first, last = uuid_hex[:24] + "0" * 8, uuid_hex[:24] + "f" * 8
        rows = await self._database.fetch(_SQL["get_delivery_result"], uuid_hex, first, last, user_id)
        if not rows:
            return None
        row = rows[0]
        return PingResult(delivery_id, Status(row["status"]), row["reason"], row["provider_code"], row["duration_ms"], row["detail"])

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, endpoint_id: str, details: Mapping[str, Any]
    ) -> None:
        entry_id = self._make_id(AUDIT_ENTRY_PREFIX)
        values = {"source": origin.source, **details}
        await write_audit_entry(connection, entry_id, origin.actor, action, OBJECT_TYPE, endpoint_id, values)


def _to_uuid_hex(endpoint_id: str) -> str:
    """Raises MissingEndpointError for a text that is no id of an endpoint."""
    if not is_id(endpoint_id, ENDPOINT_PREFIX):
        raise MissingEndpointError(endpoint_id)
    return to_uuid_hex(endpoint_id)


async def _check_user(connection: Connection, user_id: str) -> None:
    count = await connection.fetchval(_SQL["count_of_user"], user_id)
    if count is None:
        raise MissingUserError(user_id)
    if count >= MAX_ENDPOINTS:
        raise ConflictError(f"the user has {count} endpoints, and can have no more: delete one first")


async def _lock(connection: Connection, endpoint_id: str, version: int | None) -> DatabaseRow:
    """Lock an endpoint until the transaction ends. Raises MissingEndpointError and VersionMismatchError."""
    row = await connection.fetchrow(_SQL["lock_endpoint"], _to_uuid_hex(endpoint_id))
    if row is None:
        raise MissingEndpointError(endpoint_id)
    if version not in (None, row["version"]):
        raise VersionMismatchError(row["version"])
    return row


def _build_url_conflict() -> ConflictError:
    return ConflictError("there is an endpoint with this URL already: change that one, or delete it first")


def build_endpoint(row: DatabaseRow) -> WebhookEndpoint:
    """The endpoint in a row, without its secrets."""
    disabled_at = row["disabled_at"]
    secrets = [_build_secret_info(row["secret_created_at"], None, row["public_key"])]
    if row["is_rotating"]:
        secrets.append(_build_secret_info(row["previous_created_at"], row["previous_expires_at"], row["previous_public_key"]))
    return WebhookEndpoint(
        id=ENDPOINT_PREFIX + row["id"].hex,
        kind=row["kind"],
        user_id=row["user_id"],
        url=row["url"],
        description=row["description"],
        types=row["types"],
        categories=row["categories"],
        statuses=row["statuses"],
        signature=row["signature"],
        is_enabled=row["is_enabled"],
        disabled_reason=row["disabled_reason"],
        disabled_at=disabled_at.timestamp() if disabled_at else None,
        secrets=secrets,
        version=row["version"],
        created_at=row["created_at"].timestamp(),
        updated_at=row["updated_at"].timestamp(),
        is_test=row["is_test"],
        ordered=row["ordered"],
    )


def _build_secret_info(created_at: Any, expires_at: Any, public_key: bytes) -> SecretInfo:
    return SecretInfo(created_at.timestamp(), expires_at.timestamp() if expires_at else None, encode_public_key(public_key))


def _build_statistics(health: Mapping[str, Any], rows: list[DatabaseRow]) -> EndpointStatistics:
    times = {name: value.timestamp() if (value := health.get(name)) else None for name in HEALTH_TIMES}
    succeeded, failed = sum(row["succeeded"] for row in rows), sum(row["failed"] for row in rows)
    hours = [EndpointHour(row["hour"].timestamp(), row["succeeded"], row["failed"]) for row in rows]
    rate = succeeded / (succeeded + failed) if rows else None
    return EndpointStatistics(succeeded, failed, rate, **times, last_code=health.get("last_code", 0), hours=hours)
