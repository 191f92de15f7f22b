"""The seed as values."""

import pytest
from jinja2 import Environment, StrictUndefined, meta

from schemas.rules import Rule, Template
from schemas.words import CHANNELS, LANES
from tables.postgres.seed import seed_policy, seed_profiles

POLICY = seed_policy()
RULES = list(POLICY.rules.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.type)
def test_every_rule_has_a_template_for_each_of_its_channels(rule: Rule) -> None:
    has = {(template.channel, template.locale) for template in POLICY.templates if template.name == rule.template}
    assert {(channel, "default") for channel in rule.channels} <= has
    assert rule.lane in LANES


@pytest.mark.parametrize("template", POLICY.templates, ids=lambda template: f"{template.name}-{template.channel}-{template.locale}")
def test_every_template_says_something_and_wants_the_same_in_all_locales(template: Template) -> None:
    environment = Environment(undefined=StrictUndefined)
    wanted = {_variables(environment, other) for other in POLICY.templates if _twin(template, other)}
    assert len(wanted) == 1
    assert template.channel == "webhook" or template.text
    assert (template.channel in ("email", "push")) == bool(template.subject)
    assert "\n" not in template.subject


def test_the_shop_has_twenty_users_that_between_them_use_every_channel() -> None:
    profiles = seed_profiles()
    assert len(profiles) == 20
    assert {channel for profile in profiles.values() for channel in profile.addresses} == set(CHANNELS)
    assert profiles["u-ada"].addresses["push"] == ["push-ada-phone", "push-ada-tablet"]
    assert "webhook" not in profiles["u-ada"].addresses


def _twin(template: Template, other: Template) -> bool:
    return (template.name, template.channel) == (other.name, other.channel)


def _variables(environment: Environment, template: Template) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(environment.parse(template.subject + template.text + template.html)))
