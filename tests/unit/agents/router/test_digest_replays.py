"""Every notification is in exactly one message, whatever is lost in a crash, read again, released twice, moved or cancelled."""

import random
from asyncio import Future, get_running_loop
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.policy import DigestPolicy, Policy, Rule, Template
from schemas.ports import Batch, Outbox, Table, TableRows
from schemas.scheduled import Reschedule, Scheduled, ScheduledRecord
from tests.fakes import FakeRecord, ProducedRecord
from tests.memory_streaming import MemoryOutbox, MemoryTable
from tests.unit.agents.router.harness import (
    USER_ID,
    USER_PARTITION,
    FakeBatchHandle,
    RecordingBatchCommitter,
    RouterHarness,
    build_release,
    encode_value,
    iterate,
    make_notification_id,
)

WINDOW, MAX_COUNT = 100, 4
PRIORITIES = ("high", "low")
STAGES = ("claims", "outputs", "rows", "")
RULE = Rule("alert", "transactional", None, ("email",), digest=DigestPolicy(WINDOW, max_count=MAX_COUNT))
RULE_BY_TIER = Rule("alert", "transactional", None, ("email",), digest=DigestPolicy(WINDOW, max_count=MAX_COUNT, key="user.tier"))
TEMPLATE = Template("alert", 1, "email", "default", "s", "{% for one in digest.events %}{{ one.n }} {% endfor %}")


class CrashingCommitter(RecordingBatchCommitter):
    """Loses what a crash loses: of the stage `dies_in`, in each topic only a beginning is durable, and nothing of the stages after it."""

    def __init__(self, numbers: random.Random) -> None:
        super().__init__()
        self._random, self.dies_in = numbers, ""

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> Future[None]:
        """Write claims, outputs and rows as far as they survive; after a crash the future does not end."""
        if not self.dies_in:
            return super().commit(partition, outbox, rows, claims)
        assert isinstance(outbox, MemoryOutbox)
        stage = STAGES.index(self.dies_in)
        self._write_tables(partition, claims, is_whole=stage > 0)
        if stage > 0:
            added = [ProducedRecord(topic, number, one.key, one.value, one.headers) for topic, number, one in outbox.unflushed]
            for topic in dict.fromkeys(record.topic for record in added):
                records = [record for record in added if record.topic == topic]
                self.records += records if stage > 1 else records[: self._random.randint(0, len(records))]
        if stage > 1:
            self._write_tables(partition, rows, is_whole=False)
        return get_running_loop().create_future()

    def _write_tables(self, partition: int, changes: Sequence[tuple[Table, TableRows]], *, is_whole: bool) -> None:
        for table, rows in changes:
            assert isinstance(table, MemoryTable)
            count = len(rows) if is_whole else self._random.randint(0, len(rows))
            table.write(partition, dict(list(rows.items())[:count]))


