"""The time of a worker: the clock of the host, held to the time of the brokers, so that a step of the host's clock decides nothing."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from math import inf
from typing import Any

Clock = Callable[[], float]

LOG_APPEND_TIME = 1  # Kafka's type of a timestamp that is the broker's
MAX_CLOCK_ERROR = 10.0  # seconds between the clocks of host and brokers that are ordinary: latency, and hosts that differ
OBSERVATION_WINDOW = 60.0  # seconds after which an acknowledgement counts no more, so that a broker's clock may be set back


class BrokerClock:
    """Returns epoch seconds: the host's clock while it agrees with the brokers, otherwise their time, continued by the monotonic clock.

    Kafka stamps a record when it appends it (LogAppendTime). So the time of a record that was read is never later than now, and the time
    in an acknowledgement is now, but for its latency. Until the first acknowledgement the host's clock is only kept from being behind.
    """

    def __init__(self, wall_clock: Clock, monotonic: Clock) -> None:
        self._wall_clock, self._monotonic = wall_clock, monotonic
        self._offset = -inf  # brokers' time minus the monotonic clock
        self._newest_offset = -inf  # the greatest of the acknowledgements in the current window
        self._window_ends_at = -inf
        self._is_acknowledged = False
        self._acknowledged_at = -inf  # seconds of the monotonic clock

    def __call__(self) -> float:
        """The time in epoch seconds."""
        wall, broker = self._wall_clock(), self._monotonic() + self._offset
        if wall < broker - MAX_CLOCK_ERROR or (self._is_acknowledged and wall > broker + MAX_CLOCK_ERROR):
            return broker
        return wall

    @property
    def error(self) -> float:
        """The host's clock minus the brokers' time in seconds; infinite before the first observation."""
        return self._wall_clock() - self._monotonic() - self._offset

    @property
    def is_confirmed(self) -> bool:
        """Whether the host's clock agrees with the brokers."""
        return abs(self.error) <= MAX_CLOCK_ERROR

    def get_broker_time(self) -> float | None:
        """The brokers' time in epoch seconds, late by the latency of an acknowledgement, and never ahead of it.

        None unless a record was acknowledged within OBSERVATION_WINDOW: after that, the two clocks may have drifted apart.
        """
        now = self._monotonic()
        return now + self._offset if now - self._acknowledged_at <= OBSERVATION_WINDOW else None

    def observe_record(self, timestamp: float) -> None:
        """Take the broker's time of a record that was read: it is not later than now."""
        self._offset = max(self._offset, timestamp - self._monotonic())

    def observe_acknowledgement(self, timestamp: float) -> None:
        """Take the broker's time of a record that was just appended. The greatest of a window counts: it has the shortest latency."""
        now = self._monotonic()
        offset = timestamp - now
        self._newest_offset = max(self._newest_offset, offset)
        if now >= self._window_ends_at or not self._is_acknowledged:
            self._offset, self._newest_offset, self._window_ends_at = self._newest_offset, offset, now + OBSERVATION_WINDOW
        self._offset = max(self._offset, offset)
        self._is_acknowledged, self._acknowledged_at = True, now


class ObservedProducer:
    """A producer for the outboxes, whose acknowledgements the clock observes."""

    def __init__(self, producer: Any, clock: BrokerClock) -> None:
        self._producer, self._clock = producer, clock
        self.create_batch = producer.create_batch

    async def send_batch(self, builder: Any, topic: str, *, partition: int) -> Future[Any]:
        """Queue a batch; returns the future of its metadata."""
        future: Future[Any] = await self._producer.send_batch(builder, topic, partition=partition)
        future.add_done_callback(self._observe)
        return future

    def _observe(self, future: Future[Any]) -> None:
        if not future.cancelled() and future.exception() is None and (metadata := future.result()).timestamp_type == LOG_APPEND_TIME:
            self._clock.observe_acknowledgement(metadata.timestamp / 1000)
