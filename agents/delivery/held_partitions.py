"""Lets a partition with too much uncommitted work wait for its commit."""

from collections.abc import Callable
from functools import partial

from agents.delivery.call_queues import HELD_PRIORITIES
from agents.delivery.concurrency import ConcurrencyLimiter
from agents.delivery.in_flight import InFlight
from schemas.ports import SharedOutbox


class HeldPartitions:
    """Medium and low of such a partition wait. No other partition does, nor does high: its batches in flight bound its uncommitted work.

    A revoked delivery holds up nothing: its commit may never come. `start_calls` is called when a partition goes on.
    """

    def __init__(self, limiter: ConcurrencyLimiter, outbox: SharedOutbox, start_calls: Callable[[], None]) -> None:
        self._limiter, self._outbox, self._start_calls = limiter, outbox, start_calls

    def must_wait(self, in_flight: InFlight) -> bool:
        """Whether a delivery that was acquired has to wait for the commit."""
        batch = in_flight.batch
        return batch.priority in HELD_PRIORITIES and not in_flight.is_revoked and self._outbox.is_full(batch.partition)

    def hold(self, in_flight: InFlight) -> None:
        """Let a partition wait, with this delivery as its first one."""
        partition = in_flight.batch.partition
        self._limiter.queue.hold(partition)
        self._outbox.on_committed(partition, partial(self._resume, partition))
        self._limiter.release(in_flight)
        self._limiter.queue.put_first(in_flight)

    def _resume(self, partition: int) -> None:
        self._limiter.queue.resume(partition)
        self._start_calls()
