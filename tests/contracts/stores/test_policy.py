"""schemas.store_ports.PolicyReader: loaded from memory and from PostgreSQL."""

import time

import pytest

from schemas.policy import Policy
from schemas.store_ports import PolicyReader
from tables.postgres.database import Database
from tables.postgres.policy import CachedPolicyReader, PostgresPolicyLoader
from tables.postgres.seed import load_seed_policy


@pytest.fixture(params=["memory", "postgres"])
async def policy_reader(request: pytest.FixtureRequest, database: Database) -> PolicyReader:
    """Each implementation, with the seed's policy loaded."""

    async def load_from_memory(known: Policy | None) -> Policy:
        return load_seed_policy()

    reader = CachedPolicyReader(load_from_memory if request.param == "memory" else PostgresPolicyLoader(database).load, time.time)
    assert await reader.refresh()
    return reader


def test_the_rule_of_a_type_is_complete(policy_reader: PolicyReader) -> None:
    rule = policy_reader.get_current().rules["account.otp"]
    assert (rule.category, rule.priority, rule.channels, rule.strategy) == ("security", "high", ("sms", "email"), "first")
    assert rule.mandatory


def test_all_rules_templates_and_rate_limits_are_loaded(policy_reader: PolicyReader) -> None:
    policy = policy_reader.get_current()
    assert set(policy.templates) == set(load_seed_policy().templates)
    assert set(policy.rate_limits) == set(load_seed_policy().rate_limits)
    assert set(policy.template_details) == set(load_seed_policy().template_details)
    assert dict(policy.rules) == dict(load_seed_policy().rules)


def test_the_policy_has_a_version(policy_reader: PolicyReader) -> None:
    assert policy_reader.get_current().version > 0
