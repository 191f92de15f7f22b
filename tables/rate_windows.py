"""The rate_windows table: what a user was admitted for on a channel, and whether one more fits (design.md section 6).

A row begins with the exact part: one entry of 12 bytes per admitted notification, (time, 4-byte mark), oldest first, as far back as
the longest exact window. A notification finds its own mark there, so a replay gets the same verdict and counts once. Limits above
200 are counted by slices of a 64th of their window instead, (newest time, count): never over the limit, and free again at most one
slice late. Times are epoch seconds; every entry carries its own, and is checked against it when the row is read.
"""

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from struct import Struct as Layout
from typing import NamedTuple

from msgspec import Struct

from schemas.rules import RateLimit
from schemas.words import Channel

MOST_EXACT = 200
SLICES = 64

_COUNT = Layout("<H")
_TIME = Layout("<d")
_ENTRY = Layout("<d4s")
_SECTION = Layout("<IH")  # seconds of the window, number of slices; then all times (f64), then all counts (u32)


class Slices(NamedTuple):
    """A window counted by slices, oldest first: when each was last admitted to, and how often."""

    times: list[float]
    counts: list[int]


_NO_SLICES = Slices([], [])


class Windows(Struct, frozen=True):
    """The limits of one channel, parted by how they are counted.

    `longest` is the longest exact window in seconds; `blocked` says that a limit is zero, so that even an empty row has no room.
    """

    exact: tuple[RateLimit, ...]
    counted: tuple[RateLimit, ...]
    longest: int
    blocked: bool


class Full(Struct, frozen=True, gc=False):
    """A window without room: how many it holds, and when one will fit again (epoch seconds; never for a limit of zero)."""

    used: int
    most: int
    seconds: int
    frees_at: float | None


def windows_of(limits: Iterable[RateLimit]) -> dict[Channel, Windows]:
    """The windows of each channel that has limits."""
    by_channel: dict[Channel, list[RateLimit]] = {}
    for limit in limits:
        by_channel.setdefault(limit.channel, []).append(limit)
    return {channel: _parted(several) for channel, several in by_channel.items()}


def _parted(limits: list[RateLimit]) -> Windows:
    exact = tuple(limit for limit in limits if limit.most <= MOST_EXACT)
    counted = tuple(limit for limit in limits if limit.most > MOST_EXACT)
    return Windows(exact, counted, max((limit.seconds for limit in exact), default=0), any(limit.most <= 0 for limit in limits))


def key_of(user_id: str, channel: Channel) -> bytes:
    """The key of a row."""
    return user_id.encode() + key_end(channel)


def key_end(channel: Channel) -> bytes:
    """What follows the user in the key of a row."""
    return b"\0" + channel.encode()


def mark_of(notification_id: str) -> bytes:
    """The 4 bytes by which a notification finds its own entry."""
    return zlib.crc32(notification_id.encode()).to_bytes(4, "little")


def full(row: bytes | None, windows: Windows, now: float, mark: bytes) -> Full | None:
    """The first window without room for one more at `now`; none if all have room, or if the mark was admitted before."""
    if row is None and not windows.blocked:
        return None
    row = row or _EMPTY
    (count,) = _COUNT.unpack_from(row)
    if _marked(row, count, mark):
        return None
    for limit in windows.exact:
        if limit.most <= 0:
            return Full(0, limit.most, limit.seconds, None)
        if count >= limit.most:
            (oldest,) = _TIME.unpack_from(row, 2 + 12 * (count - limit.most))
            if oldest + limit.seconds > now:
                return Full(limit.most, limit.most, limit.seconds, oldest + limit.seconds)
    return _full_by_slices(row[2 + 12 * count :], windows.counted, now) if windows.counted else None


