"""Watches the lines of the sample until all are final, or until time is up."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from app.demo.account import Fate, fate_of
from app.demo.submitted import Submitted
from schemas.errors import Unavailable
from schemas.ports import Clock, Pause
from schemas.words import Channel
from tables.postgres.fates import Fates

LOOK_AGAIN = 0.2  # seconds between two looks


class Store(Protocol):
    """Where it is recorded what became of notifications. Raises Unavailable."""

    async def of_ids(self, ids: Sequence[str]) -> Fates: ...


class Watched(Protocol):
    """The progress of the sample, as somebody is shown it."""

    def final(self, lines: int) -> None: ...


class Watch:
    """One sample; `unread` says how many of the records handed in the router has not finished, `receipts` are seconds per channel."""

    def __init__(
        self,
        submitted: Sequence[Submitted],
        store: Store,
        unread: Callable[[], Awaitable[int]],
        receipts: Mapping[Channel, int],
        clock: Clock,
        pause: Pause,
    ) -> None:
        self._submitted, self._store, self._unread, self._receipts = submitted, store, unread, receipts
        self._clock, self._pause = clock, pause
        self._fates = [Fate() for _ in submitted]
        self._all_read = False
        self.recorded = Fates({}, {})

    @property
    def fates(self) -> list[Fate]:
        """What has become of each line so far."""
        return self._fates

    async def until_final(self, until: float, shown: Watched) -> bool:
        """Look until every line is final, at the latest until that time (epoch seconds); whether they are."""
        while True:
            await self.look()
            shown.final(sum(fate.final for fate in self._fates))
            if all(fate.final for fate in self._fates):
                return True
            if self._clock() >= until:
                return False
            await self._pause(LOOK_AGAIN)

    async def look(self) -> None:
        """One look at those that are not final; a server that does not answer has nothing new to say."""
        ids = {each.id for each, fate in self._open() if each.id and not each.line.again}
        try:
            self._keep(await self._store.of_ids(sorted(ids)))
            # asked last, when nothing else is open: positions are committed now and then only
            self._all_read = all(each.line.again for each, _ in self._open()) and not await self._unread()
        except Unavailable:
            return
        now = self._clock()
        for index, (each, fate) in enumerate(zip(self._submitted, self._fates, strict=True)):
            if not fate.final:
                self._fates[index] = fate_of(each, self.recorded, self._receipts, now, self._all_read)

    def _keep(self, found: Fates) -> None:
        self.recorded.notifications.update(found.notifications)
        self.recorded.deliveries.update(found.deliveries)

    def _open(self) -> list[tuple[Submitted, Fate]]:
        return [(each, fate) for each, fate in zip(self._submitted, self._fates, strict=True) if not fate.final]

    def unfinished(self) -> list[Submitted]:
        """The lines that are not final."""
        return [each for each, _ in self._open()]


def lost(watch: Watch, under_way: int) -> int:
    """How many of the unfinished lines are lost: all of them, once no role has anything left to read."""
    return 0 if under_way else len(watch.unfinished())
