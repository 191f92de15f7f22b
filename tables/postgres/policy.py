"""The current policy: rules, templates and rate limits, loaded from PostgreSQL and refreshed every few seconds."""

import logging
from collections.abc import Awaitable, Callable

from schemas.errors import UnavailableError
from schemas.log_events import LogEvent
from schemas.policy import Policy, RateLimit, Rule, Template
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("policy")
_LOGGER = logging.getLogger("herold")


class PostgresPolicyLoader:
    """Loads rules, templates and rate limits from PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, known: Policy | None = None) -> Policy:
        """A consistent snapshot, or `known` itself if its version is still current. Raises UnavailableError."""
        async with self._database.acquire_connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            version = await connection.fetchval(_SQL["get_version"])
            if known is not None and version == known.version:
                return known
            rules = [Rule(**{**row, "channels": tuple(row["channels"])}) for row in await connection.fetch(_SQL["list_rules"])]
            templates = tuple(Template(**row) for row in await connection.fetch(_SQL["list_published_templates"]))
            rate_limits = tuple(RateLimit(**row) for row in await connection.fetch(_SQL["list_rate_limits"]))
        return Policy({rule.type: rule for rule in rules}, templates, rate_limits, version)


class CachedPolicyReader:
    """Keeps the current policy in memory; implements schemas.store_ports.PolicyReader."""

    def __init__(self, load: Callable[[Policy | None], Awaitable[Policy]]) -> None:
        self._load = load
        self._policy: Policy | None = None

    def get_current(self) -> Policy:
        """The current policy. Raises UnavailableError before the first one is loaded."""
        if self._policy is None:
            raise UnavailableError("rules, templates and rate limits are not loaded yet")
        return self._policy

    async def refresh(self) -> bool:
        """Load a newer policy if there is one, and keep the old one if PostgreSQL does not answer; returns whether one is loaded."""
        try:
            policy = await self._load(self._policy)
        except UnavailableError as error:
            _log_event("policy.refresh_failed", logging.WARNING, version=self._policy.version if self._policy else 0, cause=str(error))
        else:
            if policy is not self._policy:
                _log_event("policy.loaded", logging.INFO, version=policy.version, rules=len(policy.rules), templates=len(policy.templates))
            self._policy = policy
        return self._policy is not None

    async def refresh_forever(self, sleep: Callable[[float], Awaitable[None]], seconds: float) -> None:
        """Refresh every `seconds`, without end; at least every second until a policy is loaded."""
        while True:
            await sleep(seconds if await self.refresh() else min(seconds, 1.0))


def _log_event(name: LogEvent, level: int, **fields: object) -> None:
    _LOGGER.log(level, name, extra={"fields": fields})
