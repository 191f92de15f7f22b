"""The consumer's thread: takes what aiokafka has buffered, lane by lane, and tells the broker how long an empty fetch may park."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from app.streaming.lanes import FairRound
from app.streaming.pace import Pace, PaceRule

Taken = Mapping[TP, Sequence[Any]]


@dataclass(frozen=True)
class Wish:
    """What the fetch loop has room for: the partitions of each lane, highest first, and those of changelogs in recovery."""

    lanes: Sequence[Collection[TP]]
    changelogs: Collection[TP]
    changelog_records: int

    def __bool__(self) -> bool:
        return bool(self.changelogs) or any(self.lanes)


class LaneThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a fetch that knows lanes and can be woken."""

    def __post_init__(self) -> None:
        super().__post_init__()
        settings = self.transport.settings
        self.fair = FairRound(settings.lane_rules, quiet=settings.lane_quiet)
        self.pace = Pace(PaceRule(settings.fetch_idle, settings.fetch_partial, settings.gather, settings.gather_below))
        self._waiter: asyncio.Future[None] | None = None
        self._woken = False
        self._heard_at = monotonic()

    async def on_start(self) -> None:
        """Starts aiokafka's consumer, then sets its pace and listens for its heartbeats."""
        await super().on_start()
        self._set_pace(self._consumer._fetcher)
        self._note_heartbeats(self._consumer._coordinator)

    async def on_thread_stop(self) -> None:
        """Stops aiokafka's consumer; what it raises, as it does while Kafka is away, must not keep the worker from stopping."""
        try:
            await super().on_thread_stop()
        except (Exception, asyncio.CancelledError) as error:
            self.log.warning("the consumer did not stop in order: %r", error)

    def _set_pace(self, fetcher: Any) -> None:
        plan = fetcher._get_actions_per_node
        # What is read and not taken holds back the fetch of all partitions of its broker, by default for 0.1 s.
        fetcher._prefetch_backoff = self.transport.settings.fetch_hold

        def paced(assignment: Any) -> Any:
            early = self.pace.early(monotonic())
            if early:
                return [], {}, min(early, fetcher._fetcher_timeout), False, []
            left_out = any(tp in self.consumer._active_partitions for tp in fetcher._records)
            fetcher._fetch_max_wait_ms = self.pace.park_ms(left_out=left_out)
            return plan(assignment)

        fetcher._get_actions_per_node = paced

    def _note_heartbeats(self, coordinator: Any) -> None:
        beat = coordinator._do_heartbeat

        async def noted() -> bool:
            success: bool = await beat()
            if success:
                self._heard_at = monotonic()
            return success

        coordinator._do_heartbeat = noted

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """The coordinator has just answered: that counts as a heartbeat."""
        self._heard_at = monotonic()
        await super().on_partitions_assigned(assigned, generation_id)

    def heard_at(self) -> float:
        """When the coordinator last confirmed this member, on time.monotonic."""
        return self._heard_at

    def coordinator_generation(self) -> int:
        """The generation the coordinator last gave; -1 once it no longer knows this member."""
        generation: int = self._ensure_consumer()._coordinator.generation
        return generation

    async def take(self, wish: Wish, wait: float) -> Taken:
        """Records of one lane, and of changelogs; empty if nothing came within `wait` seconds.

        Raises ConsumerStoppedError after the consumer was closed.
        """
        future = asyncio.run_coroutine_threadsafe(self._take(wish, wait), self.thread_loop)
        return await asyncio.wrap_future(future)

    def wake(self) -> None:
        """End a `take` that is waiting; from any thread, and without effect before the thread has started."""
        if self._consumer is not None:
            self.thread_loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        # It may come before the `take` that it is for has begun to wait: it must not be lost then.
        self._woken = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _take(self, wish: Wish, wait: float) -> Taken:
        consumer = self._ensure_consumer()
        fetcher = consumer._fetcher
        if not self.consumer.flow_active:
            return {}
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            taken = await self._buffered(fetcher, wish)
            if not taken and wait and self.consumer.flow_active:
                await self._data(fetcher, wait)
                taken = await self._buffered(fetcher, wish)
            more = any(tp in fetcher._records for lane in wish.lanes for tp in lane)
            self.pace.took(sum(map(len, taken.values())), more=more, now=monotonic())
            return taken

    async def _buffered(self, fetcher: Any, wish: Wish) -> Taken:
        changes = await _from(fetcher, wish.changelogs, wish.changelog_records)
        now = monotonic()
        for lane in self.fair.order():
            taken = await _from(fetcher, wish.lanes[lane], self.fair.most(lane, now))
            if taken:
                waiting = [other for other, tps in enumerate(wish.lanes) if other != lane and any(tp in fetcher._records for tp in tps)]
                self.fair.served(lane, waiting, now)
                return {**changes, **taken}
        return changes

    async def _data(self, fetcher: Any, wait: float) -> None:
        if not self._woken:
            self._waiter = waiter = fetcher._create_fetch_waiter()
            handle = self.thread_loop.call_later(wait, self._wake)
            try:
                await waiter
            finally:
                handle.cancel()
                self._waiter = None
        self._woken = False


async def _from(fetcher: Any, partitions: Collection[TP], most: int) -> dict[TP, Sequence[Any]]:
    """What is buffered of these partitions, at most so many records of each."""
    taken: dict[TP, Sequence[Any]] = {}
    for tp in partitions:
        if tp in fetcher._records:
            taken.update(await fetcher.fetched_records({tp}, 0, most))
    return taken
