"""Times as options of commands: RFC 3339 text with a zone, epoch seconds, or a duration from now."""

import math
import time
from typing import Any

import click
import msgspec

from app.cli.durations import parse_duration
from schemas.timestamps import ZonedDatetime

TIME_FORMATS = "RFC 3339 text with a zone, epoch seconds, or a duration from now such as +10m or +1h30m"


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
            return now + parse_duration(text[1:])
        if text[:1].isdigit() and "-" in text:
            msgspec.convert(text, ZonedDatetime)
            return text
        return _parse_number(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time: use {TIME_FORMATS}") from None


def _parse_number(text: str) -> float:
    seconds = float(text)
    if not math.isfinite(seconds):
        raise ValueError(text)
    return seconds
