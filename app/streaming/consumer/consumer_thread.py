"""The consumer's thread: takes what aiokafka has buffered, priority by priority, and tells the broker how long an empty fetch may park."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from app.streaming.consumer.fetch_pacing import FetchPacer, FetchPacingSettings
from app.streaming.consumer.priority_selector import PrioritySelector

FetchedRecords = Mapping[TP, Sequence[Any]]


@dataclass(frozen=True)
class FetchRequest:
    """What the fetch loop has room for: the partitions of each priority, highest first, and those of changelogs in recovery."""

    partitions_by_priority: Sequence[Collection[TP]]
    changelog_partitions: Collection[TP]
    max_changelog_records: int

    def __bool__(self) -> bool:
        return bool(self.changelog_partitions) or any(self.partitions_by_priority)


class PriorityConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a fetch that knows priorities and can be woken."""

    def __post_init__(self) -> None:
        super().__post_init__()
        settings = self.transport.settings
        self.priority_selector = PrioritySelector(settings.priority_limits, busy_period=settings.busy_period)
        self.fetch_pacer = FetchPacer(
            FetchPacingSettings(
                settings.fetch_max_wait, settings.fetch_max_wait_partial, settings.small_fetch_delay, settings.small_fetch_records
            )
        )
        self._waiter: asyncio.Future[None] | None = None
        self._wakeup_pending = False
        self._last_heartbeat_at = monotonic()

    async def on_start(self) -> None:
        """Starts aiokafka's consumer, then sets its pace and listens for its heartbeats."""
        await super().on_start()
        self._pace_fetches(self._consumer._fetcher)
        self._record_heartbeats(self._consumer._coordinator)

    async def on_thread_stop(self) -> None:
        """Stops aiokafka's consumer; what it raises, as it does while Kafka is away, must not keep the worker from stopping."""
        try:
            await super().on_thread_stop()
        except (Exception, asyncio.CancelledError) as error:
            self.log.warning("the consumer did not stop in order: %r", error)

    def _pace_fetches(self, fetcher: Any) -> None:
        original_plan = fetcher._get_actions_per_node
        # What is read and not taken holds back the fetch of all partitions of its broker, by default for 0.1 s.
        fetcher._prefetch_backoff = self.transport.settings.prefetch_backoff

        def plan_fetches(assignment: Any) -> Any:
            early = self.fetch_pacer.compute_delay(monotonic())
            if early:
                return [], {}, min(early, fetcher._fetcher_timeout), False, []
            left_out = any(tp in self.consumer._active_partitions for tp in fetcher._records)
            fetcher._fetch_max_wait_ms = self.fetch_pacer.compute_max_wait_ms(partial=left_out)
            return original_plan(assignment)

        fetcher._get_actions_per_node = plan_fetches

    def _record_heartbeats(self, coordinator: Any) -> None:
        original_heartbeat = coordinator._do_heartbeat

        async def send_heartbeat() -> bool:
            success: bool = await original_heartbeat()
            if success:
                self._last_heartbeat_at = monotonic()
            return success

        coordinator._do_heartbeat = send_heartbeat

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """The coordinator has just answered: that counts as a heartbeat."""
        self._last_heartbeat_at = monotonic()
        await super().on_partitions_assigned(assigned, generation_id)

    def get_last_heartbeat_at(self) -> float:
        """When the coordinator last confirmed this member, on time.monotonic."""
        return self._last_heartbeat_at

    def get_coordinator_generation(self) -> int:
        """The generation the coordinator last gave; -1 once it no longer knows this member."""
        generation: int = self._ensure_consumer()._coordinator.generation
        return generation

    async def poll(self, request: FetchRequest, timeout: float) -> FetchedRecords:
        """Records of one priority, and of changelogs; empty if nothing came within `wait` seconds.

        Raises ConsumerStoppedError after the consumer was closed.
        """
        future = asyncio.run_coroutine_threadsafe(self._poll(request, timeout), self.thread_loop)
        return await asyncio.wrap_future(future)

    def wakeup(self) -> None:
        """End a `take` that is waiting; from any thread, and without effect before the thread has started."""
        if self._consumer is not None:
            self.thread_loop.call_soon_threadsafe(self._wakeup)

    def _wakeup(self) -> None:
        # It may come before the `take` that it is for has begun to wait: it must not be lost then.
        self._wakeup_pending = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _poll(self, request: FetchRequest, timeout: float) -> FetchedRecords:
        consumer = self._ensure_consumer()
        fetcher = consumer._fetcher
        if not self.consumer.flow_active:
            return {}
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            taken = await self._take_buffered(fetcher, request)
            if not taken and timeout and self.consumer.flow_active:
                await self._wait_for_data(fetcher, timeout)
                taken = await self._take_buffered(fetcher, request)
            more = any(tp in fetcher._records for priority in request.partitions_by_priority for tp in priority)
            self.fetch_pacer.record_fetch(sum(map(len, taken.values())), more_buffered=more, now=monotonic())
            return taken

    async def _take_buffered(self, fetcher: Any, request: FetchRequest) -> FetchedRecords:
        changes = await _take_records(fetcher, request.changelog_partitions, request.max_changelog_records)
        now = monotonic()
        for priority in self.priority_selector.compute_order():
            taken = await _take_records(
                fetcher, request.partitions_by_priority[priority], self.priority_selector.get_max_records(priority, now)
            )
            if taken:
                waiting = [
                    other
                    for other, tps in enumerate(request.partitions_by_priority)
                    if other != priority and any(tp in fetcher._records for tp in tps)
                ]
                self.priority_selector.record_fetch(priority, waiting, now)
                return {**changes, **taken}
        return changes

    async def _wait_for_data(self, fetcher: Any, timeout: float) -> None:
        if not self._wakeup_pending:
            self._waiter = waiter = fetcher._create_fetch_waiter()
            handle = self.thread_loop.call_later(timeout, self._wakeup)
            try:
                await waiter
            finally:
                handle.cancel()
                self._waiter = None
        self._wakeup_pending = False


async def _take_records(fetcher: Any, partitions: Collection[TP], max_records: int) -> dict[TP, Sequence[Any]]:
    """What is buffered of these partitions, at most so many records of each."""
    taken: dict[TP, Sequence[Any]] = {}
    for tp in partitions:
        if tp in fetcher._records:
            taken.update(await fetcher.fetched_records({tp}, 0, max_records))
    return taken
