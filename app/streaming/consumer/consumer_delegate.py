"""What Faust's consumer delegates to: it takes the records that aiokafka has buffered, by priority, and paces aiokafka's fetches.

Faust runs aiokafka's consumer in a thread, so that an agent which blocks the event loop does not stop the heartbeats. No agent here does
that, and each batch changed threads three times. So it runs on the event loop of the worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from math import ceil
from time import monotonic
from typing import Any, NamedTuple

import mode
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.utils.futures import maybe_async

from app.streaming.consumer.buffered_records import MAX_CHANGELOG_RECORDS, FetchedRecords, FetchRequest, take_records
from app.streaming.consumer.fetch_scheduling import FetchPacer, PrioritySelector
from app.streaming.consumer.shielded_calls import ShieldedCalls
from app.streaming.time_limit import run_with_time_limit

log = logging.getLogger(__name__)

BUSY_PERIOD = 1.0  # seconds after a fetch of a priority in which the lower ones have their busy limits
STOP_TIMEOUT = 1.5  # seconds that leaving the group may take; Kafka may be unreachable, or a rebalance wait for another worker
JUST_FETCHED_AGE = 0.001  # seconds; younger records are about to be taken, and no fetch can be planned before that
FETCHER_TIMEOUT = 2.0  # seconds until aiokafka plans again although nothing happened; its own 0.2 is five plans a second at rest
PREFETCH_BACKOFF = 0.005  # seconds that a broker with untaken records is not fetched from; aiokafka's 0.1 delays its other partitions


class PartialAssignment(NamedTuple):
    """What aiokafka reads of an assignment to plan a fetch."""

    tps: Collection[TP]
    state_value: Callable[[TP], Any]


class ConsumerDelegate(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread without the thread, and with a fetch by priority that can be interrupted."""

    wait_for_shutdown = False
    # A service of the event loop, not of a thread.
    start, maybe_start, stop, crash = mode.Service.start, mode.Service.maybe_start, mode.Service.stop, mode.Service.crash
    set_shutdown, _stopped_set = mode.Service.set_shutdown, mode.Service._stopped_set
    _stop_children, _stop_futures = mode.Service._stop_children, mode.Service._stop_futures
    _stop_exit_stacks = mode.Service._stop_exit_stacks

    def __init__(self, consumer: Any, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(consumer, loop=loop, thread_loop=loop, **options)

    def __post_init__(self) -> None:
        super().__post_init__()
        settings = self.transport.settings
        self.priority_selector = PrioritySelector(settings.priority_limits, busy_period=BUSY_PERIOD)
        self.fetch_pacer = FetchPacer(settings.priority_limits, max_wait=settings.fetch_max_wait)
        self._waiter: asyncio.Future[None] | None = None
        self._wakeup_pending = False
        self._calls = ShieldedCalls()
        self._held_rebalance: asyncio.Task[Any] | None = None  # aiokafka's task
        self._last_heartbeat_at = monotonic()

    def _get_tasks(self) -> Iterable[Any]:
        """None: the only task of the thread keeps it alive."""
        return ()

    async def call_thread(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call a method of aiokafka. It goes on if the caller is cancelled: it may have sent a request."""
        return await self._calls.run(maybe_async(method(*args, **options)))

    async def on_start(self) -> None:
        """Starts aiokafka's consumer, then paces its fetches and records its heartbeats."""
        await super().on_start()
        self._pace_fetches(self._consumer._fetcher)
        self._record_heartbeats(self._consumer._coordinator)

    async def on_stop(self) -> None:
        """Stops aiokafka's consumer. Without Kafka it raises, or waits without limit; that must not keep the worker from stopping."""
        try:
            if not await run_with_time_limit(self.on_thread_stop(), STOP_TIMEOUT):
                log.warning("the consumer did not leave its group within %s s; the group drops it after its session", STOP_TIMEOUT)
        except (Exception, asyncio.CancelledError) as error:
            log.warning("the consumer did not stop cleanly: %r", error)

    async def on_thread_stop(self) -> None:
        """Stops aiokafka's consumer. A rebalance that waits for this ends first, because aiokafka leaves the group only after it."""
        await self._calls.cancel_all()  # aiokafka repeats a commit without end, also after it has left the group
        if self._held_rebalance is not None:
            self._held_rebalance.cancel()
            await asyncio.wait([self._held_rebalance])
        await super().on_thread_stop()

    def close(self) -> None:
        """Nothing: Faust calls it for a rebalance during a stop, whose last commits need the connections. `on_stop` closes them."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        """Faust's, that reads no rolled-back records; Faust sets this only for its own transactions."""
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer

    def _pace_fetches(self, fetcher: Any) -> None:
        original_plan = fetcher._get_actions_per_node
        fetcher._prefetch_backoff, fetcher._fetcher_timeout = PREFETCH_BACKOFF, FETCHER_TIMEOUT

        def plan_fetches(assignment: Any) -> Any:
            now, active_partitions, priorities = monotonic(), self.consumer._active_partitions, self.transport.topic_priorities
            if _has_just_fetched(fetcher, now):
                return [], {}, PREFETCH_BACKOFF, False, []
            buffered = [
                (priorities.get(tp.topic, 0), now - fetched._created) for tp, fetched in fetcher._records.items() if tp in active_partitions
            ]
            plan = self.fetch_pacer.plan_fetch(now, buffered)
            fetcher._fetch_max_wait_ms = ceil(plan.seconds * 1000)
            requests, resets, timeout, *others = original_plan(self._select_partitions(assignment, plan.priorities))
            if not (requests or fetcher._in_flight):
                timeout = min(timeout, plan.seconds)
            if _has_ended_fetch(fetcher):
                timeout = 0.0
            return requests, resets, timeout, *others

        fetcher._get_actions_per_node = plan_fetches

    def _select_partitions(self, assignment: Any, priorities: Collection[int]) -> Any:
        """The assignment without the partitions of other priorities; those without a position are needed to set one."""
        if len(priorities) == len(self.transport.settings.priority_limits):
            return assignment
        topic_priorities = self.transport.topic_priorities
        return PartialAssignment(
            [
                tp
                for tp in assignment.tps
                if topic_priorities.get(tp.topic) in (None, *priorities) or not assignment.state_value(tp).has_valid_position
            ],
            assignment.state_value,
        )

    def _record_heartbeats(self, coordinator: Any) -> None:
        original_heartbeat = coordinator._do_heartbeat

        async def send_heartbeat() -> bool:
            success: bool = await original_heartbeat()
            if success:
                self._last_heartbeat_at = monotonic()
            return success

        coordinator._do_heartbeat = send_heartbeat

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """A rebalance during a stop waits for it: the stop drains and commits as a member of this generation, then leaves the group."""
        if self.app.should_stop:
            self._held_rebalance = asyncio.current_task()
            await asyncio.Event().wait()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """The coordinator has just responded, which counts as a heartbeat."""
        self._last_heartbeat_at = monotonic()
        await super().on_partitions_assigned(assigned, generation_id)

    def get_last_heartbeat_at(self) -> float:
        """When the coordinator last confirmed this member, in seconds of time.monotonic."""
        return self._last_heartbeat_at

    def get_coordinator_generation(self) -> int:
        """The generation that the coordinator last confirmed; -1 once it no longer knows this member."""
        generation: int = self._ensure_consumer()._coordinator.generation
        return generation

    async def poll(self, request: FetchRequest, timeout: float) -> FetchedRecords:
        """Records of one priority, and of changelogs; empty if none arrive within `timeout` seconds.

        Raises ConsumerStoppedError if the consumer is closed.
        """
        consumer = self._ensure_consumer()
        fetcher = consumer._fetcher
        if not self.consumer.flow_active:
            return {}
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        self._wakeup_pending = False
        with fetcher._subscriptions.fetch_context():
            fetched = await self._take_buffered(fetcher, request)
            if not fetched and timeout and self.consumer.flow_active:
                await self._wait_for_data(fetcher, timeout)
                fetched = await self._take_buffered(fetcher, request)
            return fetched

    def wakeup(self) -> None:
        """Interrupt a `poll`, also one that does not wait yet."""
        self._wakeup_pending = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _take_buffered(self, fetcher: Any, request: FetchRequest) -> FetchedRecords:
        changelog_records = await take_records(fetcher, request.changelog_partitions, MAX_CHANGELOG_RECORDS)
        now = monotonic()
        for priority in self.priority_selector.compute_order():
            partitions = request.partitions_by_priority[priority]
            fetch_times = {tp: fetcher._records[tp]._created for tp in partitions if tp in fetcher._records}
            fetched = await take_records(fetcher, fetch_times, self.priority_selector.get_max_records(priority, now))
            if fetched:
                self._record_fetch(fetcher, request, priority, fetched, now)
                for tp in fetch_times.keys() - fetcher._records.keys():
                    self.fetch_pacer.record_taken(priority, now - fetch_times[tp], now)
                return {**changelog_records, **fetched}
        return changelog_records

    def _record_fetch(self, fetcher: Any, request: FetchRequest, priority: int, fetched: FetchedRecords, now: float) -> None:
        buffered = [any(tp in fetcher._records for tp in partitions) for partitions in request.partitions_by_priority]
        count = sum(len(taken.records) for taken in fetched.values())
        milliseconds = {record.timestamp for taken in fetched.values() for record in taken.records}
        append_times = [timestamp / 1000 for timestamp in milliseconds]
        self.fetch_pacer.record_fetch(priority, count, append_times, more_buffered=buffered[priority], now=now)
        skipped = [other for other, has_records in enumerate(buffered) if has_records and other != priority]
        self.priority_selector.record_fetch(priority, skipped, now)

    async def _wait_for_data(self, fetcher: Any, timeout: float) -> None:
        if self._wakeup_pending:
            return
        self._waiter = waiter = fetcher._create_fetch_waiter()
        timer = asyncio.get_running_loop().call_later(timeout, self.wakeup)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None


def _has_just_fetched(fetcher: Any, now: float) -> bool:
    """Whether a fetch has just brought records. aiokafka plans then, and again when they are taken; each plan looks at all partitions."""
    return any(0 <= now - fetched._created < JUST_FETCHED_AGE for fetched in fetcher._records.values())


def _has_ended_fetch(fetcher: Any) -> bool:
    """Whether a fetch has ended, but still counts as in flight.

    aiokafka learns that from a callback, which may come after the plan that the end of the fetch has led to. It then plans no fetch, and
    nothing but its timeout wakes it.
    """
    return len(fetcher._in_flight) > sum(not task.done() for task in fetcher._pending_tasks)
