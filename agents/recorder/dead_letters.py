"""notifications.dlq -> dead_letters, so that operators can search what has died."""

from collections.abc import Sequence

from agents.recorder.group_writer import GroupWriter
from agents.recorder.retrying_writer import RetryingWriter, WriteObserver
from schemas.dead_letter import decode_dead_letter
from schemas.history import HistoryBatch, RecordedDeadLetter
from schemas.ports import Batch, Batches, Clock, HistoryWriter, Sleep


class DeadLetterRecorder:
    """One for all actors of a worker, as Recorder is."""

    def __init__(
        self,
        store: HistoryWriter,
        sleep: Sleep,
        clock: Clock,
        observer: WriteObserver = lambda seen: None,
        linger: float = 0.05,
        max_items: int = 500,
    ) -> None:
        self._writer = RetryingWriter(store, sleep, clock, observer)
        self._group_writer: GroupWriter[RecordedDeadLetter] = GroupWriter(self._write, sleep, linger, max_items)

    async def run(self, batches: Batches) -> None:
        """File batch after batch; one is done when it is committed."""
        async for batch in batches:
            await self._group_writer.add(decode_dead_letters(batch))

    async def stop(self) -> None:
        """Give up what is not committed yet; it is read again at the next start."""
        await self._group_writer.stop()

    async def _write(self, letters: Sequence[RecordedDeadLetter]) -> None:
        await self._writer.write(HistoryBatch(dead_letters=letters))


def decode_dead_letters(batch: Batch) -> list[RecordedDeadLetter]:
    """The dead letters of a batch, each with the place of its record."""
    return [
        RecordedDeadLetter(
            record.timestamp / 1000,
            batch.topic,
            batch.partition,
            record.offset,
            decode_dead_letter(record.key, record.value, record.headers),
        )
        for record in batch.records
    ]
