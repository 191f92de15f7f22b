"""The average rate of what arrives."""

from math import exp

RATE_PERIOD = 1.0  # seconds over which a rate is averaged


class ArrivalRate:
    """The average rate of records or requests, in which each counts less the older it is."""

    def __init__(self) -> None:
        self._rate, self._updated_at = 0.0, 0.0

    def record(self, count: int, now: float) -> float:
        """Record an arrival; returns the rate per second."""
        self._rate = self._rate * exp((self._updated_at - now) / RATE_PERIOD) + count / RATE_PERIOD
        self._updated_at = now
        return self._rate
