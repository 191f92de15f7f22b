"""The consumer: one Faust event is a batch of records of one partition, fetched only if its priority has room for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any

from faust.events import Event
from faust.transport.consumer import CONSUMER_FETCHING
from faust.types import TP

from app.streaming.broker_clock import LOG_APPEND_TIME
from app.streaming.commit.offset_commit import OffsetTracker
from app.streaming.consumer.buffered_records import FetchedRecords, FetchRequest
from app.streaming.consumer.commit_pacing import PacedConsumer
from app.streaming.consumer.consumer_delegate import ConsumerDelegate
from app.streaming.consumer.failure_policy import DrainLimit
from app.streaming.consumer.faust_batch import build_message
from app.streaming.consumer.membership import ConsumerMembership, build_watchdog
from app.streaming.consumer.position_check import PositionCheck
from app.streaming.consumer.topic_watch import WATCH_INTERVAL, TopicWatch
from app.streaming.time_limit import run_with_time_limit

log = logging.getLogger(__name__)

MAX_QUEUED_CHANGELOG_BATCHES = 16  # of all changelogs; recovery fetches no more while so many wait to be applied
POLL_TIMEOUT = 1.0  # seconds
RECOVERY_POLL_TIMEOUT = 0.05  # seconds; short, because no acknowledgement ends the wait when recovery takes a queued changelog batch
FINAL_COMMIT_TIMEOUT = 2.0  # seconds that the commit at a rebalance or stop may take; Kafka may be unreachable


class BatchConsumer(PacedConsumer):
    """Faust's consumer, fetching by pull and committing the acknowledged prefix."""

    def __init__(self, transport: Any, *args: Any, **kwargs: Any) -> None:
        self.settings = transport.settings
        self.topic_priorities = transport.topic_priorities
        super().__init__(transport, *args, **kwargs)
        self._offset_tracker: OffsetTracker[TP] = OffsetTracker()
        self._full_partitions: set[TP] = set()
        self._partitions_to_resume: set[TP] = set()
        self._room_available = asyncio.Event()
        self._batch_released = asyncio.Event()
        self.membership = ConsumerMembership(self.app, self._thread, self._is_changelog_tp)
        self._drain_limit = DrainLimit(self.settings.drain_timeout)
        self._is_commit_late = False
        self._max_bytes_per_partition = 0.0  # of unfinished records
        self._position_check: PositionCheck = PositionCheck()
        self.add_dependency(build_watchdog(self, self._thread))
        self._topic_watch = self.add_dependency(TopicWatch(self, self._thread, WATCH_INTERVAL, loop=self.loop, beacon=self.beacon))

    def _new_consumer_thread(self) -> ConsumerDelegate:
        return ConsumerDelegate(self, loop=self.loop, beacon=self.beacon)

    # ---- acknowledgements

    def ack(self, message: Any) -> bool:
        """Acknowledge a batch; batches may be acknowledged in any order. Returns whether this call did it."""
        if message.acked:
            return False
        self._offset_tracker.acknowledge(message.tp, message)
        message.value = None  # it may wait long for the batches before it, and only its offset is needed
        self.app.sensors.on_message_out(message.tp, message.offset, message)
        self.release(message)
        return True

    def release(self, message: Any) -> None:
        """Stop waiting for this batch in rebalances and stops; unless it was acknowledged it is redelivered."""
        self._unacked_messages.discard(message)
        self._batch_released.set()
        self._fetch_if_room(message.tp)

    def hold(self, message: Any) -> None:
        """Wait for this batch again in rebalances and stops."""
        if not message.acked:
            self._unacked_messages.add(message)

    def set_unfinished(self, message: Any, records: int, size: int) -> None:
        """Set how many records and bytes of a batch are unfinished; the others make room for new batches before it is acknowledged."""
        self._offset_tracker.set_unfinished(message.tp, message, records, size)
        self._fetch_if_room(message.tp)

    def _fetch_if_room(self, tp: TP) -> None:
        if tp in self._full_partitions and self._has_room(tp, monotonic()):
            self._full_partitions.clear()
            self._room_available.set()
            self._thread.wakeup()

    def _has_room(self, tp: TP, now: float) -> bool:
        priority, unacked = self.topic_priorities.get(tp.topic, 0), self._offset_tracker.count_unacked(tp)
        return bool(self._thread.priority_selector.has_room(priority, unacked, self._max_bytes_per_partition, now))

    def _new_offset(self, tp: TP) -> int | None:
        return self._offset_tracker.get_committable_offset(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        # Also a lower offset than before: a commit that was under way when the position jumped back may end after the jump.
        return bool(self._committed_offset[tp] != offset)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[TP]:
        return [tp for tp in self._offset_tracker.get_partitions() if topics is None or tp in topics or tp.topic in topics]

    async def perform_seek(self) -> None:
        """Reset positions to the committed offsets; all later records are redelivered."""
        self._offset_tracker.clear_all()
        self._clear_unacked()
        self._committed_offset.clear()
        await super().perform_seek()
        self._position_check.expect_committed({tp: offset for tp, offset in self._read_offset.items() if not self._is_changelog_tp(tp)})
        await self._topic_watch.check()

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Faust's seek to the positions in the changelogs."""
        self._position_check.expect(partitions)
        await super().seek_wait(partitions)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        is_committed: bool = await super()._commit(offsets)
        if is_committed:
            self._position_check.record_commits(offsets)
        return is_committed

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Drain the batches in flight, commit, then clear the partitions."""
        await super().on_partitions_revoked(revoked)
        self._offset_tracker.clear_partitions(revoked)

    @property
    def drain_timeout(self) -> float:
        """The most seconds that a drain takes."""
        return self._drain_limit.timeout

    def limit_drain(self, failed: Any, timeout: float) -> None:
        """Shorten the drain before a stop with an error: at most `timeout` seconds, not for the failed batch nor for later ones."""
        self._drain_limit.limit(failed, timeout)
        self._batch_released.set()

    async def wait_empty(self) -> None:
        """Drain: wait until the batches in flight are acknowledged or released, but at most `drain_timeout`; then commit.

        Batches that take longer are redelivered. If the group has a new generation all of them are, and this does not wait. The app's
        drain callbacks run first: an agent can release what it cannot finish soon.
        """
        for callback in self.app.drain_callbacks:
            callback()
        if self._unacked_messages and self.membership.get_coordinator_generation() != self.membership.generation:
            self._clear_unacked()
            return
        try:
            async with asyncio.timeout(self._drain_limit.timeout):
                while any(map(self._drain_limit.is_awaited, self._unacked_messages)) and not self.should_stop:
                    self._batch_released.clear()
                    await self._batch_released.wait()
        except TimeoutError:
            log.warning("%d batches were not acknowledged within the drain timeout; they are redelivered", len(self._unacked_messages))
        await self._commit_acknowledged()
        self._clear_unacked()

    async def _commit_acknowledged(self) -> None:
        if self._is_commit_late and self.should_stop:  # the second drain of a stop, for what ended after the first one
            return
        self._is_commit_late = not await run_with_time_limit(self._commit_last(), FINAL_COMMIT_TIMEOUT)
        if self._is_commit_late:
            log.warning("offsets were not committed within %s s; batches since the last commit are redelivered", FINAL_COMMIT_TIMEOUT)

    async def _commit_last(self) -> None:
        # Faust's commit only waits if another one is under way, which may lack the last acknowledgements
        await self.maybe_wait_for_commit_to_finish()
        await self.commit_and_end_transactions()

    def _clear_unacked(self) -> None:
        self._unacked_messages.clear()
        self._batch_released.set()

    async def verify_all_partitions_active(self) -> None:
        """Does nothing: Faust's stall check compares two different clocks; the coordinator watchdog and progress metrics replace it."""

    # ---- fetching

    def stop_flow(self) -> None:
        """Stop the flow of batches; a fetch that waits for data returns at once."""
        super().stop_flow()
        self._partitions_to_resume.clear()
        self._room_available.set()
        self._thread.wakeup()

    def resume_partitions(self, tps: Any) -> None:
        """Fetch these partitions after `resume_flow`: before it, Faust sets their positions and finally empties the agents' queues."""
        self._partitions_to_resume.update(tps)

    def pause_partitions(self, tps: Any) -> None:
        """Fetch these partitions no more, also if they wait for `resume_flow`: they may do so since before the last assignment."""
        super().pause_partitions(tps)
        self._partitions_to_resume.difference_update(tps)

    def resume_flow(self) -> None:
        """Resume the flow of batches; a fetch that waits for other partitions returns at once."""
        super().resume_partitions(self._partitions_to_resume)
        self._partitions_to_resume.clear()
        super().resume_flow()
        self._room_available.set()
        self._thread.wakeup()

    def _build_fetch_request(self) -> FetchRequest:
        priorities: list[list[TP]] = [[] for _ in self.settings.priority_limits]
        changelogs: list[TP] = []
        self._full_partitions.clear()
        queued_changelogs = self.app.tables.changelog_queue.qsize() if self.app.tables.changelog_topics else 0
        now, active_partitions = monotonic(), self._get_active_partitions()
        self._max_bytes_per_partition = self.settings.max_in_flight_bytes / max(1, len(active_partitions))
        for tp in active_partitions:
            if self._is_changelog_tp(tp):
                changelogs.append(tp)
            elif self._has_room(tp, now):
                priorities[self.topic_priorities.get(tp.topic, 0)].append(tp)
            else:
                self._full_partitions.add(tp)
        return FetchRequest(priorities, changelogs if queued_changelogs < MAX_QUEUED_CHANGELOG_BATCHES else ())

    async def _fetch(self) -> FetchedRecords:
        self._room_available.clear()
        request = self._build_fetch_request()
        if request:
            fetched: FetchedRecords = await self._thread.poll(request, POLL_TIMEOUT)
            return fetched
        await self._wait_for_room()
        return {}

    async def _wait_for_room(self) -> None:
        timer = self.loop.call_later(RECOVERY_POLL_TIMEOUT if self.app.in_recovery else POLL_TIMEOUT, self._room_available.set)
        await self._room_available.wait()
        timer.cancel()

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self._drain_once()
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.app.should_stop:
                raise
        finally:
            self.diag.unset_flag(CONSUMER_FETCHING)

    async def _drain_once(self) -> None:
        self.diag.set_flag(CONSUMER_FETCHING)
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        # Read after the flow resumes: records fetched then belong to the generation after the rebalance, and dropping them would lose them.
        generation = self.app.consumer_generation_id
        self.not_waiting_next_records.clear()
        try:
            fetched = await self._fetch()
        finally:
            self.not_waiting_next_records.set()
        if fetched and not self.flow_active:
            await self.wait(self.can_resume_flow)
        # Records fetched while a rebalance began are dropped if it ended with a new generation, because that reset all positions.
        if fetched and not self.should_stop and generation == self.app.consumer_generation_id:
            self._enqueue_all(fetched, generation)
        await asyncio.sleep(0)

    def _enqueue_all(self, fetched: FetchedRecords, generation: int) -> None:
        for key, taken in fetched.items():
            tp = TP(key.topic, key.partition)
            if not self._accept_start(tp, taken.start):
                return
            self._position_check.record_position(tp, taken.position)
            # An empty changelog batch tells recovery that the rest of the changelog has no rows.
            if taken.records or (self._is_changelog_tp(tp) and taken.position != taken.start):
                self._enqueue(tp, taken.records, taken.position, generation)
            elif taken.position != taken.start:
                self._offset_tracker.skip(tp, taken.position - 1)

    def _accept_start(self, tp: TP, start: int) -> bool:
        jump = self._position_check.find_jump(tp, start)
        if jump is None or not self.app.accept_position_jump(jump):
            return jump is None
        self._position_check.forget_commits(tp)
        self._topic_watch.forget(tp)
        if jump.direction == "backward":  # batches in flight are no longer in the log, and lower offsets than before are committed
            self._offset_tracker.clear_partitions([tp])
            self._committed_offset.pop(tp, None)
        return True

    def _enqueue(self, tp: TP, records: Any, position: int, generation: int) -> None:
        channels = self.app.topics._tp_index[tp]
        if not channels:  # returning would lose the records: they would count as read
            raise RuntimeError(f"{tp.topic} partition {tp.partition} is fetched, but no agent or table reads it")
        message = build_message(tp, records, position, generation)
        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        if not self._is_changelog_tp(tp):
            if message.timestamp_type == LOG_APPEND_TIME:
                self.app.broker_clock.observe_record(message.timestamp)
            self.membership.generation = generation
            self._offset_tracker.track(tp, message)
        (channel,) = channels
        channel.queue.put_nowait(Event(self.app, None, message.value, {}, message))
