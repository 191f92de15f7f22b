"""The current policy: rules, templates and rate limits, loaded from PostgreSQL and refreshed every few seconds."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import msgspec

from schemas.errors import UnavailableError
from schemas.log_events import LogEvent
from schemas.policy import DigestPolicy, Partial, Policy, PriorityCase, RateLimit, Rule, Template, TemplateDetails
from schemas.ports import Clock
from tables.policy_file import PolicyFile
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("policy")
_decode_cases = msgspec.json.Decoder(tuple[PriorityCase, ...]).decode
_decode_digest = msgspec.json.Decoder(DigestPolicy).decode
_LOGGER = logging.getLogger("herold")

T = TypeVar("T")


class PostgresPolicyLoader:
    """Loads rules, templates and rate limits from PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, known: Policy | None = None) -> Policy:
        """A consistent snapshot, or `known` itself if its version is still current. Raises UnavailableError."""
        async with self._database.acquire_connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            if known is not None and await connection.fetchval(_SQL["get_version"]) == known.version:
                return known
            return await fetch_policy(connection)


async def fetch_policy(connection: Connection) -> Policy:
    """The policy as this transaction sees it."""
    version = await connection.fetchval(_SQL["get_version"])
    rules = [build_rule(row) for row in await connection.fetch(_SQL["list_rules"])]
    templates = tuple(Template(**row) for row in await connection.fetch(_SQL["list_published_templates"]))
    rate_limits = tuple(RateLimit(**row) for row in await connection.fetch(_SQL["list_rate_limits"]))
    details = tuple(TemplateDetails(**row) for row in await connection.fetch(_SQL["list_published_details"]))
    partials = tuple(Partial(**row) for row in await connection.fetch(_SQL["list_partials"]))
    projects = frozenset(row["id"] for row in await connection.fetch(_SQL["list_projects"]))
    return Policy({rule.type: rule for rule in rules}, templates, rate_limits, version, details, partials, projects)


def build_rule(row: DatabaseRow) -> Rule:
    """The rule in a row of the table rules."""
    digest = _decode_digest(row["digest"]) if row["digest"] else None
    return Rule(**{**row, "channels": tuple(row["channels"]), "priorities": _decode_cases(row["priorities"]), "digest": digest})


class CachedPolicyReader:
    """Keeps the current policy in memory; implements schemas.store_ports.PolicyReader.

    With a `file`, the last known policy survives a restart while PostgreSQL does not answer.
    """

    def __init__(self, load: Callable[[Policy | None], Awaitable[Policy]], clock: Clock, file: PolicyFile | None = None) -> None:
        self._load, self._clock, self._file = load, clock, file
        self._policy: Policy | None = None
        self._loaded_policy: Policy | None = None  # without that of the file: its version may be another database's
        self._confirmed_at = -math.inf
        self._file_problem = ""

    def get_current(self) -> Policy:
        """The current policy. Raises UnavailableError before the first one is loaded."""
        if self._policy is None:
            raise UnavailableError("rules, templates and rate limits are not loaded yet")
        return self._policy

    def compute_age(self) -> float:
        """The seconds since PostgreSQL confirmed the current policy; infinite without one."""
        return max(0.0, self._clock() - self._confirmed_at)

    async def refresh(self) -> bool:
        """Load a newer policy if there is one, and keep the old one if PostgreSQL does not answer; returns whether one is loaded."""
        try:
            policy = await self._load(self._loaded_policy)
        except UnavailableError as error:
            if self._policy is None:
                await self._restore()
            self._log_failure(error)
        else:
            await self._replace(policy)
        return self._policy is not None

    async def refresh_forever(self, sleep: Callable[[float], Awaitable[None]], seconds: float) -> None:
        """Refresh every `seconds`, without end; at least every second until a policy is loaded."""
        while True:
            await sleep(seconds if await self.refresh() else min(seconds, 1.0))

    async def _replace(self, policy: Policy) -> None:
        """Make this policy of PostgreSQL the current one, and save it."""
        is_new, self._confirmed_at = policy is not self._loaded_policy, self._clock()
        self._policy = self._loaded_policy = policy
        if self._file:
            write = self._file.save if is_new or self._file_problem else self._file.confirm
            await self._use_file(self._file, "policy.save_failed", partial(write, policy, self._confirmed_at))
        if is_new:
            _log_event("policy.loaded", logging.INFO, version=policy.version, rules=len(policy.rules), templates=len(policy.templates))

    async def _restore(self) -> None:
        """Make the policy of the file the current one, if there is a file."""
        if self._file is None:
            return
        saved = await self._use_file(self._file, "policy.file_invalid", self._file.load)
        if saved is not None:
            self._policy, self._confirmed_at = saved.policy, saved.confirmed_at
            path, age = str(self._file.path), round(self.compute_age())
            _log_event("policy.restored", logging.WARNING, version=saved.policy.version, age=age, path=path)

    async def _use_file(self, file: PolicyFile, failure: LogEvent, call: Callable[[], T]) -> T | None:
        """Read or write the file in a thread; a problem is logged once, and the current policy stays."""
        try:
            result, problem = await asyncio.to_thread(call), ""
        except (OSError, ValueError) as error:
            result, problem = None, str(error)
        if problem and problem != self._file_problem:
            _log_event(failure, logging.ERROR, path=str(file.path), cause=problem)
        self._file_problem = problem
        return result

    def _log_failure(self, error: UnavailableError) -> None:
        if self._policy is None:
            effect = "no rules are known, and this host has no usable copy of earlier ones: they are used as soon as PostgreSQL answers"
            _log_event("policy.refresh_failed", logging.WARNING, version=0, cause=str(error), effect=effect)
        else:
            effect = "the last known rules stay in force"
            age = round(self.compute_age())
            _log_event("policy.refresh_failed", logging.WARNING, version=self._policy.version, age=age, cause=str(error), effect=effect)


def _log_event(name: LogEvent, level: int, **fields: object) -> None:
    _LOGGER.log(level, name, extra={"fields": fields})
