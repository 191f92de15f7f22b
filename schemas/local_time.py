"""Times as people read them: in the user's time zone, with UTC beside it; pure."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_DATE, _TIME = "%Y-%m-%d", "%H:%M:%S"


def format_local_time(at: float, time_zone: str) -> str:
    """Epoch seconds as `2026-11-28 07:00:00 Vienna time (06:00:00 UTC)`; only UTC for an empty or unknown zone, or an impossible time."""
    try:
        utc = datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{at:.16g} s since 1970"
    zone = find_zone(time_zone)
    if zone is None:
        return utc.strftime(f"{_DATE} {_TIME} UTC")
    local = utc.astimezone(zone)
    short = _TIME if local.date() == utc.date() else f"{_DATE} {_TIME}"
    return f"{local.strftime(f'{_DATE} {_TIME}')} {name_zone(time_zone)} ({utc.strftime(short)} UTC)"


def name_zone(time_zone: str) -> str:
    """The zone in a sentence: `Vienna time` for Europe/Vienna."""
    area, _, city = time_zone.rpartition("/")
    return f"{city.replace('_', ' ')} time" if area and area != "Etc" else time_zone


@lru_cache(maxsize=1024)
def find_zone(time_zone: str) -> ZoneInfo | None:
    """The zone; None for UTC, and for a name that the time zone database does not have."""
    if time_zone in ("", "UTC", "Etc/UTC"):
        return None
    try:
        return ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):  # unknown; `..` and other paths; a folder such as Europe
        return None
