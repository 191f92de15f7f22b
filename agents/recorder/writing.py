"""Entries to the store, however long it is away; and what an observer hears of it."""

from collections.abc import Callable
from typing import NamedTuple

from schemas.errors import Unavailable
from schemas.history import Entries, FiledLetter
from schemas.ports import Clock, Pause, Recording

FIRST_PAUSE = 0.1  # seconds; doubled each time
LONGEST_PAUSE = 5.0


class Committed(NamedTuple):
    """A commit: how many events of each kind, and its time in seconds."""

    notifications: int
    attempts: int
    letters: int
    seconds: float


class Waiting(NamedTuple):
    """The store does not answer; it is asked again in `seconds`."""

    cause: str
    seconds: float


class Stray(NamedTuple):
    """A record that history cannot hold: it was filed as a dead letter."""

    filed: FiledLetter


Observe = Callable[[Committed | Waiting | Stray], None]


class PatientWriter:
    """Writes until it is written: waits for a store that is away, and lets only Unstorable through."""

    def __init__(self, store: Recording, pause: Pause, clock: Clock, observe: Observe) -> None:
        self._store, self._pause, self._clock, self._observe = store, pause, clock, observe

    async def write(self, entries: Entries) -> None:
        """Return when the entries are safe. Raises Unstorable if one cannot be stored as it is."""
        pause = FIRST_PAUSE
        while True:
            began = self._clock()
            try:
                await self._store.write(entries)
            except Unavailable as why:
                self._observe(Waiting(str(why), pause))
                await self._pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return self._report(entries, self._clock() - began)

    def _report(self, entries: Entries, seconds: float) -> None:
        self._observe(Committed(len(entries.notifications), len(entries.attempts), len(entries.letters), seconds))
        for filed in entries.letters:
            if filed.letter.stage == "recorder":
                self._observe(Stray(filed))
