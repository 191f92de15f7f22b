"""Random sequences of batches, results, releases, commits, rebalances and kills: each delivery ends, each batch is acknowledged."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.attempt_records import HANDED_OVER_AGAIN
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import PRIORITIES, Priority, Status
from schemas.events import StatusEvent
from schemas.http import HttpResult
from schemas.scheduled import Scheduled
from schemas.topics import get_deliveries_topic
from tables.attempts import NextAction, decode_row, encode_key
from tests.delivery_builders import build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, THROTTLED, DeliveryHarness, FakeBatchHandle

CALLS, FOR_HIGH, CALLS_PER_ACCOUNT, UNCOMMITTED_ROWS = 4, 1, 3, 2
NUMBERS = st.integers(1, 12)
DELIVER = st.tuples(st.just("deliver"), st.sampled_from(PRIORITIES), st.lists(NUMBERS | st.none(), min_size=1, max_size=4))
OTHER_STEPS = st.one_of(
    st.tuples(st.just("respond"), st.integers(0, CALLS), st.sampled_from([ACCEPTED, MAYBE_SENT, NOT_SENT, BAD_REQUEST, THROTTLED])),
    st.tuples(st.just("advance"), st.floats(0, 3), st.booleans()),
    st.tuples(st.just("commit"), st.none(), st.none()),
)
REBALANCE = st.tuples(st.just("rebalance"), st.integers(0, CALLS), st.none())
KILL = st.tuples(st.just("kill"), st.none(), st.none())
CANCEL = st.tuples(st.just("cancel"), NUMBERS, st.none())
Step = tuple[str, object, object]


class FakeScheduler:
    """Holds the entry with the greatest resume count of each delivery, as the scheduler does, and releases it when it is due.

    One that was cancelled is not stored again.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Scheduled] = {}
        self.cancelled: set[str] = set()
        self.read_count = 0

    def read(self, entries: list[Scheduled]) -> None:
        for entry in entries[self.read_count :]:
            existing = self.entries.get(entry.id)
            if entry.id not in self.cancelled and (existing is None or existing.resume_count < entry.resume_count):
                self.entries[entry.id] = entry
        self.read_count = len(entries)

    def release(self, now: float) -> list[Scheduled]:
        due = [entry for entry in self.entries.values() if entry.due_at <= now]
        self.entries = {entry.id: entry for entry in self.entries.values() if entry.due_at > now}
        return due


def has_ended(harness: DeliveryHarness, delivery_id: str) -> bool:
    """Whether the end of a delivery is committed."""
    row = harness.rows.get((3, encode_key(delivery_id)))
    return row is not None and decode_row(row).next_action is not NextAction.RETRY


class ScenarioRunner:
    """A Deliverer under random steps, with all its batches and a scheduler; a kill replaces the Deliverer."""

    def __init__(self) -> None:
        self.batches: list[tuple[FakeBatchHandle, set[str]]] = []
        self.scheduler = FakeScheduler()
        self.rebalances = self.calls_before = self.attempts_before = 0
        self.killed: list[DeliveryHarness] = []
        self.calls_at_cancel: dict[str, int] = {}
        self.calls_lost: Counter[str] = Counter()  # at kills: in flight, or accepted without a committed row
        self.harness = self.build_harness()

    def build_harness(self) -> DeliveryHarness:
        harness = DeliveryHarness(limits=ConcurrencyLimits(CALLS, FOR_HIGH, CALLS_PER_ACCOUNT))
        harness.outbox_limit = UNCOMMITTED_ROWS
        return harness

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
        await self.read_again()

    async def kill(self, *_: object) -> None:
        """Kill the worker between outputs and rows; another one reads the unacknowledged batches."""
        killed = self.harness
        self.killed.append(killed)
        sent = {event.delivery_id for event in killed.status_events if event.status is Status.SENT}
        self.calls_lost.update({*killed.called_ids, *(delivery_id for delivery_id in sent if not has_ended(killed, delivery_id))})
        self.calls_before += len(killed.all_calls) - len(killed.pending_calls)
        self.attempts_before += len(killed.observed_attempts)
        self.harness = self.build_harness()
        self.harness.rows, self.harness.produced, self.harness.now = dict(killed.rows), list(killed.produced), killed.now
        self.harness._last_offset = killed._last_offset
        await self.read_again()

    async def read_again(self) -> None:
        redelivered = [(handle.reread(), ids) for handle, ids in self.batches if not handle.ack_count]
        self.batches = [(handle, ids) for handle, ids in self.batches if handle.ack_count] + redelivered
        await self.harness.run_batches(*[handle for handle, _ in redelivered])

    async def respond(self, number: int, result: HttpResult) -> None:
        if self.harness.pending_calls:
            self.harness.respond(result, number % len(self.harness.pending_calls))

    async def advance(self, seconds: float, is_twice: object) -> None:
        """Advance the clock, and release what is due; twice, if the scheduler is killed between outputs and rows."""
        self.harness.advance_clock(seconds)
        self.scheduler.read(self.harness.scheduled)
        for entry in self.scheduler.release(self.harness.now):
            for _ in range(2 if is_twice else 1):
                self.batches.append((await self.harness.run_retry(entry), {entry.id}))

    async def cancel(self, number: int, _: object) -> None:
        """Cancel an entry that is not released yet."""
        self.scheduler.read(self.harness.scheduled)
        if ids := [*self.scheduler.entries]:
            delivery_id = ids[number % len(ids)]
            del self.scheduler.entries[delivery_id]
            self.scheduler.cancelled.add(delivery_id)
            self.calls_at_cancel[delivery_id] = self.count_calls(delivery_id)

    def count_calls(self, delivery_id: str) -> int:
        """The calls for a delivery, by all workers."""
        return sum(call.delivery_id == delivery_id for harness in (*self.killed, self.harness) for call in harness.all_calls)

    async def commit(self, *_: object) -> None:
        self.harness.commit()

    async def finish(self) -> None:
        while not all(handle.ack_count for handle, _ in self.batches) or self.scheduler.entries:
            while self.harness.pending_calls:
                self.harness.respond(ACCEPTED)
            await self.advance(20, False)
            if not self.harness.pending_calls:
                self.harness.commit()

    async def run(self, steps: list[Step]) -> None:
        for name, first, second in steps:
            await getattr(self, name)(first, second)
            assert len(self.harness.pending_calls) == self.harness.deliverer.calls_in_flight <= CALLS
        await self.advance(0, False)
        await self.finish()

    @property
    def events(self) -> list[StatusEvent]:
        return self.harness.status_events

    @property
    def expected(self) -> set[str]:
        return set().union(*[ids for _, ids in self.batches]) if self.batches else set()


