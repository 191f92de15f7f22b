"""When a breaker closes, what died while it was open is redriven, once and at a rate."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.workers.outage_redrives import ATTEMPTS, RULE, SETTLING_SECONDS, OutageRedrives
from schemas.errors import ConflictError, UnavailableError
from schemas.redrives import Redrive, RedriveRequest
from schemas.users import ChangeOrigin
from tests.fakes import run_pending_tasks

NOW = 1_760_000_000.0
ACCOUNT = "https://api.example"


@dataclass
class FakeStore:
    """Notes the requests; raises the errors first."""

    errors: list[Exception] = field(default_factory=list)
    requests: list[tuple[RedriveRequest, ChangeOrigin]] = field(default_factory=list)

    async def create_by_rule(self, request: RedriveRequest, origin: ChangeOrigin) -> Sequence[Redrive]:
        self.requests.append((request, origin))
        if self.errors:
            raise self.errors.pop()
        return []


class FakeStates:
    """Notes what is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []

    def set_open(self, account: str, cause: str, seconds: float) -> None:
        self.shown.append((account, cause))

    def set_closed(self, account: str) -> None:
        self.shown.append((account, "closed"))


class Harness:
    """The rule with a sleep that the test ends."""

    def __init__(self, *errors: Exception) -> None:
        self.store, self.states, self.slept = FakeStore([*errors]), FakeStates(), list[float]()
        self.wakes = asyncio.Event()
        self.wakes.set()
        self.redrives = OutageRedrives(self.states, self.store, self.sleep, lambda: NOW, 50)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.wakes.wait()


async def test_a_closed_breaker_redrives_what_its_account_had_exhausted() -> None:
    harness = Harness()
    harness.redrives.set_closed(ACCOUNT)
    await run_pending_tasks()
    ((request, origin),) = harness.store.requests
    assert request.filter is not None
    assert (request.filter.stage, request.filter.reason, request.filter.account) == ("delivery", "retries_exhausted", ACCOUNT)
    assert (request.filter.since, request.filter.max_redrive_count, request.rate) == (NOW - 86_400, 1, 50)
    assert (origin.actor, harness.slept) == (RULE, [SETTLING_SECONDS])
    assert harness.states.shown == [(ACCOUNT, "closed")]


async def test_a_breaker_that_opens_again_before_that_redrives_nothing() -> None:
    harness = Harness()
    harness.wakes.clear()
    harness.redrives.set_closed(ACCOUNT)
    harness.redrives.set_closed(ACCOUNT)
    await run_pending_tasks()
    harness.redrives.set_open(ACCOUNT, "failures", 5.0)
    harness.wakes.set()
    await run_pending_tasks()
    assert (harness.store.requests, len(harness.slept)) == ([], 1)
    harness.redrives.set_closed(ACCOUNT)
    await run_pending_tasks()
    assert len(harness.store.requests) == 1


async def test_it_tries_again_while_postgresql_is_away_and_not_for_ever() -> None:
    harness = Harness(*[UnavailableError("down")] * 2)
    harness.redrives.set_closed(ACCOUNT)
    await run_pending_tasks()
    assert harness.slept == [10.0, 20.0, 40.0]
    away = Harness(*[UnavailableError("down")] * 20)
    away.redrives.set_closed(ACCOUNT)
    await run_pending_tasks()
    assert len(away.store.requests) == ATTEMPTS


async def test_too_many_are_left_to_an_operator_and_a_stop_ends_what_waits() -> None:
    harness = Harness(ConflictError("too many"))
    harness.redrives.set_closed(ACCOUNT)
    await run_pending_tasks()
    assert len(harness.store.requests) == 1
    harness.wakes.clear()
    harness.redrives.set_closed(ACCOUNT)
    await run_pending_tasks()
    await harness.redrives.stop()
    harness.wakes.set()
    await run_pending_tasks()
    assert len(harness.store.requests) == 1
