"""Random hand-overs of the partitions: a drain ends, waits for each call that begins, and the next worker makes none of them again."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.consent_checks import RETRY_SECONDS
from schemas.consent import MAX_CONSENT_AGE
from schemas.enums import PRIORITIES, Reason, Status
from schemas.http import HttpResponse, HttpResult
from schemas.profile import Profile
from tests.delivery_builders import build_delivery
from tests.fakes import run_pending_tasks
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, NOT_SENT, THROTTLED, DeliveryHarness, FakeBatchHandle
from tests.unit.agents.delivery.test_account_breakers import REJECTED_KEY
from tests.unit.agents.delivery.test_invariants import CALLS, Step
from tests.unit.agents.delivery.test_scenarios import GRACE, KINDS, NUMBERS, FullScenarioRunner, Kind

MAX_DRAIN_TURNS = 100
RESULTS = st.sampled_from([ACCEPTED, ACCEPTED, NOT_SENT, BAD_REQUEST, THROTTLED, REJECTED_KEY])
STEPS = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(PRIORITIES), st.lists(st.sampled_from(NUMBERS) | st.none(), min_size=1, max_size=6)),
    st.tuples(st.just("respond"), st.integers(0, CALLS), RESULTS),
    st.tuples(st.just("advance"), st.floats(0, 6), st.just(value=False)),
    st.tuples(st.just("commit"), st.none(), st.none()),
    st.tuples(st.just("set_outage"), st.booleans(), st.none()),
    st.tuples(st.just("hand_over"), st.lists(RESULTS, max_size=4), st.tuples(st.integers(0, 4), st.sampled_from([0.05, 2.5]))),
)


class HandOverRunner(FullScenarioRunner):
    """`accepted` counts the calls that the provider accepted, by delivery."""

    def __init__(self, kind: Kind) -> None:
        self.accepted = Counter[str]()
        super().__init__(kind)

    async def respond(self, number: int, result: HttpResult) -> None:
        if result == ACCEPTED and self.harness.pending_calls:
            self.accepted.update(self.harness.pending_calls[number % len(self.harness.pending_calls)].delivery_ids)
        await super().respond(number, result)

    async def hand_over(self, results: list[HttpResponse], times: tuple[int, float]) -> None:
        """Drain, as before a stop; after so many turns no call may begin any more. Another worker then reads what is unacknowledged.

        The second of `times` are the seconds between two commits: a commit may take longer than a consent may be old.
        """
        worker, (turns_until_stop, seconds) = self.worker, times
        worker.generation += 1
        worker.deliverer.on_drain()
        if worker.rates is not None:
            worker.rates.begin_drain()
        await run_pending_tasks()
        turns = 0
        while any(handle.is_awaited for handle, _ in self.batches):
            assert turns < MAX_DRAIN_TURNS, "the drain does not end"
            if turns == turns_until_stop:
                worker.deliverer.begin_stop()
            if turns % 2 == 0 and worker.pending_calls:
                await self.respond(turns, results[turns % len(results)] if results and turns < CALLS else ACCEPTED)
            elif turns % 3 == 1:
                self.harness.commit()
            else:
                worker.advance_clock(seconds)
            await run_pending_tasks()
            turns += 1
        assert not worker.pending_calls, "a call began for which the drain did not wait"
        await self.kill()


@settings(max_examples=300)
@given(KINDS, st.lists(STEPS, max_size=30))
async def test_a_drain_waits_for_each_call_and_no_worker_after_it_makes_it_again(kind: Kind, steps: list[Step]) -> None:
    runner = HandOverRunner(kind)
    await runner.run(steps)
    assert {delivery_id for delivery_id, count in runner.accepted.items() if count > 1} == set()
    assert {event.delivery_id for event in runner.events if event.status is not Status.PENDING} == runner.expected
    assert all(handle.ack_count == 1 for handle, _ in runner.batches)
    assert Reason.UNKNOWN not in {event.reason for event in runner.events}, "each call has its result, but one that was not made does not"
    runner.worker.cancel()


async def begin_slow_commit(harness: DeliveryHarness) -> FakeBatchHandle:
    """A delivery that is sent at most once, and whose row is not durable before its consent is too old; that of another is not known."""
    late, unknown = (build_delivery(number=number, at_most_once=True, consent="opt_out", category="marketing") for number in (1, 2))
    harness.profiles.profiles["u-1"] = Profile("u-1", addresses={"email": [late.address]})
    harness.profiles.profiles["u-2"] = Profile("u-2", consent_known=False)
    handle = harness.build_batch(late, unknown)
    await harness.run_batches(handle)
    await run_pending_tasks()
    harness.deliverer.on_drain()
    assert handle.release_count == 0, "a call may begin"
    harness.advance_clock(MAX_CONSENT_AGE + 0.5)
    return handle


async def settle(harness: DeliveryHarness) -> None:
    """Commit twice what is to be committed."""
    for _ in range(2):
        harness.commit()
        await run_pending_tasks()


@pytest.mark.parametrize("is_outage", [False, True])
async def test_a_row_is_withdrawn_if_the_consent_is_too_old_when_it_is_durable(*, is_outage: bool) -> None:
    harness = DeliveryHarness(reconciliation=GRACE)
    handle = await begin_slow_commit(harness)
    harness.profiles.unavailable = is_outage
    await settle(harness)
    assert (handle.release_count, harness.all_calls, list(harness.rows.values())) == (1, [], [None])
    harness.deliverer.on_partitions_revoked([3])
    harness.profiles.unavailable = False
    await harness.run_batches(handle.reread())
    harness.advance_clock(RETRY_SECONDS)
    await run_pending_tasks()
    await settle(harness)
    harness.respond(ACCEPTED)
    assert [(event.delivery_id, event.status) for event in harness.status_events] == [(build_delivery().id, Status.SENT)]


async def read_in_drain(harness: DeliveryHarness) -> FakeBatchHandle:
    """A batch that was being read ahead when the drain began; the account has rejected its key."""
    await harness.run_batches(harness.build_batch(build_delivery(number=1)))
    harness.respond(REJECTED_KEY)
    harness.deliverer.on_drain()
    handle = harness.build_batch(build_delivery(number=2))
    handle.hold()
    return handle


async def test_a_drain_does_not_wait_for_a_batch_that_comes_late_for_a_closed_account() -> None:
    harness = DeliveryHarness()
    handle = await read_in_drain(harness)
    await harness.run_batches(handle)
    harness.commit()
    assert (handle.is_awaited, harness.pending_calls) == (False, [])


async def test_a_stop_does_not_wait_for_a_batch_that_comes_late() -> None:
    harness = DeliveryHarness()
    handle = harness.build_batch(build_delivery())
    handle.hold()
    harness.deliverer.on_drain()
    harness.deliverer.begin_stop()
    await harness.run_batches(handle)
    assert (handle.is_awaited, harness.pending_calls) == (False, [])


async def test_without_a_drain_a_batch_for_a_closed_account_stays() -> None:
    harness = DeliveryHarness()
    handle = await read_in_drain(harness)
    harness.deliverer.on_partitions_revoked([])
    await harness.run_batches(handle)
    harness.commit()
    assert handle.is_awaited
