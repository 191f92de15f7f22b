"""Any order of batches, answers, pauses, commits and losses: each delivery ends once, each batch is acknowledged, the bounds hold."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import PRIORITIES, Priority, Status
from schemas.topics import get_deliveries_topic
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, THROTTLED, DeliveryHarness, FakeBatchHandle

CALLS, FOR_HIGH = 4, 1
NUMBERS = st.integers(1, 12)
STEPS = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(PRIORITIES), st.lists(NUMBERS | st.none(), min_size=1, max_size=4)),
    st.tuples(st.just("answer"), st.integers(0, CALLS), st.sampled_from([ACCEPTED, MAYBE_SENT, NOT_SENT, BAD_REQUEST, THROTTLED])),
    st.tuples(st.just("advance"), st.floats(0, 3), st.none()),
    st.tuples(st.just("commit"), st.none(), st.none()),
    st.tuples(st.just("rebalance"), st.none(), st.none()),
)


class ScenarioRunner:
    """A world under random steps, with every batch that it was ever given."""

    def __init__(self) -> None:
        self.harness = DeliveryHarness(limits=ConcurrencyLimits(CALLS, FOR_HIGH, CALLS))
        self.batches: list[tuple[FakeBatchHandle, set[str]]] = []
        self.rebalances = 0

    async def deliver(self, priority: Priority, numbers: list[int | None]) -> None:
        held = self.harness.build_batch(
            *[b"{" if number is None else build_delivery(number=number) for number in numbers], priority=priority
        )
        self.batches.append((held, {build_delivery(number=number).id for number in numbers if number is not None}))
        assert held.batch.topic == get_deliveries_topic("email", priority)
        await self.harness.run_batches(held)

    async def rebalance(self, *_: object) -> None:
        """All partitions go and come back; what was not acknowledged is given again."""
        self.rebalances += 1
        self.harness.deliverer.on_partitions_revoked({3})
        self.harness.drop_uncommitted()
        again = [(FakeBatchHandle(held.batch), ids) for held, ids in self.batches if not held.ack_count]
        self.batches = [(held, ids) for held, ids in self.batches if held.ack_count] + again
        await self.harness.run_batches(*[held for held, _ in again])

    async def answer(self, number: int, answer: object) -> None:
        if self.harness.pending_calls:
            self.harness.respond(answer, number % len(self.harness.pending_calls))  # type: ignore[arg-type]

    async def advance(self, seconds: float, _: object) -> None:
        self.harness.advance_clock(seconds)

    async def commit(self, *_: object) -> None:
        self.harness.commit()

    async def finish(self) -> None:
        while not all(held.ack_count for held, _ in self.batches):
            while self.harness.pending_calls:
                self.harness.respond(ACCEPTED)
            self.harness.advance_clock(20)
            if not self.harness.pending_calls:
                self.harness.commit()


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=40))
async def test_each_delivery_ends_once_and_each_batch_is_acknowledged(steps: list[tuple[str, object, object]]) -> None:
    run = ScenarioRunner()
    for name, first, second in steps:
        await getattr(run, name)(first, second)
        assert len(run.harness.pending_calls) == run.harness.deliverer.calls_in_flight <= CALLS
    await run.finish()
    world = run.harness
    wanted = set().union(*[ids for _, ids in run.batches]) if run.batches else set()
    finals = Counter(event.delivery_id for event in world.status_events if event.status is not Status.PENDING)
    assert set(finals) == wanted
    assert run.rebalances or set(finals.values()) <= {1}
    assert all(held.ack_count == 1 for held, _ in run.batches)
    accepted = Counter(event.delivery_id for event in world.status_events if event.status is Status.SENT)
    assert len({key for _, key in world.rows}) == len(wanted)
    assert not world.deliverer._in_flight
    assert not world.deliverer._limiter._accounts
    assert accepted.keys() <= wanted


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=40))
async def test_nothing_is_sent_again_that_was_accepted_even_over_rebalances(steps: list[tuple[str, object, object]]) -> None:
    run = ScenarioRunner()
    for name, first, second in steps:
        await getattr(run, name)(first, ACCEPTED if name == "answer" else second)
    await run.finish()
    assert set(Counter(call.delivery_id for call in run.harness.all_calls).values()) <= {1}
    assert run.harness.now >= NOW
