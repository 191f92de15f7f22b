"""notifications -> deliveries, Accepted events, dead letters: the router, a pure decision per record and one commit per batch."""

from asyncio import Future, shield
from collections.abc import Callable, Mapping
from functools import partial

from agents.brake import Brake
from agents.router.book import Book
from agents.router.case import Case, Desk, Rows, Source, source_of
from agents.router.gates import opened
from agents.router.needs import keys_of, prepare
from agents.router.settle import RoutedBatch, Tally, settle
from schemas.errors import PartitionLost, Unavailable
from schemas.ports import Batch, Clock, Commit, HeldBatch, HeldBatches, Pause, Policies, Profiles, Table
from schemas.ports import Rows as TableRows
from schemas.rules import Profile

PAUSE_SECONDS = 1.0


class Router:
    """The agent of all three lanes, which share the rows of a partition.

    A batch is read, decided and handed to the commit without a pause in between, and the tables show it at once: so lanes need no lock,
    and the next batch is decided while Kafka still confirms the ones before.
    """

    def __init__(
        self,
        policies: Policies,
        profiles: Profiles,
        idempotency: Table,
        rate_windows: Table,
        commit: Commit,
        clock: Clock,
        partitions: int,
        topic_prefix: str,
        pause: Pause,
        observe: Callable[[RoutedBatch], None],
    ) -> None:
        self._policies, self._profiles = policies, profiles
        self._idempotency, self._rate_windows = idempotency, rate_windows
        self._commit, self._clock, self._pause, self._observe = commit, clock, pause, observe
        self._partitions, self._prefix = partitions, topic_prefix
        self._sources: dict[str, Source] = {}
        self._book: Book | None = None
        # two, for a batch is opened as a whole before any of it is decided: what opens well must not release what decides badly
        self._opening, self._deciding = Brake(), Brake()

    async def run(self, batches: HeldBatches) -> None:
        """Route batches as long as there are any, each acknowledged when all that it led to is safe."""
        async for held in batches:
            try:
                safe = await self.route(held.batch, held.let_go)
            except PartitionLost:
                held.let_go()
            else:
                _when_done(safe, partial(_ended, held))

    async def route(self, batch: Batch, let_go: Callable[[], None]) -> Future[None]:
        """Decide a batch and begin to commit it; records that need what does not answer are tried again until all are decided.

        It is let go while it waits, which may be for longer than a rebalance or a stop can wait for it. The future is done when everything
        is safe; it raises PartitionLost if the partition went to another worker meanwhile.
        """
        source, now = self._source(batch.topic), self._clock()
        cases = [opened(record, source, batch.partition, now, self._partitions, self._opening) for record in batch.records]
        while True:
            began = self._clock()
            tally, waiting, cause, safe = await self._settle(cases, batch.partition)
            _when_done(safe, partial(self._tell, batch, tally, len(waiting), cause, began))
            if not waiting:
                return safe
            await shield(safe)
            let_go()
            await self._pause(PAUSE_SECONDS)
            cases = waiting

    def _tell(self, batch: Batch, tally: Tally, waiting: int, cause: str, began: float, safe: Future[None]) -> None:
        if safe.exception() is None:
            self._observe(tally.total(batch.topic, batch.partition, waiting, self._clock() - began, cause))

    def _source(self, topic: str) -> Source:
        if topic not in self._sources:
            self._sources[topic] = source_of(topic, self._prefix)
        return self._sources[topic]

    async def _settle(self, cases: list[Case], partition: int) -> tuple[Tally, list[Case], str, Future[None]]:
        """Settle what can be settled; the rest, which waits, and for what; and when what is settled is safe."""
        try:
            book = self._current()
        except Unavailable as away:
            return Tally(), cases, str(away), _done()
        wanting = prepare(cases, book)
        profiles: Mapping[str, Profile] = {}
        waiting: list[Case] = []
        cause = ""
        try:
            if wanting:
                profiles = await self._profiles.get_many(wanting)
        except Unavailable as away:
            cause = str(away)
            waiting = [case for case in cases if case.ending is None and case.needs_profile]
            cases = [case for case in cases if case.ending is not None or not case.needs_profile]
        tally, safe = self._decide(cases, partition, book, profiles)
        return tally, waiting, cause, safe

    def _current(self) -> Book:
        policy = self._policies.current()
        if self._book is None or self._book.policy is not policy:
            self._book = Book(policy, self._book.templates.compiled if self._book else None)
        return self._book

    def _decide(self, cases: list[Case], partition: int, book: Book, profiles: Mapping[str, Profile]) -> tuple[Tally, Future[None]]:
        """From the outbox to the commit without a pause: nobody else may read or write the rows in between."""
        outbox = self._commit.outbox(partition)  # before the rows are read: it makes the tables forget those of a lost generation
        desk = Desk(book, self._read(cases, partition), profiles)
        tally = settle(cases, desk, outbox, self._clock(), self._deciding)
        if not tally.says_something:
            return tally, _done()
        new = desk.rows
        claims = _changed((self._rate_windows, new.new_windows), (self._idempotency, new.new_claims))
        rows = _changed((self._idempotency, new.new_first), (self._rate_windows, new.new_counts))
        return tally, self._commit.commit(partition, outbox, rows, claims)

    def _read(self, cases: list[Case], partition: int) -> Rows:
        """The rows that the cases need, one look-up per table."""
        firsts, windows = keys_of(cases)
        return Rows(_rows_of(self._idempotency, partition, firsts), _rows_of(self._rate_windows, partition, windows))


def _ended(held: HeldBatch, safe: Future[None]) -> None:
    error = safe.exception()
    if error is None:
        held.ack()
    elif isinstance(error, PartitionLost):
        held.let_go()


def _when_done(future: Future[None], call: Callable[[Future[None]], None]) -> None:
    if future.done():
        call(future)
    else:
        future.add_done_callback(call)


def _done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future


def _changed(*staged: tuple[Table, TableRows]) -> list[tuple[Table, TableRows]]:
    return [(table, new) for table, new in staged if new]


def _rows_of(table: Table, partition: int, keys: list[bytes]) -> dict[bytes, bytes | None]:
    return dict(zip(keys, table.get_many(partition, keys), strict=True)) if keys else {}
