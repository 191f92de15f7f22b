"""What an installation starts with (seed.yml): a policy and users of a sample shop, as values, and planted in PostgreSQL."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from schemas.enums import Channel
from schemas.policy import Policy, Profile, RateLimit, Rule, Template
from tables.postgres.database import Database
from tables.postgres.profiles import group_addresses
from tables.postgres.query_loader import load_queries

_SQL = load_queries("seed")
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where the wheel has it: a tenth of the time


class SeedUser(Struct, frozen=True, forbid_unknown_fields=True):
    """A user of the sample shop, as seed.yml writes it."""

    id: str
    email: str = ""
    phone: str = ""
    webhook_url: str = ""
    devices: list[str] = []
    locale: str = ""
    time_zone: str = ""


class SeedTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """What a template says on one channel in one locale."""

    subject: str = ""
    text: str = ""
    html: str = ""


class Seed(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of seed.yml; templates by name, channel and locale."""

    rules: list[Rule]
    rate_limits: list[RateLimit]
    templates: dict[str, dict[Channel, dict[str, SeedTemplate]]]
    users: list[SeedUser]


def load_seed_policy() -> Policy:
    """The seeded rules, templates and limits, for tests and benchmarks that have no PostgreSQL."""
    seed = _load_seed()
    return Policy({rule.type: rule for rule in seed.rules}, tuple(_build_templates(seed)), tuple(seed.rate_limits), version=1)


def load_seed_profiles() -> dict[str, Profile]:
    """The seeded users as profiles."""
    return {user.id: _build_profile(user) for user in _load_seed().users}


async def insert_seed_policy(database: Database) -> None:
    """Insert the rules, templates and limits that are missing; what exists stays as an operator has left it."""
    seed = _load_seed()
    async with database.acquire_connection() as connection, connection.transaction():
        await connection.executemany(_SQL["insert_rule"], [_build_rule_values(rule) for rule in seed.rules])
        await connection.executemany(_SQL["insert_template"], [(name,) for name in seed.templates])
        await connection.executemany(
            _SQL["insert_template_version"], [msgspec.structs.astuple(template) for template in _build_templates(seed)]
        )
        await connection.executemany(_SQL["insert_rate_limit"], [msgspec.structs.astuple(limit) for limit in seed.rate_limits])


async def insert_seed_users(database: Database, simulators_url: str) -> None:
    """Insert the sample shop's users that are missing, with their devices; their webhooks are paths on the simulators at this URL."""
    async with database.acquire_connection() as connection, connection.transaction():
        for user in _load_seed().users:
            fields = (user.id, user.email, user.phone, user.webhook_url and simulators_url + user.webhook_url, user.locale, user.time_zone)
            if await connection.fetchval(_SQL["insert_user"], *fields):
                await connection.executemany(_SQL["insert_device"], [(user.id, token) for token in user.devices])


@cache
def _load_seed() -> Seed:
    tree: Any = yaml.load((Path(__file__).parent / "seed.yml").read_text("utf-8"), YAML_LOADER)
    return msgspec.convert(tree, Seed)


def _build_templates(seed: Seed) -> list[Template]:
    return [
        Template(name, 1, channel, locale, copy.subject, copy.text, copy.html)
        for name, channels in seed.templates.items()
        for channel, locales in channels.items()
        for locale, copy in locales.items()
    ]


def _build_rule_values(rule: Rule) -> tuple[Any, ...]:
    return (rule.type, rule.category, rule.priority, list(rule.channels), rule.strategy, rule.template, rule.mandatory)


def _build_profile(user: SeedUser) -> Profile:
    addresses = group_addresses(user.email, user.phone, sorted(user.devices), user.webhook_url)
    return Profile(user.id, True, addresses, user.locale, user.time_zone)
