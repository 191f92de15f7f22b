"""The deliveries of one user to an ordered endpoint, in their order: which one goes, which wait here, and which in the scheduler. Pure."""

from collections.abc import Iterable
from itertools import islice
from typing import Generic, Literal, TypeVar

from tables.endpoint_order import OrderedEntry, Place

LOST_AFTER = 5.0  # seconds after its expiry that the end of a delivery, which nobody calls any more, is waited for

Arrival = Literal["goes", "waits", "leaves", "full"]
Here = TypeVar("Here")


class OrderedLine(Generic[Here]):
    """`here`: those that are in this worker, by the same keys as `entries`; `going`: the key of the one that is let go, the first.

    Only the first of the line goes. Those behind it wait here while it is here, as many as there is room for. Once it is not, because it
    waits for its next attempt, all others leave for the scheduler. Those that are next are called back when the first has ended.
    """

    __slots__ = ("entries", "going", "has_row", "here")

    def __init__(self, entries: Iterable[OrderedEntry] = ()) -> None:
        self.entries = {entry.key: entry for entry in entries}
        self.here: dict[bytes, Here] = {}
        self.going = b""
        self.has_row = bool(self.entries)

    @property
    def first(self) -> OrderedEntry | None:
        """The one that goes, or is waited for."""
        return next(iter(self.entries.values()), None)

    def arrive(self, entry: OrderedEntry, one: Here, *, window: int, max_entries: int) -> Arrival:
        """A delivery comes, new or back from the scheduler: what it does. One that leaves or finds the line full is not `here`.

        `window`: how many of the first ones may be here, the one that goes included.
        """
        known = self.entries.get(entry.key)
        if known is None:
            if len(self.entries) >= max_entries:
                return "full"
            self.entries[entry.key] = entry
        else:
            known.priority, known.expires_at = entry.priority, entry.expires_at
            entry = known
        first = self.first
        assert first is not None
        if first is not entry and (first.key not in self.here or entry.key not in self._list_keys(window)):
            entry.place = Place.WAITING
            return "leaves"
        entry.place = Place.WORKER
        self.here[entry.key] = one
        return "goes" if first is entry else "waits"

    def resume(self, entry: OrderedEntry, one: Here) -> None:
        """A delivery comes whose call was made, or was to be made: it goes on wherever it is in the line."""
        known = self.entries.setdefault(entry.key, entry)
        known.place = Place.WORKER
        if self.first is known:
            self.here[entry.key], self.going = one, entry.key

    def leave(self, key: bytes, place: Place) -> None:
        """A delivery is in the scheduler from now on."""
        entry, is_here = self.entries.get(key), self.here.pop(key, None) is not None
        if entry is not None and (is_here or entry.place is Place.WORKER):
            entry.place = place
        self._stop_going(key)

    def end(self, key: bytes) -> None:
        """A delivery has ended."""
        self.here.pop(key, None)
        self.entries.pop(key, None)
        self._stop_going(key)

    def drop_lost(self, now: float) -> bool:
        """Drop the first ones if they are not here, and have expired: whatever became of them, they are not called any more."""
        found = False
        while (first := self.first) is not None and first.key not in self.here and first.expires_at + LOST_AFTER <= now:
            del self.entries[first.key]
            found = True
        return found

    def take_next(self) -> Here | None:
        """The first, if it is here and was not let go before."""
        first = self.first
        if first is None or first.key == self.going or first.key not in self.here:
            return None
        self.going = first.key
        return self.here[first.key]

    def list_displaced(self) -> list[tuple[OrderedEntry, Here]]:
        """Those here that must leave, in their order, because the first is not here."""
        first = self.first
        if first is None or first.key in self.here:
            return []
        return [(entry, self.here[key]) for key, entry in self.entries.items() if key in self.here]

    def call_back(self, window: int) -> list[OrderedEntry]:
        """Those of the first ones that wait in the scheduler, and are to come now; none while the first waits for its next attempt."""
        first = self.first
        if first is None or first.place is Place.RETRYING:
            return []
        called = [entry for entry in islice(self.entries.values(), window) if entry.place is Place.WAITING]
        for entry in called:
            entry.place = Place.WORKER
        return called

    @property
    def needs_row(self) -> bool:
        """Whether a row must say what is where: only what is here is read again after a crash, in the order of its records."""
        return self.has_row or len(self.here) < len(self.entries)

    def _list_keys(self, count: int) -> list[bytes]:
        return list(islice(self.entries, count))

    def _stop_going(self, key: bytes) -> None:
        if key == self.going:
            self.going = b""
