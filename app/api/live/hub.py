"""Hands the rows of the ring to subscriptions: each takes its next frame when its connection has sent the one before."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.api.live.cursor import Cursor
from app.api.live.filters import RowFilter
from app.api.live.frames import encode_delta, encode_gap, encode_ping
from app.api.live.ring import Entry, LiveRing
from app.api.live.rows import LiveRow

MAX_ROWS = 200  # of a frame
MAX_SAMPLED_ROWS = 50  # of a frame, so 500 a second: more than anybody reads, and what a browser draws without effort
TRIM_SIZE = 1000  # matches that have left the ring are removed so many at a time


@dataclass(eq=False, slots=True)
class Subscription:
    """What one client has seen: after it has taken `replay`, the matches of its filter before `next_match`; `cursor` says it in offsets.

    `missed` records before `gap_cursor` are reported before anything else. A sampled subscription gets the newest row of each delivery, at
    most MAX_SAMPLED_ROWS at a time; another one gets every row, or is told how many it has missed.
    """

    row_filter: RowFilter
    is_sampled: bool
    next_match: int
    cursor: Cursor
    gap_cursor: Cursor
    missed: int = 0
    replay: Sequence[Entry] = ()


class _FilterGroup:
    """The subscriptions with one filter, and the entries of the ring that match it since the first of them, numbered from 0."""

    def __init__(self, row_filter: RowFilter) -> None:
        self.row_filter = row_filter
        self.subscriptions: set[Subscription] = set()
        self.frames: dict[tuple[int, bool], tuple[bytes | None, int, Cursor]] = {}
        self._matches: list[Entry] = []
        self._trimmed = 0

    @property
    def end(self) -> int:
        """The number of the next match."""
        return self._trimmed + len(self._matches)

    def add(self, entries: Iterable[Entry], first_position: int) -> None:
        """Add matches; those before a position of the ring are removed, many at a time."""
        self._matches += entries
        stale = bisect_left(self._matches, first_position, key=_get_position)
        if stale >= TRIM_SIZE:
            del self._matches[:stale]
            self._trimmed += stale

    def find_first(self, first_position: int) -> int:
        """The number of the first match that is still in the ring."""
        return self._trimmed + bisect_left(self._matches, first_position, key=_get_position)

    def list_from(self, number: int) -> list[Entry]:
        """The matches from a number on."""
        return self._matches[number - self._trimmed :]


class LiveHub:
    """The ring and its subscriptions. Clients with the same filter that are equally far share the bytes of their frames."""

    def __init__(self, ring: LiveRing) -> None:
        self._ring = ring
        self._groups: dict[RowFilter, _FilterGroup] = {}
        self._head_cursor = ring.copy_cursor()

    def subscribe(self, row_filter: RowFilter, cursor: Cursor | None, *, is_sampled: bool) -> Subscription:
        """Add a subscription that begins now, or after a cursor."""
        group = self._groups.setdefault(row_filter, _FilterGroup(row_filter))
        subscription = Subscription(group.row_filter, is_sampled, group.end, self._head_cursor, self._head_cursor)
        if cursor is not None:
            found = self._ring.replay(cursor)
            matches = (entry for entry in found.entries if entry.row is not None and row_filter.matches(entry.row))
            subscription.missed, subscription.replay = found.missed, list(matches)
            subscription.cursor, subscription.gap_cursor = cursor if found.missed else found.cursor, found.cursor
        group.subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription."""
        group = self._groups[subscription.row_filter]
        group.subscriptions.discard(subscription)
        if not group.subscriptions:
            del self._groups[subscription.row_filter]

    def publish(self, records: Iterable[tuple[int, int, LiveRow | None]]) -> list[Subscription]:
        """Append records (partition, offset, row) to the ring. The subscriptions that have a new row to take."""
        entries = self._ring.append(records)
        self._head_cursor = self._ring.copy_cursor()
        waiting: list[Subscription] = []
        for row_filter, group in self._groups.items():
            group.frames.clear()
            before = group.end
            group.add([entry for entry in entries if entry.row is not None and row_filter.matches(entry.row)], self._ring.first)
            if group.end > before:
                waiting += group.subscriptions
        return waiting

    def take_frame(self, subscription: Subscription) -> bytes | None:
        """The next frame of a subscription, which then counts as sent; None if there is nothing new for it."""
        if subscription.missed:
            missed, subscription.missed, subscription.cursor = subscription.missed, 0, subscription.gap_cursor
            return encode_gap(subscription.cursor, missed)
        if subscription.replay:
            return self._take_replay(subscription)
        group = self._groups[subscription.row_filter]
        if missed := max(0, group.find_first(self._ring.first) - subscription.next_match):
            subscription.next_match, subscription.cursor = subscription.next_match + missed, self._ring.copy_oldest_cursor()
            return encode_gap(subscription.cursor, missed)
        return self._take_new(subscription, group)

    def build_ping(self, subscription: Subscription) -> bytes:
        """A frame with where a subscription is that has no frame to take."""
        subscription.cursor = self._head_cursor
        return encode_ping(self._head_cursor)

    def _take_replay(self, subscription: Subscription) -> bytes:
        entries, subscription.replay = subscription.replay[:MAX_ROWS], subscription.replay[MAX_ROWS:]
        subscription.cursor = _advance(subscription.cursor, entries)
        return encode_delta(subscription.cursor, _get_rows(entries, subscription.row_filter))

    def _take_new(self, subscription: Subscription, group: _FilterGroup) -> bytes | None:
        key = subscription.next_match, subscription.is_sampled
        if key not in group.frames:
            group.frames[key] = self._build_frame(subscription, group)
        frame, subscription.next_match, subscription.cursor = group.frames[key]
        return frame

    def _build_frame(self, subscription: Subscription, group: _FilterGroup) -> tuple[bytes | None, int, Cursor]:
        """The frame, and where the subscription is after it."""
        matches = group.list_from(subscription.next_match)
        if not matches:
            return None, group.end, self._head_cursor
        if subscription.is_sampled:
            newest = {entry.row.subject: entry for entry in matches if entry.row is not None}
            entries = sorted(newest.values(), key=_get_position)[-MAX_SAMPLED_ROWS:]
            frame = encode_delta(
                self._head_cursor, _get_rows(entries, subscription.row_filter), len(matches) - len(newest), len(newest) - len(entries)
            )
            return frame, group.end, self._head_cursor
        entries = matches[:MAX_ROWS]
        cursor = self._head_cursor if len(entries) == len(matches) else _advance(subscription.cursor, entries)
        return encode_delta(cursor, _get_rows(entries, subscription.row_filter)), subscription.next_match + len(entries), cursor


def _get_position(entry: Entry) -> int:
    return entry.position


def _get_rows(entries: Iterable[Entry], row_filter: RowFilter) -> list[LiveRow]:
    return [row_filter.present(entry.row) for entry in entries if entry.row is not None]


def _advance(cursor: Cursor, entries: Sequence[Entry]) -> Cursor:
    return {**cursor, **{entry.partition: entry.offset + 1 for entry in entries}}
