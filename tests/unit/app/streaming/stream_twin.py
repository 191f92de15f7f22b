"""A stand-in for a Faust stream and its consumer: batches in, acknowledgements noted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from schemas.ports import Batch


class Line(NamedTuple):
    offset: int
    timestamp: int = 0
    key: bytes | None = b"k"
    value: bytes | None = b"v"
    headers: tuple[tuple[str, bytes], ...] = ()


def a_batch(first: int, last: int) -> Batch:
    return Batch("notifications.low", 3, [Line(offset) for offset in range(first, last + 1)])


class Message(NamedTuple):
    value: Batch


class Event(NamedTuple):
    message: Message


class ConsumerTwin:
    """Notes which batches were acknowledged and which were let go, by their first offset."""

    def __init__(self) -> None:
        self.acked: list[int] = []
        self.let_gone: list[int] = []

    def ack(self, message: Message) -> None:
        self.acked.append(message.value.records[0].offset)

    def let_go(self, message: Message) -> None:
        self.let_gone.append(message.value.records[0].offset)


class AppTwin:
    def __init__(self) -> None:
        self.consumer = ConsumerTwin()


class StreamTwin:
    """Gives these batches, then waits for ever, or ends as a stopped stream does."""

    def __init__(self, *batches: Batch, ends: bool = True) -> None:
        self.app = AppTwin()
        self.enable_acks = True
        self.current_event: Event | None = None
        self._batches = batches
        self._ends = ends

    async def __aiter__(self) -> AsyncIterator[Any]:
        for batch in self._batches:
            self.current_event = Event(Message(batch))
            yield batch
        if not self._ends:
            await asyncio.Event().wait()
