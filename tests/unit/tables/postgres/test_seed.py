"""The seed data is complete and consistent."""

import pytest
from jinja2 import Environment, StrictUndefined, meta

from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES
from schemas.policy import Rule, Template
from tables.postgres.seed import load_seed_policy, load_seed_profiles

POLICY = load_seed_policy()
RULES = list(POLICY.rules.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.type)
def test_every_rule_has_a_template_for_each_of_its_channels(rule: Rule) -> None:
    existing = {(template.channel, template.locale) for template in POLICY.templates if template.name == rule.template}
    assert {(channel, "default") for channel in rule.channels} <= existing
    assert rule.priority in (None, *PRIORITIES)


@pytest.mark.parametrize("template", POLICY.templates, ids=lambda template: f"{template.name}-{template.channel}-{template.locale}")
def test_every_template_has_text_and_the_same_variables_in_all_locales(template: Template) -> None:
    environment = Environment(undefined=StrictUndefined)
    variable_sets = {_find_variables(environment, other) for other in POLICY.templates if _is_same_template(template, other)}
    assert len(variable_sets) == 1
    assert template.channel == "webhook" or template.text
    assert (template.channel in ("email", "push")) == bool(template.subject)
    assert "\n" not in template.subject


def test_the_sample_shop_has_users_with_addresses_on_every_channel() -> None:
    profiles = load_seed_profiles()
    assert len(profiles) == 24
    assert {channel for profile in profiles.values() for channel in profile.addresses} == set(CHANNEL_NAMES)
    assert profiles["u-ada"].addresses["push"] == ["push-ada-phone", "push-ada-tablet"]
    assert "webhook" not in profiles["u-ada"].addresses
    assert (profiles["u-karen"].choices, profiles["u-noor"].suppressions[0].reason) == ({"marketing/": "out"}, "complaint")


def _is_same_template(template: Template, other: Template) -> bool:
    return (template.name, template.channel) == (other.name, other.channel)


def _find_variables(environment: Environment, template: Template) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(environment.parse(template.subject + template.text + template.html)))
