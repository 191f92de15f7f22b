"""Entries to the store, however long it is away; and what an observer hears of it."""

from collections.abc import Callable
from typing import NamedTuple

from schemas.errors import UnavailableError
from schemas.history import HistoryBatch, RecordedDeadLetter
from schemas.ports import Clock, HistoryWriter, Sleep

INITIAL_BACKOFF = 0.1  # seconds; doubled each time
MAX_BACKOFF = 5.0


class HistoryCommit(NamedTuple):
    """A commit: how many events of each kind, and its time in seconds."""

    notifications: int
    attempts: int
    dead_letters: int
    seconds: float


class WriteRetry(NamedTuple):
    """The store does not answer; it is asked again in `seconds`."""

    cause: str
    delay: float


class Unrecordable(NamedTuple):
    """A record that history cannot hold: it was filed as a dead letter."""

    dead_letter: RecordedDeadLetter


WriteObserver = Callable[[HistoryCommit | WriteRetry | Unrecordable], None]


class RetryingWriter:
    """Writes until it is written: waits for a store that is away, and lets only Unstorable through."""

    def __init__(self, store: HistoryWriter, sleep: Sleep, clock: Clock, observer: WriteObserver) -> None:
        self._store, self._sleep, self._clock, self._observer = store, sleep, clock, observer

    async def write(self, batch: HistoryBatch) -> None:
        """Return when the entries are safe. Raises Unstorable if one cannot be stored as it is."""
        pause = INITIAL_BACKOFF
        while True:
            began = self._clock()
            try:
                await self._store.write(batch)
            except UnavailableError as why:
                self._observer(WriteRetry(str(why), pause))
                await self._sleep(pause)
                pause = min(2 * pause, MAX_BACKOFF)
            else:
                return self._report(batch, self._clock() - began)

    def _report(self, batch: HistoryBatch, seconds: float) -> None:
        self._observer(HistoryCommit(len(batch.notifications), len(batch.attempts), len(batch.dead_letters), seconds))
        for filed in batch.dead_letters:
            if filed.dead_letter.stage == "recorder":
                self._observer(Unrecordable(filed))
