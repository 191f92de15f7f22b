"""Stops the e-mails of a category of which too many bounce, before mailbox providers stop those of the whole sender.

What is stopped waits in the scheduler and comes again; high priority goes on. Pure: whoever has counted calls `update`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec import Struct

from agents.delivery.retry_decision import EXPIRED, Done, Random, RetryAt
from schemas.delivery import Delivery
from schemas.enums import Priority, Reason


class BounceCount(NamedTuple):
    """The deliveries of a category that were handed over in the last hour, and those of them that bounced."""

    sent: int
    bounced: int


class BounceGuardPolicy(Struct, frozen=True):
    """More than `max_percent` bounces over at least `min_sent` deliveries stop a category; what is stopped waits `hold` seconds."""

    max_percent: float
    min_sent: int
    hold: float


class BounceGuard:
    """`on_stopped` and `on_resumed` are called with a category and its count when it changes."""

    def __init__(
        self,
        policy: BounceGuardPolicy,
        random: Random,
        on_stopped: Callable[[str, BounceCount], None],
        on_resumed: Callable[[str, BounceCount], None],
    ) -> None:
        self._policy, self._random, self._on_stopped, self._on_resumed = policy, random, on_stopped, on_resumed
        self.stopped: frozenset[str] = frozenset()
        """The categories that are stopped; nearly always none."""

    def update(self, counts: Mapping[str, BounceCount]) -> None:
        """Stop and resume categories by the counts of the last hour; one that is not among them has none."""
        before = self.stopped
        self.stopped = frozenset(category for category, count in counts.items() if self._is_too_many(count))
        for category in sorted(self.stopped - before):
            self._on_stopped(category, counts[category])
        for category in sorted(before - self.stopped):
            self._on_resumed(category, counts.get(category, BounceCount(0, 0)))

    def find_hold(self, delivery: Delivery, priority: Priority, now: float) -> RetryAt | Done | None:
        """When a delivery comes again, or that it expires before; None if it is not stopped.

        The times are spread, so that not all come again at once.
        """
        if delivery.category not in self.stopped or priority == "high":
            return None
        at = now + self._policy.hold * (0.75 + 0.5 * self._random())
        return RetryAt(at, Reason.TOO_MANY_BOUNCES) if at < delivery.expires_at else EXPIRED

    def _is_too_many(self, count: BounceCount) -> bool:
        return count.sent >= self._policy.min_sent and count.bounced * 100 > count.sent * self._policy.max_percent