@settings(max_examples=300)
@given(st.lists(st.one_of(DELIVER, OTHER_STEPS, REBALANCE, KILL), max_size=40))
async def test_each_delivery_ends_and_each_batch_is_acknowledged(steps: list[Step]) -> None:
    runner = ScenarioRunner()
    await runner.run(steps)
    harness = runner.harness
    attempts = [event for event in runner.events if event.outcome]
    repeated = sum(event.detail == HANDED_OVER_AGAIN for event in attempts)  # without a call
    assert len(attempts) == len(harness.observed_attempts) + runner.attempts_before
    assert len(attempts) - repeated == len(harness.all_calls) + runner.calls_before
    assert {event.delivery_id for event in runner.events if event.status is not Status.PENDING} == runner.expected
    assert all(handle.ack_count == 1 for handle, _ in runner.batches)
    assert len({key for _, key in harness.rows}) == len(runner.expected)
    assert not harness.deliverer._registry
    assert not harness.deliverer._limiter._accounts


@settings(max_examples=300)
@given(st.lists(st.one_of(DELIVER, OTHER_STEPS), max_size=40))
async def test_without_a_rebalance_or_kill_each_delivery_ends_once_whatever_is_released_twice(steps: list[Step]) -> None:
    runner = ScenarioRunner()
    await runner.run(steps)
    finals = Counter(event.delivery_id for event in runner.events if event.status is not Status.PENDING)
    assert set(finals.values()) <= {1}
    attempts = Counter((event.delivery_id, event.attempt) for event in runner.events)
    assert set(attempts.values()) <= {1}


@settings(max_examples=300)
@given(st.lists(st.one_of(DELIVER, OTHER_STEPS, KILL), max_size=40))
async def test_a_kill_repeats_no_more_than_the_calls_that_were_not_committed(steps: list[Step]) -> None:
    runner = ScenarioRunner()
    await runner.run(steps)
    accepted = Counter(event.delivery_id for event in runner.events if event.status is Status.SENT)
    assert all(count <= 1 + runner.calls_lost[delivery_id] for delivery_id, count in accepted.items())


@settings(max_examples=100)
@given(st.lists(st.one_of(DELIVER, OTHER_STEPS, REBALANCE), max_size=40))
async def test_no_accepted_delivery_is_sent_again_even_after_rebalances(steps: list[Step]) -> None:
    runner = ScenarioRunner()
    await runner.run([(name, 0 if name == "rebalance" else first, ACCEPTED if name == "respond" else last) for name, first, last in steps])
    assert set(Counter(call.delivery_id for call in runner.harness.all_calls).values()) <= {1}


@settings(max_examples=300)
@given(st.lists(st.one_of(DELIVER, OTHER_STEPS, CANCEL, KILL), max_size=40))
async def test_no_call_begins_for_a_retry_that_was_cancelled_whatever_is_killed(steps: list[Step]) -> None:
    runner = ScenarioRunner()
    await runner.run(steps)
    assert {delivery_id: runner.count_calls(delivery_id) for delivery_id in runner.calls_at_cancel} == runner.calls_at_cancel
