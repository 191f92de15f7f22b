"""Random scenarios of all features at once: several accounts, closed hosts, consent, outages, redrives, messages sent at most once."""

from collections import Counter
from typing import Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits, ReconciliationPolicy, RetryBudgetPolicy, WaitingLimits
from schemas.enums import PRIORITIES, Outcome, Priority, Status
from schemas.http import HttpResult
from schemas.profile import Profile
from tests.delivery_builders import build_delivery
from tests.fakes import run_pending_tasks
from tests.unit.agents.delivery.harness import (
    ACCEPTED,
    BAD_REQUEST,
    BREAKER_POLICY,
    MAYBE_SENT,
    NOT_SENT,
    THROTTLED,
    AccountPerDomain,
    DeliveryHarness,
    FakeBatchHandle,
)
from tests.unit.agents.delivery.test_account_breakers import REJECTED_KEY
from tests.unit.agents.delivery.test_account_set import Harness as AccountsHarness
from tests.unit.agents.delivery.test_invariants import (
    CALLS,
    CALLS_PER_ACCOUNT,
    FOR_HIGH,
    KILL,
    REBALANCE,
    UNCOMMITTED_ROWS,
    ScenarioRunner,
    Step,
)

NUMBERS = range(1, 17)
SENT_ONCE = range(1, 17, 2)
Kind = Literal["one account", "two accounts", "hosts", "several in a call"]
GRACE = ReconciliationPolicy({"high": 2.0, "medium": 4.0, "low": 8.0})
BREAKER = msgspec.structs.replace(BREAKER_POLICY, max_wait=2.0, consecutive_failures=3, retry_budget=RetryBudgetPolicy(0.2, 3, 10.0))
MAX_TURNS = 300  # until all has ended
STEPS = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(PRIORITIES), st.lists(st.sampled_from(NUMBERS) | st.none(), min_size=1, max_size=6)),
    st.tuples(
        st.just("respond"), st.integers(0, CALLS), st.sampled_from([ACCEPTED, MAYBE_SENT, NOT_SENT, BAD_REQUEST, THROTTLED, REJECTED_KEY])
    ),
    st.tuples(st.just("advance"), st.floats(0, 6), st.booleans()),
    st.tuples(st.just("commit"), st.none(), st.none()),
    st.tuples(st.just("redrive"), st.none(), st.none()),
    st.tuples(st.just("set_outage"), st.booleans(), st.none()),
    REBALANCE,
    KILL,
)


def build_numbered(number: int) -> Delivery:
    """A delivery to one of three hosts; each second is sent at most once, each third needs consent."""
    consent = {"consent": "opt_out", "category": "marketing"} if number % 3 == 0 else {}
    return build_delivery(number=number, address=f"a@d{number % 3}.example", at_most_once=number in SENT_ONCE, **consent)


