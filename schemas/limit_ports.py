"""The port of rate limiting by GCRA, the generic cell rate algorithm (ITU-T I.371): quotas in, a verdict out."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Quota(NamedTuple):
    """How much of something may be used: `burst` permits at once, and a further one every `interval` seconds.

    In any t seconds that is at most burst + t / interval. `key` names what is limited, with its kind first: `login-ip:192.0.2.1`.
    """

    key: str
    interval: float
    burst: int


class Granted(NamedTuple):
    """Permits that may be used now; `quota` is the position of the quota that has the fewest left.

    It has `remaining` more, and is full again after `reset_after` seconds without use.
    """

    permits: int
    quota: int
    remaining: int
    reset_after: float


class Exceeded(NamedTuple):
    """No permit, and none was used of any quota; `quota` is the position of the one that takes longest: `retry_after` seconds."""

    quota: int
    retry_after: float


RateVerdict = Granted | Exceeded


class RateLimiter(Protocol):
    """Gives permits within quotas. It has a clock of its own, which all who share a quota share: no caller passes a time."""

    async def acquire(self, quotas: Sequence[Quota], permits: int = 1, at_least: int = 0) -> RateVerdict:
        """So many permits of every quota, or of none; with `at_least` as many of them as there are, if there are at least so many.

        The least must not be above a burst, because it would never be granted. Raises UnavailableError if what counts does not answer;
        the limiter of the gateway and of the workers does not, but counts in its own process then (docs/decisions/0040).
        """
        ...


def build_quota(key: str, per_second: float, burst: int) -> Quota:
    """The quota of a rate; `per_second` is above 0."""
    return Quota(key, 1 / per_second, max(1, burst))
