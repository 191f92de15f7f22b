"""Durations on the command line: 90s, 30m, 1h30m, 7d."""

import re
from typing import Any

import click

_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}  # seconds
_match = re.compile(r"(?=\d)" + "".join(rf"(?:(\d{{1,9}}){unit})?" for unit in _UNITS)).fullmatch


def parse_duration(text: str) -> int:
    """The seconds of a text such as 1h30m. Raises ValueError."""
    found = _match(text)
    if not found:
        raise ValueError(text)
    return sum(int(number or 0) * seconds for number, seconds in zip(found.groups(), _UNITS.values(), strict=True))


class DurationType(click.ParamType):
    """A duration of a second or longer, in seconds, at most `max_seconds`."""

    name = "duration"

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; a number is one already."""
        if isinstance(value, int | float):
            return float(value)
        try:
            seconds = parse_duration(value)
        except ValueError:
            seconds = 0
        if not seconds:
            self.fail(f"{value!r} is no duration: write numbers with d, h, m or s, such as 24h or 1h30m", param, ctx)
        if seconds > self._max_seconds:
            self.fail(f"{value} is longer than {self._max_seconds / 86_400:g} days, for which Kafka has the notifications", param, ctx)
        return float(seconds)
