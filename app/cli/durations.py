"""Durations on the command line: 90s, 30m, 24h, 7d."""

import re
from typing import Any

import click

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_match = re.compile(r"([1-9]\d{0,8})([smhd])").fullmatch


class DurationType(click.ParamType):
    """A number with a unit, in seconds, at most `max_seconds`."""

    name = "duration"

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; a number is one already."""
        if isinstance(value, int | float):
            return float(value)
        found = _match(value)
        if found is None:
            self.fail(f"{value!r} is no duration: write a number and s, m, h or d, such as 24h", param, ctx)
        seconds = int(found[1]) * _SECONDS[found[2]]
        if seconds > self._max_seconds:
            self.fail(f"{value} is longer than {self._max_seconds / 86_400:g} days, for which Kafka has the notifications", param, ctx)
        return float(seconds)
