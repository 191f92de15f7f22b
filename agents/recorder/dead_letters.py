"""notifications.dlq -> dead_letters, so that operators can search and redrive dead letters."""

from collections.abc import Callable, Sequence

from agents.recorder.group_recorder import GroupRecorder
from agents.recorder.retrying_writer import WriteObserver
from schemas.dead_letter import decode_dead_letter
from schemas.history import HistoryBatch, RecordedDeadLetter
from schemas.ports import Batch, Clock, Sleep
from schemas.store_ports import HistoryWriter

MAX_GROUP_SIZE = 500  # dead letters in one commit; each may have a value of 1,000,000 bytes


class DeadLetterRecorder(GroupRecorder[RecordedDeadLetter]):
    """Records dead letters."""

    def __init__(
        self,
        store: HistoryWriter,
        sleep: Sleep,
        clock: Clock,
        observer: WriteObserver,
        on_failure: Callable[[BaseException], None],
        linger: float,
    ) -> None:
        super().__init__(store, sleep, clock, observer, on_failure, linger, MAX_GROUP_SIZE)

    def _decode(self, batch: Batch) -> list[RecordedDeadLetter]:
        return decode_dead_letters(batch)

    async def _write(self, items: Sequence[RecordedDeadLetter]) -> None:
        await self._writer.write(HistoryBatch(dead_letters=items))


def decode_dead_letters(batch: Batch) -> list[RecordedDeadLetter]:
    """The dead letters of a batch, each with the topic, partition and offset of its record."""
    return [
        RecordedDeadLetter(
            record.timestamp / 1000,
            batch.topic,
            batch.partition,
            record.offset,
            decode_dead_letter(record.key, record.value, record.headers),
        )
        for record in batch.records
    ]
