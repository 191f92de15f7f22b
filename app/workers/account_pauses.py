"""Has a delivery worker obey the pauses of operators: it reads them every few seconds, and keeps what it has read last."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from math import inf
from typing import Protocol

from agents.delivery.deliverer import Deliverer
from app.provider_accounts import Account, find_breaker_name
from app.settings import Settings
from app.telemetry import log_event
from app.workers.worker_builder import WorkerBuilder
from schemas.account_pauses import AccountPause
from schemas.channels import Channel
from schemas.errors import UnavailableError
from schemas.ports import Clock, Sleep
from tables.postgres.account_pauses import PostgresPauseReader
from tables.postgres.database import Database

HoldAccounts = Callable[[Mapping[str, float], float], None]
"""Holds the breakers of these names, each until a time in epoch seconds, and no other ones; the second value is the time of now."""


class PauseReader(Protocol):
    """Where pauses are stored."""

    async def list_pauses(self) -> Sequence[AccountPause]:
        """All that have not ended. Raises UnavailableError."""
        ...


class PauseWatch:
    """The pauses of the accounts of a channel; `find_breakers` has the names that a worker gives the breakers of an account."""

    def __init__(self, reader: PauseReader, find_breakers: Callable[[str], Collection[str]], hold: HoldAccounts, clock: Clock) -> None:
        self._reader, self._find_breakers, self._hold, self._clock = reader, find_breakers, hold, clock
        self._known: Sequence[AccountPause] = ()
        self._is_available = True

    async def update(self) -> None:
        """Read the pauses, and obey them. While PostgreSQL does not answer, those that are known count, each to its end."""
        try:
            self._known, self._is_available = await self._reader.list_pauses(), True
        except UnavailableError as error:
            if self._is_available:
                log_event("delivery.pauses_unknown", logging.WARNING, cause=str(error), known=len(self._known))
            self._is_available = False
        now = self._clock()
        ends = {pause.account: inf if pause.ends_at is None else pause.ends_at for pause in self._known}
        self._hold({name: end for account, end in ends.items() if now < end for name in self._find_breakers(account)}, now)

    async def run(self, sleep: Sleep, interval: float) -> None:
        """Do so every `interval` seconds, without end."""
        while True:
            await sleep(interval)
            await self.update()


def watch_pauses(
    worker: WorkerBuilder, channel: Channel, accounts: Sequence[Account], test_name: str, deliverer: Deliverer, database: Database
) -> None:
    """Have a worker obey the pauses, from its first call on if PostgreSQL answers; `test_name`: the account of tests, if there is one."""
    find_breakers = build_breaker_lookup(channel, [account.name for account in accounts], test_name, worker.settings)
    watch = PauseWatch(PostgresPauseReader(database), find_breakers, deliverer.breakers.hold, worker.clock)
    worker.app.startup_checks.append(watch.update)
    worker.add_task("account_pauses", partial(watch.run, asyncio.sleep, worker.settings.delivery.pause_refresh_interval))


def build_breaker_lookup(channel: Channel, names: Sequence[str], test_name: str, settings: Settings) -> Callable[[str], Collection[str]]:
    """The names of an account's breakers: one, of the only account of a channel the origin that it calls; of a webhook host its origin.

    `names`: the accounts of the channel; `test_name`: the account of its tests, empty if there is none.
    """
    if channel.is_limited_per_host:
        return lambda account: (account,) if "://" in account else ()
    is_single, breakers = len(names) == 1, dict[str, list[str]]()
    for name in names:
        breakers[name] = [find_breaker_name(name, settings.providers.get(name, {}), is_single=is_single)]
    if test_name:
        breakers.setdefault(test_name, []).append(test_name)
    return lambda account: breakers.get(account, ())
