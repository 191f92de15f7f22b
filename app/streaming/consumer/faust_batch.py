"""A batch in Faust: its message, and the handle through which an agent acknowledges it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from faust.types import TP
from faust.types.tuples import ConsumerMessage

from schemas.ports import Batch


class BatchMessage(ConsumerMessage):
    """The Faust message of a batch; implements commit.offset_commit.TrackedBatch."""

    first_offset: int
    unfinished_records: int
    unfinished_bytes: int
    is_tracked = False


def build_message(tp: TP, records: Any, position: int, generation: int) -> BatchMessage:
    """The message of a batch; its offset is the last one before the position, which may be that of a control batch.

    Faust's stream silently skips a message whose generation is not the app's.
    """
    batch = Batch(tp.topic, tp.partition, records)
    timestamp, timestamp_type = (records[-1].timestamp / 1000, records[-1].timestamp_type) if records else (0.0, 0)
    message = BatchMessage(
        tp.topic, tp.partition, position - 1, timestamp, timestamp_type, {}, None, batch, None, 0, 0, tp, generation_id=generation
    )
    message.first_offset = batch.first_offset
    message.unfinished_records, message.unfinished_bytes = len(batch), batch.size
    return message


class FaustBatchHandle:
    """Implements schemas.ports.BatchHandle."""

    __slots__ = ("_consumer", "batch", "message")

    def __init__(self, message: Any, consumer: Any) -> None:
        self.batch: Batch = message.value
        self.message = message
        self._consumer = consumer

    def ack(self) -> None:
        """Acknowledge the batch; a second call has no effect."""
        self._consumer.ack(self.message)

    def set_unfinished(self, records: int, size: int) -> None:
        """Report how many records and bytes are unfinished; the others make room for new batches."""
        self._consumer.set_unfinished(self.message, records, size)

    def release(self) -> None:
        """Stop rebalances and stops from waiting for the batch; it is redelivered unless it is acknowledged before."""
        self._consumer.release(self.message)

    def hold(self) -> None:
        """Let rebalances and stops wait for the batch again."""
        self._consumer.hold(self.message)


class BatchHandleStream:
    """The batches of one Faust stream; neither an exception in the agent nor its cancellation acknowledges a batch."""

    def __init__(self, stream: Any) -> None:
        # By default Faust acknowledges an event even if the agent raises or is cancelled.
        stream.enable_acks = False
        self._stream = stream
        self._values = aiter(stream)
        self.is_exhausted = False
        self.last_handle: FaustBatchHandle | None = None

    def __aiter__(self) -> AsyncIterator[FaustBatchHandle]:
        return self

    async def __anext__(self) -> FaustBatchHandle:
        try:
            await anext(self._values)
        except StopAsyncIteration:
            self.is_exhausted = True
            raise
        self.last_handle = FaustBatchHandle(self._stream.current_event.message, self._stream.app.consumer)
        return self.last_handle
