"""Rules one by one in PostgreSQL, for `herold rules`: list, versions, roll back, delete."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.admin.policy import check_document, make_row_id
from schemas.errors import MissingRuleError
from schemas.policy import Rule
from schemas.rule_versions import RuleVersion
from schemas.users import ChangeOrigin
from tables.postgres.database import open_database
from tables.postgres.rules import RuleStore, require_rule

MAX_RULES = 10_000  # that a command lists


async def list_rules(database_url: str, search: str) -> Sequence[Rule]:
    """The rules whose type or category contains a text, in the order of types. Raises UnavailableError."""
    async with _open_store(database_url) as store:
        return await store.list_rules(MAX_RULES, search=search)


async def get_rule(database_url: str, type_: str) -> Rule:
    """The rule of a type. Raises MissingRuleError and UnavailableError."""
    async with _open_store(database_url) as store:
        rule = await store.get(type_)
        if rule is None:
            raise MissingRuleError(type_)
        return rule


async def list_versions(database_url: str, type_: str, limit: int) -> Sequence[RuleVersion]:
    """The newest versions of a rule, newest first. Raises MissingRuleError and UnavailableError."""
    async with _open_store(database_url) as store:
        versions = await store.list_versions(type_, limit)
        if not versions:
            raise MissingRuleError(type_)
        return versions


async def get_versions(database_url: str, type_: str, numbers: Sequence[int]) -> list[RuleVersion]:
    """These versions of a rule. Raises MissingRuleError if one is missing, and UnavailableError."""
    async with _open_store(database_url) as store:
        return [await store.require_version(type_, number) for number in numbers]


async def roll_back_rule(database_url: str, type_: str, version: int, origin: ChangeOrigin) -> Rule:
    """Make the contents of a version the newest one, also of a deleted rule.

    Raises MissingRuleError, PolicyDocumentError if it could not be used any more, and UnavailableError.
    """
    async with _open_store(database_url) as store:
        entry = require_rule(type_, await store.require_version(type_, version))
        return await store.put(entry, None, origin, check_document, "rolled_back")


async def delete_rule(database_url: str, type_: str, origin: ChangeOrigin) -> None:
    """Delete a rule; its versions stay. Raises MissingRuleError and UnavailableError."""
    async with _open_store(database_url) as store:
        await store.delete(type_, None, origin)


@asynccontextmanager
async def _open_store(database_url: str) -> AsyncIterator[RuleStore]:
    async with open_database(database_url) as database:
        yield RuleStore(database, make_row_id)