class Simulation:
    """A router with its input topics and the scheduler, driven by random numbers."""

    def __init__(self, numbers: random.Random, rule: Rule = RULE) -> None:
        self.random, self.harness = numbers, RouterHarness(Policy({"alert": rule}, (TEMPLATE,), (), 1))
        self.harness.committer = self.committer = CrashingCommitter(numbers)
        self.harness.router._committer = self.committer
        self.unread: dict[str, list[FakeRecord]] = {priority: [] for priority in PRIORITIES}
        self.entries: dict[str, tuple[str, Scheduled]] = {}  # that the scheduler holds, with the priority
        self.released: list[tuple[str, FakeRecord]] = []
        self.scheduler_position = self.count = 0
        self.cancelled: set[str] = set()

    def submit(self, expires_after: int = 0) -> None:
        """Produce the next notification."""
        value: dict[str, Any] = {"id": make_notification_id(self.count), "user_id": USER_ID, "type": "alert", "data": {"n": self.count}}
        if expires_after:
            value["expires_at"] = self.harness.now + expires_after
        self._produce(self.random.choice(PRIORITIES), encode_value(value), ())
        self.count += 1

    def _produce(self, priority: str, value: bytes | None, headers: Any) -> None:
        record = FakeRecord(self.count, int(self.harness.now * 1000), USER_ID.encode(), value, headers)
        self.unread[priority].append(record)

    async def route(self, dies_in: str = "") -> None:
        """Read a batch of some priority; its records stay unread if the router dies."""
        self.committer.dies_in = dies_in
        priorities = [priority for priority in PRIORITIES if self.unread[priority]]
        if not priorities:
            return
        priority = self.random.choice(priorities)
        records = self.unread[priority][: self.random.randint(1, 4)]
        handle = FakeBatchHandle(Batch(f"notifications.{priority}", USER_PARTITION, records))
        await self.harness.router.run(iterate(handle))
        if "acknowledged" in handle.calls:
            del self.unread[priority][: len(records)]
        self._schedule()

    def _schedule(self) -> None:
        """Store what was written for the scheduler, as agents/scheduler/changes.py does."""
        for record in self.committer.records[self.scheduler_position :]:
            if record.topic.startswith("scheduled."):
                value = msgspec.json.decode(record.value or b"", type=ScheduledRecord)
                held = self.entries.get(value.id)
                if isinstance(value, Scheduled) and (held is None or held[1].resume_count < value.resume_count):
                    self.entries[value.id] = record.topic.removeprefix("scheduled."), value
                elif isinstance(value, Reschedule) and held is not None and held[1].due_at != value.due_at:
                    moved = msgspec.structs.replace(held[1], due_at=value.due_at, resume_count=held[1].resume_count + 1)
                    self.entries[value.id] = held[0], moved
        self.scheduler_position = len(self.committer.records)

    def release(self) -> None:
        """Release what is due; and sometimes once more what was released."""
        for entry_id, (priority, scheduled) in list(self.entries.items()):
            if scheduled.due_at <= self.harness.now or scheduled.is_cancelled:
                del self.entries[entry_id]
                scheduled = msgspec.structs.replace(scheduled, due_at=self.harness.now)
                record = build_release(ProducedRecord("", 0, None, msgspec.json.encode(scheduled)))
                self.released.append((priority, record))
                self.unread[priority].append(record)
        if self.released and self.random.random() < 0.2:
            priority, record = self.random.choice(self.released)
            self.unread[priority].append(record)

    def cancel(self) -> None:
        """Cancel some digest that is held."""
        if self.entries:
            entry_id = self.random.choice(list(self.entries))
            priority, scheduled = self.entries[entry_id]
            self.entries[entry_id] = priority, msgspec.structs.replace(scheduled, is_cancelled=True)
            self.cancelled.add(entry_id)

    def change_user(self) -> None:
        """Give the user another tier, on which the key of the window may depend."""
        profiles = self.harness.profiles.profiles
        profiles[USER_ID] = msgspec.structs.replace(profiles[USER_ID], tier=self.random.choice(("gold", "silver")))

    async def finish(self) -> None:
        """Go on without crashes until nothing is unread or held."""
        while any(self.unread.values()) or self.entries:
            while any(self.unread.values()):
                await self.route()
            self.harness.now += WINDOW
            self.release()

    def count_messages(self) -> Counter[int]:
        """In how many messages each notification is; the delivery workers send the first of those with one id."""
        first = {delivery.id: delivery for delivery in reversed(self.harness.deliveries)}
        texts = [msgspec.to_builtins(delivery.content)["text"] for delivery in first.values()]
        return Counter(int(number) for text in texts for number in text.split())


ACTIONS = (*4 * ("submit",), "submit one that expires", *2 * ("route",), *2 * ("crash",), "wait")
# long ones: what goes wrong needs a batch with a digest and one that just joins it, and a crash that tears its claims
actions = st.lists(st.sampled_from(ACTIONS), min_size=20, max_size=60)
actions_with_cancels = st.lists(st.sampled_from((*ACTIONS, "cancel")), min_size=20, max_size=60)
actions_with_changes = st.lists(st.sampled_from((*ACTIONS, "change the user")), min_size=20, max_size=60)
TORN_CLAIMS = [
    "submit one that expires", "submit", "route", "crash", "route", "submit", "route", "crash", "submit", "wait", "wait", "crash"
]  # fmt: skip
"""The claims of a batch with the last one and its digest: that it was decided is durable, and its event row is not."""
numbers = st.integers(0, 2**32)


