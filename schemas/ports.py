"""The protocols of streaming and time that agents use; app/streaming implements the streaming ones over Faust."""

from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

Header = tuple[str, bytes | None]  # a Kafka header may have no value
TableRows = Mapping[bytes, bytes | None]  # None deletes the row


class Record(Protocol):
    """A consumed Kafka record; `timestamp` is in milliseconds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[Header]: ...


class RecordedNotification(NamedTuple):
    """A record of a topic notifications.<priority> that is read again."""

    topic: str
    partition: int
    record: Record


class Batch:
    """Records of one partition in offset order: the value of one Faust event."""

    __slots__ = ("_count", "_size", "first_offset", "last_offset", "partition", "records", "topic")

    def __init__(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        self.topic, self.partition, self.records = topic, partition, records
        self._count, self._size = len(records), -1
        self.first_offset, self.last_offset = (records[0].offset, records[-1].offset) if records else (0, -1)

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> int:
        """Bytes of the keys and values."""
        if self._size < 0:
            # compute_record_size for each record, at a quarter of the cost: it is asked for every batch
            self._size = sum([len(record.key or b"") + len(record.value or b"") for record in self.records])
        return self._size

    def drop_records(self) -> None:
        """Release the memory of the records; the count, the size and the offsets stay."""
        self._size, self.records = self.size, ()


def compute_record_size(record: Record) -> int:
    """Bytes of the key and the value."""
    return len(record.key or b"") + len(record.value or b"")


class BatchHandle(Protocol):
    """A batch that the agent acknowledges itself. Batches of a partition may be acknowledged in any order."""

    @property
    def batch(self) -> Batch: ...
    def ack(self) -> None: ...
    def set_unfinished(self, records: int, size: int) -> None:
        """Report how many records and bytes are unfinished, so that the others make room for new batches before `ack`."""
        ...

    def release(self) -> None:
        """Let a rebalance or shutdown proceed without this batch. Its records are consumed again unless `ack` comes first."""
        ...

    def hold(self) -> None:
        """Let a rebalance or shutdown wait for this batch again, after `release`."""
        ...


BatchHandles = AsyncIterator[BatchHandle]


class Outbox(Protocol):
    """Collects records to produce and groups them into Kafka record batches."""

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add one record. Raises RecordTooLargeError if its topic cannot hold it."""
        ...


class FlushedOutbox(Outbox, Protocol):
    """An outbox of records that belong to no batch."""

    async def flush(self) -> None:
        """Produce all records, and wait until all in-sync replicas have them. Raises UnavailableError; some may be produced then."""
        ...


class Table(Protocol):
    """A Faust table, read by batch; each access names the partition."""

    @property
    def name(self) -> str: ...
    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]: ...


class PrefixTable(Table, Protocol):
    """A table of which also the rows whose keys have a common beginning are read."""

    def list_rows(self, partition: int, prefix: bytes, max_rows: int) -> Sequence[tuple[bytes, bytes]]:
        """At most `max_rows` rows whose keys begin with `prefix`, in the order of their keys."""
        ...


class ScannedRows(NamedTuple):
    """Rows in the order of their keys, and the key after them; None if there is none before the limit of the scan."""

    rows: Sequence[tuple[bytes, bytes]]
    next_key: bytes | None


class OrderedTable(Table, Protocol):
    """A table that is also read in the order of its keys."""

    def scan(self, partition: int, start_key: bytes, end_key: bytes, limit_key: bytes, max_rows: int) -> ScannedRows:
        """At most `max_rows` written rows from `start_key` on and before `end_key`, without those whose removal is pending.

        Nothing is read from `limit_key` on, also no tombstone.
        """
        ...


class BatchCommitter(Protocol):
    """Commits router batches in three steps: claims, outputs, rows. Each step is acknowledged by Kafka before the next is sent.

    A claim is a row that must be durable before the outputs are produced. A row is written after the outputs are acknowledged.
    Both are produced to the changelog topic first, then written to RocksDB with their offset (docs/decisions/0005).
    """

    def create_outbox(self, partition: int) -> Outbox:
        """The outbox of one batch. Create it before the batch's rows are read, and do not await anything until `commit`."""
        ...

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> Future[None]:
        """Start the commit of a batch. Reads of the tables return its claims and rows at once, so the next batch can be processed.

        The future completes when everything is durable, in commit order within a partition. It raises PartitionFencedError.
        """
        ...


class SharedOutbox(Outbox, Protocol):
    """One outbox for all batches in flight: in each partition claims first, then outputs, then the staged rows, in order.

    An output has the partition of the record that it comes from.
    """

    def stage_claim(self, partition: int, key: bytes, row: bytes) -> None:
        """Stage a row of the table; it is written before the outputs that are added after it are produced."""
        ...

    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Stage a row of the table; it is written after all outputs added before it are acknowledged."""
        ...

    def get_rows(self, table: Table, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """Rows of another table of the worker, as they are with what is staged."""
        ...

    def stage_row_of(self, table: Table, partition: int, key: bytes, row: bytes | None) -> None:
        """Stage a row of another table, as `stage_row`; `get_rows` sees it at once."""
        ...

    def is_full(self, partition: int) -> bool:
        """Whether the uncommitted work of a partition is at its limit, so that no more may start. It bounds duplicates after a crash."""
        ...

    def on_committed(self, partition: int, callback: Callable[[], None]) -> None:
        """Call `callback` when all that was added and staged for a partition is durable; never if it is revoked before."""
        ...


class Clock(Protocol):
    """Returns the time in epoch seconds."""

    def __call__(self) -> float: ...


Sleep = Callable[[float], Awaitable[None]]  # seconds
CallLater = Callable[[float, Callable[[], None]], object]  # seconds, callback
