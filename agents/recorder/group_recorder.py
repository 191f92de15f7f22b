"""The common part of the recorders: batches are gathered in groups and written with retries."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

from agents.recorder.group_commit import GroupWriter
from agents.recorder.retrying_writer import HistoryCommit, RetryingWriter, Unrecordable, WriteObserver, WriteRetry
from schemas.ports import Batch, BatchHandle, BatchHandles, Clock, Sleep
from schemas.store_ports import HistoryWriter

T = TypeVar("T")


class GroupRecorder(ABC, Generic[T]):
    """Shared by all actors of a worker, so that their batches share commits. Each batch is acknowledged after its commit.

    A group is written `linger` seconds after its first batch, or as soon as it has `max_records`. Its records are decoded only then, so
    that batches which wait for PostgreSQL take no more memory than their bytes.
    """

    def __init__(
        self,
        store: HistoryWriter,
        sleep: Sleep,
        clock: Clock,
        observer: WriteObserver,
        on_failure: Callable[[BaseException], None],
        linger: float,
        max_records: int,
    ) -> None:
        """`on_failure`: called with an error that must end the process; batches that are not committed stay unacknowledged."""
        self._observer, self._on_failure = observer, on_failure
        self._writer = RetryingWriter(store, sleep, clock, self._observe)
        self._group_writer: GroupWriter[BatchHandle] = GroupWriter(self._write_group, sleep, linger, max_records, self._fail)

    async def run(self, batches: BatchHandles) -> None:
        """Record the batches; several of a partition are in flight."""
        async for handle in batches:
            self._group_writer.add(handle, len(handle.batch))

    def on_partitions_revoked(self, partitions: Collection[int]) -> None:
        """Forget the batches of these partitions that wait: whoever gets the partition reads their records again."""
        self._group_writer.discard_waiting(lambda handle: handle.batch.partition in partitions)

    async def stop(self) -> None:
        """Discard what is not committed; its records are consumed again after the next start."""
        await self._group_writer.stop()

    async def _write_group(self, handles: Sequence[BatchHandle]) -> None:
        items = [item for handle in handles for item in self._decode(handle.batch)]
        if items:
            await self._write(items)
            await self._follow_up(items)
        for handle in handles:
            handle.ack()

    def _observe(self, event: HistoryCommit | WriteRetry | Unrecordable) -> None:
        if isinstance(event, WriteRetry):
            self._release_unwritten()
        self._observer(event)

    def _fail(self, error: BaseException) -> None:
        self._release_unwritten()
        self._on_failure(error)

    def _release_unwritten(self) -> None:
        """Let a rebalance or stop proceed: an outage may last longer than they can wait, and after an error there is no commit."""
        for handle in self._group_writer.unwritten:
            handle.release()

    def _report_retry(self, cause: str, delay: float) -> None:
        self._observe(WriteRetry(cause, delay))

    async def _follow_up(self, items: Sequence[T]) -> None:
        """Do what follows from a commit before its batches are acknowledged; nothing by default."""

    @abstractmethod
    def _decode(self, batch: Batch) -> Sequence[T]:
        """The items of a batch."""

    @abstractmethod
    async def _write(self, items: Sequence[T]) -> None:
        """Write the items in one commit."""
