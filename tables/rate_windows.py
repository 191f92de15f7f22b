"""The table `rate_windows`: the admitted notifications of a user in a scope (tables/rate_limit_scopes.py), and whether one more fits.

A row begins with the exact part: one entry of 12 bytes per admitted notification (time, 4-byte fingerprint), oldest first, as far back
as the longest exact window. A replay finds the fingerprint of its notification there: it gets the same verdict and is counted once.
Limits above 200 are counted by slices, each a 64th of the window, as (newest time, count): the limit is never exceeded, and room returns
at most one slice late (docs/decisions/0004). Times are epoch seconds; every entry carries its own, and it is checked when the row is read.
An entry that is far ahead of the reader's time was written by a clock that was wrong: it does not count, and goes at the next admission.
"""

import math
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from struct import Struct as Layout
from typing import NamedTuple

from msgspec import Struct

from schemas.channels import CHANNEL_NAMES
from schemas.policy import RateLimit
from tables.table_definition import GetRows, RowView, TableDefinition, format_time

MAX_EXACT = 200
SLICES_PER_WINDOW = 64
MAX_AHEAD_SECONDS = 60.0  # how far ahead of the reader's time an entry still counts: two honest clocks differ by less

_COUNT_FORMAT = Layout("<H")
_TIME_FORMAT = Layout("<d")
_ENTRY_FORMAT = Layout("<d4s")
_SECTION_FORMAT = Layout("<IH")  # seconds of the window, number of slices; then all times (f64), then all counts (u32)


class Slices(NamedTuple):
    """A window counted by slices, oldest first: the newest time and the count of each slice."""

    times: list[float]
    counts: list[int]


_NO_SLICES = Slices([], [])


class ChannelWindows(Struct, frozen=True):
    """The limits of one scope, divided by how they are counted.

    `longest_exact_seconds`: the longest exact window. `has_zero_limit`: a limit is zero, so that even an empty row has no room.
    """

    exact_limits: tuple[RateLimit, ...]
    sliced_limits: tuple[RateLimit, ...]
    longest_exact_seconds: int
    has_zero_limit: bool


class ExceededLimit(Struct, frozen=True, gc=False):
    """A window without room: how many it contains, and when it has room again (epoch seconds; None for a limit of zero)."""

    used_count: int
    max_count: int
    window_seconds: int
    reset_at: float | None


def build_windows(limits: Iterable[RateLimit]) -> ChannelWindows:
    """The windows of limits that count the same notifications."""
    limits = tuple(limits)
    exact = tuple(limit for limit in limits if limit.max_count <= MAX_EXACT)
    sliced = tuple(limit for limit in limits if limit.max_count > MAX_EXACT)
    longest = max((limit.window_seconds for limit in exact), default=0)
    return ChannelWindows(exact, sliced, longest, any(limit.max_count <= 0 for limit in limits))


def encode_key(user_id: str, channel: str, category: str = "") -> bytes:
    """The key of the row that counts a channel, or with "" all channels together; and a category, or with "" all."""
    return user_id.encode() + encode_key_suffix(channel, category)


def encode_key_suffix(channel: str, category: str = "") -> bytes:
    """The part of a row's key after the user."""
    return f"\0{channel}\0{category}".encode() if category else b"\0" + channel.encode()


def compute_fingerprint(notification_id: str) -> bytes:
    """The 4 bytes that identify a notification's entry in a row."""
    return zlib.crc32(notification_id.encode()).to_bytes(4, "little")


def find_exceeded_limit(row: bytes | None, windows: ChannelWindows, now: float, fingerprint: bytes) -> ExceededLimit | None:
    """The first window without room for one more at `now`; None if all have room, or if the fingerprint is already in the row."""
    if row is None and not windows.has_zero_limit:
        return None
    row = row or _EMPTY_ROW
    (count,) = _COUNT_FORMAT.unpack_from(row)
    if _has_fingerprint(row, count, fingerprint):
        return None
    end, count = 2 + 12 * count, _count_until(row, count, now + MAX_AHEAD_SECONDS)
    for limit in windows.exact_limits:
        if limit.max_count <= 0:
            return ExceededLimit(0, limit.max_count, limit.window_seconds, None)
        if count >= limit.max_count:
            (oldest,) = _TIME_FORMAT.unpack_from(row, 2 + 12 * (count - limit.max_count))
            if oldest + limit.window_seconds > now:
                return ExceededLimit(limit.max_count, limit.max_count, limit.window_seconds, oldest + limit.window_seconds)
    return _find_exceeded_sliced_limit(row[end:], windows.sliced_limits, now) if windows.sliced_limits else None


