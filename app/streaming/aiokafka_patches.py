"""Reads records whose header names are invalid UTF-8; invalid bytes are replaced by U+FFFD.

Kafka allows any bytes in a header name, but aiokafka decodes it as UTF-8. Its C parser raises on invalid UTF-8, and the consumer would
never get past such a record.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

LENGTH_POSITION, BODY_POSITION = 8, 12  # byte offsets in a record batch: of its length field, and of the part that this length counts


def patch_header_decoding() -> None:
    """Apply the patch to the whole process; call it once at start."""
    fetcher.MemoryRecords = LenientMemoryRecords


class LenientMemoryRecords:
    """The record batches of a fetch response, with the interface of aiokafka's MemoryRecords."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._position, self._records = raw, 0, MemoryRecords(raw)

    def has_next(self) -> bool:
        """Whether there is another complete batch."""
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """The size of all batches, including an incomplete one."""
        return len(self._raw)

    def next_batch(self) -> LenientRecordBatch:
        """The next batch."""
        start = self._position
        self._position += BODY_POSITION + int.from_bytes(self._raw[start + LENGTH_POSITION : start + BODY_POSITION], "big")
        return LenientRecordBatch(self._records.next_batch(), memoryview(self._raw)[start : self._position])


class LenientRecordBatch:
    """A batch parsed by the C parser; if that raises UnicodeDecodeError, by the slower LenientBatchParser."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch, self._raw = batch, raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            return iter(LenientBatchParser(bytearray(self._raw)))

    def __next__(self) -> Any:
        """The record of a control batch. Control records have no headers."""
        return next(self._batch)


class LenientBatchParser(_DefaultRecordBatchPy):
    """aiokafka's pure Python parser, over LenientBytes."""

    _buffer: Any

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = LenientBytes(self._buffer)


class LenientBytes(bytearray):
    """Bytes that decode as UTF-8 without an error."""

    def __getitem__(self, index: Any) -> Any:
        item = super().__getitem__(index)
        return LenientBytes(item) if isinstance(index, slice) else item

    def decode(self, *args: Any) -> str:
        """The bytes as text; invalid UTF-8 is replaced by U+FFFD, whatever the arguments."""
        return super().decode("utf-8", "replace")
