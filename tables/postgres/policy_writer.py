"""Writes rules, templates and rate limits; each change gives the policy a new version, which routers and gateways load."""

from collections.abc import Callable

import msgspec

from schemas.policy import Policy, Rule
from schemas.policy_document import PolicyDocument, describe_rate_limit, merge_document
from schemas.rule_versions import PolicyDifference, list_differences
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database
from tables.postgres.policy import fetch_policy
from tables.postgres.policy_lock import lock_policy
from tables.postgres.query_loader import load_queries
from tables.postgres.templates import fetch_latest_versions, insert_version, publish_version

_SQL = load_queries("policy_writer")
_encode = msgspec.json.Encoder().encode

MakeId = Callable[[str], str]  # a new id with a prefix
Check = Callable[[Policy, PolicyDocument], None]
"""Raises an error for a document that must not be applied to the policy."""


class PostgresPolicyWriter:
    """Applies documents of rules, templates and rate limits; what it changes is in the audit log, with `origin`."""

    def __init__(self, database: Database, origin: ChangeOrigin, make_id: MakeId) -> None:
        self._database, self._origin, self._make_id = database, origin, make_id

    async def apply(self, document: PolicyDocument, check: Check, dry_run: bool = False) -> list[PolicyDifference]:
        """Add and change what the document has, in one transaction, and remove nothing; a dry run only lists the differences.

        Raises UnavailableError, and what `check` raises for a document that must not be applied.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            before = await lock_and_fetch_policy(connection, self._origin)
            check(before, document)
            after = merge_document(before, document, await fetch_latest_versions(connection))
            differences = list_differences(before, after)
            if not dry_run:
                return [await self._write(connection, difference, after) for difference in differences]
        return differences

    async def _write(self, connection: Connection, difference: PolicyDifference, policy: Policy) -> PolicyDifference:
        """Write a difference and its entry of the audit log; returns it with its version, which the table counts."""
        version = await _write_change(connection, difference, policy, self._origin)
        details: dict[str, object] = {"source": self._origin.source, "comment": self._origin.reason, "version": version}
        if difference.fields:
            details["changes"] = difference.fields
        action, entry_id = f"{difference.kind}.{difference.change}", self._make_id(AUDIT_ENTRY_PREFIX)
        project = _find_project(difference, policy)
        await write_audit_entry(connection, entry_id, self._origin.actor, action, difference.kind, difference.name, details, project)
        return msgspec.structs.replace(difference, version=version)


async def lock_and_fetch_policy(connection: Connection, origin: ChangeOrigin) -> Policy:
    """The policy, which nobody else changes until the transaction ends; the versions of rules that it writes name their origin."""
    await lock_policy(connection, origin.actor, origin.reason)
    return await fetch_policy(connection)


def build_rule_values(rule: Rule) -> tuple[object, ...]:
    """The values of a row of the table rules, in the order of the struct's fields."""
    values = msgspec.structs.asdict(rule)
    digest = _encode(rule.digest).decode() if rule.digest else None
    return tuple((values | {"channels": list(rule.channels), "priorities": _encode(rule.priorities).decode(), "digest": digest}).values())


async def upsert_rule(connection: Connection, rule: Rule) -> int:
    """Insert or change a rule in the open transaction; returns its version, which continues that of a deleted one."""
    version: int = await connection.fetchval(_SQL["upsert_rule"], *build_rule_values(rule))
    return version


def _find_project(change: PolicyDifference, policy: Policy) -> str | None:
    """Whose a rate limit is; None for what has an id that says it."""
    if change.kind != "rate_limit":
        return None
    return next(limit.project for limit in policy.rate_limits if describe_rate_limit(limit) == change.name)


async def _write_change(connection: Connection, change: PolicyDifference, policy: Policy, origin: ChangeOrigin) -> int:
    """Write a change; returns its version."""
    if change.kind == "rule":
        return await upsert_rule(connection, policy.rules[change.name])
    if change.kind == "template":
        contents = [template for template in policy.templates if template.name == change.name]
        details = next(one for one in policy.template_details if one.name == change.name)
        await insert_version(connection, contents, details, origin.actor, origin.reason)
        await publish_version(connection, change.name, change.version)
    elif change.kind == "partial":
        await connection.execute(_SQL["delete_partial"], change.name)
        partials = [msgspec.structs.astuple(one) for one in policy.partials if one.name == change.name]
        await connection.executemany(_SQL["insert_partial"], partials)
    else:
        limits = [msgspec.structs.astuple(limit) for limit in policy.rate_limits]
        await connection.executemany(_SQL["upsert_rate_limit"], limits)
    return change.version