def add_entry(row: bytes | None, windows: ChannelWindows, now: float, fingerprint: bytes) -> bytes:
    """The row with one more entry and without those that no window needs; the same row if the fingerprint is already in it."""
    if row is None and not windows.sliced_limits:
        return _COUNT_OF_ONE + _ENTRY_FORMAT.pack(now, fingerprint)
    row = row or _EMPTY_ROW
    (count,) = _COUNT_FORMAT.unpack_from(row)
    if _has_fingerprint(row, count, fingerprint):
        return row
    end = 2 + 12 * count
    if count and end == len(row) and not windows.sliced_limits and _is_append_only(row, end, now, windows.longest_exact_seconds):
        return _COUNT_FORMAT.pack(count + 1) + row[2:] + _ENTRY_FORMAT.pack(now, fingerprint)
    count, sections = _count_until(row, count, now + MAX_AHEAD_SECONDS), _decode_sections(row[end:], now + MAX_AHEAD_SECONDS)
    at = max(now, _find_newest_time(row, count, sections))  # keeps the order of the entries when the clock went back
    kept = row[2 + 12 * _count_outdated(row, count, at - windows.longest_exact_seconds) : 2 + 12 * count]
    if windows.exact_limits:
        kept += _ENTRY_FORMAT.pack(at, fingerprint)
    exact = _COUNT_FORMAT.pack(len(kept) // 12) + kept
    return exact + _encode_sections(sections, windows.sliced_limits, at) if windows.sliced_limits else exact


def count_used(row: bytes | None, limit: RateLimit, now: float) -> int:
    """How many the window of the limit contains at `now`."""
    entries, sections = decode_row(row)
    counts = sections.get(limit.window_seconds, []) if limit.max_count > MAX_EXACT else [(at, 1) for at, _ in entries]
    return sum(count for at, count in counts if now - limit.window_seconds < at <= now + MAX_AHEAD_SECONDS)


def decode_row(row: bytes | None) -> tuple[list[tuple[float, bytes]], dict[int, list[tuple[float, int]]]]:
    """A row's exact entries (time, fingerprint), and for each sliced window, by its seconds, its slices (newest time, count)."""
    row = row or _EMPTY_ROW
    (count,) = _COUNT_FORMAT.unpack_from(row)
    end = 2 + 12 * count
    sections = {seconds: list(zip(*slices, strict=True)) for seconds, slices in _decode_sections(row[end:]).items()}
    return list(_ENTRY_FORMAT.iter_unpack(row[2:end])), sections


def read_time(row: bytes) -> float:
    """The newest time in a row, in epoch seconds; 0 for a row without entries."""
    entries, sections = decode_row(row)
    return max([at for at, _ in entries] + [slices[-1][0] for slices in sections.values() if slices], default=0.0)


def find_row(get_rows: GetRows, user_id: str, key: str) -> RowView | None:
    """The rows of a user, decoded, by channel, "" for all channels together; with a `key` those that count only this category."""
    names = ("", *CHANNEL_NAMES)
    rows = zip(names, get_rows([encode_key(user_id, channel, key) for channel in names]), strict=True)
    channels = {channel: _build_row_view(row) for channel, row in rows if row is not None}
    return {"channels": channels} if channels else None


def _build_row_view(row: bytes) -> RowView:
    entries, sections = decode_row(row)
    return {
        "entries": [{"at": format_time(at), "fingerprint": fingerprint.hex()} for at, fingerprint in entries],
        "slices": {
            str(seconds): [{"until": format_time(at), "count": count} for at, count in slices] for seconds, slices in sections.items()
        },
    }


TABLE = TableDefinition("rate_windows", read_time, find_row)

_EMPTY_ROW, _COUNT_OF_ONE = _COUNT_FORMAT.pack(0), _COUNT_FORMAT.pack(1)


def _has_fingerprint(row: bytes, count: int, fingerprint: bytes) -> bool:
    end = 2 + 12 * count
    position = row.find(fingerprint, 10, end)
    while position >= 0 and (position - 10) % 12:  # the match spans two fields: not a fingerprint
        position = row.find(fingerprint, position + 1, end)
    return position >= 0


def _is_append_only(row: bytes, end: int, now: float, longest: int) -> bool:
    """Whether no entry is outdated at `now` or later than `now`: the usual case, in which only one entry is appended."""
    return bool(_TIME_FORMAT.unpack_from(row, 2)[0] > now - longest and _TIME_FORMAT.unpack_from(row, end - 12)[0] <= now)


def _find_newest_time(row: bytes, count: int, sections: Mapping[int, Slices]) -> float:
    newest = _TIME_FORMAT.unpack_from(row, 2 + 12 * (count - 1))[0] if count else 0.0
    for slices in sections.values():
        newest = max(newest, slices.times[-1])
    return float(newest)


def _count_until(row: bytes, count: int, latest: float) -> int:
    """How many entries, from the oldest, are not later than `latest`."""
    while count and _TIME_FORMAT.unpack_from(row, 2 + 12 * (count - 1))[0] > latest:
        count -= 1
    return count


def _count_outdated(row: bytes, count: int, since: float) -> int:
    """How many entries, from the oldest, are not newer than `since`."""
    for number in range(count):
        if _TIME_FORMAT.unpack_from(row, 2 + 12 * number)[0] > since:
            return number
    return count


def _decode_sections(tail: bytes, latest: float = math.inf) -> dict[int, Slices]:
    """The slices of each window, by its seconds, that are not later than `latest`."""
    sections, position = {}, 0
    while position < len(tail):
        seconds, count = _SECTION_FORMAT.unpack_from(tail, position)
        position += _SECTION_FORMAT.size
        numbers = struct.unpack_from(f"<{count}d{count}I", tail, position)
        kept = bisect_right(numbers, latest, 0, count)
        if kept:
            sections[seconds] = Slices(list(numbers[:kept]), list(numbers[count : count + kept]))
        position += 12 * count
    return sections


def _find_exceeded_sliced_limit(tail: bytes, limits: tuple[RateLimit, ...], now: float) -> ExceededLimit | None:
    sections = _decode_sections(tail, now + MAX_AHEAD_SECONDS)
    for limit in limits:
        slices = sections.get(limit.window_seconds, _NO_SLICES)
        since = now - limit.window_seconds
        used = _count_since(slices, since)
        if used >= limit.max_count:
            return ExceededLimit(
                used, limit.max_count, limit.window_seconds, slices.times[bisect_right(slices.times, since)] + limit.window_seconds
            )
    return None


def _count_since(slices: Slices, since: float) -> int:
    return sum(slices.counts[bisect_right(slices.times, since) :])


def _encode_sections(sections: Mapping[int, Slices], limits: tuple[RateLimit, ...], at: float) -> bytes:
    """The slices of all sliced windows with one more in the slice of `at`."""
    return b"".join(
        _encode_incremented_section(seconds, sections.get(seconds, _NO_SLICES), at)
        for seconds in dict.fromkeys(limit.window_seconds for limit in limits)
    )


def _encode_incremented_section(seconds: int, slices: Slices, at: float) -> bytes:
    first = bisect_right(slices.times, at - seconds)
    times, counts = slices.times[first:], slices.counts[first:]
    width = seconds / SLICES_PER_WINDOW
    if times and times[-1] // width == at // width:
        times[-1] = at
        counts[-1] += 1
    else:
        times.append(at)
        counts.append(1)
    return _SECTION_FORMAT.pack(seconds, len(times)) + struct.pack(f"<{len(times)}d{len(times)}I", *times, *counts)