def admitted(row: bytes | None, windows: Windows, now: float, mark: bytes) -> bytes:
    """The row with one more entry and without those that no window needs; the same row if the mark is in it."""
    if row is None and not windows.counted:
        return _ONE + _ENTRY.pack(now, mark)
    row = row or _EMPTY
    (count,) = _COUNT.unpack_from(row)
    if _marked(row, count, mark):
        return row
    end = 2 + 12 * count
    if count and end == len(row) and not windows.counted and _all_in_order(row, end, now, windows.longest):
        return _COUNT.pack(count + 1) + row[2:] + _ENTRY.pack(now, mark)
    sections = _sections(row[end:])
    at = max(now, _newest(row, count, sections))  # a clock that went back must not disorder the entries
    kept = row[2 + 12 * _outdated(row, count, at - windows.longest) : end]
    if windows.exact:
        kept += _ENTRY.pack(at, mark)
    exact = _COUNT.pack(len(kept) // 12) + kept
    return exact + _counted(sections, windows.counted, at) if windows.counted else exact


def used(row: bytes | None, limit: RateLimit, now: float) -> int:
    """How many the limit's window holds at `now`."""
    entries, counted = unpacked(row)
    held = counted.get(limit.seconds, []) if limit.most > MOST_EXACT else [(at, 1) for at, _ in entries]
    return sum(count for at, count in held if at > now - limit.seconds)


def unpacked(row: bytes | None) -> tuple[list[tuple[float, bytes]], dict[int, list[tuple[float, int]]]]:
    """What a row says: the exact entries, and (newest time, count) of the slices of each counted window by its seconds."""
    row = row or _EMPTY
    (count,) = _COUNT.unpack_from(row)
    end = 2 + 12 * count
    counted = {seconds: list(zip(*slices, strict=True)) for seconds, slices in _sections(row[end:]).items()}
    return list(_ENTRY.iter_unpack(row[2:end])), counted


_EMPTY, _ONE = _COUNT.pack(0), _COUNT.pack(1)


def _marked(row: bytes, count: int, mark: bytes) -> bool:
    end = 2 + 12 * count
    place = row.find(mark, 10, end)
    while place >= 0 and (place - 10) % 12:  # found across two fields: not a mark
        place = row.find(mark, place + 1, end)
    return place >= 0


def _all_in_order(row: bytes, end: int, now: float, longest: int) -> bool:
    """Whether no entry is outdated at `now`, or later than that: nearly always, and then one more is all that changes."""
    return bool(_TIME.unpack_from(row, 2)[0] > now - longest and _TIME.unpack_from(row, end - 12)[0] <= now)


def _newest(row: bytes, count: int, sections: Mapping[int, Slices]) -> float:
    newest = _TIME.unpack_from(row, 2 + 12 * (count - 1))[0] if count else 0.0
    for slices in sections.values():
        newest = max(newest, slices.times[-1])
    return float(newest)


def _outdated(row: bytes, count: int, since: float) -> int:
    """How many entries, from the oldest, are not newer than `since`."""
    for number in range(count):
        if _TIME.unpack_from(row, 2 + 12 * number)[0] > since:
            return number
    return count


def _sections(tail: bytes) -> dict[int, Slices]:
    sections, place = {}, 0
    while place < len(tail):
        seconds, count = _SECTION.unpack_from(tail, place)
        place += _SECTION.size
        numbers = struct.unpack_from(f"<{count}d{count}I", tail, place)
        sections[seconds] = Slices(list(numbers[:count]), list(numbers[count:]))
        place += 12 * count
    return sections


def _full_by_slices(tail: bytes, limits: tuple[RateLimit, ...], now: float) -> Full | None:
    sections = _sections(tail)
    for limit in limits:
        slices = sections.get(limit.seconds, _NO_SLICES)
        since = now - limit.seconds
        held = _held(slices, since)
        if held >= limit.most:
            return Full(held, limit.most, limit.seconds, slices.times[bisect_right(slices.times, since)] + limit.seconds)
    return None


def _held(slices: Slices, since: float) -> int:
    return sum(slices.counts[bisect_right(slices.times, since) :])


def _counted(sections: Mapping[int, Slices], limits: tuple[RateLimit, ...], at: float) -> bytes:
    """The slices of all counted windows with one more in the slice of `at`."""
    return b"".join(
        _one_more(seconds, sections.get(seconds, _NO_SLICES), at) for seconds in dict.fromkeys(limit.seconds for limit in limits)
    )


def _one_more(seconds: int, slices: Slices, at: float) -> bytes:
    first = bisect_right(slices.times, at - seconds)
    times, counts = slices.times[first:], slices.counts[first:]
    width = seconds / SLICES
    if times and times[-1] // width == at // width:
        times[-1] = at
        counts[-1] += 1
    else:
        times.append(at)
        counts.append(1)
    return _SECTION.pack(seconds, len(times)) + struct.pack(f"<{len(times)}d{len(times)}I", *times, *counts)
