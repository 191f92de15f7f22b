"""Reads records whose headers have names that are no text: to Kafka a name is any bytes, aiokafka reads it as UTF-8.

Its C parser gives up at such a name, and the partition would stand still for good: one record of one producer stops everybody behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

LENGTH_POSITION, BODY_POSITION = 8, 12  # bytes in a batch before its length, and before what the length counts


def patch_header_decoding() -> None:
    """Once, when a worker starts: the change holds for the whole process."""
    fetcher.MemoryRecords = LenientMemoryRecords


class LenientMemoryRecords:
    """What aiokafka's fetcher asks of the batches in an answer of Kafka."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._position, self._records = raw, 0, MemoryRecords(raw)

    def has_next(self) -> bool:
        """Whether another whole batch is there."""
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """Of all batches, whole or not."""
        return len(self._raw)

    def next_batch(self) -> LenientRecordBatch:
        """The next batch."""
        begin = self._position
        self._position += BODY_POSITION + int.from_bytes(self._raw[begin + LENGTH_POSITION : begin + BODY_POSITION], "big")
        return LenientRecordBatch(self._records.next_batch(), memoryview(self._raw)[begin : self._position])


class LenientRecordBatch:
    """A batch as the C parser reads it; if it cannot, as the Python one does, which is slow and lets names be spoilt."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch, self._raw = batch, raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            return iter(LenientBatchParser(bytearray(self._raw)))


class LenientBatchParser(_DefaultRecordBatchPy):
    """aiokafka's own parser in Python, over bytes that can always be read as text."""

    _buffer: Any

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = LenientBytes(self._buffer)


class LenientBytes(bytearray):
    """Bytes in whose text U+FFFD stands for what is none."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return LenientBytes(found) if isinstance(place, slice) else found

    def decode(self, *given: Any) -> str:
        """The text."""
        return super().decode("utf-8", "replace")
