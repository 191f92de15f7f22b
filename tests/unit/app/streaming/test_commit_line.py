"""A line under random interleavings of batches, rounds and lost generations, against what a reader of its topics may ever find."""

import asyncio
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from app.streaming.commit import BatchCommit
from app.streaming.outbox import Written
from app.streaming.ownership import Ownership
from schemas.errors import PartitionLost
from schemas.ports import Rows
from tests.unit.app.streaming.members import MembersTwin
from tests.unit.app.streaming.producer_twin import Metadata, ProducerTwin
from tests.unit.app.streaming.table_twin import BatchTableTwin

CHANGELOG = "idempotency-changelog"
ROWS, CLAIMS = (b"r1", b"r2"), (b"c1", b"c2")
KEYS = ROWS + CLAIMS


class Decide(NamedTuple):
    """A batch with an output, which changes these rows and claims these keys."""

    rows: frozenset[bytes]
    claims: frozenset[bytes]


class Turns(NamedTuple):
    """So many turns of the event loop: rounds go on, up to any of their awaits."""

    many: int


class Lose(NamedTuple):
    """The group goes on without this member."""


class Join(NamedTuple):
    """This member joins the group again, once what it has sent is out (Faust flushes the producer), and has the partition again."""


def some(*keys: bytes) -> st.SearchStrategy[frozenset[bytes]]:
    return st.frozensets(st.sampled_from(keys))


MOVES = st.lists(
    st.builds(Decide, some(*ROWS), some(*CLAIMS)) | st.builds(Turns, st.integers(1, 12)) | st.sampled_from([Lose(), Join()]),
    max_size=30,
)


class Ordered(ProducerTwin):
    """Remembers all records in the order in which the brokers took them; the one that leads the topic `slow` takes longer."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.records: list[tuple[str, bytes | None, bytes | None]] = []
        self._slow = slow

    async def _acknowledged(self, builder: Any, topic: str, partition: int) -> Metadata:
        for _ in range(3 if topic == self._slow else 0):
            await asyncio.sleep(0)
        metadata = await super()._acknowledged(builder, topic, partition)
        self.records += [(topic, line.key, line.value) for line in self.log[topic, partition][metadata.offset :]]
        return metadata


class OwnTable(BatchTableTwin):
    """Takes nothing once the partition may be another worker's."""

    def __init__(self, members: MembersTwin) -> None:
        super().__init__("idempotency")
        self._members = members

    def apply(self, partition: int, rows: Rows, written: Written) -> None:
        assert self._members.current == self._members.coordinator
        super().apply(partition, rows, written)


class Play:
    """One line, and what each of its batches said."""

    def __init__(self, linger: float, slow: str) -> None:
        self.failures: list[BaseException] = []
        self.producer, self.members = Ordered(slow), MembersTwin()
        self.table = OwnTable(self.members)
        ownership = Ownership(self.members, session=15.0, now=lambda: 1.0)
        self.commit = BatchCommit(lambda: self.producer, lambda topic: 100_000, ownership, linger=linger, on_failure=self.failures.append)
        self.batches: list[tuple[Decide, int, asyncio.Future[None]]] = []
        self.decided: dict[bytes, bytes] = {}

    async def move(self, move: object) -> None:
        match move:
            case Decide():
                self.decide(move)
            case Turns(many):
                for _ in range(many):
                    await asyncio.sleep(0)
            case Lose():
                self.members.lose()
            case Join():
                await self.join()
        if self.members.current == self.members.coordinator:
            assert self.shown(*KEYS) == self.decided  # what the next batch is decided on

    def decide(self, batch: Decide) -> None:
        value = b"%d" % len(self.batches)
        outbox = self.commit.outbox(1)
        outbox.add("out", 1, b"k", value)
        rows, claims = dict.fromkeys(batch.rows, value), dict.fromkeys(batch.claims, value)
        safe = self.commit.commit(1, outbox, [(self.table, rows)], [(self.table, claims)])
        self.batches.append((batch, self.members.current, safe))
        self.decided |= {**rows, **claims}

    async def join(self) -> None:
        self.members.lose()
        await self.settled()
        self.members.current = self.members.coordinator
        self.table.rows = {(1, key or b""): value for topic, key, value in self.producer.records if topic == CHANGELOG}  # recovery
        self.decided = {key: value or b"" for (_, key), value in self.table.rows.items()}

    async def settled(self) -> None:
        async with asyncio.timeout(5):  # nobody is left waiting
            while self.failures == [] and not all(safe.done() for _, _, safe in self.batches):
                await asyncio.sleep(0)
        assert self.failures == []

    def shown(self, *keys: bytes) -> dict[bytes, bytes]:
        return {key: row for key, row in zip(keys, self.table.get_many(1, keys), strict=True) if row is not None}

    def at(self, topic: str, key: bytes | None, number: int) -> float:
        record = topic, key, b"%d" % number
        return self.producer.records.index(record) if record in self.producer.records else float("inf")

    def check(self) -> None:
        claimed: dict[int, float] = {}  # by generation: when the claims of all batches so far were out
        for number, (batch, generation, safe) in enumerate(self.batches):
            out = self.at("out", b"k", number)
            replaced = {key for later, its, _ in self.batches[number + 1 :] if its == generation for key in later.rows | later.claims}
            own = [self.at(CHANGELOG, key, number) for key in batch.claims - replaced]
            claimed[generation] = max([claimed.get(generation, -1.0), *own])
            assert claimed[generation] < out or out == float("inf")
            for key in batch.rows:
                row = self.at(CHANGELOG, key, number)
                assert out < row or row == float("inf")
            if safe.exception() is None:
                assert out < float("inf")
                assert all(self.at(CHANGELOG, key, number) < float("inf") for key in batch.rows - replaced)
            else:
                assert isinstance(safe.exception(), PartitionLost)
        for key in KEYS:
            values = [int(value or b"") for topic, its, value in self.producer.records if (topic, its) == (CHANGELOG, key)]
            assert values == sorted(set(values))  # no older one over a newer one
        assert self.producer.log["out", 1] == sorted(self.producer.log["out", 1], key=lambda line: int(line.value or b""))


async def played(moves: list[object], linger: float, slow: str) -> None:
    play = Play(linger, slow)
    for move in moves:
        await play.move(move)
    await play.settled()
    play.check()


@settings(max_examples=100, deadline=None)
@given(MOVES, st.sampled_from([0.0, 0.0005]), st.sampled_from(["out", CHANGELOG, "none"]))
def test_no_interleaving_breaks_the_order_of_claims_outputs_and_rows(moves: list[object], linger: float, slow: str) -> None:
    asyncio.run(played(moves, linger, slow))
