"""Batches as agents see them: acknowledged when the next one is asked for, or held until the agent says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from schemas.ports import Batch


class FaustBatchHandle:
    """Implements schemas.ports.HeldBatch."""

    __slots__ = ("_consumer", "batch", "message")

    def __init__(self, message: Any, consumer: Any) -> None:
        self.batch: Batch = message.value
        self.message = message
        self._consumer = consumer

    def ack(self) -> None:
        """The last record of the batch has ended; a second call does nothing."""
        self._consumer.ack(self.message)

    def release(self) -> None:
        """No rebalance or stop waits for the batch any longer; it comes again unless it is acknowledged before."""
        self._consumer.release(self.message)


class BatchHandleStream:
    """All batches of one Faust stream; neither an exception in the agent nor its cancellation acknowledges anything."""

    def __init__(self, stream: Any) -> None:
        # Faust acknowledges an event whatever becomes of it, also when the agent raises or is cancelled: switched off for good.
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


class AutoAckBatches:
    """Batches one after the other: asking for the next one acknowledges the one before."""

    def __init__(self, handles: AsyncIterator[FaustBatchHandle]) -> None:
        self._handles = handles
        self.current_handle: FaustBatchHandle | None = None

    def __aiter__(self) -> AsyncIterator[Batch]:
        return self

    async def __anext__(self) -> Batch:
        if self.current_handle is not None:
            self.current_handle.ack()
            self.current_handle = None
        self.current_handle = await anext(self._handles)
        return self.current_handle.batch

    def release_current(self) -> None:
        """Give up the current batch without acknowledging it."""
        if self.current_handle is not None:
            self.current_handle.release()
            self.current_handle = None
