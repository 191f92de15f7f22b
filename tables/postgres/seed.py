"""The seed data of a new installation (seed.yml): the policy and the users of a sample shop, as values and as rows of PostgreSQL."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from schemas.addresses import normalize_addresses
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.policy import Policy, RateLimit, Template, TemplateDetails
from schemas.policy_document import RuleEntry, build_rule
from schemas.profile import ActiveSuppression, Profile, QuietHours
from schemas.template_document import TemplateDocument, build_details, build_templates
from tables.postgres.database import Database
from tables.postgres.policy_writer import build_rule_values
from tables.postgres.profiles import select_addresses
from tables.postgres.query_loader import load_queries
from tables.yaml_parser import parse_yaml

_SQL = load_queries("seed")
_encode = msgspec.json.Encoder().encode


class SeedUser(Struct, frozen=True, forbid_unknown_fields=True):
    """A user in seed.yml; `preferences` by "category/channel", where an empty part stands for all."""

    id: str
    addresses: dict[ChannelName, list[str]] = {}
    devices: list[str] = []
    locale: str = ""
    time_zone: str = ""
    preferences: dict[str, Literal["in", "out"]] = {}
    suppressions: list[ActiveSuppression] = []
    quiet_hours: QuietHours | None = None


class Seed(Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of seed.yml; templates by name."""

    rules: list[RuleEntry]
    rate_limits: list[RateLimit]
    templates: dict[str, TemplateDocument]
    users: list[SeedUser]


def load_seed_policy() -> Policy:
    """The seed's policy, for tests and benchmarks without PostgreSQL."""
    seed = _load_seed()
    rules = {entry.type: build_rule(entry) for entry in seed.rules}
    return Policy(rules, tuple(_build_templates(seed)), tuple(seed.rate_limits), version=1, template_details=tuple(_build_details(seed)))


def load_seed_profiles() -> dict[str, Profile]:
    """The seed's users as profiles."""
    return {user.id: _build_profile(user) for user in _load_seed().users}


async def insert_channels(database: Database) -> None:
    """Insert the channels of the catalogue that are missing; rules, templates and rate limits refer to them."""
    async with database.acquire_connection() as connection:
        await connection.executemany(_SQL["insert_channel"], [(name,) for name in CHANNEL_NAMES])


async def insert_seed_policy(database: Database) -> None:
    """Insert the rules, templates and rate limits that are missing; existing rows are not changed."""
    seed = _load_seed()
    async with database.acquire_connection() as connection, connection.transaction():
        await connection.executemany(_SQL["insert_rule"], [build_rule_values(build_rule(entry)) for entry in seed.rules])
        await connection.executemany(_SQL["insert_template"], [(name,) for name in seed.templates])
        await connection.executemany(
            _SQL["insert_template_version"], [msgspec.structs.astuple(template) for template in _build_templates(seed)]
        )
        await connection.executemany(_SQL["insert_template_details"], [msgspec.structs.astuple(one) for one in _build_details(seed)])
        await connection.executemany(_SQL["insert_rate_limit"], [msgspec.structs.astuple(limit) for limit in seed.rate_limits])


async def insert_seed_users(database: Database, webhook_base_url: str) -> None:
    """Insert the users that are missing, with their devices; `webhook_base_url` is put before an address that is a path.

    Raises ValueError for an address that is not valid.
    """
    async with database.acquire_connection() as connection, connection.transaction():
        for user in _load_seed().users:
            addresses = {name: _normalize(name, texts) for name, texts in _resolve_paths(user.addresses, webhook_base_url).items()}
            quiet_hours = _encode(user.quiet_hours).decode() if user.quiet_hours else None
            values = user.id, _encode(addresses).decode(), user.locale, user.time_zone, quiet_hours
            if await connection.fetchval(_SQL["insert_user"], *values):
                await connection.executemany(_SQL["insert_device"], [(user.id, token) for token in _normalize("push", user.devices)])
                preferences = [(user.id, *key.split("/"), choice) for key, choice in user.preferences.items()]
                await connection.executemany(_SQL["insert_preference"], preferences)
                suppressions = [(user.id, *msgspec.structs.astuple(suppression)) for suppression in user.suppressions]
                await connection.executemany(_SQL["insert_suppression"], suppressions)


@cache
def _load_seed() -> Seed:
    return msgspec.convert(parse_yaml((Path(__file__).parent / "seed.yml").read_text("utf-8")), Seed)


def _build_templates(seed: Seed) -> list[Template]:
    return [template for name, document in seed.templates.items() for template in build_templates(name, 1, document)]


def _build_details(seed: Seed) -> list[TemplateDetails]:
    """The details of templates that have any."""
    return [
        build_details(name, 1, document)
        for name, document in seed.templates.items()
        if document.variables or document.samples or document.at_most_once or document.email_options
    ]


def _resolve_paths(addresses: Mapping[ChannelName, list[str]], base_url: str) -> dict[ChannelName, list[str]]:
    return {channel: [base_url + one if one.startswith("/") else one for one in found] for channel, found in addresses.items()}


def _normalize(channel: ChannelName, texts: list[str]) -> list[str]:
    """The normal forms of a user's addresses. Raises ValueError."""
    normalized = normalize_addresses(channel, texts)
    for index, problem in normalized.problems.items():
        raise ValueError(f"seed.yml, {channel}[{index}]: {problem}")
    return normalized.usable


def _build_profile(user: SeedUser) -> Profile:
    return Profile(
        user.id,
        True,
        select_addresses(user.addresses, sorted(user.devices)),
        user.locale,
        user.time_zone,
        choices=dict(user.preferences),
        suppressions=user.suppressions,
        quiet_hours=user.quiet_hours,
    )
