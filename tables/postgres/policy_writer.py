"""Writes rules, templates and rate limits; each change gives the policy a new version, which routers and gateways load."""

import msgspec

from schemas.policy import Policy
from schemas.policy_document import PolicyChange, PolicyDocument, list_changes, merge_document
from tables.postgres.database import Connection, Database
from tables.postgres.policy import fetch_policy
from tables.postgres.query_loader import load_queries

_SQL = load_queries("policy_writer")


class PostgresPolicyWriter:
    """Applies documents of rules, templates and rate limits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, document: PolicyDocument) -> list[PolicyChange]:
        """Add and change what the document has, in one transaction, and remove nothing. Raises UnavailableError."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["lock_policy"])
            before = await fetch_policy(connection)
            after = merge_document(before, document)
            changes = list_changes(before, after)
            for change in changes:
                await _write_change(connection, change, after)
        return changes


async def _write_change(connection: Connection, change: PolicyChange, policy: Policy) -> None:
    if change.kind == "rule":
        rule = policy.rules[change.name]
        await connection.execute(_SQL["upsert_rule"], *msgspec.structs.astuple(msgspec.structs.replace(rule, channels=list(rule.channels))))
    elif change.kind == "template":
        await connection.execute(_SQL["insert_template"], change.name)
        templates = [msgspec.structs.astuple(template) for template in policy.templates if template.name == change.name]
        await connection.execute(_SQL["delete_template_version"], change.name, change.version)  # one that was prepared and never published
        await connection.executemany(_SQL["insert_template_version"], templates)
        await connection.execute(_SQL["publish_template_version"], change.name, change.version)
    else:
        limits = [msgspec.structs.astuple(limit) for limit in policy.rate_limits]
        await connection.executemany(_SQL["upsert_rate_limit"], limits)
