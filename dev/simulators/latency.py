"""Latencies of responses: a constant or a distribution, as text and as value."""

import re
from random import Random
from typing import NamedTuple

MAX_SECONDS = 600.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_match_duration = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)").fullmatch


class Latency(NamedTuple):
    """`constant` (first), `uniform` (first to second), `exponential` (mean: first) or `lognormal` (median: first, sigma: second).

    All but sigma in seconds.
    """

    kind: str = "constant"
    first: float = 0.0
    second: float = 0.0

    def sample(self, random: Random) -> float:
        """A latency in seconds, at most MAX_SECONDS."""
        if self.kind == "constant":
            return min(MAX_SECONDS, self.first)
        if self.kind == "uniform":
            return min(MAX_SECONDS, random.uniform(self.first, self.second))
        if self.kind == "exponential":
            return min(MAX_SECONDS, random.expovariate(1 / self.first) if self.first else 0.0)
        return min(MAX_SECONDS, self.first * random.lognormvariate(0.0, self.second))


NO_LATENCY = Latency()


def parse_duration(text: str) -> float:
    """The seconds of `500ms`, `90s`, `2m` or `1.5h`. Raises ValueError."""
    match = _match_duration(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration: a number and ms, s, m or h, such as 500ms, 90s or 2m")
    return float(match[1]) * _UNITS[match[2]]


def parse_latency(text: str) -> Latency:
    """The latency of `200ms`, `uniform:100ms-2s`, `exponential:500ms` or `lognormal:300ms:1.2`. Raises ValueError."""
    kind, colon, parameters = text.partition(":")
    if not colon:
        return Latency("constant", parse_duration(text))
    if kind == "exponential":
        return Latency(kind, parse_duration(parameters))
    if kind == "uniform":
        low, _, high = parameters.partition("-")
        return Latency(kind, parse_duration(low), parse_duration(high))
    if kind == "lognormal":
        median, _, sigma = parameters.partition(":")
        return Latency(kind, parse_duration(median), float(sigma))
    raise ValueError(f"{text!r} is not a latency: write 200ms, uniform:100ms-2s, exponential:500ms or lognormal:300ms:1.2")
