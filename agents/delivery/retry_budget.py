"""Keeps retries that fail to a share of the other calls, so that they do not multiply the load of a provider that is partly down."""

from collections import deque

from agents.delivery.retry_decision import Random
from schemas.delivery_policy import RetryBudgetPolicy

BUCKETS = 10  # of the window


class RetryBudget:
    """The calls and failed retries of an account in the last seconds.

    Retries that succeed use up nothing, so that a backlog of them is not held up. Calls count from the first failure on.
    """

    __slots__ = ("_buckets", "_calls", "_failed", "_policy", "_random")

    def __init__(self, policy: RetryBudgetPolicy, random: Random) -> None:
        self._policy, self._random, self._calls = policy, random, 0
        self._buckets: deque[list[int]] = deque()  # number, all calls before it, failed retries in it
        self._failed = 0

    def record_call(self) -> None:
        """Count a call that ended."""
        self._calls += 1

    def record_failure(self, now: float) -> None:
        """Count a retry that failed, beside its call."""
        self._expire(now)
        number = self._get_number(now)
        if not self._buckets or self._buckets[-1][0] != number:
            self._buckets.append([number, max(self._calls - 1, 0), 0])
        self._buckets[-1][2] += 1
        self._failed += 1

    def find_delay(self, now: float) -> float | None:
        """Seconds that a retry has to wait; None if it need not."""
        if not self._failed:
            return None
        self._expire(now)
        if not self._buckets:
            return None
        others = self._calls - self._buckets[0][1] - self._failed
        if self._failed < max(self._policy.min_failed, self._policy.ratio * others):
            return None
        return self._policy.window * (0.5 + 0.5 * self._random())

    def _expire(self, now: float) -> None:
        oldest = self._get_number(now) - BUCKETS
        while self._buckets and self._buckets[0][0] <= oldest:
            self._failed -= self._buckets.popleft()[2]

    def _get_number(self, now: float) -> int:
        return int(now * BUCKETS / self._policy.window)
