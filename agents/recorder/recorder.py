"""notifications.status -> history, in group commits; a batch ends after the commit that holds it."""

from collections.abc import Sequence

from agents.recorder.events import UNSTORABLE, Heard, entries, halves, heard, letter_of
from agents.recorder.group import GroupCommit
from agents.recorder.writing import Observe, PatientWriter
from schemas.errors import Unstorable
from schemas.history import Entries
from schemas.ports import Batch, Batches, Clock, Pause, Recording


class Recorder:
    """One for all actors of a worker: each runs `run`, all wait for the same commits. `linger` in seconds, `most` in events."""

    def __init__(
        self, store: Recording, pause: Pause, clock: Clock, observe: Observe = lambda seen: None, linger: float = 0.05, most: int = 4000
    ) -> None:
        self._writer = PatientWriter(store, pause, clock, observe)
        self._group: GroupCommit[Heard] = GroupCommit(self._write, pause, linger, most)

    async def run(self, batches: Batches) -> None:
        """Record batch after batch; one is done when it is committed."""
        async for batch in batches:
            await self.record(batch)

    async def record(self, batch: Batch) -> None:
        """Return when everything in the batch is in history, or among the dead letters."""
        await self._group.add(heard(batch))

    async def stop(self) -> None:
        """Give up what is not committed yet; it is read again at the next start."""
        await self._group.stop()

    async def _write(self, said: Sequence[Heard]) -> None:
        """One commit; if a row in it cannot be stored, two of half the size, down to the one that is filed as a dead letter."""
        try:
            await self._writer.write(entries(said))
        except Unstorable as why:
            if len(said) == 1:
                await self._writer.write(Entries(letters=[letter_of(said[0], UNSTORABLE, str(why))]))
                return
            for half in halves(said):
                await self._write(half)
