"""Fakes of a Faust stream and its consumer, which record acknowledgements."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from schemas.ports import Batch
from tests.fakes import FakeRecord


def build_batch(first: int, last: int) -> Batch:
    return Batch("notifications.low", 3, [FakeRecord(offset) for offset in range(first, last + 1)])


class FakeMessage(NamedTuple):
    value: Batch


class FakeEvent(NamedTuple):
    message: FakeMessage


class FakeConsumer:
    """Records which batches were acknowledged and which were released, by their first offset."""

    def __init__(self) -> None:
        self.acked_offsets: list[int] = []
        self.released_offsets: list[int] = []
        self.unfinished: dict[int, tuple[int, int]] = {}

    def ack(self, message: FakeMessage) -> None:
        self.acked_offsets.append(message.value.records[0].offset)

    def set_unfinished(self, message: FakeMessage, records: int, size: int) -> None:
        self.unfinished[message.value.first_offset] = records, size

    def release(self, message: FakeMessage) -> None:
        self.released_offsets.append(message.value.records[0].offset)


class FakeStreamApp:
    def __init__(self) -> None:
        self.consumer = FakeConsumer()


class FakeStream:
    """Yields these batches, then ends as a stopped stream does, or waits forever."""

    def __init__(self, *batches: Batch, ends: bool = True) -> None:
        self.app = FakeStreamApp()
        self.enable_acks = True
        self.current_event: FakeEvent | None = None
        self._batches = batches
        self._ends = ends

    async def __aiter__(self) -> AsyncIterator[Any]:
        for batch in self._batches:
            self.current_event = FakeEvent(FakeMessage(batch))
            yield batch
        if not self._ends:
            await asyncio.Event().wait()
