"""Rate limits one by one, and their versions; every change of one is a version with who made it and why, and an entry of the audit log."""

from collections.abc import Sequence

from schemas.errors import MissingRateLimitError, VersionMismatchError
from schemas.policy import MAX_VERSION, Policy, RateLimit
from schemas.policy_document import PolicyDocument, RateLimitEntry, build_rate_limit, describe_rate_limit
from schemas.rate_limits import RateLimitKey, RateLimitVersion, StoredRateLimit
from schemas.rule_versions import FieldChange
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import Check, MakeId, lock_and_fetch_policy
from tables.postgres.query_loader import load_queries

_SQL = load_queries("rate_limits")


class RateLimitStore:
    """Reads and writes the tables rate_limits and rate_limit_versions. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, key: RateLimitKey) -> StoredRateLimit:
        """The limit with this key. Raises MissingRateLimitError."""
        rows = await self._database.fetch(_SQL["get_rate_limit"], *key)
        if not rows:
            raise _build_missing_error(key)
        return _build_stored(rows[0])

    async def list_rate_limits(
        self,
        limit: int,
        after: RateLimitKey,
        channel: str | None = None,
        category: str | None = None,
        tier: str | None = None,
    ) -> Sequence[StoredRateLimit]:
        """At most `limit` limits of a project after a key, in the order of keys; an empty channel, category or tier selects those for all.

        A window of 0 seconds, with empty texts, is before all of its project.
        """
        rows = await self._database.fetch(_SQL["list_rate_limits"], *after, channel, category, tier, limit)
        return [_build_stored(row) for row in rows]

    async def list_versions(self, key: RateLimitKey, limit: int, before: int = MAX_VERSION) -> Sequence[RateLimitVersion]:
        """At most `limit` versions below one, newest first; those of a deleted limit are kept. Raises MissingRateLimitError without any."""
        rows = await self._database.fetch(_SQL["list_rate_limit_versions"], *key, before, limit)
        if not rows and before == MAX_VERSION:
            raise _build_missing_error(key)
        return [RateLimitVersion(**{**row, "changed_at": row["changed_at"].timestamp()}) for row in rows]

    async def create(self, entry: RateLimitEntry, origin: ChangeOrigin, check: Check) -> StoredRateLimit | None:
        """The new limit; None if there is one with its key. Raises what `check` raises."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            policy = await lock_and_fetch_policy(connection, origin)
            if _find(policy, RateLimitKey(*build_rate_limit(entry).key)):
                return None
            return await self._write(connection, policy, entry, origin, check)

    async def put(self, entry: RateLimitEntry, version: int | None, origin: ChangeOrigin, check: Check) -> StoredRateLimit:
        """The limit as it is now, a new one if there was none; `version` is the one that the change is for, None for any.

        Raises VersionMismatchError, MissingRateLimitError without a limit of that version, and what `check` raises.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            policy = await lock_and_fetch_policy(connection, origin)
            if version is not None:
                await _check_version(connection, RateLimitKey(*build_rate_limit(entry).key), version)
            return await self._write(connection, policy, entry, origin, check)

    async def delete(self, key: RateLimitKey, version: int | None, origin: ChangeOrigin) -> None:
        """Delete a limit; its versions stay. Raises VersionMismatchError and MissingRateLimitError."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await lock_and_fetch_policy(connection, origin)
            old = await _check_version(connection, key, version)
            await connection.execute(_SQL["delete_rate_limit"], *key)
            await self._write_audit_entry(connection, origin, "deleted", old.limit, FieldChange("max_count", old.limit.max_count, None))

    async def _write(
        self, connection: Connection, policy: Policy, entry: RateLimitEntry, origin: ChangeOrigin, check: Check
    ) -> StoredRateLimit:
        document, limit = PolicyDocument(rate_limits=[entry]), build_rate_limit(entry)
        check(policy, document)
        old = _find(policy, RateLimitKey(*limit.key))
        if old == limit:
            return _build_stored(await connection.fetchrow(_SQL["get_rate_limit"], *limit.key))
        values = limit.channel, limit.max_count, limit.window_seconds, limit.category, limit.tier, limit.project
        version: int = await connection.fetchval(_SQL["put_rate_limit"], *values)
        change = FieldChange("max_count", old.max_count if old else None, limit.max_count)
        await self._write_audit_entry(connection, origin, "changed" if old else "added", limit, change, version)
        return StoredRateLimit(limit, version)

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, limit: RateLimit, change: FieldChange, version: int | None = None
    ) -> None:
        details: dict[str, object] = {"source": origin.source, "comment": origin.reason, "changes": [change]}
        if version is not None:
            details["version"] = version
        name, entry_id = describe_rate_limit(limit), self._make_id(AUDIT_ENTRY_PREFIX)
        await write_audit_entry(connection, entry_id, origin.actor, f"rate_limit.{action}", "rate_limit", name, details, limit.project)


def _find(policy: Policy, key: RateLimitKey) -> RateLimit | None:
    return next((limit for limit in policy.rate_limits if limit.key == key), None)


async def _check_version(connection: Connection, key: RateLimitKey, version: int | None) -> StoredRateLimit:
    row = await connection.fetchrow(_SQL["get_rate_limit"], *key)
    if row is None:
        raise _build_missing_error(key)
    stored = _build_stored(row)
    if version not in (None, stored.version):
        raise VersionMismatchError(stored.version)
    return stored


def _build_missing_error(key: RateLimitKey) -> MissingRateLimitError:
    return MissingRateLimitError(describe_rate_limit(RateLimit(key.channel, 1, key.window_seconds, key.category, key.tier, key.project)))  # type: ignore[arg-type]


def _build_stored(row: DatabaseRow) -> StoredRateLimit:
    fields = dict(row)
    return StoredRateLimit(version=fields.pop("version"), limit=RateLimit(**fields))
