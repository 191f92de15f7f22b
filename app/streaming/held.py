"""Batches as agents see them: acknowledged when the next one is asked for, or held until the agent says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from schemas.ports import Batch


class Held:
    """Implements schemas.ports.HeldBatch."""

    __slots__ = ("_consumer", "batch", "message")

    def __init__(self, message: Any, consumer: Any) -> None:
        self.batch: Batch = message.value
        self.message = message
        self._consumer = consumer

    def ack(self) -> None:
        """The last record of the batch has ended; a second call does nothing."""
        self._consumer.ack(self.message)

    def let_go(self) -> None:
        """No rebalance or stop waits for the batch any longer; it comes again unless it is acknowledged before."""
        self._consumer.let_go(self.message)


class HeldBatches:
    """All batches of one Faust stream; neither an exception in the agent nor its cancellation acknowledges anything."""

    def __init__(self, stream: Any) -> None:
        # Faust acknowledges an event whatever becomes of it, also when the agent raises or is cancelled: switched off for good.
        stream.enable_acks = False
        self._stream = stream
        self._values = aiter(stream)
        self.ended = False
        self.last: Held | None = None

    def __aiter__(self) -> AsyncIterator[Held]:
        return self

    async def __anext__(self) -> Held:
        try:
            await anext(self._values)
        except StopAsyncIteration:
            self.ended = True
            raise
        self.last = Held(self._stream.current_event.message, self._stream.app.consumer)
        return self.last


class PlainBatches:
    """Batches one after the other: asking for the next one acknowledges the one before."""

    def __init__(self, held: AsyncIterator[Held]) -> None:
        self._held = held
        self.current: Held | None = None

    def __aiter__(self) -> AsyncIterator[Batch]:
        return self

    async def __anext__(self) -> Batch:
        if self.current is not None:
            self.current.ack()
            self.current = None
        self.current = await anext(self._held)
        return self.current.batch

    def drop(self) -> None:
        """Give up the current batch without acknowledging it."""
        if self.current is not None:
            self.current.let_go()
            self.current = None
