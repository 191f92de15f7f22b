"""notifications.status -> history, in group commits; a batch ends after the commit that holds it."""

from collections.abc import Sequence

from agents.recorder.events import UNSTORABLE, DecodedRecord, build_dead_letter, build_history_batch, decode_events, split_in_half
from agents.recorder.group_writer import GroupWriter
from agents.recorder.retrying_writer import RetryingWriter, WriteObserver
from schemas.errors import UnstorableRowError
from schemas.history import HistoryBatch
from schemas.ports import Batch, Batches, Clock, HistoryWriter, Sleep


class Recorder:
    """One for all actors of a worker: each runs `run`, all wait for the same commits. `linger` in seconds, `most` in events."""

    def __init__(
        self,
        store: HistoryWriter,
        sleep: Sleep,
        clock: Clock,
        observer: WriteObserver = lambda seen: None,
        linger: float = 0.05,
        max_items: int = 4000,
    ) -> None:
        self._writer = RetryingWriter(store, sleep, clock, observer)
        self._group_writer: GroupWriter[DecodedRecord] = GroupWriter(self._write, sleep, linger, max_items)

    async def run(self, batches: Batches) -> None:
        """Record batch after batch; one is done when it is committed."""
        async for batch in batches:
            await self.record(batch)

    async def record(self, batch: Batch) -> None:
        """Return when everything in the batch is in history, or among the dead letters."""
        await self._group_writer.add(decode_events(batch))

    async def stop(self) -> None:
        """Give up what is not committed yet; it is read again at the next start."""
        await self._group_writer.stop()

    async def _write(self, records: Sequence[DecodedRecord]) -> None:
        """One commit; if a row in it cannot be stored, two of half the size, down to the one that is filed as a dead letter."""
        try:
            await self._writer.write(build_history_batch(records))
        except UnstorableRowError as why:
            if len(records) == 1:
                await self._writer.write(HistoryBatch(dead_letters=[build_dead_letter(records[0], UNSTORABLE, str(why))]))
                return
            for half in split_in_half(records):
                await self._write(half)
