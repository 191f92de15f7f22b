"""The streaming ports in memory, with Kafka as lists and tables as dicts; they pass the contract suites of the real ones."""

from asyncio import Future, get_running_loop
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schemas.errors import PartitionFencedError, RecordTooLargeError
from schemas.ports import Batch, BatchHandles, Header, Outbox, ScannedRows, Table, TableRows
from tests.fakes import TopicRecord


@dataclass
class MemoryKafka:
    """The records of each partition, in order. `max_record_bytes`: of key and value, for every topic."""

    max_record_bytes: int = 1_000_000
    topics: dict[tuple[str, int], list[TopicRecord]] = field(default_factory=lambda: defaultdict(list))
    lost_partitions: set[int] = field(default_factory=set)

    def get_records(self, topic: str, partition: int) -> list[TopicRecord]:
        """The records written to a partition."""
        return self.topics[topic, partition]


@dataclass
class MemoryOutbox:
    """Implements schemas.ports.Outbox; records are written by `flush`."""

    kafka: MemoryKafka
    unflushed: list[tuple[str, int, TopicRecord]] = field(default_factory=list)

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add a record. Raises RecordTooLargeError."""
        size = len(key or b"") + len(value or b"")
        if size > self.kafka.max_record_bytes:
            raise RecordTooLargeError(topic, size, self.kafka.max_record_bytes)
        self.unflushed.append((topic, partition, TopicRecord(key, value, tuple(headers))))

    def flush(self) -> None:
        """Write the added records."""
        for topic, partition, record in self.unflushed:
            self.kafka.topics[topic, partition].append(record)
        self.unflushed.clear()


@dataclass
class MemoryTable:
    """Implements schemas.ports.Table."""

    name: str
    rows: dict[int, dict[bytes, bytes]] = field(default_factory=lambda: defaultdict(dict))

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """The rows of the keys; None for a key without a row."""
        return [self.rows[partition].get(key) for key in keys]

    def list_rows(self, partition: int, prefix: bytes, max_rows: int) -> list[tuple[bytes, bytes]]:
        """Rows in the order of their keys (schemas.ports.PrefixTable)."""
        return [(key, row) for key, row in sorted(self.rows[partition].items()) if key.startswith(prefix)][:max_rows]

    def scan(self, partition: int, start_key: bytes, end_key: bytes, limit_key: bytes, max_rows: int) -> ScannedRows:
        """Rows in the order of their keys (schemas.ports.OrderedTable)."""
        keys = sorted(key for key in self.rows[partition] if start_key <= key < limit_key)
        found = [key for key in keys if key < end_key][:max_rows]
        return ScannedRows([(key, self.rows[partition][key]) for key in found], keys[len(found)] if len(found) < len(keys) else None)

    def write(self, partition: int, rows: TableRows) -> None:
        """Write rows; None removes one."""
        for key, row in rows.items():
            if row is None:
                self.rows[partition].pop(key, None)
            else:
                self.rows[partition][key] = row


@dataclass
class MemoryBatchCommitter:
    """Implements schemas.ports.BatchCommitter; `kafka.lost_partitions` are assigned to another worker."""

    kafka: MemoryKafka

    def create_outbox(self, partition: int) -> MemoryOutbox:
        """A new outbox for one batch."""
        return MemoryOutbox(self.kafka)

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> Future[None]:
        """Write claims, outputs and rows at once; or fail the future with PartitionFencedError."""
        committed: Future[None] = get_running_loop().create_future()
        if partition in self.kafka.lost_partitions:
            committed.set_exception(PartitionFencedError())
            return committed
        assert isinstance(outbox, MemoryOutbox)
        outbox.flush()
        for table, changed_rows in (*claims, *rows):
            assert isinstance(table, MemoryTable)
            table.write(partition, changed_rows)
        committed.set_result(None)
        return committed


@dataclass
class MemorySharedOutbox:
    """Implements schemas.ports.SharedOutbox; `commit` writes what was added."""

    kafka: MemoryKafka
    table: MemoryTable
    _outbox: MemoryOutbox = field(init=False)
    _claims: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    _staged_rows: list[tuple[int, bytes, bytes | None]] = field(default_factory=list)
    _other_rows: list[tuple[MemoryTable, int, bytes, bytes | None]] = field(default_factory=list)
    _callbacks: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._outbox = MemoryOutbox(self.kafka)

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add an output. Raises RecordTooLargeError."""
        self._outbox.add(topic, partition, key, value, headers)

    def stage_claim(self, partition: int, key: bytes, row: bytes) -> None:
        """Add a claim; a claim of a lost partition is dropped."""
        if partition not in self.kafka.lost_partitions:
            self._claims.append((partition, key, row))

    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Add a row; a row of a lost partition is dropped."""
        if partition not in self.kafka.lost_partitions:
            self._staged_rows.append((partition, key, row))

    def get_rows(self, table: Table, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """Rows of a table, with those that are staged."""
        staged = {key: row for changed, number, key, row in self._other_rows if (changed, number) == (table, partition)}
        return [staged.get(key, row) for key, row in zip(keys, table.get_many(partition, keys), strict=True)]

    def stage_row_of(self, table: Table, partition: int, key: bytes, row: bytes | None) -> None:
        """Add a row of another table; a row of a lost partition is dropped."""
        assert isinstance(table, MemoryTable)
        if partition not in self.kafka.lost_partitions:
            self._other_rows.append((table, partition, key, row))

    def is_full(self, partition: int) -> bool:
        """Never."""
        return False

    def on_committed(self, partition: int, callback: Callable[[], None]) -> None:
        """Call `callback` at the next `commit`."""
        self._callbacks.append(callback)

    def discard_uncommitted(self) -> None:
        """Drop rows and callbacks that are not committed, as at the end of a generation."""
        self._claims.clear()
        self._staged_rows.clear()
        self._other_rows.clear()
        self._callbacks.clear()

    async def commit(self) -> None:
        """Write claims, then outputs, then rows, then call the callbacks."""
        claims, self._claims = self._claims, []
        for partition, key, claim in claims:
            self.table.write(partition, {key: claim})
        self._outbox.flush()
        rows, callbacks = self._staged_rows, self._callbacks
        others, self._staged_rows, self._other_rows, self._callbacks = self._other_rows, [], [], []
        for table, partition, key, row in others:
            table.write(partition, {key: row})
        for partition, key, row in rows:
            self.table.write(partition, {key: row})
        for callback in callbacks:
            callback()


class UncheckedBatchHandle:
    """A batch handle for measurements, which ignores what becomes of the batch."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def ack(self) -> None: ...
    def set_unfinished(self, records: int, size: int) -> None: ...
    def release(self) -> None: ...
    def hold(self) -> None: ...


async def iterate_batches(*batches: Batch) -> BatchHandles:
    """The batches of an agent."""
    for batch in batches:
        yield UncheckedBatchHandle(batch)
