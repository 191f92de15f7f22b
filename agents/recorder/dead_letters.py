"""notifications.dlq -> dead_letters, so that operators can search what has died."""

from collections.abc import Sequence

from agents.recorder.group import GroupCommit
from agents.recorder.writing import Observe, PatientWriter
from schemas.deadletter import letter_of
from schemas.history import Entries, FiledLetter
from schemas.ports import Batch, Batches, Clock, Pause, Recording


class DeadLetterRecorder:
    """One for all actors of a worker, as Recorder is."""

    def __init__(
        self, store: Recording, pause: Pause, clock: Clock, observe: Observe = lambda seen: None, linger: float = 0.05, most: int = 500
    ) -> None:
        self._writer = PatientWriter(store, pause, clock, observe)
        self._group: GroupCommit[FiledLetter] = GroupCommit(self._write, pause, linger, most)

    async def run(self, batches: Batches) -> None:
        """File batch after batch; one is done when it is committed."""
        async for batch in batches:
            await self._group.add(filed(batch))

    async def stop(self) -> None:
        """Give up what is not committed yet; it is read again at the next start."""
        await self._group.stop()

    async def _write(self, letters: Sequence[FiledLetter]) -> None:
        await self._writer.write(Entries(letters=letters))


def filed(batch: Batch) -> list[FiledLetter]:
    """The dead letters of a batch, each with the place of its record."""
    return [
        FiledLetter(
            record.timestamp / 1000, batch.topic, batch.partition, record.offset, letter_of(record.key, record.value, record.headers)
        )
        for record in batch.records
    ]
