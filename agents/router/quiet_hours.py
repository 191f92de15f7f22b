"""Quiet hours: whether it is quiet at a time for a user, and until when; pure but for the time zone database.

It is quiet at a time if the clocks of the user's zone then show a time of day in the window. So a window that begins or ends in the hour
that is left out in spring begins or ends with the change; and in autumn the hour that comes twice is quiet twice. A window whose two ends
are the same is empty.
"""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from schemas.local_time import find_zone
from schemas.profile import QuietHours

MINUTE, HOUR, DAY = 60, 3600, 86_400
UTC_NAME = "UTC"
_UTC_NAMES = ("", UTC_NAME, "Etc/UTC")


def is_known_zone(name: str) -> bool:
    """Whether there is a time zone of this name; an empty one is UTC."""
    return name in _UTC_NAMES or find_zone(name) is not None


def find_quiet_end(window: QuietHours, zone_name: str, at: float) -> float | None:
    """When it is not quiet any more (epoch seconds); None if it is not quiet at `at`. An unknown zone counts as UTC."""
    minute = int(at // MINUTE)  # offsets are whole minutes since 1972
    start, end = window.start, window.end
    return _find_end(zone_name, start, end, minute) if _is_quiet_at(zone_name, start, end, minute) else None


@lru_cache(maxsize=8192)
def _is_quiet_at(zone_name: str, start: str, end: str, minute: int) -> bool:
    return _is_in_window(_get_local_minute(zone_name, minute), _parse(start), _parse(end))


@lru_cache(maxsize=2048)
def _get_local_minute(zone_name: str, minute: int) -> int:
    local = datetime.fromtimestamp(minute * MINUTE, find_zone(zone_name) or UTC)
    return local.hour * 60 + local.minute


@lru_cache(maxsize=4096)
def _find_end(zone_name: str, start: str, end: str, minute: int) -> int:
    """The first second that is not quiet, from a minute that is: where the window ends, or where a change of the clocks leaves it."""
    zone = find_zone(zone_name) or UTC
    at = minute * MINUTE
    while True:
        window_end = at + (_parse(end) * MINUTE - at - _get_offset(zone, at)) % DAY
        change = _find_offset_change(zone, at, window_end)
        if change is None:
            return window_end
        if not _is_in_window(_get_local_minute(zone_name, change // MINUTE), _parse(start), _parse(end)):
            return change
        at = change


def _find_offset_change(zone: tzinfo, first: int, last: int) -> int | None:
    """The first second after `first`, up to `last`, at which the zone has another offset; None if there is none."""
    offset = _get_offset(zone, first)
    for before in range(first, last, HOUR):  # no zone changes twice within an hour
        after = min(before + HOUR, last)
        if _get_offset(zone, after) != offset:
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if _get_offset(zone, middle) == offset else (before, middle)
            return after
    return None


def _get_offset(zone: tzinfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _is_in_window(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start <= end else minute >= start or minute < end


@lru_cache(maxsize=2048)
def _parse(time_of_day: str) -> int:
    """The minute of the day of a time such as 07:00."""
    return int(time_of_day[:2]) * 60 + int(time_of_day[3:5])
