"""The schema keeps every version of a rule, whoever changes it, and nobody can change a version."""

import asyncpg
import pytest

from app.admin.policy import make_row_id
from schemas.policy import Policy, PriorityCase, RateLimit, Rule
from schemas.policy_document import PolicyDocument, build_document
from schemas.template_document import TemplateDocument, TemplateEntry
from schemas.users import ChangeOrigin
from tables.postgres.database import Database
from tables.postgres.policy import PostgresPolicyLoader
from tables.postgres.policy_writer import PostgresPolicyWriter
from tables.postgres.seed import load_seed_policy
from tables.postgres.templates import PostgresTemplateStore

SQL = "select version, rule ->> 'category', actor, comment from rule_versions where type = $1 order by version"
CASES = (PriorityCase("user.tier == 'gold'", "high"), PriorityCase("true", "low"))
RULE = Rule("t", "c", None, ("webhook",), "first", "t", True, 1, "opt_in", "reject", "hold", "data.total > 10", CASES, 600)
LIMITS = (
    RateLimit("", 9, 60),
    RateLimit("sms", 9, 60, "c"),
    RateLimit("sms", 9, 60, "", "gold"),
    RateLimit("sms", 9, 60, "c", "gold"),
    RateLimit("sms", 8, 60, "c", "gold", "acme"),
)


async def test_a_rule_and_limits_come_back_as_they_were_written(database_copy: Database) -> None:
    writer = PostgresPolicyWriter(database_copy, ChangeOrigin("cli", "ada", "a trial"), make_row_id)
    await writer.apply(build_document(Policy({"t": RULE}, (), LIMITS)), lambda policy, document: None)
    policy = await PostgresPolicyLoader(database_copy).load()
    assert policy.rules["t"] == RULE
    assert set(policy.rate_limits) == {*LIMITS, *load_seed_policy().rate_limits}


async def test_a_template_of_a_file_names_who_applied_it(database_copy: Database) -> None:
    writer = PostgresPolicyWriter(database_copy, ChangeOrigin("cli", "ada", "a trial"), make_row_id)
    document = PolicyDocument(templates={"t": TemplateDocument(sms={"default": TemplateEntry(text="Hello")})})
    await writer.apply(document, lambda policy, document: None)
    history = await PostgresTemplateStore(database_copy).get_history("t")
    assert history is not None
    assert [(one.version, one.actor, one.comment) for one in history.versions] == [(1, "ada", "a trial")]
    assert [(one.version, one.actor, one.comment) for one in history.publications] == [(1, "ada", "a trial")]


async def test_every_change_is_a_version_with_its_actor(database_copy: Database) -> None:
    async with database_copy.acquire_connection() as connection:
        user = await connection.fetchval("select session_user")
        async with connection.transaction():
            await connection.execute("select set_config('herold.actor', 'ada', true), set_config('herold.comment', 'a trial', true)")
            await connection.execute("insert into rules (type, category, channels) values ('t', 'a', '{sms}')")
        await connection.execute("update rules set category = 'b', version = 1 where type = 't'")
        await connection.execute("update rules set category = 'b', version = 9 where type = 't'")  # nothing new
        await connection.execute("delete from rules where type = 't'")
        await connection.execute("insert into rules (type, category, channels) values ('t', 'c', '{sms}')")
        versions = [tuple(row) for row in await connection.fetch(SQL, "t")]
        assert await connection.fetchval("select version from rules where type = 't'") == 4
    assert versions == [(1, "a", "ada", "a trial"), (2, "b", user, ""), (3, None, user, ""), (4, "c", user, "")]


async def test_the_seed_is_the_first_version(database: Database) -> None:
    assert [row["version"] for row in await database.fetch(SQL, "order.shipped")] == [1]


@pytest.mark.parametrize("change", ["update rule_versions set actor = 'x'", "delete from rule_versions", "truncate rule_versions"])
async def test_a_version_stays_as_it_is(database: Database, change: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await database.fetch(change)
