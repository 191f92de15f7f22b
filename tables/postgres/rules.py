"""Rules one by one, and their versions; every change of one is a version with who made it and why, and an entry of the audit log."""

from collections.abc import Sequence

import msgspec

from schemas.errors import MissingRuleError, VersionMismatchError
from schemas.policy import MAX_VERSION, Policy, Rule
from schemas.policy_document import PolicyDocument, RuleEntry, build_rule_entry, merge_document
from schemas.rule_versions import RuleVersion, list_field_changes
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy import build_rule
from tables.postgres.policy_writer import Check, MakeId, lock_and_fetch_policy, upsert_rule
from tables.postgres.query_loader import load_queries

_SQL = load_queries("rules")
_COLUMNS = frozenset(RuleEntry.__struct_fields__)


class RuleStore:
    """Reads and writes the tables rules and rule_versions. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, type_: str) -> Rule | None:
        """The rule of a type; None if there is none."""
        rows = await self._database.fetch(_SQL["get_rule"], type_)
        return build_rule(rows[0]) if rows else None

    async def list_rules(self, limit: int, after: str = "", search: str = "") -> Sequence[Rule]:
        """At most `limit` rules with types after one, in the order of types; `search` is part of a type or category."""
        return [build_rule(row) for row in await self._database.fetch(_SQL["list_rules"], after, search, limit)]

    async def list_versions(self, type_: str, limit: int, before: int = MAX_VERSION) -> Sequence[RuleVersion]:
        """At most `limit` versions below one, newest first; those of a deleted rule are kept."""
        return [_build_version(row) for row in await self._database.fetch(_SQL["list_rule_versions"], type_, before, limit)]

    async def get_version(self, type_: str, version: int) -> RuleVersion | None:
        """One version; None if there is no such one."""
        rows = await self._database.fetch(_SQL["get_rule_version"], type_, version)
        return _build_version(rows[0]) if rows else None

    async def require_version(self, type_: str, version: int) -> RuleVersion:
        """One version. Raises MissingRuleError if there is no such one."""
        found = await self.get_version(type_, version)
        if found is None:
            raise MissingRuleError(type_, version)
        return found

    async def create(self, entry: RuleEntry, origin: ChangeOrigin, check: Check) -> Rule | None:
        """The new rule; None if its type has one. Raises what `check` raises."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            policy = await lock_and_fetch_policy(connection, origin)
            return None if entry.type in policy.rules else await self._write(connection, policy, entry, origin, check, "added")

    async def put(self, entry: RuleEntry, version: int | None, origin: ChangeOrigin, check: Check, action: str = "changed") -> Rule:
        """The rule as it is now, a new one if there was none; `version` is the one that the change is for, None for any.

        Raises VersionMismatchError, MissingRuleError without a rule of that version, and what `check` raises.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            policy = await lock_and_fetch_policy(connection, origin)
            if version is not None:
                _check_version(policy, entry.type, version)
            return await self._write(connection, policy, entry, origin, check, action)

    async def delete(self, type_: str, version: int | None, origin: ChangeOrigin) -> None:
        """Delete a rule; its versions stay. Raises VersionMismatchError and MissingRuleError."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            policy = await lock_and_fetch_policy(connection, origin)
            old = _check_version(policy, type_, version)
            await connection.execute(_SQL["delete_rule"], type_)
            await self._write_audit_entry(connection, origin, "deleted", type_, old, None)

    async def _write(
        self, connection: Connection, policy: Policy, entry: RuleEntry, origin: ChangeOrigin, check: Check, action: str
    ) -> Rule:
        document, old = PolicyDocument([entry]), policy.rules.get(entry.type)
        check(policy, document)
        rule = merge_document(policy, document).rules[entry.type]
        if rule != old:
            rule = msgspec.structs.replace(rule, version=await upsert_rule(connection, rule))
            await self._write_audit_entry(connection, origin, action, entry.type, old, rule)
        return rule

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, type_: str, old: Rule | None, new: Rule | None
    ) -> None:
        entries = [None if rule is None else build_rule_entry(rule) for rule in (old, new)]
        details: dict[str, object] = {"source": origin.source, "comment": origin.reason, "changes": list_field_changes(*entries)}
        if new is not None:
            details["version"] = new.version
        await write_audit_entry(connection, self._make_id(AUDIT_ENTRY_PREFIX), origin.actor, f"rule.{action}", "rule", type_, details)


def require_rule(type_: str, version: RuleVersion) -> RuleEntry:
    """The rule of a version. Raises MissingRuleError for one that deleted it."""
    if version.rule is None:
        raise MissingRuleError(type_, version.version)
    return version.rule


def _check_version(policy: Policy, type_: str, version: int | None) -> Rule:
    rule = policy.rules.get(type_)
    if rule is None:
        raise MissingRuleError(type_)
    if version not in (None, rule.version):
        raise VersionMismatchError(rule.version)
    return rule


def _build_version(row: DatabaseRow) -> RuleVersion:
    """The version in a row; columns that this release does not know are left out."""
    fields = msgspec.json.decode(row["rule"]) if row["rule"] else None
    entry = msgspec.convert({name: fields[name] for name in fields if name in _COLUMNS}, RuleEntry) if fields else None
    return RuleVersion(row["version"], entry, row["actor"], row["comment"], row["changed_at"].timestamp())
