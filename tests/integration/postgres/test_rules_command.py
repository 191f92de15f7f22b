"""`herold rules` on a real database: differences, versions, and the way back."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tables.postgres.database import Database
from tables.postgres.policy import PostgresPolicyLoader
from tests.herold_runner import HeroldRunner, build_herold_runner

DOCUMENT = """
rules:
  - type: order.shipped
    category: transactional
    priority: low
    channels: [email]
    template: order-shipped
    condition: data.order > 0
    priorities: [{when: user.tier == "gold", priority: high}]
rate_limits:
  - {channel: sms, max_count: 9, window_seconds: 3600}
  - {category: marketing, tier: gold, max_count: 5, window_seconds: 86400}
"""
AUDIT_SQL = "select actor, action, object_id, details ->> 'comment' as comment from audit_log order by id"


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> HeroldRunner:
    return build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), DATABASE_URL=database_copy_url, HEROLD_ACTOR="ada")


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file of rules and limits."""
    path = tmp_path / "rules.yml"
    path.write_text(DOCUMENT)
    return str(path)


async def run(herold: HeroldRunner, *arguments: str) -> str:
    result = await asyncio.to_thread(herold, "rules", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


async def run_json(herold: HeroldRunner, *arguments: str) -> Any:
    return json.loads(await run(herold, *arguments, "--json"))


async def test_apply_shows_each_field_that_differs(herold: HeroldRunner, database_copy: Database, file: str) -> None:
    loader = PostgresPolicyLoader(database_copy)
    before = await loader.load()
    expected = [
        "rule order.shipped: changed, version 2",
        '  priority: not set -> "low"',
        '  channels: ["email","push"] -> ["email"]',
        '  condition: not set -> "data.order > 0"',
        '  priorities: not set -> [{"when":"user.tier == \\"gold\\"","priority":"high"}]',
        "rate limit sms in 3600 s: changed",
        "  max_count: 10 -> 9",
        "rate limit all channels in 86400 s for category marketing for tier gold: added",
        "  max_count: not set -> 5",
    ]
    assert (await run(herold, "apply", file, "--dry-run")).splitlines() == expected
    assert await loader.load(before) is before
    assert (await run(herold, "apply", file, "--comment", "a trial")).splitlines() == expected
    assert await run(herold, "apply", file) == "no changes\n"
    entries = {(row["actor"], row["action"], row["comment"]) for row in await database_copy.fetch(AUDIT_SQL)}  # of one millisecond
    assert entries == {("ada", change, "a trial") for change in ("rule.changed", "rate_limit.changed", "rate_limit.added")}


async def test_a_rule_is_rolled_back_as_its_next_version(herold: HeroldRunner, database_copy: Database, file: str) -> None:
    before = (await PostgresPolicyLoader(database_copy).load()).rules["order.shipped"]
    await run(herold, "apply", file)
    assert (await run(herold, "diff", "order.shipped", "1", "2")).splitlines()[0] == '  priority: not set -> "low"'
    assert await run(herold, "rollback", "order.shipped", "1") == "rule order.shipped is as in version 1, version 3\n"
    await run(herold, "delete", "order.shipped", "--comment", "gone")
    assert await run(herold, "rollback", "order.shipped", "2") == "rule order.shipped is as in version 2, version 5\n"
    await run(herold, "rollback", "order.shipped", "1")
    after = (await PostgresPolicyLoader(database_copy).load()).rules["order.shipped"]
    assert (after.version, after.channels, after.condition, after.priorities) == (6, before.channels, "", ())
    versions = await run_json(herold, "history", "order.shipped")
    assert [(one["version"], one["rule"] is None) for one in versions] == [
        (6, False),
        (5, False),
        (4, True),
        (3, False),
        (2, False),
        (1, False),
    ]
    assert [(one["actor"], one["comment"]) for one in versions[:3]] == [
        ("ada", "back to version 1"),
        ("ada", "back to version 2"),
        ("ada", "gone"),
    ]
    actions = [row["action"] for row in await database_copy.fetch(AUDIT_SQL) if row["object_id"] == "order.shipped"]
    assert actions == ["rule.changed", "rule.rolled_back", "rule.deleted", "rule.rolled_back", "rule.rolled_back"]
    assert "ada" in await run(herold, "history", "order.shipped")


async def test_rules_are_listed_and_shown(herold: HeroldRunner, file: str) -> None:
    assert [rule["type"] for rule in await run_json(herold, "list", "--search", "PROMO")] == ["promo.sale"]
    assert "partner.order-webhook" in await run(herold, "list")
    await run(herold, "apply", file)
    shown = await run(herold, "show", "order.shipped")
    assert "condition: data.order > 0" in shown
    await asyncio.to_thread(Path(file).write_text, shown)
    assert await run(herold, "apply", file) == "no changes\n"
    assert "condition" not in await run(herold, "show", "order.shipped", "--version", "1")


@pytest.mark.parametrize(
    ("arguments", "message", "exit_code"),
    [
        (["show", "no.such"], "there is no rule for the type 'no.such'", 3),
        (["history", "no.such"], "there is no rule for the type 'no.such'", 3),
        (["rollback", "order.shipped", "7"], "there is no rule for the type 'order.shipped' in version 7", 3),
        (["delete", "no.such"], "there is no rule for the type 'no.such'", 3),
    ],
)
async def test_what_is_not_there_is_named(herold: HeroldRunner, arguments: list[str], message: str, exit_code: int) -> None:
    result = await asyncio.to_thread(herold, "rules", *arguments)
    assert (result.exit_code, message in result.stderr) == (exit_code, True)


async def test_a_version_that_cannot_be_used_any_more_changes_nothing(herold: HeroldRunner, database_copy: Database, file: str) -> None:
    await run(herold, "apply", file)
    await database_copy.fetch("delete from templates where name = 'order-shipped'")
    before = await PostgresPolicyLoader(database_copy).load()
    result = await asyncio.to_thread(herold, "rules", "rollback", "order.shipped", "1")
    assert result.exit_code == 1
    assert "version 1 cannot be used any more: rule order.shipped: template: no template `order-shipped`" in result.stderr
    assert await PostgresPolicyLoader(database_copy).load(before) is before
