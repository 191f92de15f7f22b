"""Writes history with retries while the store is unavailable."""

from collections.abc import Callable
from typing import NamedTuple

from schemas.errors import UnavailableError
from schemas.history import NO_REPORTS, HistoryBatch, RecordedDeadLetter, WrittenReports
from schemas.ports import Clock, Sleep
from schemas.store_ports import HistoryWriter

INITIAL_BACKOFF = 0.1  # seconds; doubled for each retry
MAX_BACKOFF = 5.0  # seconds


class HistoryCommit(NamedTuple):
    """A commit: its rows in notifications, delivery_logs and dead_letters, its duration in seconds, and what became of reports."""

    notifications: int
    attempts: int
    dead_letters: int
    seconds: float
    reports: WrittenReports = NO_REPORTS


class WriteRetry(NamedTuple):
    """The store is unavailable; the next try is in `delay` seconds."""

    cause: str
    delay: float


class Unrecordable(NamedTuple):
    """A record that the history cannot hold was recorded as a dead letter."""

    dead_letter: RecordedDeadLetter


WriteObserver = Callable[[HistoryCommit | WriteRetry | Unrecordable], None]


class RetryingWriter:
    """Retries a write without limit while the store is unavailable."""

    def __init__(self, store: HistoryWriter, sleep: Sleep, clock: Clock, observer: WriteObserver) -> None:
        self._store, self._sleep, self._clock, self._observer = store, sleep, clock, observer

    async def write(self, batch: HistoryBatch) -> WrittenReports:
        """Write the batch; returns after the commit. Raises UnstorableRowError if a row cannot be stored as it is."""
        backoff = INITIAL_BACKOFF
        while True:
            started_at = self._clock()
            try:
                written = await self._store.write(batch)
            except UnavailableError as error:
                self._observer(WriteRetry(str(error), backoff))
                await self._sleep(backoff)
                backoff = min(2 * backoff, MAX_BACKOFF)
            else:
                self._report(batch, written, self._clock() - started_at)
                return written

    def _report(self, batch: HistoryBatch, written: WrittenReports, seconds: float) -> None:
        self._observer(HistoryCommit(len(batch.notifications), len(batch.attempts), len(batch.dead_letters), seconds, written))
        for recorded in batch.dead_letters:
            if recorded.dead_letter.stage == "recorder":
                self._observer(Unrecordable(recorded))
