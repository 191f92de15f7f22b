"""Times as options of commands: RFC 3339 text with a zone, epoch seconds, or a duration from now."""

import math
import re
import time
from typing import Any

import click
import msgspec

from schemas.timestamps import ZonedDatetime

TIME_FORMATS = "RFC 3339 text with a zone, epoch seconds, or a duration from now such as +10m or +1h30m"

_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}  # seconds
_DURATION = re.compile(r"\+(?=\d)" + "".join(rf"(?:(\d{{1,9}}){unit})?" for unit in _UNITS))


class TimeParameter(click.ParamType):
    """A time; a duration counts from the clock of this host. An empty text stays so if it can be."""

    name = "time"

    def __init__(self, *, can_be_empty: bool = False) -> None:
        self._can_be_empty = can_be_empty

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The JSON of the time. Fails with the formats that there are."""
        if not value and self._can_be_empty:
            return value
        try:
            return parse_time(value, time.time())
        except ValueError as error:
            self.fail(str(error), param, ctx)


def parse_time(text: str, now: float) -> float | str:
    """Epoch seconds for a number or a duration after `now`, and RFC 3339 text as it is. Raises ValueError that names these."""
    try:
        if text.startswith("+"):
            return now + _parse_duration(text)
        if text[:1].isdigit() and "-" in text:
            msgspec.convert(text, ZonedDatetime)
            return text
        return _parse_number(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time: use {TIME_FORMATS}") from None


def _parse_duration(text: str) -> int:
    """The seconds of a text such as +1h30m."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(text)
    return sum(int(number or 0) * seconds for number, seconds in zip(found.groups(), _UNITS.values(), strict=True))


def _parse_number(text: str) -> float:
    seconds = float(text)
    if not math.isfinite(seconds):
        raise ValueError(text)
    return seconds
