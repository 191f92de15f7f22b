"""The consumer: one Faust event is a batch of records of one partition, fetched only when an agent has room for it."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from aiokafka.errors import KafkaError
from faust.events import Event
from faust.exceptions import NotReady
from faust.transport.consumer import CONSUMER_FETCHING
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from app.streaming.consumer.ack_tracker import AckTracker
from app.streaming.consumer.consumer_thread import FetchedRecords, FetchRequest, PriorityConsumerThread
from app.streaming.consumer.coordinator_watchdog import CoordinatorWatchdog
from app.streaming.consumer.failure_policy import ShutdownOnFailure
from schemas.ports import Batch

# Batches of a changelog that may wait to be applied in recovery before no more are fetched.
MAX_QUEUED_CHANGELOG_BATCHES = 16
MAX_CHANGELOG_RECORDS = 2000
POLL_TIMEOUT = 1.0
# Seconds that the commit at a rebalance or stop may take: Kafka may be away.
FINAL_COMMIT_TIMEOUT = 3.0


class BatchConsumer(driver.Consumer):
    """Faust's consumer, fetching by pull and committing the acknowledged prefix."""

    def __init__(self, transport: Any, *args: Any, **kwargs: Any) -> None:
        self.settings = transport.settings
        self.topic_priorities = transport.topic_priorities
        super().__init__(transport, *args, **kwargs)
        self._ack_tracker: AckTracker[TP] = AckTracker()
        self._full_partitions: set[TP] = set()
        self._partitions_to_resume: set[TP] = set()
        self._room_available = asyncio.Event()
        self._batch_released = asyncio.Event()
        self._batch_generation = -1
        self._cached_assignment: set[TP] | None = None  # the assignment that _owned was taken from
        self._assigned_partitions: frozenset[int] = frozenset()
        self._drain_timeout = self.settings.drain_timeout
        self._failed_offsets: dict[TP, int] = {}
        self.add_dependency(self._build_watchdog())

    def _build_watchdog(self) -> CoordinatorWatchdog:
        settings = self.settings
        return CoordinatorWatchdog(
            self._thread,
            settings.watchdog_interval,
            get_silence=lambda: monotonic() - self.get_last_heartbeat_at(),
            is_kafka_reachable=self._is_kafka_reachable,
            timeout=settings.rebalance_timeout + settings.session_timeout,
            on_failure=ShutdownOnFailure(self.app, settings.shutdown_timeout),
            loop=self.loop,
            beacon=self.beacon,
        )

    async def _is_kafka_reachable(self) -> bool:
        """Whether the producer, whose connection is another one, learns where its topics are."""
        try:
            async with asyncio.timeout(self.settings.watchdog_interval):
                return bool(await self.app.producer._ensure_producer().client.force_metadata_update())
        except (KafkaError, NotReady, TimeoutError):
            return False

    def _new_consumer_thread(self) -> PriorityConsumerThread:
        return PriorityConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # ---- what the agents' writes are checked against (ownership.Membership)

    def get_generation(self) -> int:
        """The generation of the batches that agents have in hand: that of the last one given to any of them."""
        return self._batch_generation

    def get_coordinator_generation(self) -> int:
        """The generation that the coordinator last gave; -1 once it no longer knows this member."""
        return int(self._thread.get_coordinator_generation())

    def get_last_heartbeat_at(self) -> float:
        """When the coordinator last confirmed this member, on time.monotonic."""
        return float(self._thread.get_last_heartbeat_at())

    def is_assigned(self, partition: int) -> bool:
        """Whether any of the assigned partitions has that number; to stand by for one, by its changelog, is not to own it."""
        assignment = self.app._assignment
        if assignment is not self._cached_assignment:  # Faust makes a new set at each rebalance
            self._cached_assignment = assignment
            self._assigned_partitions = frozenset(tp.partition for tp in assignment or () if not self._is_changelog_tp(tp))
        return partition in self._assigned_partitions

    # ---- acknowledgements

    def ack(self, message: Any) -> bool:
        """Note that an agent has finished a batch, in whatever order."""
        if message.acked:
            return False
        message.acked = True
        message.value = None  # it may wait long for the batches before it: only its offset is needed
        self.app.sensors.on_message_out(message.tp, message.offset, message)
        self.release(message)
        return True

    def release(self, message: Any) -> None:
        """No longer wait for this batch in a rebalance or stop; unless it was acknowledged it comes again."""
        self._unacked_messages.discard(message)
        self._batch_released.set()
        self._room_available.set()
        if message.tp in self._full_partitions:
            self._full_partitions.clear()
            self._thread.wakeup()

    def _new_offset(self, tp: TP) -> int | None:
        return self._ack_tracker.get_committable_offset(tp)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[TP]:
        return [tp for tp in self._ack_tracker.get_partitions() if topics is None or tp in topics or tp.topic in topics]

    async def perform_seek(self) -> None:
        """Go back to what is committed: all behind it comes again."""
        self._ack_tracker.clear_all()
        self._clear_unacked()
        await super().perform_seek()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Wait for the batches in hand, commit, then forget the partitions."""
        await super().on_partitions_revoked(revoked)
        self._ack_tracker.clear_partitions(revoked)

    def limit_drain(self, failed: Any, timeout: float) -> None:
        """The process ends with an error: wait `patience` seconds at most for what is in hand, not for the failed batch or those behind."""
        self._drain_timeout = min(timeout, self._drain_timeout)
        if failed is not None:
            self._failed_offsets[failed.tp] = min(failed.offset, self._failed_offsets.get(failed.tp, failed.offset))
        self._batch_released.set()

    def _is_awaited(self, message: Any) -> bool:
        failed = self._failed_offsets.get(message.tp)
        return failed is None or bool(message.offset < failed)

    async def wait_empty(self) -> None:
        """Wait until the batches in hand are acknowledged, but no longer than the drain time: those that take longer come again.

        If the group has gone on without this member they all come again, and nobody waits.
        """
        if self._unacked_messages and self.get_coordinator_generation() != self._batch_generation:
            self._clear_unacked()
            return
        try:
            async with asyncio.timeout(self._drain_timeout):
                while any(map(self._is_awaited, self._unacked_messages)) and not self.should_stop:
                    self._batch_released.clear()
                    await self._batch_released.wait()
        except TimeoutError:
            self.log.warning("%d batches did not end within %s s; they come again", len(self._unacked_messages), self._drain_timeout)
        await self._commit_acknowledged()
        self._clear_unacked()

    async def _commit_acknowledged(self) -> None:
        try:
            async with asyncio.timeout(FINAL_COMMIT_TIMEOUT):
                await self.commit_and_end_transactions()
        except TimeoutError:
            self.log.warning("Kafka took no offsets within %s s; what ended since the last commit comes again", FINAL_COMMIT_TIMEOUT)

    def _clear_unacked(self) -> None:
        self._unacked_messages.clear()
        self._batch_released.set()

    async def verify_all_partitions_active(self) -> None:
        """Faust's own stall check compares two clocks and logs noise; the coordinator watchdog and progress metrics replace it."""

    # ---- fetching

    def stop_flow(self) -> None:
        """Stop giving batches; a fetch that waits for data comes back at once."""
        super().stop_flow()
        self._partitions_to_resume.clear()
        self._room_available.set()
        self._thread.wakeup()

    def resume_partitions(self, tps: Any) -> None:
        """Fetch these partitions once the flow goes on; until then Faust sets their positions, and last it empties the agents' queues."""
        self._partitions_to_resume.update(tps)

    def resume_flow(self) -> None:
        """Give batches again; a fetch that waits for other partitions comes back at once."""
        super().resume_partitions(self._partitions_to_resume)
        self._partitions_to_resume.clear()
        super().resume_flow()
        self._room_available.set()
        self._thread.wakeup()

    def _build_fetch_request(self) -> FetchRequest:
        priorities: list[list[TP]] = [[] for _ in self.settings.priority_limits]
        changelogs: list[TP] = []
        self._full_partitions.clear()
        recovering = self.app.tables.changelog_queue.qsize() if self.app.tables.changelog_topics else 0
        now = monotonic()
        for tp in self._get_active_partitions():
            priority = self.topic_priorities.get(tp.topic, 0)
            if self._is_changelog_tp(tp):
                changelogs.append(tp)
            elif self._thread.priority_selector.has_room(priority, self._ack_tracker.count_unacked(tp), now):
                priorities[priority].append(tp)
            else:
                self._full_partitions.add(tp)
        return FetchRequest(priorities, changelogs if recovering < MAX_QUEUED_CHANGELOG_BATCHES else (), MAX_CHANGELOG_RECORDS)

    async def _fetch(self) -> FetchedRecords:
        self._room_available.clear()
        wish = self._build_fetch_request()
        if wish:
            taken: FetchedRecords = await self._thread.poll(wish, POLL_TIMEOUT)
            return taken
        await self._wait_for_room()
        return {}

    async def _wait_for_room(self) -> None:
        # Changelog batches are taken from their queue without an ack, hence the time limit.
        handle = self.loop.call_later(0.05 if self.app.in_recovery else POLL_TIMEOUT, self._room_available.set)
        await self._room_available.wait()
        handle.cancel()

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
        # Not before the flow goes on: what is read then is of the generation after the rebalance, and dropping it would lose it.
        generation = self.app.consumer_generation_id
        self.not_waiting_next_records.clear()
        try:
            taken = await self._fetch()
        finally:
            self.not_waiting_next_records.set()
        if taken and not self.flow_active:
            await self.wait(self.can_resume_flow)
        # What was fetched while a rebalance began is dropped if it has ended with a new generation: that set all positions anew.
        if taken and not self.should_stop and generation == self.app.consumer_generation_id:
            self._enqueue_all(taken, generation)
        await asyncio.sleep(0)

    def _enqueue_all(self, fetched: FetchedRecords, generation: int) -> None:
        for key, records in fetched.items():
            tp = TP(key.topic, key.partition)
            fresh = self._select_new_records(tp, records)
            if fresh:
                self._enqueue(tp, fresh, generation)

    def _select_new_records(self, tp: TP, records: Any) -> Any:
        """The records that were not given out yet: behind the last one given, or not before where the position was set."""
        last = self._ack_tracker.get_last_offset(tp)
        wanted = last + 1 if last is not None else self._read_offset[tp] or 0
        if records[0].offset >= wanted:
            return records
        return [record for record in records if record.offset >= wanted]

    def _enqueue(self, tp: TP, records: Any, generation: int) -> None:
        channels = self.app.topics._tp_index[tp]
        if not channels:
            return
        message = _build_message(tp, records, generation)
        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        if not self._is_changelog_tp(tp):
            self._batch_generation = generation
            self._ack_tracker.track(tp, message)
        (channel,) = channels
        channel.queue.put_nowait(Event(self.app, None, message.value, {}, message))


def _build_message(tp: TP, records: Any, generation: int) -> ConsumerMessage:
    """The Faust message around a batch. The stream silently skips one whose generation is not the app's."""
    end = records[-1]
    batch = Batch(tp.topic, tp.partition, records)
    at = end.timestamp / 1000
    return ConsumerMessage(
        tp.topic, tp.partition, end.offset, at, end.timestamp_type, {}, None, batch, None, 0, 0, tp, generation_id=generation
    )
