"""How many calls of an account may be in flight: half as many when it is overloaded, one more after each hundred that succeed (AIMD).

Additive increase and multiplicative decrease, as of TCP (RFC 5681, 3.1), finds the limit of a provider that names none.
"""

SUCCESSES_PER_CALL = 100
MIN_DECREASE_INTERVAL = 1.0  # seconds; the calls in flight at an overload fail together, and halve the limit once
IDLE_TIME = 300.0  # seconds without an overload and with few calls, after which an account begins anew


class AdaptiveConcurrency:
    """The limit of one account after its first overload; `is_full` when it is the usual one again."""

    __slots__ = ("_decreased_at", "_max_calls", "_min_calls", "_successes", "limit")

    def __init__(self, min_calls: int, max_calls: int) -> None:
        self._min_calls, self._max_calls, self.limit = min(min_calls, max_calls), max_calls, max_calls
        self._decreased_at, self._successes = float("-inf"), 0

    @property
    def is_full(self) -> bool:
        """Whether the limit is the usual one."""
        return self.limit == self._max_calls

    def is_idle(self, now: float) -> bool:
        """Whether the last overload is long ago."""
        return now - self._decreased_at >= IDLE_TIME

    def record_overload(self, now: float) -> bool:
        """Halve the limit after a 429, or a call without an answer; whether it changed."""
        if now - self._decreased_at < MIN_DECREASE_INTERVAL:
            return False
        before, self.limit = self.limit, max(self._min_calls, self.limit // 2)
        self._decreased_at, self._successes = now, 0
        return self.limit != before

    def record_success(self) -> bool:
        """Count a success; whether the limit changed."""
        self._successes += 1
        if self._successes < SUCCESSES_PER_CALL or self.is_full:
            return False
        self._successes = 0
        self.limit += 1
        return True
