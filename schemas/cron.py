"""Cron expressions: five fields, in a time zone, with the clock changes as Debian's cron takes them (the package cronsim); pure.

A time of day that a clock change leaves out runs at the first moment after the gap; one that exists twice runs the first time only. An
expression with a `*` in its minutes or hours runs whenever the clock shows such a time.
"""

from datetime import UTC, datetime
from functools import lru_cache

from cronsim import CronSim, CronSimError

from schemas.local_time import find_zone

MAX_CHARACTERS = 100
FIELDS = "minute, hour, day of the month, month, day of the week"
EXAMPLE = "such as `0 8 * * 1-5` for 08:00 from Monday to Friday"

_FIELD_NAMES = {"day-of-month": "day of the month", "day-of-week": "day of the week"}


@lru_cache(maxsize=1024)
def find_problem(expression: str) -> str:
    """What is wrong with a cron expression, as a clause for the person who wrote it; empty if it is valid."""
    if len(expression) > MAX_CHARACTERS:
        return f"a cron expression has at most {MAX_CHARACTERS} characters"
    fields = expression.split()
    if len(fields) != 5:
        return f"a cron expression has five fields ({FIELDS}), {EXAMPLE}; this has {len(fields)}"
    try:
        next(CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        name = str(error).removeprefix("Bad ")
        return f"the {_FIELD_NAMES.get(name, name)} of the cron expression {expression!r} is not valid: its fields are {FIELDS}, {EXAMPLE}"
    except StopIteration:
        return f"the cron expression {expression!r} never comes true: no year has such a day"
    return ""


def find_next(expression: str, time_zone: str, after: float) -> float | None:
    """The first time after `after` (epoch seconds), in this zone; None if there is none in 50 years. An unknown zone counts as UTC.

    Raises ValueError for an expression that is not valid.
    """
    try:
        times = CronSim(expression, datetime.fromtimestamp(after, find_zone(time_zone) or UTC))
        # in the hour that exists twice, the first time of day can be before `after`
        return next(at for at in (time.timestamp() for time in times) if at > after)
    except CronSimError as error:
        raise ValueError(f"not a cron expression: {expression!r}") from error
    except (StopIteration, RuntimeError, OverflowError):
        return None
