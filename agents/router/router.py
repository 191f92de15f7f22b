"""notifications -> deliveries, Accepted events, dead letters: the router, a pure decision per record and one commit per batch."""

import asyncio
from collections.abc import Callable, Mapping

from agents.router import rate_limit, repeats, user
from agents.router.book import Book
from agents.router.case import Case, Desk, Rows, Source, source_of
from agents.router.gates import opened
from agents.router.settle import RoutedBatch, Tally, settle
from schemas.errors import Unavailable
from schemas.ports import Batch, Batches, Clock, Commit, Pause, Policies, Profiles, Table
from schemas.ports import Rows as TableRows
from schemas.rules import Profile

PAUSE_SECONDS = 1.0


class Router:
    """The agent of all three lanes: they share the rows of a partition, so one lock per partition number holds them apart."""

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
        self._locks = [asyncio.Lock() for _ in range(partitions)]
        self._sources: dict[str, Source] = {}
        self._book: Book | None = None

    async def run(self, batches: Batches) -> None:
        """Route batches as long as there are any; a batch is done when the next one is asked for."""
        async for batch in batches:
            await self.route(batch)

    async def route(self, batch: Batch) -> None:
        """Decide a batch and commit it. Returns when every record is settled; those that need what does not answer are tried again.

        Raises PartitionLost if the partition went to another worker meanwhile, and whatever is a bug: the batch is not done then.
        """
        source, now = self._source(batch.topic), self._clock()
        cases = [opened(record, source, batch.partition, now, self._partitions) for record in batch.records]
        while cases:
            began = self._clock()
            tally, waiting = await self._settle(cases, batch.partition)
            self._observe(tally.total(batch.topic, batch.partition, len(waiting), self._clock() - began))
            if waiting:
                await self._pause(PAUSE_SECONDS)
            cases = waiting

    def _source(self, topic: str) -> Source:
        if topic not in self._sources:
            self._sources[topic] = source_of(topic, self._prefix)
        return self._sources[topic]

    async def _settle(self, cases: list[Case], partition: int) -> tuple[Tally, list[Case]]:
        """Settle what can be settled; the rest, which waits."""
        try:
            book = self._current()
        except Unavailable:
            return Tally(), cases
        wanting = _prepare(cases, book)
        profiles: Mapping[str, Profile] = {}
        waiting: list[Case] = []
        try:
            if wanting:
                profiles = await self._profiles.get_many(wanting)
        except Unavailable:
            waiting = [case for case in cases if case.ending is None and case.needs_profile]
            cases = [case for case in cases if case.ending is not None or not case.needs_profile]
        return await self._commit_all(cases, partition, book, profiles), waiting

    def _current(self) -> Book:
        policy = self._policies.current()
        if self._book is None or self._book.policy is not policy:
            self._book = Book(policy, self._book.templates.compiled if self._book else None)
        return self._book

    async def _commit_all(self, cases: list[Case], partition: int, book: Book, profiles: Mapping[str, Profile]) -> Tally:
        async with self._locks[partition]:
            desk = Desk(book, self._read(cases, partition, book), profiles)
            outbox = self._commit.outbox()
            tally = settle(cases, desk, outbox, self._clock())
            if tally.says_something:
                new = desk.rows
                claims = _changed((self._rate_windows, new.new_windows), (self._idempotency, new.new_claims))
                rows = _changed((self._idempotency, new.new_first), (self._rate_windows, new.new_counts))
                await self._commit.commit(partition, outbox, rows, claims)
        return tally

    def _read(self, cases: list[Case], partition: int, book: Book) -> Rows:
        """The rows that the cases need, one look-up per table."""
        live = [case for case in cases if case.ending is None]
        firsts = [key for case in live for key in (case.first_key, case.claim_key) if key]
        windows = list({key: None for case in live for key in case.window_keys.values()})
        return Rows(_rows_of(self._idempotency, partition, firsts), _rows_of(self._rate_windows, partition, windows))


def _changed(*staged: tuple[Table, TableRows]) -> list[tuple[Table, TableRows]]:
    return [(table, new) for table, new in staged if new]


def _rows_of(table: Table, partition: int, keys: list[bytes]) -> dict[bytes, bytes | None]:
    return dict(zip(keys, table.get_many(partition, keys), strict=True)) if keys else {}


def _prepare(cases: list[Case], book: Book) -> list[str]:
    """Look up what each case is decided by; the users whose profiles tell something."""
    wanting: dict[str, None] = {}
    for case in cases:
        if case.ending is None:
            repeats.prepare(case)
            if rule := book.rule_of(case.notification.type):
                if user.prepare(case, rule):
                    wanting[case.notification.user_id] = None
                rate_limit.prepare(case, book)
    return list(wanting)
