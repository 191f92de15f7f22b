"""The protocols by which agents reach the world: batches, outbox, tables, clock, stores and HTTP; app/ and tables/ implement them."""

from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from schemas.history import HistoryBatch
from schemas.policy import Policy, Profile

Header = tuple[str, bytes | None]  # Kafka knows headers without a value
TableRows = Mapping[bytes, bytes | None]


class Record(Protocol):
    """A Kafka record as the consumer gives it; `timestamp` in milliseconds, set by the broker."""

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


class Batch:
    """Records of one partition in offset order: the value of one Faust event."""

    __slots__ = ("partition", "records", "topic")

    def __init__(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        self.topic, self.partition, self.records = topic, partition, records

    def __len__(self) -> int:
        return len(self.records)


class BatchHandle(Protocol):
    """A batch whose acknowledgement is the agent's: it counts as done only after `ack()`, in whatever order batches end."""

    @property
    def batch(self) -> Batch: ...
    def ack(self) -> None: ...
    def release(self) -> None:
        """No rebalance or stop waits for it any longer; it comes again unless it is acknowledged before."""
        ...


Batches = AsyncIterator[Batch]
BatchHandles = AsyncIterator[BatchHandle]


class Outbox(Protocol):
    """Records to be produced, grouped into whole Kafka batches. Raises RecordTooLarge for one that its topic cannot take."""

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None: ...


class Table(Protocol):
    """A Faust table, read a batch at a time; every access names the partition."""

    @property
    def name(self) -> str: ...
    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]: ...


class BatchCommitter(Protocol):
    """Finishes router batches: of each, claims, then outputs, then rows, each acknowledged before the next is sent.

    A claim is a row that must be safe before the outputs are out, a row one that proves that they are; both go to their changelog, then to
    RocksDB with its offset.
    """

    def create_outbox(self, partition: int) -> Outbox:
        """For the outputs of a batch: asked for before its rows are read, and nothing may be awaited until its `commit`."""
        ...

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> Future[None]:
        """Begin to finish a batch: the tables show its claims and rows from now on, so the next one can be decided at once.

        The future is done when all is safe, in the order of the commits of a partition; it raises PartitionLost.
        """
        ...


class SharedOutbox(Outbox, Protocol):
    """One outbox for all batches in flight: outputs first, then the rows that were put with them, in order."""

    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None:
        """A row of the attempts table, written after every output added so far is acknowledged."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether so much is not safe yet that no new work should begin: what a crash repeats is bounded by it."""
        ...

    def on_committed(self, callback: Callable[[], None]) -> None:
        """Call `done` once everything added and put so far is safe; never called for a partition that was lost."""
        ...


class Clock(Protocol):
    """The time in epoch seconds."""

    def __call__(self) -> float: ...


Sleep = Callable[[float], Awaitable[None]]
CallLater = Callable[[float, Callable[[], None]], object]


class ProfileReader(Protocol):
    """What is known of users. Raises Unavailable if neither cache nor store answers."""

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]: ...


class PolicyReader(Protocol):
    """The rules, templates and limits in force now; never waits."""

    def get_current(self) -> Policy: ...


class HistoryWriter(Protocol):
    """Where history is written."""

    async def write(self, batch: HistoryBatch) -> None:
        """All or nothing. Raises Unstorable if a row cannot be stored as it is, Unavailable if the store does not answer."""
        ...


class HttpRequest(NamedTuple):
    """One HTTP/1.1 request, ready to be written: the origin (`https://host:port`), request line with headers, body.

    `head` names Host and Content-Length and ends with the empty line; it and `body` go out as they are.
    """

    origin: str
    head: bytes
    body: bytes


class HttpResponse(NamedTuple):
    """The other side answered; header names in lower case."""

    status_code: int
    headers: Mapping[bytes, bytes]
    body: bytes


class NotSent(NamedTuple):
    """Nothing left this host: refused, no such name, connect timeout, TLS failure."""

    cause: str


class MaybeSent(NamedTuple):
    """The request was written, at least in part, and no whole answer came."""

    cause: str


HttpResult = HttpResponse | NotSent | MaybeSent


class HttpClient(Protocol):
    """Sends one request and calls back exactly once, never re-sending by itself."""

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None: ...
