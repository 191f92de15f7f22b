"""Table recovery without six faults of Faust, in faust-streaming's tables/recovery.py and tables/manager.py.

Holes in standbys: `Recovery.on_recovery_completed` ends in `flow_control.resume()`, which empties the changelog queue while standby
partitions are already fetched. The next batch then stores its offset over the hole. Here resuming the flow does not empty the queue.
Instead a new assignment does: only then all partitions are read again from their stored offsets.

Errors: `Recovery._slurp_changelogs` logs each error as a warning and goes on, for example on a full disk. Here an error ends the worker.

Other events: that method also applies an event of an unassigned partition to the table of the event before it, and an event of an earlier
generation as if it followed the stored offset. Here such events are dropped.

Lost signal: it resets the signal for the end of recovery on each event, also before somebody waits for it. Here the next recovery does.

Early end: a stop, an error or a new assignment ends a recovery as if it were complete, and the worker reports that it is ready. Here it
does not report it.

Timeouts: `Recovery._wait` treats a timeout as a stop and never fetches again. Here it raises, and later: Faust gives each step the time of
one request, so a broker that is silent for a minute would end the worker.
"""

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any

from faust.tables import TableManager
from faust.tables.recovery import Recovery, ServiceStopped
from faust.types import TP
from mode import Service
from mode.utils.queues import ThrowableQueue

from schemas.errors import HeroldError, TableWriteError

log = logging.getLogger(__name__)

STEP_TIMEOUT = 300.0  # seconds of a step that Faust limits; the requests in it are repeated until Kafka answers
EVENT_TIMEOUT = 5.0  # seconds; how often recovery checks for its end while no event arrives, as in Faust


class RecoveryTimeoutError(TimeoutError):
    """A step of table recovery took longer than STEP_TIMEOUT."""


class ChangelogTruncatedError(HeroldError):
    """A table was written up to a changelog offset that the changelog topic no longer has."""


class StrictRecovery(Recovery):
    """Faust's recovery; it applies every event of the changelogs in order, or ends the worker with the error."""

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0) -> None:
        """Faust's hook for a new assignment: forgets what is fetched but not written. It is read again from the stored offsets."""
        self.tables.changelog_queue.clear()
        self.buffers.clear()
        self.active_offsets.clear()
        self.standby_offsets.clear()
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def on_stop(self) -> None:
        """Faust's hook: writes what is buffered. If that fails the stop goes on; the rows are read again at the next start."""
        try:
            await super().on_stop()
        except TableWriteError as error:
            log.error("recovered rows are not written and will be read again: %s", error)

    async def _wait(self, coro: Any, timeout: Any = None) -> None:
        try:
            await super()._wait(coro, timeout and STEP_TIMEOUT)
        except ServiceStopped:
            if self.should_stop:
                raise
            raise RecoveryTimeoutError(
                f"a step of table recovery took longer than {STEP_TIMEOUT:g} s; restart the worker to recover again"
            ) from None

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Faust's hook after a recovery, which it also calls if a stop, an error or a new assignment ended the recovery early."""
        is_stopping = self.app.should_stop or self.should_stop  # an app that stops stops this service last
        if not (is_stopping or self.signal_recovery_start.is_set()):
            await super().on_recovery_completed(generation_id)

    def _set_recovery_started(self) -> None:
        super()._set_recovery_started()
        self.signal_recovery_end.clear()

    async def _build_highwaters(self, consumer: Any, tps: set[TP], destination: Any, title: str) -> None:
        await super()._build_highwaters(consumer, tps, destination, title)
        self._require_stored_offsets(destination, self.active_offsets if title == "active" else self.standby_offsets)

    def _require_stored_offsets(self, highwaters: Mapping[TP, int], offsets: Mapping[TP, int | None]) -> None:
        # Faust's own check passes if either offset is 0. The events up to the stored offset would then count as applied.
        for tp, highwater in highwaters.items():
            offset = offsets.get(tp)
            if offset is not None and offset > highwater:
                path = self.tp_to_table[tp].data.partition_path(tp.partition)
                raise ChangelogTruncatedError(
                    f"{tp.topic} partition {tp.partition} ends at offset {highwater}, but {path} was written up to {offset}; if this "
                    "repeats after a restart, the changelog lost records: delete this directory to recover the rows that are left"
                )

    async def _seek_offsets(self, consumer: Any, tps: set[TP], offsets: Mapping[TP, int], title: str) -> None:
        # Faust seeks to the last applied offset. If that was removed, the position is out of range and aiokafka moves it silently.
        await consumer.seek_wait({tp: offsets[tp] + 1 for tp in tps})

    @Service.task
    async def _slurp_changelogs(self) -> None:
        """Apply the events of the changelog queue; an error ends the worker."""
        while not self.should_stop:
            try:
                async with asyncio.timeout(EVENT_TIMEOUT):
                    event = await self.tables.changelog_queue.get()
            except TimeoutError:
                pass
            else:
                self._buffer_event(event)
            if self.in_recovery and not self.need_recovery():
                self.flush_buffers()
                self._set_recovery_ended()
                self.signal_recovery_end.set()

    def _buffer_event(self, event: Any) -> None:
        """Buffer an event that is not applied yet; write the buffer if it is full. Raises TableWriteError."""
        tp, offset = event.message.tp, event.message.offset
        if event.message.generation_id != self.app.consumer_generation_id:
            return  # its partition is read again from the stored offset, here or by another worker
        if tp in self.standby_tps:
            offsets = self.standby_offsets
        elif tp in self.active_tps and self.in_recovery:
            offsets = self.active_offsets
            self._active_events_received_at[tp] = monotonic()
        else:
            return  # not assigned; or recovered, and the rows since then are this worker's own
        seen_offset = offsets.get(tp)
        if seen_offset is not None and offset <= seen_offset:
            return
        offsets[tp] = offset
        table = self.tp_to_table[tp]
        self.buffers[table].append(event)
        if len(self.buffers[table]) >= table.recovery_buffer_size:
            self.flush_buffers()


class StrictTableManager(TableManager):
    """Faust's table manager with StrictRecovery and a changelog queue that resuming the flow does not empty."""

    @property
    def recovery(self) -> Recovery:
        """The service that recovers tables from their changelogs."""
        if self._recovery is None:  # type: ignore[has-type]
            self._recovery = StrictRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    @property
    def changelog_queue(self) -> ThrowableQueue:
        """The queue of changelog events. Only StrictRecovery empties it."""
        if self._changelog_queue is None:  # type: ignore[has-type]
            self._changelog_queue = self.app.FlowControlQueue(maxsize=self.app.conf.stream_buffer_maxsize, clear_on_resume=False)
        return self._changelog_queue
