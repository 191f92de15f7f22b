"""schemas.ports.Policies: the holder over a value and over PostgreSQL."""

import pytest

from schemas.policy import Policy
from schemas.ports import PolicyReader
from tables.postgres.database import Database
from tables.postgres.policy import CachedPolicyReader, PostgresPolicyLoader
from tables.postgres.seed import load_seed_policy


@pytest.fixture(params=["memory", "postgres"])
async def policies(request: pytest.FixtureRequest, database: Database) -> PolicyReader:
    """Each implementation, with the seed's policy in force."""

    async def load_from_memory(known: Policy | None) -> Policy:
        return load_seed_policy()

    current = CachedPolicyReader(load_from_memory if request.param == "memory" else PostgresPolicyLoader(database).load)
    assert await current.refresh()
    return current


def test_the_rule_of_a_type_says_how_it_is_routed(policies: PolicyReader) -> None:
    rule = policies.get_current().rules["account.otp"]
    assert (rule.category, rule.priority, rule.channels, rule.strategy) == ("security", "high", ("sms", "email"), "first")
    assert rule.mandatory


def test_every_template_and_limit_is_there(policies: PolicyReader) -> None:
    policy = policies.get_current()
    assert set(policy.templates) == set(load_seed_policy().templates)
    assert set(policy.rate_limits) == set(load_seed_policy().rate_limits)
    assert dict(policy.rules) == dict(load_seed_policy().rules)


def test_it_has_a_version(policies: PolicyReader) -> None:
    assert policies.get_current().version > 0
