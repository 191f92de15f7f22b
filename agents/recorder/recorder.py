"""notifications.status -> notifications, deliveries, delivery_logs; reports of providers also change consent."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from agents.recorder.events import DecodedRecord, build_history_batch, build_recorded_dead_letter, decode_events, split_in_half
from agents.recorder.follow_ups import FollowUps
from agents.recorder.group_recorder import GroupRecorder
from agents.recorder.retrying_writer import WriteObserver
from schemas.enums import Reason
from schemas.errors import UnstorableRowError
from schemas.history import HistoryBatch
from schemas.ports import Batch, Clock, Sleep
from schemas.store_ports import HistoryWriter


class Recorder(GroupRecorder[DecodedRecord]):
    """Records decided and status events and reports of providers. A record that cannot be decoded or stored becomes a dead letter."""

    def __init__(
        self,
        store: HistoryWriter,
        sleep: Sleep,
        clock: Clock,
        observer: WriteObserver,
        on_failure: Callable[[BaseException], None],
        linger: float,
        max_records: int,
        on_consent_changed: Callable[[Collection[str]], Awaitable[None]],
        follow_ups: FollowUps | None = None,
    ) -> None:
        """`on_consent_changed`: called with users after a commit that has changed their consent; it does not raise."""
        super().__init__(store, sleep, clock, observer, on_failure, linger, max_records)
        self._on_consent_changed, self._follow_ups = on_consent_changed, follow_ups

    def _decode(self, batch: Batch) -> list[DecodedRecord]:
        return decode_events(batch)

    async def _follow_up(self, items: Sequence[DecodedRecord]) -> None:
        if self._follow_ups is not None:
            await self._follow_ups.run([item.event for item in items], self._report_retry)

    async def _write(self, items: Sequence[DecodedRecord]) -> None:
        """Write one commit; if a row cannot be stored, write each half, down to the single record, which becomes a dead letter."""
        try:
            written = await self._writer.write(build_history_batch(items))
        except UnstorableRowError as error:
            if len(items) == 1:
                dead_letter = build_recorded_dead_letter(items[0], Reason.UNSTORABLE, str(error))
                await self._writer.write(HistoryBatch(dead_letters=[dead_letter]))
                return
            for half in split_in_half(items):
                await self._write(half)
        else:
            if written.changed_users:
                await self._on_consent_changed(written.changed_users)
