"""Writes rules, templates and rate limits; each change gives the policy a new version, which routers and gateways load."""

import msgspec

from schemas.policy import Policy, Rule
from schemas.policy_document import PolicyChange, PolicyDocument, list_changes, merge_document
from tables.postgres.database import Connection, Database
from tables.postgres.policy import fetch_policy
from tables.postgres.query_loader import load_queries
from tables.postgres.templates import fetch_latest_versions

_SQL = load_queries("policy_writer")
_encode = msgspec.json.Encoder().encode


class PostgresPolicyWriter:
    """Applies documents of rules, templates and rate limits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, document: PolicyDocument, dry_run: bool = False) -> list[PolicyChange]:
        """Add and change what the document has, in one transaction, and remove nothing; a dry run only lists the changes.

        Raises UnavailableError.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["lock_policy"])
            before = await fetch_policy(connection)
            after = merge_document(before, document, await fetch_latest_versions(connection))
            changes = list_changes(before, after)
            for change in changes if not dry_run else ():
                await _write_change(connection, change, after)
        return changes


def build_rule_values(rule: Rule) -> tuple[object, ...]:
    """The values of a row of the table rules, in the order of the struct's fields."""
    values = msgspec.structs.asdict(rule)
    return tuple((values | {"channels": list(rule.channels), "priorities": _encode(rule.priorities).decode()}).values())


async def _write_change(connection: Connection, change: PolicyChange, policy: Policy) -> None:
    if change.kind == "rule":
        await connection.execute(_SQL["upsert_rule"], *build_rule_values(policy.rules[change.name]))
    elif change.kind == "template":
        await connection.execute(_SQL["insert_template"], change.name)
        templates = [msgspec.structs.astuple(template) for template in policy.templates if template.name == change.name]
        await connection.executemany(_SQL["insert_template_version"], templates)
        details = [msgspec.structs.astuple(one) for one in policy.template_details if one.name == change.name]
        await connection.executemany(_SQL["insert_template_details"], details)
        await connection.execute(_SQL["publish_template_version"], change.name, change.version)
    elif change.kind == "partial":
        await connection.execute(_SQL["delete_partial"], change.name)
        partials = [msgspec.structs.astuple(one) for one in policy.partials if one.name == change.name]
        await connection.executemany(_SQL["insert_partial"], partials)
    else:
        limits = [msgspec.structs.astuple(limit) for limit in policy.rate_limits]
        await connection.executemany(_SQL["upsert_rate_limit"], limits)
