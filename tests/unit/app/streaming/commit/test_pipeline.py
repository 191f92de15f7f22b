"""The commit pipeline under random interleavings of batches, rounds and rebalances, checked against the records it wrote."""

import asyncio
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from app.streaming.commit.committers import CommitEngine, PipelinedCommitter
from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.outbox import WrittenOffsets
from app.streaming.commit.pipeline import PipelinePolicy
from schemas.errors import PartitionFencedError
from schemas.ports import TableRows
from tests.unit.app.streaming.fake_membership import FakeMembership
from tests.unit.app.streaming.fake_producer import FakeBatchProducer, FakeRecordMetadata
from tests.unit.app.streaming.fake_table import FakeBatchTable

CHANGELOG = "idempotency-changelog"
ROWS, CLAIMS = (b"r1", b"r2"), (b"c1", b"c2")
KEYS = ROWS + CLAIMS


class DecideBatch(NamedTuple):
    """A batch with an output, these rows and these claims."""

    rows: frozenset[bytes]
    claims: frozenset[bytes]


class RunLoop(NamedTuple):
    """So many iterations of the event loop: a round advances to any of its awaits."""

    iterations: int


class LeaveGroup(NamedTuple):
    """The group begins a generation without this member."""


class RejoinGroup(NamedTuple):
    """This member rejoins the group, after its sent batches are written (Faust flushes the producer), and gets the partition again."""


def encode_claim(number: int) -> bytes:
    """The value of a claim of the batch with this number; that of a row is greater."""
    return b"%d" % (2 * number)


def encode_row(number: int) -> bytes:
    return b"%d" % (2 * number + 1)


def choose_keys(*keys: bytes) -> st.SearchStrategy[frozenset[bytes]]:
    return st.frozensets(st.sampled_from(keys))


MOVES = st.lists(
    st.builds(DecideBatch, choose_keys(*ROWS), choose_keys(*KEYS))
    | st.builds(RunLoop, st.integers(1, 12))
    | st.sampled_from([LeaveGroup(), RejoinGroup()]),
    max_size=30,
)