async def run_simulation(actions: list[str], number: int, rule: Rule = RULE) -> Simulation:
    """What becomes of these actions; `number` decides all that is left to chance."""
    simulation = Simulation(random.Random(number), rule)
    for action in actions:
        match action:
            case "submit":
                simulation.submit()
            case "submit one that expires":
                simulation.submit(simulation.random.choice((70, 130)))
            case "route" | "crash":
                await simulation.route(simulation.random.choice(STAGES) if action == "crash" else "")
            case "wait":
                simulation.harness.now += simulation.random.randint(1, WINDOW)
                simulation.release()
            case "cancel":
                simulation.cancel()
            case "change the user":
                simulation.change_user()
    await simulation.finish()
    return simulation


def list_left_out(simulation: Simulation) -> set[int]:
    """The notifications that a digest named as expired, or that expired before they were decided."""
    ids = {make_notification_id(number): number for number in range(simulation.count)}
    left_out = {event.id for event in simulation.harness.decided_events if event.reason == "expired" and event.id in ids}
    for event in simulation.harness.decided_events:
        for entry in event.decision_log:
            left_out |= set(entry.inputs.get("expired", ()))
    return {ids[one] for one in left_out}


@settings(max_examples=300)
@given(actions, numbers)
@example(TORN_CLAIMS, 2608)
async def test_every_notification_is_in_exactly_one_message(actions: list[str], number: int) -> None:
    simulation = await run_simulation(actions, number)
    counts, left_out = simulation.count_messages(), list_left_out(simulation)
    assert [number for number in range(simulation.count) if counts[number] != 1 and number not in left_out] == []
    assert max(counts.values(), default=0) <= 1
    if "crash" not in actions:  # which may leave rows that nobody reads any more
        assert simulation.harness.digests.rows[USER_PARTITION] == {}


@settings(max_examples=200)
@given(actions_with_changes, numbers)
@example(["submit", "submit", "crash", "change the user"], 283)
async def test_a_key_that_changes_before_a_replay_makes_no_second_message(actions: list[str], number: int) -> None:
    simulation = await run_simulation(actions, number, RULE_BY_TIER)
    counts, left_out = simulation.count_messages(), list_left_out(simulation)
    assert [number for number in range(simulation.count) if counts[number] != 1 and number not in left_out] == []
    assert max(counts.values(), default=0) <= 1


@given(numbers)
async def test_nothing_joins_a_digest_that_may_be_out(number: int) -> None:
    simulation = Simulation(random.Random(number))
    simulation.submit()
    await simulation.route()
    simulation.harness.now += WINDOW
    simulation.release()
    await simulation.route("rows")
    read_again = {priority: simulation.unread[priority] for priority in PRIORITIES}
    simulation.unread = {priority: [] for priority in PRIORITIES}
    simulation.submit()
    await simulation.route()
    for priority in PRIORITIES:
        simulation.unread[priority] += read_again[priority]
    await simulation.finish()
    assert simulation.count_messages() == {0: 1, 1: 1}


@settings(max_examples=150)
@given(actions_with_cancels, numbers)
async def test_what_is_cancelled_is_in_no_message_and_nothing_else_is_lost(actions: list[str], number: int) -> None:
    simulation = await run_simulation(actions, number)
    counts, left_out = simulation.count_messages(), list_left_out(simulation)
    digests = {event.id: event.duplicate_of for event in simulation.harness.decided_events if event.state == "merged"}
    cancelled = {number for number in range(simulation.count) if digests.get(make_notification_id(number)) in simulation.cancelled}
    assert [number for number in range(simulation.count) if counts[number] != 1 and number not in left_out | cancelled] == []
    assert max(counts.values(), default=0) <= 1


@settings(max_examples=100)
@given(actions_with_cancels, numbers)
async def test_a_replay_names_the_same_digest(actions: list[str], number: int) -> None:
    simulation = await run_simulation(actions, number)
    merged = {(event.id, event.duplicate_of) for event in simulation.harness.decided_events if event.state == "merged"}
    assert len(merged) == len({notification_id for notification_id, _ in merged})
