"""Random results, commits, rebalances, kills and releases: an ordered endpoint gets a user's deliveries in their order, and each ends."""

from collections import Counter
from collections.abc import Iterable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.endpoint_order import OrderedEndpoints
from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits, WaitingLimits
from schemas.enums import Reason, Status
from schemas.scheduled import Reschedule, Scheduled, ScheduledRecord
from tests.delivery_builders import NOW, build_delivery
from tests.memory_streaming import MemoryTable
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, DeliveryHarness
from tests.unit.agents.delivery.test_invariants import CALLS, CALLS_PER_ACCOUNT, FOR_HIGH, FakeScheduler, ScenarioRunner, Step

USERS = ("u-1", "u-2")
TABLE = MemoryTable("endpoint_order")
SURVIVORS = (frozenset[str](), frozenset({"attempts"}), frozenset({"endpoint_order"}))
ARRIVE = st.tuples(st.just("arrive"), st.lists(st.sampled_from(USERS), min_size=1, max_size=4), st.sampled_from([30.0, 3600.0]))
OTHER_STEPS = st.one_of(
    st.tuples(st.just("respond"), st.integers(0, CALLS), st.sampled_from([ACCEPTED, MAYBE_SENT, NOT_SENT, BAD_REQUEST])),
    st.tuples(st.just("advance"), st.floats(0, 20), st.booleans()),
    st.tuples(st.just("cancel"), st.integers(0, 20), st.none()),
    st.tuples(st.just("commit"), st.none(), st.none()),
)
REBALANCE = st.tuples(st.just("rebalance"), st.integers(0, CALLS), st.none())
KILL = st.tuples(st.just("cut"), st.sampled_from(SURVIVORS), st.none())


class OrderedScheduler(FakeScheduler):
    """It also moves entries when a worker asks for it."""

    def follow(self, records: list[ScheduledRecord]) -> None:
        for record in records[self.read_count :]:
            if isinstance(record, Scheduled):
                existing = self.entries.get(record.id)
                if existing is None or existing.resume_count < record.resume_count:
                    self.entries[record.id] = record
            elif isinstance(record, Reschedule) and (entry := self.entries.get(record.id)) is not None:
                count = entry.resume_count + 1
                self.entries[record.id] = msgspec.structs.replace(entry, due_at=record.due_at, resume_count=count)
        self.read_count = len(records)