class OrderedFakeProducer(FakeBatchProducer):
    """Keeps all records in the order in which the brokers wrote them; the leader of the topic `slow` takes longer."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.records: list[tuple[str, bytes | None, bytes | None]] = []
        self._slow = slow

    async def _acknowledge(self, builder: Any, topic: str, partition: int) -> FakeRecordMetadata:
        for _ in range(3 if topic == self._slow else 0):
            await asyncio.sleep(0)
        metadata = await super()._acknowledge(builder, topic, partition)
        self.records += [(topic, record.key, record.value) for record in self.log[topic, partition][metadata.offset :]]
        return metadata


class FencedFakeTable(FakeBatchTable):
    """Accepts no rows once the partition may be assigned to another worker."""

    def __init__(self, membership: FakeMembership) -> None:
        super().__init__("idempotency")
        self._membership = membership

    def apply_rows(self, partition: int, rows: TableRows, written: WrittenOffsets) -> None:
        assert self._membership.current_generation == self._membership.confirmed_generation
        super().apply_rows(partition, rows, written)


class PipelineScenario:
    """One pipeline and its batches."""

    def __init__(self, linger: float, slow: str) -> None:
        self.failures: list[BaseException] = []
        self.producer, self.membership = OrderedFakeProducer(slow), FakeMembership()
        self.table = FencedFakeTable(self.membership)
        fence = GenerationFence(lambda: self.membership, session_timeout=15.0, monotonic=lambda: 1.0)
        self.committer = PipelinedCommitter(
            CommitEngine(lambda: self.producer, lambda topic: 100_000, fence, PipelinePolicy(linger), self.failures.append)
        )
        self.batches: list[tuple[DecideBatch, int, asyncio.Future[None]]] = []
        self.expected_rows: dict[bytes, bytes] = {}

    async def apply_move(self, move: object) -> None:
        match move:
            case DecideBatch():
                self.decide_batch(move)
            case RunLoop(iterations):
                for _ in range(iterations):
                    await asyncio.sleep(0)
            case LeaveGroup():
                self.membership.lose_membership()
            case RejoinGroup():
                await self.rejoin_group()
        if self.membership.current_generation == self.membership.confirmed_generation:
            assert self.get_visible_rows(*KEYS) == self.expected_rows  # what the next batch is decided on

    def decide_batch(self, batch: DecideBatch) -> None:
        value = b"%d" % len(self.batches)
        outbox = self.committer.create_outbox(1)
        outbox.add("out", 1, b"k", value)
        rows = dict.fromkeys(batch.rows, encode_row(len(self.batches)))
        claims = dict.fromkeys(batch.claims, encode_claim(len(self.batches)))
        committed = self.committer.commit(1, outbox, [(self.table, rows)], [(self.table, claims)])
        self.batches.append((batch, self.membership.current_generation, committed))
        self.expected_rows |= {**claims, **rows}

    async def rejoin_group(self) -> None:
        self.membership.lose_membership()
        await self.wait_until_committed()
        self.membership.current_generation = self.membership.confirmed_generation
        self.table.rows = {(1, key or b""): value for topic, key, value in self.producer.records if topic == CHANGELOG}  # recovery
        self.expected_rows = {key: value or b"" for (_, key), value in self.table.rows.items()}

    async def wait_until_committed(self) -> None:
        async with asyncio.timeout(60):  # every future ends
            while self.failures == [] and not all(committed.done() for _, _, committed in self.batches):
                await asyncio.sleep(0)
        assert self.failures == []

    def get_visible_rows(self, *keys: bytes) -> dict[bytes, bytes]:
        return {key: row for key, row in zip(keys, self.table.get_many(1, keys), strict=True) if row is not None}

    def find_position(self, topic: str, key: bytes | None, value: bytes) -> float:
        record = topic, key, value
        return self.producer.records.index(record) if record in self.producer.records else float("inf")

    def check_order(self) -> None:
        claimed: dict[int, float] = {}  # by generation: the position of the last claim of all batches so far
        for number, (batch, generation, committed) in enumerate(self.batches):
            output = self.find_position("out", b"k", b"%d" % number)
            replaced = {
                key
                for later, later_generation, _ in self.batches[number + 1 :]
                if later_generation == generation
                for key in later.rows | later.claims
            }
            claims = [self.find_position(CHANGELOG, key, encode_claim(number)) for key in batch.claims - replaced]
            claimed[generation] = max([claimed.get(generation, -1.0), *claims])
            assert claimed[generation] < output or output == float("inf")
            for key in batch.rows:
                row = self.find_position(CHANGELOG, key, encode_row(number))
                assert output < row or row == float("inf")
            if committed.exception() is None:
                assert output < float("inf")
                assert all(self.find_position(CHANGELOG, key, encode_row(number)) < float("inf") for key in batch.rows - replaced)
            else:
                assert isinstance(committed.exception(), PartitionFencedError)
        for key in KEYS:
            values = [int(value or b"") for topic, record_key, value in self.producer.records if (topic, record_key) == (CHANGELOG, key)]
            assert values == sorted(set(values))  # no older row after a newer one
        outputs = self.producer.log["out", 1]
        assert outputs == sorted(outputs, key=lambda record: int(record.value or b""))


async def play_moves(moves: list[object], linger: float, slow: str) -> None:
    scenario = PipelineScenario(linger, slow)
    for move in moves:
        await scenario.apply_move(move)
    await scenario.wait_until_committed()
    scenario.check_order()


@settings(max_examples=100)
@given(MOVES, st.sampled_from([0.0, 0.0005]), st.sampled_from(["out", CHANGELOG, "none"]))
def test_no_interleaving_breaks_the_order_of_claims_outputs_and_rows(moves: list[object], linger: float, slow: str) -> None:
    asyncio.run(play_moves(moves, linger, slow))
