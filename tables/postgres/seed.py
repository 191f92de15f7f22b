"""What an installation starts with (seed.yml): a policy and users of a sample shop, as values, and planted in PostgreSQL."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from schemas.rules import Policy, Profile, RateLimit, Rule, Template
from schemas.words import Channel
from tables.postgres.pool import Database
from tables.postgres.profiles import addresses_of
from tables.postgres.sql import queries

_SQL = queries("seed")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where the wheel has it: a tenth of the time


class User(Struct, frozen=True, forbid_unknown_fields=True):
    """A user of the sample shop, as seed.yml writes it."""

    id: str
    email: str = ""
    phone: str = ""
    webhook_url: str = ""
    devices: list[str] = []
    locale: str = ""
    time_zone: str = ""


class Copy(Struct, frozen=True, forbid_unknown_fields=True):
    """What a template says on one channel in one locale."""

    subject: str = ""
    text: str = ""
    html: str = ""


class Seed(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of seed.yml; templates by name, channel and locale."""

    rules: list[Rule]
    limits: list[RateLimit]
    templates: dict[str, dict[Channel, dict[str, Copy]]]
    users: list[User]


def seed_policy() -> Policy:
    """The seeded rules, templates and limits, for tests and benchmarks that have no PostgreSQL."""
    seed = _seed()
    return Policy({rule.type: rule for rule in seed.rules}, tuple(_templates(seed)), tuple(seed.limits), version=1)


def seed_profiles() -> dict[str, Profile]:
    """The seeded users as profiles."""
    return {user.id: _profile(user) for user in _seed().users}


async def plant_policy(database: Database) -> None:
    """Insert the rules, templates and limits that are missing; what exists stays as an operator has left it."""
    seed = _seed()
    async with database.connection() as connection, connection.transaction():
        await connection.executemany(_SQL["rule"], [_rule(rule) for rule in seed.rules])
        await connection.executemany(_SQL["template"], [(name,) for name in seed.templates])
        await connection.executemany(_SQL["template_version"], [msgspec.structs.astuple(template) for template in _templates(seed)])
        await connection.executemany(_SQL["limit"], [msgspec.structs.astuple(limit) for limit in seed.limits])


async def plant_users(database: Database, twins: str) -> None:
    """Insert the sample shop's users that are missing, with their devices; their webhooks are paths on the twins at this URL."""
    async with database.connection() as connection, connection.transaction():
        for user in _seed().users:
            fields = (user.id, user.email, user.phone, user.webhook_url and twins + user.webhook_url, user.locale, user.time_zone)
            if await connection.fetchval(_SQL["user"], *fields):
                await connection.executemany(_SQL["device"], [(user.id, token) for token in user.devices])


@cache
def _seed() -> Seed:
    tree: Any = yaml.load((Path(__file__).parent / "seed.yml").read_text("utf-8"), LOADER)
    return msgspec.convert(tree, Seed)


def _templates(seed: Seed) -> list[Template]:
    return [
        Template(name, 1, channel, locale, copy.subject, copy.text, copy.html)
        for name, channels in seed.templates.items()
        for channel, locales in channels.items()
        for locale, copy in locales.items()
    ]


def _rule(rule: Rule) -> tuple[Any, ...]:
    return (rule.type, rule.category, rule.lane, list(rule.channels), rule.strategy, rule.template, rule.mandatory)


def _profile(user: User) -> Profile:
    addresses = addresses_of(user.email, user.phone, sorted(user.devices), user.webhook_url)
    return Profile(user.id, True, addresses, user.locale, user.time_zone)