class OrderedRunner(ScenarioRunner):
    """A worker with ordered deliveries of two users; each has an endpoint of its own, which is the same account."""

    def __init__(self, window: int, max_entries: int, room: int) -> None:
        self.window, self.max_entries, self.room = window, max_entries, room
        self.decided: dict[str, list[str]] = {user_id: [] for user_id in USERS}
        self.called: dict[str, list[str]] = {user_id: [] for user_id in USERS}  # by the first call of each
        super().__init__()
        self.scheduler: OrderedScheduler = OrderedScheduler()

    def build_harness(self) -> DeliveryHarness:
        harness = DeliveryHarness(
            limits=ConcurrencyLimits(CALLS, FOR_HIGH, CALLS_PER_ACCOUNT), waiting=WaitingLimits(self.room, max_bytes=1_000_000)
        )
        harness.deliverer.keep_order(OrderedEndpoints(TABLE, self.window, self.max_entries), harness)
        return harness

    async def arrive(self, users: list[str], lifetime: float) -> None:
        deliveries = [self.build_next(user_id, lifetime) for user_id in users]
        handle = self.harness.build_batch(*deliveries)
        self.batches.append((handle, {one.id for one in deliveries}))
        await self.harness.run_batches(handle)

    def build_next(self, user_id: str, lifetime: float) -> Delivery:
        number = 1 + sum(map(len, self.decided.values()))
        expires_at = self.harness.now + lifetime
        delivery = build_delivery(number=number, user_id=user_id, endpoint_id="whe_1", is_ordered=True, expires_at=expires_at)
        self.decided[user_id].append(delivery.id)
        return delivery

    async def advance(self, seconds: float, is_twice: object) -> None:
        self.harness.advance_clock(seconds)
        self.scheduler.follow(self.harness.scheduled_records)
        for entry in self.scheduler.release(self.harness.now):
            for _ in range(2 if is_twice else 1):
                self.batches.append((await self.harness.run_retry(entry), {entry.id}))

    async def cancel(self, number: int, _: object) -> None:
        """Cancel one of the entries; the scheduler gives its record back."""
        self.scheduler.follow(self.harness.scheduled_records)
        if waiting := list(self.scheduler.entries):
            entry = self.scheduler.entries.pop(waiting[number % len(waiting)])
            cancelled = {**msgspec.json.decode(bytes(entry.payload)), "is_cancelled": True}
            handle = self.harness.build_batch(msgspec.json.decode(msgspec.json.encode(cancelled), type=Delivery))
            self.batches.append((handle, {entry.id}))
            await self.harness.run_batches(handle)

    async def cut(self, survivors: Iterable[str], _: object) -> None:
        """Kill the worker when only the rows of these tables are written."""
        staged = [callback for _, callback in self.harness._uncommitted]
        before = {"attempts": dict(self.harness.rows), "endpoint_order": dict(self.harness.rows_of)}
        for callback in staged:
            if getattr(callback, "__name__", "") == "<lambda>":  # a row; the others would acknowledge batches
                callback()
        if "attempts" not in survivors:
            self.harness.rows = before["attempts"]  # type: ignore[assignment]
        if "endpoint_order" not in survivors:
            self.harness.rows_of = before["endpoint_order"]  # type: ignore[assignment]
        rows_of = self.harness.rows_of
        original = self.build_harness

        def build_with_rows() -> DeliveryHarness:
            harness = original()
            harness.rows_of, harness.pending_rows_of = dict(rows_of), dict(rows_of)
            return harness

        self.build_harness = build_with_rows  # type: ignore[method-assign]
        await self.kill()
        self.build_harness = original  # type: ignore[method-assign]

    def check_calls(self) -> None:
        """One call in flight for each user."""
        users = Counter(self.find_user(delivery_id) for delivery_id in self.harness.called_ids)
        assert set(users.values()) <= {1}

    def find_user(self, delivery_id: str) -> str:
        return next(user_id for user_id, ids in self.decided.items() if delivery_id in ids)

    async def run(self, steps: list[Step]) -> None:
        for name, first, second in steps:
            await getattr(self, name)(first, second)
            self.check_calls()
        await self.finish()

    async def finish(self) -> None:
        """Let the calls be accepted until nothing is left; by more than a minute at a time when nothing happens."""
        while self.is_busy():
            while self.harness.pending_calls:
                self.harness.respond(ACCEPTED)
                self.check_calls()
            produced = len(self.harness.produced)
            await self.advance(1, False)
            if len(self.harness.produced) == produced:
                await self.advance(100, False)
            if not self.harness.pending_calls:
                self.harness.commit()

    def is_busy(self) -> bool:
        self.scheduler.follow(self.harness.scheduled_records)
        return bool(self.scheduler.entries) or not all(handle.ack_count for handle, _ in self.batches)

    def list_first_calls(self, user_id: str) -> list[str]:
        """The deliveries of a user in the order of their first attempts."""
        attempted = [event.delivery_id for event in self.events if event.outcome]
        return [one for one in dict.fromkeys(attempted) if one in self.decided[user_id]]


RUNNERS = st.builds(OrderedRunner, window=st.integers(1, 3), max_entries=st.sampled_from([3, 100]), room=st.integers(0, 2))


def check_all_ended_in_order(runner: OrderedRunner) -> None:
    ended = {event.delivery_id for event in runner.events if event.status is not Status.PENDING}
    assert ended == {one for ids in runner.decided.values() for one in ids}
    assert all(handle.ack_count == 1 for handle, _ in runner.batches)
    for user_id, ids in runner.decided.items():
        called = runner.list_first_calls(user_id)
        assert called == [one for one in ids if one in called]
    assert runner.harness.deliverer._reader.order is not None
    assert runner.harness.deliverer._reader.order._lines == {}
    assert len(runner.harness.deliverer.waiting_room) == 0


@settings(max_examples=60, deadline=None)
@given(RUNNERS, st.lists(st.one_of(ARRIVE, OTHER_STEPS), max_size=40))
async def test_each_ends_once_and_in_order(runner: OrderedRunner, steps: list[Step]) -> None:
    await runner.run(steps)
    check_all_ended_in_order(runner)
    finals = Counter(event.delivery_id for event in runner.events if event.status is not Status.PENDING)
    assert set(finals.values()) <= {1}
    dead = [one.delivery_id for one in runner.harness.dead_letters if one.reason == Reason.ENDPOINT_QUEUE_FULL]
    assert not dead or runner.max_entries == 3


@settings(max_examples=150, deadline=None)
@given(RUNNERS, st.lists(st.one_of(ARRIVE, OTHER_STEPS, REBALANCE, KILL), max_size=40))
async def test_each_ends_and_is_called_first_in_order_whatever_the_workers_go_through(runner: OrderedRunner, steps: list[Step]) -> None:
    await runner.run(steps)
    check_all_ended_in_order(runner)
    assert runner.harness.now < NOW + 40 * 20 + 2 * 3600 + 60  # none waited longer than until the one before it had expired
