"""Any order of batches, answers, pauses, commits and losses: each delivery ends once, each batch is acknowledged, the bounds hold."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.policies import CallLimits
from schemas.topics import deliveries
from schemas.words import LANES, Lane, StatusName
from tests.deliveries import NOW, a_delivery
from tests.unit.agents.delivery.world import ACCEPTED, MAYBE_SENT, NOT_SENT, REFUSED, THROTTLED, Held, World

CALLS, FOR_HIGH = 4, 1
NUMBERS = st.integers(1, 12)
STEPS = st.one_of(
    st.tuples(st.just("batch"), st.sampled_from(LANES), st.lists(NUMBERS | st.none(), min_size=1, max_size=4)),
    st.tuples(st.just("answer"), st.integers(0, CALLS), st.sampled_from([ACCEPTED, MAYBE_SENT, NOT_SENT, REFUSED, THROTTLED])),
    st.tuples(st.just("advance"), st.floats(0, 3), st.none()),
    st.tuples(st.just("commit"), st.none(), st.none()),
    st.tuples(st.just("rebalance"), st.none(), st.none()),
)


class Run:
    """A world under random steps, with every batch that it was ever given."""

    def __init__(self) -> None:
        self.world = World(limits=CallLimits(CALLS, FOR_HIGH, CALLS))
        self.given: list[tuple[Held, set[str]]] = []
        self.rebalances = 0

    async def batch(self, lane: Lane, numbers: list[int | None]) -> None:
        held = self.world.batch(*[b"{" if number is None else a_delivery(number=number) for number in numbers], lane=lane)
        self.given.append((held, {a_delivery(number=number).id for number in numbers if number is not None}))
        assert held.batch.topic == deliveries("email", lane)
        await self.world.take(held)

    async def rebalance(self, *_: object) -> None:
        """All partitions go and come back; what was not acknowledged is given again."""
        self.rebalances += 1
        self.world.deliverer.lost({3})
        self.world.lose()
        again = [(Held(held.batch), ids) for held, ids in self.given if not held.acked]
        self.given = [(held, ids) for held, ids in self.given if held.acked] + again
        await self.world.take(*[held for held, _ in again])

    async def answer(self, number: int, answer: object) -> None:
        if self.world.calls:
            self.world.answer(answer, number % len(self.world.calls))  # type: ignore[arg-type]

    async def advance(self, seconds: float, _: object) -> None:
        self.world.advance(seconds)

    async def commit(self, *_: object) -> None:
        self.world.commit()

    async def finish(self) -> None:
        while not all(held.acked for held, _ in self.given):
            while self.world.calls:
                self.world.answer(ACCEPTED)
            self.world.advance(20)
            if not self.world.calls:
                self.world.commit()


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=40))
async def test_each_delivery_ends_once_and_each_batch_is_acknowledged(steps: list[tuple[str, object, object]]) -> None:
    run = Run()
    for name, first, second in steps:
        await getattr(run, name)(first, second)
        assert len(run.world.calls) == run.world.deliverer.calls_in_flight <= CALLS
    await run.finish()
    world = run.world
    wanted = set().union(*[ids for _, ids in run.given]) if run.given else set()
    finals = Counter(event.delivery_id for event in world.events if event.status is not StatusName.PENDING)
    assert set(finals) == wanted
    assert run.rebalances or set(finals.values()) <= {1}
    assert all(held.acked == 1 for held, _ in run.given)
    accepted = Counter(event.delivery_id for event in world.events if event.status is StatusName.SENT)
    assert len({key for _, key in world.rows}) == len(wanted)
    assert not world.deliverer._under_way
    assert not world.deliverer._calls._accounts
    assert accepted.keys() <= wanted


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=40))
async def test_nothing_is_sent_again_that_was_accepted_even_over_rebalances(steps: list[tuple[str, object, object]]) -> None:
    run = Run()
    for name, first, second in steps:
        await getattr(run, name)(first, ACCEPTED if name == "answer" else second)
    await run.finish()
    assert set(Counter(call.delivery_id for call in run.world.asked).values()) <= {1}
    assert run.world.now >= NOW
