"""Random sequences of batches, results, delays, commits and rebalances: each delivery ends once, each batch is acknowledged."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import PRIORITIES, Priority, Status
from schemas.topics import get_deliveries_topic
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, THROTTLED, DeliveryHarness, FakeBatchHandle

CALLS, FOR_HIGH, CALLS_PER_ACCOUNT, UNCOMMITTED_ROWS = 4, 1, 3, 2
NUMBERS = st.integers(1, 12)
STEPS = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(PRIORITIES), st.lists(NUMBERS | st.none(), min_size=1, max_size=4)),
    st.tuples(st.just("respond"), st.integers(0, CALLS), st.sampled_from([ACCEPTED, MAYBE_SENT, NOT_SENT, BAD_REQUEST, THROTTLED])),
    st.tuples(st.just("advance"), st.floats(0, 3), st.none()),
    st.tuples(st.just("commit"), st.none(), st.none()),
    st.tuples(st.just("rebalance"), st.integers(0, CALLS), st.none()),
)


class ScenarioRunner:
    """A Deliverer under random steps, with all its batches."""

    def __init__(self) -> None:
        self.harness = DeliveryHarness(limits=ConcurrencyLimits(CALLS, FOR_HIGH, CALLS_PER_ACCOUNT))
        self.harness.outbox_limit = UNCOMMITTED_ROWS
        self.batches: list[tuple[FakeBatchHandle, set[str]]] = []
        self.rebalances = 0

    async def deliver(self, priority: Priority, numbers: list[int | None]) -> None:
        handle = self.harness.build_batch(
            *[b"{" if number is None else build_delivery(number=number) for number in numbers], priority=priority
        )
        self.batches.append((handle, {build_delivery(number=number).id for number in numbers if number is not None}))
        assert handle.batch.topic == get_deliveries_topic("email", priority)
        await self.harness.run_batches(handle)

    async def rebalance(self, results: int, _: object) -> None:
        """Revoke and assign all partitions, with so many results in between; unacknowledged batches are read again."""
        self.rebalances += 1
        self.harness.deliverer.on_partitions_revoked({3})
        for _ in range(min(results, len(self.harness.pending_calls))):
            self.harness.respond(NOT_SENT)
        self.harness.drop_uncommitted()
        redelivered = [(handle.reread(), ids) for handle, ids in self.batches if not handle.ack_count]
        self.batches = [(handle, ids) for handle, ids in self.batches if handle.ack_count] + redelivered
        await self.harness.run_batches(*[handle for handle, _ in redelivered])

    async def respond(self, number: int, result: object) -> None:
        if self.harness.pending_calls:
            self.harness.respond(result, number % len(self.harness.pending_calls))  # type: ignore[arg-type]

    async def advance(self, seconds: float, _: object) -> None:
        self.harness.advance_clock(seconds)

    async def commit(self, *_: object) -> None:
        self.harness.commit()

    async def finish(self) -> None:
        while not all(handle.ack_count for handle, _ in self.batches):
            while self.harness.pending_calls:
                self.harness.respond(ACCEPTED)
            self.harness.advance_clock(20)
            if not self.harness.pending_calls:
                self.harness.commit()


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=40))
async def test_each_delivery_ends_once_and_each_batch_is_acknowledged(steps: list[tuple[str, object, object]]) -> None:
    runner = ScenarioRunner()
    for name, first, second in steps:
        await getattr(runner, name)(first, second)
        assert len(runner.harness.pending_calls) == runner.harness.deliverer.calls_in_flight <= CALLS
    await runner.finish()
    harness = runner.harness
    expected = set().union(*[ids for _, ids in runner.batches]) if runner.batches else set()
    assert len([event for event in harness.status_events if event.outcome]) == len(harness.observed_attempts) == len(harness.all_calls)
    finals = Counter(event.delivery_id for event in harness.status_events if event.status is not Status.PENDING)
    assert set(finals) == expected
    assert runner.rebalances or set(finals.values()) <= {1}
    assert all(handle.ack_count == 1 for handle, _ in runner.batches)
    accepted = Counter(event.delivery_id for event in harness.status_events if event.status is Status.SENT)
    assert len({key for _, key in harness.rows}) == len(expected)
    assert not harness.deliverer._registry
    assert not harness.deliverer._limiter._accounts
    assert accepted.keys() <= expected


@settings(max_examples=100)
@given(st.lists(STEPS, max_size=40))
async def test_no_accepted_delivery_is_sent_again_even_after_rebalances(steps: list[tuple[str, object, object]]) -> None:
    runner = ScenarioRunner()
    for name, first, second in steps:
        await getattr(runner, name)(0 if name == "rebalance" else first, ACCEPTED if name == "respond" else second)
    await runner.finish()
    assert set(Counter(call.delivery_id for call in runner.harness.all_calls).values()) <= {1}
    assert runner.harness.now >= NOW
