"""Redrives by rule: when an account answers again, the deliveries whose retries it had exhausted are sent again."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from app.telemetry import log_event
from app.workers.breaker_states import BreakerStates
from schemas.dead_letters import DeadLetterFilter
from schemas.enums import Reason
from schemas.errors import HeroldError, UnavailableError
from schemas.lifetimes import NOTIFICATION_EXPIRY
from schemas.ports import Clock, Sleep
from schemas.redrives import Redrive, RedriveRequest
from schemas.users import ChangeOrigin

RULE = "rule: redrive_after_outage"
"""The actor in the audit log."""

MAX_REDRIVE_COUNT = 1  # what dies after two redrives is left to an operator, so that a flapping account does not redrive for ever
SETTLING_SECONDS = 10.0  # until the recorder has stored the last dead letters
ATTEMPTS = 6
LONGEST_RETRY = 60.0  # seconds


class RuleStore(Protocol):
    """Where the redrives of a rule are created."""

    async def create_by_rule(self, request: RedriveRequest, origin: ChangeOrigin) -> Sequence[Redrive]:
        """A new redrive for each project; none if there is nothing to redrive, or if one goes on. Raises UnavailableError."""
        ...


class OutageRedrives:
    """Shows breakers, as the states that it wraps do, and creates a redrive some time after one has closed."""

    def __init__(self, states: BreakerStates, store: RuleStore, sleep: Sleep, clock: Clock, rate: int) -> None:
        """`clock` in epoch seconds; `rate` in dead letters per second."""
        self._states, self._store, self._sleep, self._clock, self._rate = states, store, sleep, clock, rate
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def set_open(self, account: str, cause: str, seconds: float) -> None:
        """Show an open breaker; what was to be redriven over it waits until it closes again."""
        self._states.set_open(account, cause, seconds)
        if task := self._tasks.pop(account, None):
            task.cancel()

    def set_closed(self, account: str) -> None:
        """Show it no more, and redrive what died over the account."""
        self._states.set_closed(account)
        if account and account not in self._tasks:
            task = self._tasks[account] = asyncio.get_running_loop().create_task(self._redrive(account), name="outage-redrive")
            task.add_done_callback(lambda _: self._forget(account, task))

    async def stop(self) -> None:
        """Create no more redrives."""
        for task in [*self._tasks.values()]:
            task.cancel()

    def _forget(self, account: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(account) is task:
            del self._tasks[account]

    async def _redrive(self, account: str) -> None:
        seconds = SETTLING_SECONDS
        for _ in range(ATTEMPTS):
            await self._sleep(seconds)
            try:
                created = await self._store.create_by_rule(self._build_request(account), ChangeOrigin("api", RULE))
            except UnavailableError:
                seconds = min(2 * seconds, LONGEST_RETRY)
                continue
            except HeroldError:  # more than one redrive may have: an operator has to choose
                return
            for one in created:
                log_event("delivery.outage_redriven", account=account, redrive=one.id, dead_letters=one.total_count)
            return

    def _build_request(self, account: str) -> RedriveRequest:
        selection = DeadLetterFilter(
            reason=Reason.RETRIES_EXHAUSTED,
            stage="delivery",
            account=account,
            since=self._clock() - NOTIFICATION_EXPIRY,
            max_redrive_count=MAX_REDRIVE_COUNT,
        )
        return RedriveRequest(filter=selection, rate=self._rate, reason=f"the account {account} answers again")
