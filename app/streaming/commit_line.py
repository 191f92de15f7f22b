"""One partition's batches on their way: a round sends the claims of the newest, the outputs of those before, the rows of the oldest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from app.streaming.expected import Expected
from app.streaming.outbox import BatchOutbox, Written
from app.streaming.ownership import Ownership
from schemas.errors import PartitionLost
from schemas.ports import Outbox, Rows, Table

log = logging.getLogger(__name__)


class BatchTable(Table, Protocol):
    """A table that is written a batch at a time, and shows rows that are on their way there."""

    expected: Expected

    @property
    def changelog(self) -> str: ...
    def stage(self, outbox: Outbox, partition: int, rows: Rows) -> None: ...
    def apply(self, partition: int, rows: Rows, written: Written) -> None: ...


Changes = dict[str, tuple[BatchTable, dict[bytes, bytes | None]]]


@dataclass
class Group:
    """Batches that go through the stages together: decided since the last round began."""

    outbox: BatchOutbox
    claims: Changes = field(default_factory=dict)
    rows: Changes = field(default_factory=dict)
    safe: list[asyncio.Future[None]] = field(default_factory=list)
    size: int = 0  # records of the outbox that belong to batches that were taken

    @property
    def whole(self) -> bool:
        """Whether every output is of a batch that was decided to its end."""
        return len(self.outbox) == self.size

    def end(self, error: BaseException | None = None) -> None:
        """Tell those who wait that all is safe, or why it will not be."""
        for future in self.safe:
            if not future.done():
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)


class Line:
    """One partition's groups in three stages: open, claimed, sent. A round takes each one stage further, with one flush for all of them.

    A batch is decided on what earlier ones have decided, also while that is on its way (`expected`); so a group's outputs are sent only
    after the claims of all groups before it are safe, and nothing of one is sent after a generation that is over.
    """

    def __init__(
        self,
        partition: int,
        new_outbox: Callable[[int], BatchOutbox],
        ownership: Ownership,
        linger: float,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._partition, self._new_outbox, self._ownership = partition, new_outbox, ownership
        self._linger, self._on_failure = linger, on_failure
        self._open: Group | None = None
        self._claimed: Group | None = None
        self._sent: Group | None = None
        self._generation = -1
        self._tables: dict[str, BatchTable] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def outbox(self) -> BatchOutbox:
        """The outbox of the open group, of the generation that is now. Raises RuntimeError if a batch before was left half decided."""
        generation = self._ownership.generation()
        if generation != self._generation:
            self._lose(PartitionLost(f"generation {self._generation} is over; the worker has batches of {generation}"))
            self._generation = generation
        if self._open is None:
            self._open = Group(self._new_outbox(generation))
        elif not self._open.whole:
            raise RuntimeError(f"a batch of partition {self._partition} was left half decided: its outputs must not go out")
        return self._open.outbox

    def take(self, outbox: Outbox, rows: Changes, claims: Changes) -> asyncio.Future[None]:
        """Take a decided batch, whose outputs are in the open outbox. Raises RuntimeError if that was closed meanwhile."""
        group, loop = self._open, asyncio.get_running_loop()
        if group is None or group.outbox is not outbox:
            raise RuntimeError("commit takes an outbox that it has just given, and nothing may be awaited in between")
        for changes, known in ((claims, group.claims), (rows, group.rows)):
            for name, (table, changed) in changes.items():
                table.expected.expect(self._partition, changed)
                self._tables[name] = table
                known.setdefault(name, (table, {}))[1].update(changed)
        future: asyncio.Future[None] = loop.create_future()
        group.safe.append(future)
        group.size = len(group.outbox)
        self._news.set()
        if self._task is None:
            self._task = loop.create_task(self._run(), name=f"commit-{self._partition}")
        return future

    async def _run(self) -> None:
        """Round after round until nothing is on its way; the next batch starts a new task."""
        try:
            while self._decided or self._claimed or self._sent:
                if self._linger and not (self._decided or self._claimed):
                    await self._company()
                await self._round()
        except Exception as error:
            log.critical(
                "a commit of partition %d failed; nothing of it is acknowledged and the process ends", self._partition, exc_info=error
            )
            self._on_failure(error)
        else:
            self._task = None

    @property
    def _decided(self) -> bool:
        return self._open is not None and bool(self._open.safe) and self._open.whole

    async def _company(self) -> None:
        """Rows alone are in no hurry: they go with the next batch, if one comes soon."""
        self._news.clear()
        handle = asyncio.get_running_loop().call_later(self._linger, self._news.set)
        await self._news.wait()
        handle.cancel()

    async def _round(self) -> None:
        claiming = self._open if self._decided else None
        sending, settling = self._claimed, self._sent
        self._open, self._claimed, self._sent = None if claiming else self._open, None, None
        if claiming and not claiming.claims and sending is None:
            claiming, sending = None, claiming
        groups = [group for group in (settling, sending, claiming) if group]
        if not groups:  # they were lost while their rows waited for company
            return
        generation = groups[0].outbox.generation
        try:
            await self._send(generation, settling, sending, claiming)
        except PartitionLost as lost:
            self._end(groups, lost)
            if generation == self._generation:
                self._lose(lost)
            return
        except Exception as error:
            self._end(groups, error)
            raise
        self._claimed, self._sent = claiming, sending
        if settling:
            settling.end()

    async def _send(self, generation: int, settling: Group | None, sending: Group | None, claiming: Group | None) -> None:
        outbox = sending.outbox if sending else self._new_outbox(generation)
        changes = self._changes(settling, claiming)
        for table, rows in changes.values():
            table.stage(outbox, self._partition, rows)
        await self._ownership.check(generation)
        written = await outbox.flush()
        await self._ownership.check(generation)
        for table, rows in changes.values():
            table.apply(self._partition, rows, written[table.changelog, self._partition])

    def _changes(self, settling: Group | None, claiming: Group | None) -> Changes:
        """The rows of one group and the claims of a later one; a row that a later claim has replaced already is not written any more."""
        changes: Changes = {}
        for name, (table, rows) in settling.rows.items() if settling else ():
            if left := table.expected.still(self._partition, rows):
                changes[name] = (table, left)
        for name, (table, rows) in claiming.claims.items() if claiming else ():
            changes.setdefault(name, (table, {}))[1].update(rows)
        return changes

    def _lose(self, lost: PartitionLost) -> None:
        """Forget what is on its way: all of it comes again, here or elsewhere."""
        self._end([group for group in (self._sent, self._claimed, self._open) if group], lost)
        self._open = self._claimed = self._sent = None
        for table in self._tables.values():
            table.expected.forget(self._partition)

    @staticmethod
    def _end(groups: Iterable[Group], error: BaseException) -> None:
        for group in groups:
            group.end(error)
