"""schemas.ports.Policies: the holder over a value and over PostgreSQL."""

import pytest

from schemas.ports import Policies
from schemas.rules import Policy
from tables.postgres.policies import CurrentPolicy, PolicyStore
from tables.postgres.pool import Database
from tables.postgres.seed import seed_policy


@pytest.fixture(params=["memory", "postgres"])
async def policies(request: pytest.FixtureRequest, database: Database) -> Policies:
    """Each implementation, with the seed's policy in force."""

    async def from_memory(known: Policy | None) -> Policy:
        return seed_policy()

    current = CurrentPolicy(from_memory if request.param == "memory" else PolicyStore(database).load)
    assert await current.refresh()
    return current


def test_the_rule_of_a_type_says_how_it_is_routed(policies: Policies) -> None:
    rule = policies.current().rules["account.otp"]
    assert (rule.category, rule.lane, rule.channels, rule.strategy) == ("security", "high", ("sms", "email"), "first")
    assert rule.mandatory


def test_every_template_and_limit_is_there(policies: Policies) -> None:
    policy = policies.current()
    assert set(policy.templates) == set(seed_policy().templates)
    assert set(policy.limits) == set(seed_policy().limits)
    assert dict(policy.rules) == dict(seed_policy().rules)


def test_it_has_a_version(policies: Policies) -> None:
    assert policies.current().version > 0
