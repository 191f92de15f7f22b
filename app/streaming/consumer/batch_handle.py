"""Batches as agents see them: each with a handle, through which the agent acknowledges it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from schemas.ports import Batch


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
