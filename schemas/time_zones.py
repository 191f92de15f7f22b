"""The time zones that a user can have: the names of the IANA database."""

from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones


def find_time_zone_problem(name: str) -> str:
    """Why a text is no time zone, as a clause for the person who wrote it; empty if it is one."""
    if name in list_time_zones():
        return ""
    folded = _fold_names()
    similar = [folded[name.lower()]] if name.lower() in folded else get_close_matches(name, folded.values(), n=1)
    advice = f"did you mean {similar[0]}?" if similar else "use a name of the IANA database, such as Europe/Vienna"
    return f"there is no time zone {name[:64]!r}: {advice}"


@cache
def list_time_zones() -> frozenset[str]:
    """All names; links such as Asia/Calcutta are names, too."""
    return frozenset(available_timezones()) - {"localtime"}  # of this host, which says nothing about the user


@cache
def _fold_names() -> dict[str, str]:
    return {name.lower(): name for name in sorted(list_time_zones())}
