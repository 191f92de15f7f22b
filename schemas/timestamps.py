"""Times as a producer states them: epoch seconds or RFC 3339 text; a number in another unit is recognised by its size."""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

ZonedDatetime = Annotated[datetime, Meta(tz=True)]
Timestamp = Annotated[float | ZonedDatetime, Meta(description="epoch seconds, or RFC 3339 text with a time zone; from 2000 to 9999")]

# RFC 3339 ends with the year 9999. Milliseconds exceed this limit since 1978, so a number beyond it has another unit.
EARLIEST_TIME = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
LATEST_TIME = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC).timestamp()

_END_OF_USUAL_TIMES = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_LONGEST_DURATION = 10 * 366 * 24 * 3600
_UNITS = (("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9))
_ADVICE = "use epoch seconds, or RFC 3339 text such as 2026-01-31T09:00:00Z"


def to_epoch_seconds(timestamp: float | datetime) -> float:
    """The epoch seconds of a timestamp with a time zone, or the number itself."""
    return timestamp.timestamp() if isinstance(timestamp, datetime) else timestamp


def is_plausible(timestamp: float | datetime) -> bool:
    """Whether an honest clock can show it as epoch seconds: it is from 2000 to 9999."""
    return EARLIEST_TIME <= (timestamp if type(timestamp) is float else to_epoch_seconds(timestamp)) <= LATEST_TIME


def explain_implausible(timestamp: float | datetime) -> str:
    """What is wrong with a timestamp that is not plausible, with the likely unit if one fits."""
    seconds = to_epoch_seconds(timestamp)
    for unit, per_second in _UNITS:
        if EARLIEST_TIME <= seconds / per_second < _END_OF_USUAL_TIMES:
            return f"{seconds:.16g} looks like {unit}: {_ADVICE}"
    if 0 < seconds <= _LONGEST_DURATION:
        return f"{seconds:.16g} is before 2000 as epoch seconds and looks like a duration: {_ADVICE}"
    problem = "before 2000" if seconds < EARLIEST_TIME else "after 9999"
    return f"{seconds:.16g} is {problem} as epoch seconds: {_ADVICE}"
