"""notifications.status -> notifications, deliveries, delivery_logs."""

from collections.abc import Sequence

from agents.recorder.events import DecodedRecord, build_history_batch, build_recorded_dead_letter, decode_events, split_in_half
from agents.recorder.group_recorder import GroupRecorder
from schemas.enums import Reason
from schemas.errors import UnstorableRowError
from schemas.history import HistoryBatch
from schemas.ports import Batch


class Recorder(GroupRecorder[DecodedRecord]):
    """Records decided and status events. A record that cannot be decoded or stored becomes a dead letter."""

    def _decode(self, batch: Batch) -> list[DecodedRecord]:
        return decode_events(batch)

    async def _write(self, items: Sequence[DecodedRecord]) -> None:
        """Write one commit; if a row cannot be stored, write each half, down to the single record, which becomes a dead letter."""
        try:
            await self._writer.write(build_history_batch(items))
        except UnstorableRowError as error:
            if len(items) == 1:
                dead_letter = build_recorded_dead_letter(items[0], Reason.UNSTORABLE, str(error))
                await self._writer.write(HistoryBatch(dead_letters=[dead_letter]))
                return
            for half in split_in_half(items):
                await self._write(half)