class FullScenarioRunner(ScenarioRunner):
    """A Deliverer of one kind of accounts; `calls` counts what the provider may have sent, by delivery."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.calls = kind, Counter[str]()
        self.redriven: set[tuple[str, int]] = set()
        self.is_outage = False
        super().__init__()

    def build_harness(self) -> DeliveryHarness:
        options = {
            "limits": ConcurrencyLimits(CALLS, FOR_HIGH, CALLS_PER_ACCOUNT),
            "reconciliation": GRACE,
            "breaker": msgspec.structs.replace(BREAKER, leaves=self.kind == "hosts"),
            "waiting": WaitingLimits(3, 100_000),
        }
        match self.kind:
            case "two accounts":
                harness: DeliveryHarness = AccountsHarness(**options)
            case "hosts":
                harness = DeliveryHarness(AccountPerDomain(), **options)
            case "several in a call":
                harness = DeliveryHarness(**{**options, "limits": ConcurrencyLimits(CALLS, FOR_HIGH, CALLS_PER_ACCOUNT, max_per_call=3)})
            case _:
                harness = DeliveryHarness(**options)
        harness.outbox_limit = UNCOMMITTED_ROWS
        for delivery in map(build_numbered, NUMBERS):
            harness.profiles.profiles[delivery.user_id] = Profile(delivery.user_id, True, {"email": [delivery.address]})
        return harness

    async def deliver(self, priority: Priority, numbers: list[int | None]) -> None:
        deliveries = [None if number is None else build_numbered(number) for number in numbers]
        handle = self.harness.build_batch(*[delivery or b"{" for delivery in deliveries], priority=priority)
        await self.read(handle, {delivery.id for delivery in deliveries if delivery})

    async def read(self, handle: FakeBatchHandle, ids: set[str]) -> None:
        self.batches.append((handle, ids))
        await self.harness.run_batches(handle)
        await run_pending_tasks()

    async def redrive(self, *_: object) -> None:
        """Redrive each dead letter once; none of a message that may have been sent and must not be sent twice."""
        for dead_letter in self.harness.dead_letters:
            if dead_letter.delivery_id == "":
                continue
            delivery = msgspec.json.decode(dead_letter.value, type=Delivery)
            key = delivery.id, delivery.redrive_count
            if key in self.redriven or dead_letter.outcome == Outcome.UNKNOWN or delivery.unanswered is not None:
                continue
            self.redriven.add(key)
            redriven = msgspec.structs.replace(
                delivery, redrive_count=delivery.redrive_count + 1, attempt=0, counted_attempts=0, unanswered=None, account=""
            )
            await self.read(self.harness.build_batch(redriven), {delivery.id})

    async def set_outage(self, is_outage: bool, _: object) -> None:
        """Begin or end an outage of PostgreSQL and Redis."""
        self.is_outage = self.harness.history.unavailable = self.harness.profiles.unavailable = is_outage

    async def respond(self, number: int, result: HttpResult) -> None:
        if self.harness.pending_calls:
            index = number % len(self.harness.pending_calls)
            if result in (ACCEPTED, MAYBE_SENT):
                self.calls.update(self.harness.pending_calls[index].delivery_ids)
            self.harness.respond(result, index)
            await run_pending_tasks()

    async def kill(self, *_: object) -> None:
        self.calls.update(delivery_id for call in self.harness.pending_calls for delivery_id in call.delivery_ids)
        await super().kill()
        await self.set_outage(self.is_outage, None)
        await run_pending_tasks()

    async def rebalance(self, results: int, _: object) -> None:
        self.harness.deliverer.on_drain()
        await super().rebalance(results, None)
        await run_pending_tasks()

    async def advance(self, seconds: float, is_twice: object) -> None:
        await super().advance(seconds, is_twice)
        await run_pending_tasks()

    async def run(self, steps: list[Step]) -> None:
        for name, first, second in steps:
            await getattr(self, name)(first, second)
            assert len(self.harness.pending_calls) <= self.harness.deliverer.calls_in_flight <= CALLS
        await self.set_outage(False, None)
        await self.advance(0, False)  # the scheduler reads what has left
        await self.finish()

    async def finish(self) -> None:
        """Accept all until nothing waits any more."""
        turns = 0
        while not all(handle.ack_count for handle, _ in self.batches) or self.scheduler.entries:
            turns += 1
            assert turns < MAX_TURNS, "a delivery waits for ever"
            while self.harness.pending_calls:
                await self.respond(0, ACCEPTED)
            await self.advance(20, False)
            if not self.harness.pending_calls:
                self.harness.commit()
                await run_pending_tasks()


@settings(max_examples=300)
@given(st.sampled_from(["one account", "two accounts", "hosts", "several in a call"]), st.lists(STEPS, max_size=40))
async def test_each_delivery_ends_and_none_is_sent_twice_that_must_not_be(kind: Kind, steps: list[Step]) -> None:
    runner = FullScenarioRunner(kind)
    await runner.run(steps)
    deliverer = runner.harness.deliverer
    assert {event.delivery_id for event in runner.events if event.status is not Status.PENDING} == runner.expected
    assert all(handle.ack_count == 1 for handle, _ in runner.batches)
    assert not deliverer._registry
    assert len(deliverer.waiting_room) == deliverer.calls_in_flight == 0
    assert {number for number in SENT_ONCE if runner.calls[build_numbered(number).id] > 1} == set()
