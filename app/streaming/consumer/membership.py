"""The membership of a consumer in its group: what the fence of its commits reads, and the watchdog that stops a worker which has lost it.

Faust never checks aiokafka for errors of the group, so a worker could run on and consume nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import mode
from aiokafka.errors import KafkaError
from faust.exceptions import NotReady
from faust.types import TP

from app.streaming.consumer.failure_policy import ShutdownOnFailure

log = logging.getLogger(__name__)

WATCHDOG_INTERVAL = 5.0  # seconds


class ConsumerMembership:
    """Implements app.streaming.commit.fencing.GroupMembership. `generation`: of the batches in flight, set with each batch."""

    def __init__(self, app: Any, delegate: Any, is_changelog: Callable[[TP], bool]) -> None:
        self.generation = -1
        self._app, self._delegate, self._is_changelog = app, delegate, is_changelog
        self._cached_assignment: set[TP] | None = None  # the assignment that _assigned_partitions was computed from
        self._assigned_partitions: frozenset[int] = frozenset()

    def get_generation(self) -> int:
        """The generation of the batches in flight: that of the last one enqueued."""
        return self.generation

    def adopt_assignment(self) -> None:
        """Take the generation of the current assignment, for work beside the batches."""
        self.generation = int(self._app.consumer_generation_id)

    def get_assignment_number(self) -> int:
        """The generation, for callers that only compare it."""
        return self.generation

    def get_coordinator_generation(self) -> int:
        """The generation that the coordinator last confirmed; -1 once it no longer knows this member."""
        return int(self._delegate.get_coordinator_generation())

    def get_last_heartbeat_at(self) -> float:
        """When the coordinator last confirmed this member, in seconds of time.monotonic."""
        return float(self._delegate.get_last_heartbeat_at())

    def is_assigned(self, partition: int) -> bool:
        """Whether a source partition of that number is assigned; a standby, which has only its changelog, does not count."""
        return partition in self.get_assigned()

    def count_assigned(self) -> int:
        """How many source partitions are assigned, by their number."""
        return len(self.get_assigned())

    def get_assigned(self) -> frozenset[int]:
        """The numbers of the assigned source partitions."""
        assignment = self._app._assignment
        if assignment is not self._cached_assignment:  # Faust makes a new set at each rebalance
            self._cached_assignment = assignment
            self._assigned_partitions = frozenset(tp.partition for tp in assignment or () if not self._is_changelog(tp))
        return self._assigned_partitions


class CoordinatorSilentError(RuntimeError):
    """Kafka is reachable, but the coordinator has confirmed no heartbeat for longer than any rebalance takes."""


class CoordinatorWatchdog(mode.Service):
    """Checks the coordinator periodically; an error stops the worker, and its supervisor restarts it.

    It also stops a worker without confirmed heartbeats while Kafka is reachable: such a worker cannot know whether its partitions are still
    assigned to it, so none of its commits can finish. aiokafka_patches.py removes the one known cause; this is for unknown ones.
    """

    def __init__(
        self,
        delegate: Any,
        interval: float,
        *,
        get_silence: Callable[[], float],
        is_kafka_reachable: Callable[[], Awaitable[bool]],
        timeout: float,
        on_failure: Callable[[BaseException], None],
        **options: Any,
    ) -> None:
        """`delegate`: the consumer's; `interval`: seconds between checks; `get_silence`: seconds since the last confirmed heartbeat.

        `is_kafka_reachable`: checks over another connection than the coordinator's. `timeout`: seconds of silence, while Kafka is
        reachable, after which `on_failure` is called.
        """
        super().__init__(**options)
        self._silent_for = 0.0
        self._delegate, self._interval = delegate, interval
        self._get_silence, self._is_kafka_reachable, self._timeout, self._on_failure = get_silence, is_kafka_reachable, timeout, on_failure

    @mode.Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(self._interval)  # returns at a stop, also if it is cancelled then
            if self.should_stop:
                return
            self._check_errors()
            await self.check_heartbeat()

    async def check_heartbeat(self) -> None:
        """Stop the worker if the coordinator is silent for too long while Kafka is reachable."""
        if self._get_silence() <= self._interval or not await self._is_kafka_reachable():
            self._silent_for = 0.0
            return
        self._silent_for += self._interval
        if min(self._silent_for, self._get_silence()) > self._timeout:
            error = CoordinatorSilentError(f"Kafka is reachable, but no heartbeat was confirmed for {self._get_silence():.0f} s")
            log.critical("the worker stops, and unacknowledged batches are redelivered: %s", error)
            self._on_failure(error)

    def _check_errors(self) -> None:
        consumer = self._delegate._consumer
        if consumer is not None and not consumer._closed:
            consumer._coordinator.check_errors()


def build_watchdog(consumer: Any, delegate: Any) -> CoordinatorWatchdog:
    """The watchdog of a BatchConsumer and its delegate."""
    app, settings = consumer.app, consumer.settings
    return CoordinatorWatchdog(
        delegate,
        WATCHDOG_INTERVAL,
        get_silence=lambda: monotonic() - delegate.get_last_heartbeat_at(),
        is_kafka_reachable=lambda: _is_kafka_reachable(app),
        timeout=app.conf.broker_rebalance_timeout + settings.session_timeout,
        on_failure=ShutdownOnFailure(app, settings.shutdown_timeout),
        loop=consumer.loop,
        beacon=consumer.beacon,
    )


async def _is_kafka_reachable(app: Any) -> bool:
    """Whether the producer, which has its own connection, can update its metadata."""
    try:
        async with asyncio.timeout(WATCHDOG_INTERVAL):
            return bool(await app.producer._ensure_producer().client.force_metadata_update())
    except (KafkaError, NotReady, TimeoutError):
        return False
